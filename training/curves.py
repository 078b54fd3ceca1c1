"""What a run's epochs say: which was the best, and where it began to learn its images by heart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .plans import Kind
from .results import MAIN

RISE = 0.02
"""By so much of itself the loss on val must have risen again before it is called overfitting; less is noise."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a run's epochs say.

    `best` is the epoch (from 1) whose weights the run keeps: a detector's with the best main metric on val (the last of
    equals, as Ultralytics has it), a classifier's with the lowest loss on val (the first of equals), which its patience
    counts from. `metric` is the main metric on val of that epoch, `train_loss` and `val_loss` are its losses, and `gap` is val's less train's. `overfitting` is the first epoch after which the loss on val
    rose for good while that on train fell on; None where it did not. None is also what the epochs do not say.
    """

    epochs: int
    best: int | None
    metric: float | None
    train_loss: float | None
    val_loss: float | None
    gap: float | None
    overfitting: int | None


def read_curve(rows: Sequence[Mapping[str, Any]], kind: Kind) -> Curve:
    """The curve of a run's epochs, in order; all None for a run without any."""
    metric = f"val/{MAIN[kind][0]}"
    by_loss = kind == "classifier" or not any(_number(row, metric) is not None for row in rows)
    decides = "val/loss" if by_loss else metric
    ranked = [(value, row) for row in rows if (value := _number(row, decides)) is not None]
    if by_loss:
        best = min(ranked, key=lambda each: each[0], default=(None, None))[1]
    else:
        best = max(reversed(ranked), key=lambda each: each[0])[1]
    if best is None:
        return Curve(len(rows), None, None, None, None, None, find_overfitting(rows))
    train, val = _number(best, "train/loss"), _number(best, "val/loss")
    gap = val - train if train is not None and val is not None else None
    return Curve(len(rows), int(best["epoch"]), _number(best, metric), train, val, gap, find_overfitting(rows))


def find_overfitting(rows: Sequence[Mapping[str, Any]]) -> int | None:
    """The first epoch, from 1, after which the loss on val rose for good and that on train fell on; None where it did not.

    The rise at the end, which must be `RISE` of the lowest at least, is judged by the better of the last two epochs.
    """
    known = [(row["epoch"], _number(row, "train/loss"), _number(row, "val/loss")) for row in rows]
    points = [(int(epoch), train, val) for epoch, train, val in known if train is not None and val is not None]
    if len(points) < 3:
        return None
    lowest = min(range(len(points)), key=lambda at: (points[at][2], -at))  # the last of equally low ones
    if lowest + 1 == len(points):
        return None
    (_, train, val), (_, train_before, val_before) = points[lowest], points[-2]
    _, train_last, val_last = points[-1]
    # The better of the last two epochs: a single bad one at the end says nothing.
    rose = min(val_before, val_last) if lowest + 2 < len(points) else val_last
    fell = min(train_before, train_last) < train
    return points[lowest + 1][0] if rose > val * (1 + RISE) and fell else None


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else None
