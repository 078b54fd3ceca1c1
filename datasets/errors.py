"""The errors that labelloop raises on purpose."""


class LabelloopError(Exception):
    """Base of everything that labelloop raises on purpose; its text is for people.

    The command line prints the text as one sentence and exits with 1. Whoever
    raises it says what happened, where, and what to do about it.
    """
