"""Several sizes of a model trained as runs of their own, here or on a Ray cluster."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.workspace import Workspace
from ..training.detector import Request, begin_detector, train_detector
from ..training.jobs import run_jobs
from ..training.runs import Run, find_run
from .output import say
from .training_progress import EpochTeller, epoch_line


def train_on_ray(workspace: Workspace, name: str, request: Request, models: Sequence[str]) -> list[Run]:
    """The runs of these models, in their order, once all have ended.

    Raises:
        LabelloopError: one of them failed; the text has the reason, and the others are done all the same.
    """
    augmentation = request.augmentation
    if Path(augmentation).is_file():  # a node stands in another folder
        request = replace(request, augmentation=str(Path(augmentation).resolve()))
    jobs = [partial(train_one, str(workspace.home), name, replace(request, model=model)) for model in models]
    trained: dict[int, str] = {}
    failed: list[str] = []
    for done in run_jobs(jobs, "ray"):
        if done.value is None:
            failed.append(f"{models[done.number]}: {done.error}")
            say(failed[-1])
        else:
            trained[done.number] = done.value
            say(f"{models[done.number]}: {done.value} is done")
    if failed:
        raise LabelloopError("; ".join(failed))
    return [find_run(workspace, trained[number]) for number in sorted(trained)]


def train_one(home: str, name: str, request: Request) -> str:
    """The id of a run, begun and trained in this process; on a cluster, planned for the node that trains it.

    Raises:
        LabelloopError: the workspace is not on this node, or what `begin_detector` and `train_detector` raise.
    """
    workspace = Workspace(Path(home))
    node = platform.node()
    if not workspace.ledger(name).is_dir():
        raise LabelloopError(
            f"{workspace.ledger(name)} is not there on {node}: the workspace must lie on storage that all nodes share"
        )
    run = begin_detector(workspace, Ledger(workspace.ledger(name)), request)
    train_detector(workspace, run, EpochTeller(epoch_line))
    return run.id
