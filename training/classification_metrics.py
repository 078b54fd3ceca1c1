"""What a classifier's predictions are worth: accuracy with its interval, and per class, calibration, and by slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ..datasets.schema import Sample
from .results import Metrics, Scores
from .slices import image_slices

BINS = 15
"""Bins of the calibration error, of equal width, as Guo et al. have them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """True classes and the scores of every class: `truth` of shape (n,), `scores` of shape (n, classes), rows that sum to 1."""

    truth: NDArray[np.intp]
    scores: NDArray[np.float64]

    def part(self, which: NDArray[np.intp]) -> Judged:
        """The same of some of the images."""
        return Judged(self.truth[which], self.scores[which])

    @property
    def predicted(self) -> NDArray[np.intp]:
        """The likeliest class of each, (n,); the first of equals."""
        return np.argmax(self.scores, axis=1)


def evaluate(truth: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str]) -> Scores:
    """What predictions on one split are worth.

    Args:
        truth: the images of the split with their labels; those without a prediction are left out.
        rows: of `predictions.LABELS`.
        classes: the names, in the order of the scores.
    """
    scores_of = dict(zip(rows["key"].to_list(), rows["scores"].to_list(), strict=True))
    samples = [sample for sample in truth if sample.key in scores_of and sample.label in classes]
    place = {name: number for number, name in enumerate(classes)}
    judged = Judged(
        np.array([place[sample.label or ""] for sample in samples], np.intp),
        np.array([scores_of[sample.key] for sample in samples], np.float64).reshape(-1, len(classes)),
    )
    where = {sample.key: number for number, sample in enumerate(samples)}
    slices = {
        name: {"images": len(keys), **_short(judged.part(np.array([where[key] for key in keys], np.intp)))}
        for name, keys in image_slices(samples).items()
    }
    return Scores(len(samples), overall_metrics(judged), class_metrics(judged, classes), slices)


def overall_metrics(judged: Judged) -> Metrics:
    """Accuracy with its 95 % interval, mean recall and F1 of the classes, log loss, calibration error, and AUC of two classes.

    What has no value (no image, a class without one) is None.
    """
    table = class_metrics(judged, [str(number) for number in range(judged.scores.shape[1])])
    found: dict[str, float | int | None] = {
        **_short(judged),
        "balanced_accuracy": _mean([row["recall"] for row in table.values()]),
        "macro_f1": _mean([row["f1"] for row in table.values()]),
        "log_loss": log_loss(judged),
        "ece": calibration_error(judged),
    }
    if judged.scores.shape[1] == 2:
        found["auc"] = area_under_roc(judged.truth == 1, judged.scores[:, 1])
    return found


def class_metrics(judged: Judged, classes: Sequence[str]) -> dict[str, Metrics]:
    """Precision, recall and F1 of each class, in their order, with `images`, how many are of it.

    Precision is None where nothing was taken for the class, recall where no image is of it, F1 where neither is.
    """
    table = confusion_matrix(judged)
    found: dict[str, Metrics] = {}
    for number, name in enumerate(classes):
        right, of_class, taken = (
            int(table[number, number]), int(table[number].sum()), int(table[:, number].sum()),
        )  # fmt: skip
        found[name] = {
            "images": of_class,
            "precision": right / taken if taken else None,
            "recall": right / of_class if of_class else None,
            "f1": 2 * right / (of_class + taken) if of_class + taken else None,
        }
    return found


def confusion_matrix(judged: Judged) -> NDArray[np.int64]:
    """How many images of each class (rows) were taken for each class (columns), (classes, classes)."""
    count = judged.scores.shape[1]
    places = judged.truth * count + judged.predicted
    return np.bincount(places, minlength=count * count).astype(np.int64).reshape(count, count)


def wilson_interval(right: int, count: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """The interval that holds the true rate with this confidence, (low, high); None of no image.

    Images of one group are no independent trials, so with groups the interval is rather too short.

    Reference: Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    if not count:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate, scale = right / count, 1 + z * z / count
    middle = (rate + z * z / (2 * count)) / scale
    half = z / scale * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    # At the ends, rounding must not leave out 0 or 1.
    return (0.0 if right == 0 else middle - half, 1.0 if right == count else middle + half)


def calibration_error(judged: Judged, bins: int = BINS) -> float | None:
    """By how much the score of the likeliest class is off the rate at which it is right, 0 to 1; low is good.

    Scores fall into bins of equal width, each closed at its upper end; None of no image.

    Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """
    if not len(judged.truth):
        return None
    best = judged.scores.max(axis=1)
    right = (judged.predicted == judged.truth).astype(np.float64)
    place = np.clip(np.ceil(best * bins).astype(np.intp) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=right - best, minlength=bins)
    return float(np.abs(gaps).sum() / len(best))


def area_under_roc(positive: ArrayLike, scores: ArrayLike) -> float | None:
    """How often an image of the class has a higher score than one that is not of it, ties counting half.

    None where one of the two has no image.

    Reference: Hanley and McNeil, The meaning and use of the area under a ROC curve, 1982.
    """
    of_class: NDArray[np.bool_] = np.asarray(positive, np.bool_)
    many, others = int(of_class.sum()), int((~of_class).sum())
    if not many or not others:
        return None
    _, inverse, counts = np.unique(np.asarray(scores, np.float64), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # equal scores share the mean of their ranks
    return float((ranks[of_class].sum() - many * (many + 1) / 2) / (many * others))


def log_loss(judged: Judged) -> float | None:
    """The mean negative logarithm of the score of the true class; None of no image."""
    if not len(judged.truth):
        return None
    tiny = float(np.finfo(np.float64).eps)
    own = np.clip(judged.scores[np.arange(len(judged.truth)), judged.truth], tiny, 1 - tiny)
    return float(-np.log(own).mean())


def _short(judged: Judged) -> dict[str, float | int | None]:
    count = len(judged.truth)
    right = int((judged.predicted == judged.truth).sum())
    interval = wilson_interval(right, count)
    return {
        "accuracy": right / count if count else None,
        "accuracy_low": interval[0] if interval else None,
        "accuracy_high": interval[1] if interval else None,
    }


def _mean(values: Sequence[Any]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
