"""`labelloop conflicts`: where the desk and the ledger, or two people, say different things."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..ledgers import dataset_options, open_ledger


@click.command(name="conflicts")
@dataset_options
def command(name: str, home: Path | None, as_json: bool) -> None:
    """List what nobody has settled yet in the data set NAME: the desk said one thing, the ledger or somebody else another.

    The ledger keeps its side. A conflict is over when the label is changed here, or when the
    people at the desk answer anew. The exit status is 1 where there are any.

    \b
    Example:
      labelloop conflicts won
    """
    from ..output import say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace
    from ...label_config.desk import desk_folder
    from ...label_config.pull import open_conflicts
    from ..desk_reports import conflicts_json, conflicts_text

    found = open_conflicts(ledger, desk_folder(find_workspace(home), name))
    if as_json:
        show_json({"name": name, "conflicts": conflicts_json(found)})
    else:
        say(conflicts_text(found))
    sys.exit(1 if found else 0)
