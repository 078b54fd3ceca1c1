"""`labelloop diff`: what changed between two versions of a data set."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import dataset_options, open_ledger


@click.command(name="diff")
@dataset_options
@click.argument("before", type=click.IntRange(0), required=False)
@click.argument("after", type=click.IntRange(0), required=False)
@click.option("--all", "everything", is_flag=True, help="Show every change, not the first twenty.")
def command(
    name: str, home: Path | None, as_json: bool, before: int | None, after: int | None, everything: bool
) -> None:
    """Say what changed in the data set NAME from version BEFORE to AFTER: boxes added, deleted, moved, renamed.

    Without AFTER it is the last version, and without both what the last commit changed.

    \b
    Example:
      labelloop diff won 1 3
    """
    from ..output import say, show_json

    ledger = open_ledger(home, name)
    latest = ledger.version() if after is None else after
    first = max(latest - 1, 0) if before is None else before
    changes = ledger.changes(first, latest)
    from ..ledger_reports import diff_json, diff_text

    classes = ledger.classes(latest)
    if as_json:
        show_json({"name": name, **diff_json(changes, classes, first, latest)})
    else:
        say(diff_text(changes, classes, first, latest, everything))
