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
@click.option(
    "--serve/--no-serve", "serve", default=None, help="Only serve both pages; or do not serve them at the end."
)
def command(folder: Path, serve: bool | None) -> None:
    """Draw sample data and take it through every step, saying the command of each, then serve both browser pages.

    Run again, it goes on where it stopped. Ctrl-C stops the pages.

    \b
    Example:
      labelloop demo --to demo
      labelloop demo --to demo --serve
    """
    from ..demo import run_demo, serve_demo
    from ..output import say

    if not serve:
        run_demo(folder, say)
    if serve is not False:
        serve_demo(folder, say)
