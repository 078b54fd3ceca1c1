"""What a run gets wrong, of which kind, and where: errors, calibration, robustness, and the page that shows them."""
