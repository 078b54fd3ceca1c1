"""`labelloop pull`: answers from the desk, into the ledger."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..ledgers import dataset_options, message_option, open_ledger


@click.command(name="pull")
@dataset_options
@click.option(
    "--status",
    type=click.Choice(["submitted", "reviewed"]),
    default="submitted",
    show_default=True,
    help="Which answers count: all that were submitted, or those that a reviewer accepted.",
)
@click.option("--everything", is_flag=True, help="Look at all answers again, not only at those that changed.")
@click.option("--watch", is_flag=True, help="Pull again and again, until Ctrl-C.")
@click.option(
    "--every", type=click.IntRange(1), default=10, show_default=True, help="With --watch: seconds between two pulls."
)
@message_option
def command(
    name: str, home: Path | None, as_json: bool, status: str, everything: bool, watch: bool, every: int, message: str
) -> None:
    """Take what people submitted at the desk into the ledger of the data set NAME, in their names.

    Their changes are merged box by box with those that were made here since the push. What
    contradicts each other stays as the ledger has it and is kept as a conflict, which makes
    the exit status 1: labelloop conflicts lists it. With --watch and --json, each pull prints
    an object of its own.

    \b
    Example:
      labelloop pull won
      labelloop pull won --watch
    """
    from ..output import progress_bar, say, show_json

    ledger = open_ledger(home, name)
    from typing import cast

    from ...datasets.workspace import find_workspace
    from ...label_config.pull import PullReport, pull
    from ...label_config.returned import Status
    from ..blind_answers import those_blind
    from ..desk_reports import pull_json, pull_text
    from ..desks import Desk, open_desk, watch_desk

    workspace = find_workspace(home)
    reports: list[PullReport] = []
    said: list[str] = []

    def look(desk: Desk) -> None:
        with progress_bar("pulling") as progress:
            report = pull(
                ledger, desk.client, desk.folder, desk.images, status=cast("Status", status),
                everything=everything and not reports, message=message or "answers from the desk", progress=progress,
            )  # fmt: skip
        reports[:] = [report]
        if as_json:
            show_json({"name": name, **pull_json(report)})
        elif not watch or report.commits or report.conflicting or report.findings or report.deleted:
            blind = [each.id for each in those_blind(workspace, ledger, report.open)] if report.open else []
            text = pull_text(name, report, blind)
            if text not in said:  # a watch looks at the last minute again and again
                say(text)
            said[:] = [text]

    if watch:
        watch_desk(workspace, name, look, every)
    else:
        with open_desk(workspace, name) as desk:
            look(desk)
    sys.exit(1 if reports and (reports[-1].open or reports[-1].findings) else 0)
