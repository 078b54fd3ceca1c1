"""`labelloop commit`: what was edited in the window, into the ledger."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..ledgers import author_option, dataset_options, open_ledger


@click.command(name="commit")
@dataset_options
@click.option("-m", "--message", default="", help="What was done and why.")
@author_option
@click.option("--dry-run", is_flag=True, help="Say what would be committed, and commit nothing.")
@click.option(
    "--on-conflict",
    type=click.Choice(["refuse", "mine", "ledger"]),
    default="refuse",
    show_default=True,
    help="Where others changed the same since: commit nothing, take the window's side, or the ledger's.",
)
@click.option("--remove", is_flag=True, help="Images that were deleted in the window go from the ledger too.")
@click.option("--new-classes", is_flag=True, help="Take labels that are not among the classes; they become classes.")
@click.option("--skip-bad", is_flag=True, help="Leave out edits that cannot be taken, instead of committing nothing.")
def command(
    name: str, home: Path | None, as_json: bool, message: str, author: str, dry_run: bool, on_conflict: str,
    remove: bool, new_classes: bool, skip_bad: bool,
) -> None:  # fmt: skip
    """Commit what was edited in the window of the data set NAME; the window then shows the new version.

    Edits are found by comparing every sample with the version that the window shows, box by
    box and by id. The exit status is 1 where edits could not be taken.

    \b
    Example:
      labelloop commit won -m "boxes on the dark photos"
    """
    from ..output import progress_bar, say, show_json

    ledger = open_ledger(home, name)
    from typing import cast

    from ...datasets.changes import changes_between
    from ...datasets.errors import LabelloopError
    from ...datasets.window import find_edits, open_window
    from ...datasets.window_commits import OnConflict, commit_window
    from ...datasets.workspace import find_workspace
    from ..ledger_reports import edits_json, edits_text
    from ..windows import fiftyone_session

    with fiftyone_session(find_workspace(home), author), progress_bar("reading the window"):
        window = open_window(ledger)
        if window is None:
            raise LabelloopError(f"{name} has no window to commit from; labelloop browse {name} opens one")
        if dry_run:
            edits, commit, waiting = find_edits(window, new_classes=new_classes), None, ""
        else:
            done = commit_window(
                window, author=author, message=message, on_conflict=cast("OnConflict", on_conflict), remove=remove,
                new_classes=new_classes, skip_bad=skip_bad,
            )  # fmt: skip
            edits, commit, waiting = done.edits, done.commit, done.waiting
    changes = changes_between(edits.before, edits.changed)
    if as_json:
        show_json({"name": name, **edits_json(edits, changes, commit, waiting)})
    else:
        say(edits_text(edits, changes, commit, waiting, dry_run=dry_run))
    sys.exit(1 if edits.problems or waiting else 0)
