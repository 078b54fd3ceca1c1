"""Folds trained while somebody watches, here or on Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext

from ..datasets.workspace import Workspace
from ..training.runs import Run
from ..training.suspects.folds import Watch, train_folds
from ..training.trainer_files import Progress
from .classifier_reports import classifier_epoch_line
from .output import say
from .training_progress import EpochTeller, epoch_line, training_progress


def watched_folds(workspace: Workspace, runs: Sequence[Run], engine: str) -> Iterator[Run]:
    """Each fold's run as its training ends, with what it says of its epochs on stderr.

    Raises:
        LabelloopError: as `train_folds`.
    """
    first = runs[0].plan
    line = epoch_line if first.kind == "detector" else classifier_epoch_line
    epochs = int(str(first.settings.get("epochs", 0)))
    told = nullcontext(EpochTeller(line)) if engine == "ray" else training_progress(epochs, line)
    with told as watch:
        yield from train_folds(workspace, runs, engine, watch if engine == "ray" else _Announced(watch))


class _Announced:
    """Says which fold begins, then what the watch says."""

    def __init__(self, watch: Callable[[Run, Progress], None]) -> None:
        self._watch: Watch = watch
        self._at = ""

    def __call__(self, run: Run, progress: Progress) -> None:
        if run.id != self._at:
            self._at = run.id
            say(f"fold {run.plan.reasons['fold']}: {run.plan.model} on {run.plan.images.get('train', 0)} images")
        self._watch(run, progress)
