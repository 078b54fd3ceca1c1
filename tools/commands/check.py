"""`labelloop check`: what is wrong with a source."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..options import source_options


@click.command(name="check")
@source_options
@click.option("--headers-only", is_flag=True, help="Read the headers of the images, not the pictures: much faster.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every finding on stdout.")
def command(
    source: Path,
    recipe: str | None,
    source_format: str,
    images: Path | None,
    max_pixels: int,
    headers_only: bool,
    as_json: bool,
) -> None:
    """Say what is wrong with SOURCE and what is in it. Nothing is written.

    Each finding has its place and a severity: it stops an import, it is repaired while
    reading, or it is worth a look. The first ten of each kind are shown, and the counts.

    \b
    Example:
      labelloop check photos --recipe won
    """
    from ...datasets.check import check
    from ...datasets.recipe import read_recipe
    from ..output import progress_bar, say, show_json
    from ..reports import check_json, check_text

    with progress_bar("checking") as progress:
        report = check(
            source,
            read_recipe(recipe) if recipe else None,
            format=source_format,
            images=images,
            decode=not headers_only,
            max_pixels=max_pixels,
            progress=progress,
        )
    if as_json:
        show_json(check_json(report))
    else:
        say(check_text(report))
    sys.exit(1 if report.findings else 0)
