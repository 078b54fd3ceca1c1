"""Rounds of correction: what is sent to the desk, what came of it, and what that bought, with its uncertainty."""
