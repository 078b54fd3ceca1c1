"""What an annotator sees: labeling configs, samples as tasks and answers back, push and pull."""
