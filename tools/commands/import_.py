"""`labelloop import`: a source into the ledger of a data set."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..ledgers import author_option, home_option, json_option, ledger_library, message_option
from ..options import source_options


@click.command(name="import")
@source_options
@click.option("--name", required=True, help="The data set; it is made where there is none.")
@home_option
@author_option
@message_option
@click.option("--polygons", is_flag=True, help="Read polygons as the box around them; each is counted.")
@click.option("--skip-bad", is_flag=True, help="Leave out the images that a finding stops, instead of stopping at all.")
@json_option
def command(
    source: Path, recipe: str | None, source_format: str, images: Path | None, max_pixels: int,
    name: str, home: Path | None, author: str, message: str, polygons: bool, skip_bad: bool, as_json: bool,
) -> None:  # fmt: skip
    """Check SOURCE and commit it to the ledger of a data set; SOURCE is never written to.

    Importing again adds what is new, known by its path and its bytes, and takes over labels
    that changed in SOURCE since; what changed in the ledger too stays, and is said. The
    images stay where they are.

    \b
    Example:
      labelloop import photos --name won --recipe won
    """
    from dataclasses import replace

    from ...datasets.reading import open_source
    from ...datasets.recipe import Recipe, read_recipe
    from ...datasets.workspace import find_workspace
    from ..output import progress_bar, say, show_json

    with ledger_library():
        from ...datasets.importing import import_source
        from ..ledger_reports import import_json, import_text

    how = read_recipe(recipe) if recipe else Recipe()
    if polygons:
        how = replace(how, polygons="boxes")
    reading = open_source(source, how, format=source_format, images=images, max_pixels=max_pixels)
    with progress_bar("importing") as progress:
        report = import_source(
            find_workspace(home), name, reading, author=author, message=message, skip_bad=skip_bad, progress=progress
        )
    if as_json:
        show_json(import_json(report))
    else:
        say(import_text(report))
        say(f"labelloop status {name} says what it holds; labelloop log {name}, what was done to it.")
    sys.exit(1 if report.left_out or report.kept else 0)
