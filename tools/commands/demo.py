"""`labelloop demo`: sample data through everything that labelloop can do so far."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="demo")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="The folder to do it in.",
)
def command(folder: Path) -> None:
    """Draw sample data and take it through every step, saying the command of each.

    Run again, it goes on where it stopped.

    \b
    Example:
      labelloop demo --to demo
    """
    from ..demo import run_demo
    from ..output import say

    run_demo(folder, say)
