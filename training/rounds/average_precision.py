"""AP50-95 of a detector when some images count more than once, or not at all: what drawing images anew needs, by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...datasets.schema import Sample
from ..detection_problem import EVERYTHING, judge, to_problem

Numbers = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

_RECALLS: Numbers = np.linspace(0.0, 1.0, 101, dtype=np.float64)
"""COCO reads the precision at these recalls."""
_AT_ONCE = 4_000_000
"""So many numbers are held at once: 32 MB an array."""


_OfImage = tuple[int, Numbers, npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Class:
    """The predictions of one class, the surest first: their image's number, (n,), and whether they are right at each IoU, (10, n).

    `asked` is how many boxes of the class each image has, (images,).
    """

    images: Ids
    right: npt.NDArray[np.bool_]
    scores: Numbers
    asked: Numbers


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector said of `count` images against some labels, matched as COCO matches."""

    classes: tuple[Class, ...]
    count: int

    def values(self, weights: npt.ArrayLike) -> Numbers:
        """The mAP50-95 for each row of weights, (rows,); NaN where no box is asked for.

        Args:
            weights: how often each image counts, (rows, images); whole numbers or not.
        """
        rows = np.atleast_2d(np.asarray(weights, np.float64))
        largest = max((each.right.size for each in self.classes), default=1)
        step = max(1, _AT_ONCE // max(largest, 1))
        parts = [self._some(rows[start : start + step]) for start in range(0, len(rows), step)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def beside(self, other: Detections) -> Detections:
        """Both as one, of twice as many images: this one's first, then the other's.

        With weight 1 on an image in one half and 0 in the other it is judged by what the one detector said.
        """
        joined = [_merged(mine, theirs, self.count) for mine, theirs in zip(self.classes, other.classes, strict=True)]
        return Detections(tuple(joined), self.count + other.count)

    def _some(self, weights: Numbers) -> Numbers:
        total, known = np.zeros(len(weights)), np.zeros(len(weights))
        for each in self.classes:
            asked = weights @ each.asked
            there = asked > 0
            if not there.any():
                continue
            known += there
            total[there] += _average_precision(each, weights[there], asked[there])
        with np.errstate(invalid="ignore"):
            return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def to_detections(truth: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str]) -> Detections:
    """Predictions on images matched with their labels, images in the order given.

    Args:
        truth: images that somebody has looked at for boxes.
        predictions: rows of `BOXES`; those on other images do not count.
    """
    problem = to_problem(truth, predictions, classes)
    evaluator = judge(problem, (("all", 0.0, EVERYTHING),))
    found: list[list[_OfImage]] = [list[_OfImage]() for _ in classes]
    images: list[dict[str, Any] | None] = evaluator.eval_imgs
    for image in images:
        if image is None:
            continue
        scores: Numbers = np.asarray(image["dtScores"], np.float64)
        matched = np.asarray(image["dtMatches"], np.int64).reshape(10, -1) > 0
        ignored: npt.NDArray[np.bool_] = np.asarray(image["dtIgnore"], np.bool_).reshape(10, -1)
        if len(scores):
            counts = np.flatnonzero(~np.any(ignored, axis=0))
            of_class = int(image["category_id"]) - 1
            found[of_class].append((int(image["image_id"]) - 1, scores[counts], matched[:, counts]))
    asked = np.zeros((len(classes), len(truth)))
    real = problem.crowd == 0
    np.add.at(asked, (problem.ids[real] - 1, problem.images[real] - 1), 1)
    return Detections(tuple(_class(each, asked[at]) for at, each in enumerate(found)), len(truth))


def _class(found: Sequence[_OfImage], asked: Numbers) -> Class:
    if not found:
        return Class(np.zeros(0, np.int64), np.zeros((10, 0), bool), np.zeros(0), asked)
    images = np.concatenate([np.full(len(scores), number, np.int64) for number, scores, _ in found])
    scores = np.concatenate([scores for _, scores, _ in found])
    right = np.concatenate([right for _, _, right in found], axis=1)
    order = np.argsort(-scores, kind="stable")
    return Class(images[order], right[:, order], scores[order], asked)


def _merged(one: Class, two: Class, count: int) -> Class:
    scores = np.concatenate([one.scores, two.scores])
    order = np.argsort(-scores, kind="stable")
    images = np.concatenate([one.images, two.images + count])[order]
    right = np.concatenate([one.right, two.right], axis=1)[:, order]
    return Class(images, right, scores[order], np.concatenate([one.asked, two.asked]))


def _average_precision(each: Class, weights: Numbers, asked: Numbers) -> Numbers:
    """The class's AP, the mean over ten IoUs, for rows of weights: (rows,).

    An image that counts twice gives its predictions twice; the points between them lie below the
    envelope of precision, so that a step of two is the same as two steps.
    """
    if not len(each.images):
        return np.zeros(len(weights))
    counts = weights[:, each.images]  # (rows, n)
    seen = np.cumsum(counts, axis=1)
    total = np.zeros(len(weights))
    same: dict[bytes, Numbers] = {}
    for right in each.right:  # at neighbouring IoUs the same predictions are often right
        name = right.tobytes()
        if name not in same:
            same[name] = _at_one_iou(counts * right, seen, asked)
        total += same[name]
    return total / len(each.right)


def _at_one_iou(right: Numbers, seen: Numbers, asked: Numbers) -> Numbers:
    found = np.cumsum(right, axis=1)
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.searchsorted(_RECALLS, found / asked[:, None], side="right")
    steps = np.diff(reached, axis=1, prepend=0)
    return (envelope * steps).sum(axis=1) / len(_RECALLS)
