"""`labelloop inspect`: what a run gets wrong, of which kind, and where."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import author_option, home_option, json_option, ledger_library


@click.command("inspect")
@click.argument("run")
@click.option("--split", default="", help="The split to look at; else the one that the run is judged on.")
@click.option(
    "--html",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the page goes; else inspection/SPLIT.html in the run's folder.",
)
@click.option("--window/--no-window", default=True, show_default=True, help="Show it in the data set's window too.")
@click.option(
    "--heat-maps/--no-heat-maps", default=True, show_default=True,
    help="Of a classifier: where it looked (Grad-CAM); takes some 15 seconds.",
)  # fmt: skip
@author_option
@home_option
@json_option
def command(
    run: str, split: str, target: Path | None, window: bool, heat_maps: bool, author: str, home: Path | None, as_json: bool
) -> None:  # fmt: skip
    """Say what the run RUN gets wrong: each error with its kind, and what mending each kind would gain.

    The whole is a page of its own, with pictures and plots, that needs no network. Where the
    data set has a window, it gets the run's predictions with their kinds, and a view of each kind.

    \b
    Example:
      labelloop inspect won-3
      labelloop inspect won-3 --split val --json
    """
    from ...datasets.workspace import find_workspace
    from ..output import progress_bar, say, show_json

    with ledger_library():
        from ...training.inspection.page import write_page
        from ...training.runs import find_run
        from ..inspect_reports import inspection_json, inspection_text
        from ..inspecting import inspect_any, show_in_window, where_it_looked

    workspace = find_workspace(home)
    found = find_run(workspace, run)
    with progress_bar("measuring images") as progress:
        inspection = inspect_any(workspace, found, split, progress)
    path = target or found.folder / "inspection" / f"{inspection.split}.html"
    with progress_bar("looking where it looked"):
        heat, trouble = where_it_looked(found, inspection) if heat_maps else ({}, "")
    with progress_bar("drawing the page"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_page(inspection, found, path, heat=heat)
    with progress_bar("showing it in the window"):
        shown = show_in_window(workspace, found, inspection, author, heat) if window else ""
    if as_json:
        show_json({**inspection_json(inspection), "page": str(path), "window": shown})
        return
    say(inspection_text(inspection))
    say(f"\nWith pictures and plots: {path}")
    for sentence in (trouble, shown):
        if sentence:
            say(sentence)
