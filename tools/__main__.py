"""`python -m labelloop.tools` is the command line."""

from .cli import main

main()
