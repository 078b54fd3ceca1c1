"""`labelloop restore`: a data set as it was at a version."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import author_option, dataset_options, message_option, open_ledger


@click.command(name="restore")
@dataset_options
@click.option("--version", type=click.IntRange(0), required=True, help="The version to go back to.")
@author_option
@message_option
def command(name: str, home: Path | None, as_json: bool, version: int, author: str, message: str) -> None:
    """Make the data set NAME say again what it said at a version, by a new commit; the history stays.

    \b
    Example:
      labelloop restore won --version 2
    """
    from ..output import say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.history import restore
    from ..ledger_reports import commit_json, commit_line

    commit = restore(ledger, version, author=author, message=message)
    if as_json:
        show_json({"name": name, "commit": commit_json(commit) if commit else None})
    else:
        say(commit_line(commit))
