"""`labelloop round`: suspects to the desk, and later what that found and what it bought."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..command_list import InOrder
from ..ledgers import author_option, dataset_options, ledger_library, open_ledger

_number_option = click.option("--round", "number", type=click.IntRange(1), help="Which round; else the last.")
_least_option = click.option(
    "--least", type=click.FloatRange(min=0), default=0.0, metavar="N",
    help="It is worth going on from N wrong images a minute; else while suspects beat chance.",
)  # fmt: skip


@click.group(name="round", cls=InOrder)
def command() -> None:
    """Correct the labels that are probably wrong, and prove what that bought.

    \b
    Example:
      labelloop round start won --budget 60
      labelloop round status won
      labelloop round report won --train
    """


@command.command("start")
@dataset_options
@click.option("--budget", type=click.IntRange(2), help="So many images at most, audit images counted; else 60.")
@click.option("--minutes", type=click.FloatRange(min=1), help="So many minutes of a person's time instead.")
@click.option(
    "--with", "start", default="labels", show_default=True, metavar="labels|nothing|RUN",
    help="What people start from; images of the split test always start with nothing.",
)  # fmt: skip
@click.option("--run", default="", help="The model that is asked about unlabelled images; else the suspects' own.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the audit images.")
@click.option("--anyway", is_flag=True, help="Go on with suspects that were found before labels changed.")
@click.option(
    "--image-address", default="", metavar="TEMPLATE",
    help="Where a Label Studio elsewhere finds an image, with {key} in it.",
)  # fmt: skip
def start_command(
    name: str, home: Path | None, as_json: bool, budget: int | None, minutes: float | None, start: str, run: str,
    seed: int, anyway: bool, image_address: str,
) -> None:  # fmt: skip
    """Send the best suspects of the data set NAME to Label Studio, a tenth of images drawn by chance among them.

    Nobody at the desk can tell which are which. Images of the split test show no labels;
    unlabelled images that the model is least sure of go along, with a detector's boxes.

    \b
    Example:
      labelloop round start won --budget 60
      labelloop round start won --minutes 30
    """
    from ..output import progress_bar, say, show_json

    if budget and minutes:
        raise click.UsageError("say either --budget or --minutes")
    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace

    with ledger_library():
        from ..desks import open_desk
        from ..round_reports import started_json, started_text
        from ..rounds import Asked, plan_round, send_round

    workspace = find_workspace(home)
    asked = Asked(budget or 60, minutes or 0.0, seed, start, run, anyway)
    with progress_bar("looking at unlabelled images") as progress:
        planned = plan_round(workspace, ledger, asked, progress)
    with open_desk(workspace, name, image_address) as desk, progress_bar("pushing") as progress:
        round, reports = send_round(workspace, ledger, desk, planned, asked, progress)
    if as_json:
        show_json(started_json(round, reports))
    else:
        say(started_text(round, reports))


@command.command("status")
@dataset_options
@_number_option
@_least_option
def status_command(name: str, home: Path | None, as_json: bool, number: int | None, least: float) -> None:
    """Say how far a round of the data set NAME is: done, errors found, what is left, whether to go on.

    Counts are of the last pull; Label Studio is not asked.

    \b
    Example:
      labelloop round status won
    """
    from ..output import say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace
    from ...training.rounds.round import find_round
    from ..round_reports import status_report_json, status_text
    from ..rounds import status_of

    workspace = find_workspace(home)
    status = status_of(workspace, ledger, find_round(workspace, name, number or 0), least)
    if as_json:
        show_json(status_report_json(status))
    else:
        say(status_text(status))


@command.command("settle")
@dataset_options
@click.option("--round", "number", type=click.IntRange(1), help="Only of images that this round sent; else of all.")
def settle_command(name: str, home: Path | None, as_json: bool, number: int | None) -> None:
    """Take what people said of the split test of NAME who did not see its labels.

    A blind answer changes nothing by itself, whether a round or a push sent the image. Here it
    becomes the label where it says another class, another box or none; boxes drawn a little
    otherwise stay. The exit status is 1 where people differ among each other: labelloop
    conflicts lists that. labelloop revert --round undoes what was taken for a round.

    \b
    Example:
      labelloop round settle won
    """
    from ..output import say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace
    from ...training.rounds.round import find_round
    from ..blind_answers import settle_blind
    from ..round_reports import settled_blind_text

    workspace = find_workspace(home)
    round = find_round(workspace, name, number) if number else None
    done = settle_blind(workspace, ledger, round)
    if as_json:
        about = {"name": name, "round": round.id if round else None}
        show_json({**about, "taken": done.taken, "as_good_as_same": done.as_good_as_same, "differ": list(done.left)})
    else:
        say(settled_blind_text(name, round, done))
    sys.exit(1 if done.left else 0)


@command.command("report")
@dataset_options
@_number_option
@_least_option
@click.option(
    "--train", is_flag=True, help="Train the new model, with the old one's own settings, and the old one if need be."
)
@click.option(
    "--seeds", type=click.IntRange(2, 20), help="Train old and new with so many seeds, for their spread; with --train."
)
@click.option(
    "--old", default="", metavar="RUN", help="The model from before; else the one that the suspects are from."
)
@click.option("--new", default="", metavar="RUN", help="The model from after; else the last one like the old.")
@author_option
def report_command(
    name: str, home: Path | None, as_json: bool, number: int | None, least: float, train: bool, seeds: int | None,
    old: str, new: str, author: str,
) -> None:  # fmt: skip
    """Say what a round of the data set NAME changed, and what that bought.

    Old and new model are judged by the old and the new labels of the split test, so that a better
    model and a moved ruler are told apart, with an interval over images. The report is
    kept in the round's folder, as JSON and as a page, and in the ledger's history.

    \b
    Example:
      labelloop round report won --train
      labelloop round report won --train --seeds 3
    """
    from ..output import say, show_json

    if seeds and not train:
        raise click.UsageError("--seeds needs --train")
    if train and new:
        raise click.UsageError("--train makes the new model: leave --new out")
    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace
    from ...training.rounds.report import report_json
    from ...training.rounds.round import find_round
    from ..round_reports import report_text
    from ..round_training import report_round

    workspace = find_workspace(home)
    round = find_round(workspace, name, number or 0)
    report, page = report_round(
        workspace, ledger, round, train=train, seeds=seeds or 1, old=old, new=new, author=author, least=least
    )
    if as_json:
        show_json({**report_json(report), "page": str(page)})
    else:
        say(report_text(report, str(page)))


@command.command("list")
@dataset_options
def list_command(name: str, home: Path | None, as_json: bool) -> None:
    """List the rounds of the data set NAME.

    \b
    Example:
      labelloop round list won
    """
    from ..output import say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace
    from ...training.rounds.report import read_verdicts
    from ...training.rounds.round import list_rounds
    from ..round_reports import rounds_text, status_report_json
    from ..rounds import status_of

    workspace = find_workspace(home)
    statuses = [status_of(workspace, ledger, round) for round in list_rounds(workspace, name)]
    verdicts = read_verdicts(workspace, [each.round for each in statuses])
    if as_json:
        rows = [{**status_report_json(each), "verdict": verdicts.get(each.round.id)} for each in statuses]
        show_json({"name": name, "rounds": rows})
    else:
        say(rounds_text(statuses, verdicts))
