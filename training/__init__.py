"""What learns and what it teaches us: classifier, detector, runs, findings."""
