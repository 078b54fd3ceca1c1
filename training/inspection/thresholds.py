"""The confidence that serves best: what each one finds, how much of it is wrong, and how often it cries wolf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ...datasets.schema import Sample
from ..detection_metrics import Curves
from ..detection_problem import to_problem

ALARMS = (0.01, 0.05, 0.1)
"""Parts of the images without a box on which something may be found."""


@dataclass(frozen=True, slots=True)
class Point:
    """A confidence with the means over the classes of what it brings; `false_alarms` is None where no image is without a box."""

    confidence: float
    precision: float | None
    recall: float | None
    f1: float | None
    false_alarms: float | None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What each confidence brings, on one split.

    `best` has the best mean F1, `best_of` that of each class that has boxes. `at_alarms` is, by the part of images without
    a box on which something may be found, the point with the best recall that keeps to it; empty where all have boxes.
    """

    split: str
    points: tuple[Point, ...]
    best: float
    best_of: Mapping[str, float]
    at_alarms: Mapping[float, Point]


def find_thresholds(
    split: str, truth: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str]
) -> Thresholds:
    """What each confidence brings.

    Args:
        split: its name; a confidence is chosen on val, and only looked at on test.
        truth: images with their labels.
        predictions: rows of `BOXES`.
    """
    curves = Curves(to_problem(truth, predictions, classes))
    grid = np.round(np.linspace(0.0, 1.0, 101), 2)
    points = tuple(_point(curves, float(confidence)) for confidence in grid)
    best_of: dict[str, float] = {}
    for at, name in enumerate(classes):
        if curves.asked[at]:
            f1 = [curves.of_class(at, float(confidence))["f1"] or 0.0 for confidence in grid]
            top = np.flatnonzero(np.array(f1) >= max(f1) - 1e-12)
            best_of[name] = float(grid[top[len(top) // 2]])
    at_alarms: dict[float, Point] = {}
    for part in ALARMS:
        allowed = [each for each in points if each.false_alarms is not None and each.false_alarms <= part]
        if allowed:
            at_alarms[part] = max(allowed, key=lambda each: (each.recall or 0.0, each.confidence))
    return Thresholds(split, points, curves.best(), best_of, at_alarms)


def _point(curves: Curves, confidence: float) -> Point:
    said = curves.overall(confidence)
    values = (said[name] for name in ("precision", "recall", "f1", "false_alarms"))
    return Point(confidence, *(None if value is None else float(value) for value in values))
