"""`labelloop blame`: who set the labels of an image, and what they were before."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import dataset_options, open_ledger


@click.command(name="blame")
@dataset_options
@click.argument("key")
@click.option("--box", default="", help="Only the box of this id.")
def command(name: str, home: Path | None, as_json: bool, key: str, box: str) -> None:
    """Say who changed the image KEY of the data set NAME, with which tool, when, and what it was before.

    \b
    Example:
      labelloop blame won photos/1000/1000_B_DESK_0_4.jpg
    """
    from ..output import say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.history import blame
    from ...datasets.tree import to_key
    from ..ledger_reports import blame_json, blame_text

    steps = blame(ledger, to_key(key), box)
    if as_json:
        show_json({"name": name, **blame_json(to_key(key), steps)})
    else:
        say(blame_text(steps))
