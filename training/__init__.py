"""What learns and what it teaches us: classifier, detector, runs, findings. Nothing is here yet; see CHANGELOG.md."""
