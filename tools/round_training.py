"""The report of a round, with the trainings that it needs."""

from __future__ import annotations

from pathlib import Path

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.workspace import Workspace
from ..training.rounds.noting import note
from ..training.rounds.page import write_report
from ..training.rounds.report import Report, make_report, new_runs, old_runs
from ..training.rounds.retraining import begin_again, train_again
from ..training.rounds.round import Round
from ..training.runs import Run, list_runs
from .output import say
from .rounds import status_of


def report_round(
    workspace: Workspace, ledger: Ledger, round: Round, *, train: bool = False, seeds: int = 1, old: str = "",
    new: str = "", author: str, least: float = 0.0,
) -> tuple[Report, Path]:  # fmt: skip
    """The report and its page, written and noted in the ledger's history.

    Args:
        train: train the new model where there is none yet on the labels as they are, and the old one where there is none.
        seeds: so many trainings of each.
        old, new: runs by their ids; "" finds them.

    Raises:
        LabelloopError: no such runs, or a training failed.
    """
    status = status_of(workspace, ledger, round, least)
    version = ledger.version()
    before = old_runs(workspace, round, old)
    if train:
        before = before or [_train_old(workspace, ledger, round)]
        before += [
            _trained(workspace, ledger, before[0], before[0].plan.version, seed) for seed in _seeds(before[0], seeds)
        ]
        after = [_trained(workspace, ledger, each, version, each.plan.seed) for each in before]
    else:
        after = new_runs(workspace, ledger, round, before, new)
    report = make_report(workspace, ledger, status, before, after)
    _, page = write_report(workspace, report)
    note(
        ledger, author=author, round=round.id, message=f"{round.id} reported: {report.verdict()}",
        details={"old": ", ".join(report.old), "new": ", ".join(report.new), "looks": str(report.looks)},
    )  # fmt: skip
    return report, page


def _seeds(run: Run, count: int) -> list[int]:
    """The further seeds beside a run's own."""
    return [run.plan.seed + step for step in range(1, count)]


def _train_old(workspace: Workspace, ledger: Ledger, round: Round) -> Run:
    """A detector with the usual settings on the labels as they were; what a classifier is to learn nobody has said.

    Raises:
        LabelloopError: the data set has no boxes to train a detector on.
    """
    from ..training.detector import Request, begin_detector

    if not ledger.frame(round.version, where="count > 0").height:
        raise LabelloopError(
            f"there is no model from before {round.id}: labelloop train classifier {round.dataset} --version {round.version}"
            " trains one with the settings that you choose"
        )
    run = begin_detector(workspace, ledger, Request(version=round.version))
    return _watched(workspace, run)


def _trained(workspace: Workspace, ledger: Ledger, like: Run, version: int, seed: int) -> Run:
    """A run like another one on a version, with a seed: one that is there and done, else trained now."""
    for run in list_runs(workspace, like.plan.dataset):
        same = (run.plan.seed, run.plan.kind, run.plan.model) == (seed, like.plan.kind, like.plan.model)
        alike = same and run.status() == "done" and _settings(run) == _settings(like)
        if alike and not ledger.changes(run.plan.version, version):  # a report makes a version in which nothing changed
            return run
    return _watched(workspace, begin_again(workspace, ledger, like, version, seed))


def _settings(run: Run) -> dict[str, object]:
    """What decides a training beside version and seed."""
    return {
        name: value for name, value in run.plan.settings.items() if name not in ("seed", "left_out", "class_weights")
    }


def _watched(workspace: Workspace, run: Run) -> Run:
    epochs = int(str(run.plan.settings.get("epochs", 0)))
    say(f"{run.id}: training {run.plan.model} on version {run.plan.version}, seed {run.plan.seed}")
    if run.plan.kind == "detector":
        from .training_progress import detector_progress

        with detector_progress(epochs) as watch:
            return train_again(workspace, run, watch)
    from .classifier_reports import classifier_progress

    with classifier_progress(epochs) as watch:
        return train_again(workspace, run, watch)
