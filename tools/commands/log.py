"""`labelloop log`: the history of a data set."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import dataset_options, open_ledger


@click.command(name="log")
@dataset_options
@click.option("-n", "--limit", type=click.IntRange(1), help="Only so many, the newest.")
def command(name: str, home: Path | None, as_json: bool, limit: int | None) -> None:
    """List the commits of the data set NAME, the newest first: who, when, with what, why, and what changed.

    \b
    Example:
      labelloop log won -n 10
    """
    from ..output import say, show_json

    commits = open_ledger(home, name).commits()
    if limit:
        commits = commits[-limit:]
    from ..ledger_reports import commit_json, log_text

    if as_json:
        show_json({"name": name, "commits": [commit_json(commit) for commit in reversed(commits)]})
    else:
        say(log_text(commits))
