"""What a person touches: the commands and the sample data."""
