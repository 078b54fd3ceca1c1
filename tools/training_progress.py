"""How far a training is: a bar with an estimate where somebody watches, else a line an epoch."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from ..training.runs import Run
from ..training.trainer_files import Progress
from .output import say

EpochLine = Callable[[Mapping[str, Any], int, float | None], str]
"""From the row of an epoch, how many there are, and the seconds until the end if they are known, to a line."""

_PHASES = {"read": "reading the images", "start": "starting the trainer", "predict": "predicting", "score": "scoring"}


@contextmanager
def detector_progress(epochs: int) -> Generator[Callable[[Run, Progress], None]]:
    """A function to call with a detector's run and how far it is."""
    with training_progress(epochs, epoch_line) as watch:
        yield watch


@contextmanager
def training_progress(epochs: int, line: EpochLine) -> Generator[Callable[[Run, Progress], None]]:
    """A function to call with the run and how far it is: a line an epoch, and a bar where somebody watches."""
    lines = _Lines(epochs, line, say_phases=not sys.stderr.isatty())
    if not sys.stderr.isatty():
        yield lines
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting the trainer", total=float(epochs))

        def show(run: Run, progress: Progress) -> None:
            if lines.run not in ("", run.id):
                bar.reset(task)
            lines(run, progress)
            if progress.phase == "train":
                done = progress.epoch - 1 + progress.done / max(progress.total, 1)
                text = f"epoch {progress.epoch} of {progress.epochs}, batch {progress.done} of {progress.total}"
                bar.update(task, completed=done, description=text)
            else:
                bar.update(task, description=_phase(progress))

        yield show


def epoch_line(row: Mapping[str, Any], epochs: int, left: float | None = None) -> str:
    """One finished epoch on a line; what its row does not say is left out.

    Args:
        left: seconds until the end, if it is known.
    """
    parts = [f"epoch {row['epoch']} of {epochs}, {duration(float(row['seconds']))}"]
    for title, names in (
        ("train", (("loss", "train/loss"),)),
        ("val", (("loss", "val/loss"), ("mAP50", "val/mAP50"), ("mAP50-95", "val/mAP50-95"))),
    ):
        said = [f"{label} {row[name]:.3f}" for label, name in names if isinstance(row.get(name), int | float)]
        if said:
            parts.append(f"{title} {', '.join(said)}")
    return "; ".join(parts) + (f" (about {duration(left)} left)" if left and left >= 1 else "")


def stopped_text(run: Run, kind: str) -> str:
    """How far a training came that somebody stopped, and how it goes on."""
    epochs = run.plan.settings.get("epochs", 0)
    return (
        f"{run.id} is stopped after {len(run.epochs())} of {epochs} epochs: labelloop train {kind} --resume {run.id}"
        " goes on"
    )


def duration(seconds: float) -> str:
    """A time span for people: `4.2 s`, `3 min 5 s`, `2 h 11 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


class EpochTeller:
    """Writes a line an epoch to stderr, with its run before it, from wherever the run trains: Ray brings it here.

    It can be sent to another process.
    """

    def __init__(self, line: EpochLine) -> None:
        self._line = line
        self._known = -1

    def __call__(self, run: Run, progress: Progress) -> None:
        """Write what is new of a run."""
        fold = run.plan.reasons.get("fold")
        name, rows = f"fold {fold}" if fold else run.id, run.epochs()
        if self._known < 0:
            self._known = len(rows) if progress.phase in ("read", "start") else 0
            tell(f"{name}: {run.plan.model} begins on {platform.node()}")
        for row in rows[self._known :]:
            tell(f"{name}: {self._line(row, int(str(run.plan.settings.get('epochs', 0))), None)}")
        self._known = max(self._known, len(rows))


def tell(text: str) -> None:
    """Write a line that Ray brings to whoever waits for the job."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class _Lines:
    def __init__(self, epochs: int, line: EpochLine, *, say_phases: bool) -> None:
        self.epochs = epochs
        self.line = line
        self.say_phases = say_phases
        self.run = ""
        self.known = -1
        self.phase = ""

    def __call__(self, run: Run, progress: Progress) -> None:
        rows = run.epochs()
        if run.id != self.run:  # one after the other
            self.run, self.known, self.phase = run.id, -1, ""
        if self.known < 0 and progress.phase in ("read", "start"):
            self.known = len(rows)
            if rows:
                say(f"  going on after epoch {len(rows)}")
        for row in rows[max(self.known, 0) :]:
            mean = sum(float(str(each["seconds"])) for each in rows) / len(rows)
            say(f"  {self.line(row, self.epochs, (self.epochs - int(str(row['epoch']))) * mean)}")
        self.known = max(self.known, len(rows))
        phase = _phase(progress)
        if phase != self.phase and self.say_phases:
            say(f"  {phase} ...") if phase else None
        self.phase = phase


def _phase(progress: Progress) -> str:
    said = _PHASES.get(progress.phase, "")
    return f"{said} {progress.split}".strip()
