"""What an annotator sees: labeling configs, tasks and the desk. Nothing is here yet; see CHANGELOG.md."""
