"""`labelloop revert`: undo a commit, an author's or a round's, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ...datasets.workspace import default_author
from ..ledgers import dataset_options, message_option, open_ledger


@click.command(name="revert")
@dataset_options
@click.option(
    "--commit", "commits", type=click.IntRange(1), multiple=True, help="The version to undo; may be repeated."
)
@click.option("--author", "by", default="", metavar="AUTHOR", help="Undo every commit of this author.")
@click.option("--round", "round_", default="", help="Undo every commit of this round.")
@click.option(
    "--as",
    "author",
    default=default_author,
    show_default="LABELLOOP_AUTHOR or your login",
    help="Who commits the undoing.",
)
@message_option
def command(
    name: str,
    home: Path | None,
    as_json: bool,
    commits: tuple[int, ...],
    by: str,
    round_: str,
    author: str,
    message: str,
) -> None:
    """Undo commits of the data set NAME by a new one; later changes that do not build upon them stay.

    What cannot be undone without touching later changes is listed, stays, and makes the exit
    status 1.

    \b
    Example:
      labelloop revert won --commit 3
    """
    from ..output import say, show_json

    if bool(commits) + bool(by) + bool(round_) != 1:
        raise click.UsageError("say what to undo by one of --commit, --author and --round")
    ledger = open_ledger(home, name)
    from ...datasets.history import revert
    from ..ledger_reports import undone_json, undone_text

    done = revert(ledger, author=author, commits=commits, by=by, round=round_, message=message)
    if as_json:
        show_json({"name": name, **undone_json(done)})
    else:
        say(undone_text(done))
    sys.exit(1 if done.kept else 0)
