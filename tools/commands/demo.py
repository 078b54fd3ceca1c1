"""`labelloop demo`: sample data through the whole loop."""

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
@click.option("--quick", is_flag=True, help="Few images and trainings that learn nothing: a third of the time.")
def command(folder: Path, serve: bool | None, quick: bool) -> None:
    """Draw sample data and take it through the whole loop, saying the command of each step, then serve both browser pages.

    It imports, checks, splits, trains, finds suspects, sends them to Label Studio, where a
    scripted annotator corrects them, trains again and reports. Run again, it goes on where it
    stopped. Ctrl-C stops the pages.

    \b
    Example:
      labelloop demo --to demo
      labelloop demo --to demo --serve
    """
    from ..demo import run_demo, serve_demo, steps
    from ..output import say

    if not serve:
        run_demo(folder, say, steps(quick=quick))
    if serve is not False:
        serve_demo(folder, say)
