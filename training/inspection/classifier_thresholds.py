"""From which score on a classifier is to be believed: how many pictures are left at each, and how many of them are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..classification_metrics import Judged

WANTED = (0.95, 0.99)
"""Accuracies that somebody may ask of the pictures on which a classifier is believed."""

_GRID = np.array([number / 100 for number in range(101)], np.float64)


@dataclass(frozen=True, slots=True)
class Kept:
    """A confidence, the part of the pictures whose likeliest class has it at least, and the accuracy on those; None on none."""

    confidence: float
    kept: float
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class ClassThresholds:
    """What each confidence brings, on one split.

    `at_accuracy` is, by an accuracy that is wanted, the point that reaches it and keeps most pictures; one that no point
    reaches is not in it. `best_of` is for each class that has pictures the score from which on to take a picture for it, if
    only that class mattered: the one with the best F1, in the middle where several are equally good.
    """

    split: str
    points: tuple[Kept, ...]
    at_accuracy: Mapping[float, Kept]
    best_of: Mapping[str, float]


def find_class_thresholds(split: str, judged: Judged, classes: Sequence[str]) -> ClassThresholds:
    """What each confidence brings.

    Args:
        split: its name; a confidence is chosen on val, and only looked at on test.
        judged: the true classes and the scores.
        classes: the names, in the order of the scores.
    """
    sure = judged.scores.max(axis=1, initial=0.0)
    right = judged.predicted == judged.truth
    points = tuple(_kept(float(confidence), right[sure >= confidence], len(right)) for confidence in _GRID)
    at_accuracy: dict[float, Kept] = {}
    for wanted in WANTED:
        enough = [each for each in points if each.accuracy is not None and each.accuracy >= wanted]
        if enough:
            # Of equals the highest: new pictures are rarely kinder than those it was chosen on.
            at_accuracy[wanted] = max(enough, key=lambda each: (each.kept, each.confidence))
    best_of = {
        name: _best(judged.truth == at, judged.scores[:, at])
        for at, name in enumerate(classes)
        if (judged.truth == at).any()
    }
    return ClassThresholds(split, points, at_accuracy, best_of)


def _kept(confidence: float, right: npt.NDArray[np.bool_], total: int) -> Kept:
    accuracy = float(right.mean()) if len(right) else None
    return Kept(confidence, len(right) / total if total else 0.0, accuracy)


def _best(of_class: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> float:
    taken = scores >= _GRID[:, None]
    right = (taken & of_class).sum(axis=1)
    f1 = 2 * right / (taken.sum(axis=1) + of_class.sum())
    top = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(_GRID[top[len(top) // 2]])
