"""Labels that are probably wrong, ranked by what mending them is worth."""
