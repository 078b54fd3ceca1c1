"""`labelloop status`: what the data sets of the workspace hold."""

from __future__ import annotations

from pathlib import Path

import click

from ..ledgers import home_option, json_option, open_ledger


@click.command(name="status")
@click.argument("name", required=False)
@home_option
@json_option
def command(name: str | None, home: Path | None, as_json: bool) -> None:
    """Say what the data set NAME holds and what was done last, or that of all of them.

    \b
    Example:
      labelloop status won
    """
    from ...datasets.workspace import find_workspace
    from ..output import say, show_json

    workspace = find_workspace(home)
    names = [name] if name else workspace.names()
    if not names and not as_json:
        say(f"No data set in {workspace.home} yet: labelloop import SOURCE --name NAME makes one.")
    found = {each: _status(home, each) for each in names}
    if as_json:
        show_json({"home": str(workspace.home), "datasets": list(found.values())})
        return
    from ..ledger_reports import status_text

    for status in found.values():
        say(status_text(status))


def _status(home: Path | None, name: str) -> dict[str, object]:
    ledger = open_ledger(home, name)
    from ...datasets.reading import Dataset
    from ..ledger_reports import status_json

    version = ledger.version()
    commit = ledger.commit_of(version)
    return status_json(name, Dataset(tuple(ledger.samples(version)), commit.classes), commit)
