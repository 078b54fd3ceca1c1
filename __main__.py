"""`python -m labelloop` is the command line."""

from .tools.cli import main

main()
