"""What predictions say of a labelled box, and of an object that is predicted, as rows of numbers.

Nothing here knows whether a label is right: `planting` gives these rows for labels as they are and for labels that
were spoilt on purpose, and `likelihood` learns to tell the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..detection_problem import NEAR, ON

Numbers = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

LABEL_FEATURES = (
    "same class on it", "other class on it", "same class near it", "other class near it", "anything on it",
    "overlap", "overlap, where sure", "offset", "area", "aspect", "label beneath it", "other less same",
    "unlike its class",
)  # fmt: skip
OBJECT_FEATURES = (
    "score", "score less the next class", "label beneath it", "inside a label", "surer prediction beneath it",
    "support", "area", "aspect", "labels", "unlike its class",
)  # fmt: skip

LABEL_SIGNS = ((1, 11, 0), (7, 5, 6, 2, 0), (4, 2, 3, 8))
"""The columns of `LABEL_FEATURES` that matter most for a wrong class, a wrong place and a spurious box."""
OBJECT_SIGNS = ((0, 1, 2, 4, 8),)
"""The columns of `OBJECT_FEATURES` that matter most for a missing label."""

_FLOOR = 7.0
"""The log-odds of a score of .001, which is the least that is predicted: nothing was found."""
_OBJECT = 0.02
"""Predictions of a lower score are no objects of their own."""
_SAME_OBJECT = 0.55
"""Predictions that overlap by so much are of one object. Two objects that stand close overlap by up to `ON`; two boxes that
a detector gives for one, of different classes, overlap by more."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes on one image: `corners` (n, 4) in pixels, `classes` (n,) their numbers, `scores` (n,); labels have none."""

    corners: Numbers
    classes: Ids
    scores: Numbers

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True, slots=True)
class Objects:
    """What is predicted on one image, each object once: the place of its surest prediction, the best first.

    `second` is the best score of another class on the same place, `support` how many predictions are on it.
    """

    best: Ids
    second: Numbers
    support: Ids


def overlap(one: Numbers, two: Numbers) -> tuple[Numbers, Numbers]:
    """IoU of each box with each, shape (n, m), and the part of the first that is inside the second, (n, m)."""
    low = np.maximum(one[:, None, :2], two[None, :, :2])
    high = np.minimum(one[:, None, 2:], two[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=2)
    first, second = np.prod(one[:, 2:] - one[:, :2], axis=1), np.prod(two[:, 2:] - two[:, :2], axis=1)
    return shared / (first[:, None] + second[None] - shared), shared / first[:, None]


def log_odds(scores: Numbers) -> Numbers:
    """Of scores, within ±7."""
    kept = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.clip(np.log(kept / (1 - kept)), -_FLOOR, _FLOOR)


def label_rows(
    wanted: Boxes, without: Ids, labels: Boxes, found: Boxes, area: float, unlike: Numbers
) -> tuple[Numbers, Ids]:
    """A row of `LABEL_FEATURES` for each box that is or might be labelled, and the number of the surest prediction on or near it.

    Args:
        wanted: the boxes.
        without: by box, the number of the label that it stands in the place of, -1 for none: a prediction that is more
            on another label is not counted for this one.
        area: the image's, in pixels.
        unlike: how unlike its class each is, of `Geometry.unlike`, (n,).
    """
    count = len(wanted)
    iou, _ = overlap(wanted.corners, found.corners)
    with_labels, _ = overlap(labels.corners, found.corners)
    beneath, _ = overlap(wanted.corners, labels.corners)
    mine = np.ones_like(iou, dtype=bool)
    for at in range(count):
        others = np.arange(len(labels)) != without[at]
        beneath[at, ~others] = 0.0
        if others.any() and len(found):
            mine[at] = iou[at] >= with_labels[others].max(axis=0)
    same = wanted.classes[:, None] == found.classes[None]
    odds = log_odds(found.scores)
    on, near = mine & (iou >= ON), mine & (iou >= NEAR) & (iou < ON)
    columns = [_best(odds, which) for which in (on & same, on & ~same, near & same, near & ~same, on)]
    weighed = np.where(mine & (iou >= NEAR), odds[None] + 2 * iou, -np.inf)
    claims = weighed.argmax(axis=1) if len(found) else np.zeros(count, np.int64)
    claimed = np.isfinite(weighed.max(axis=1)) if len(found) else np.zeros(count, bool)
    sides = wanted.corners[:, 2:] - wanted.corners[:, :2]
    agreed, offset, sure = np.zeros(count), np.full(count, 1.0), np.zeros(count)
    for at in np.flatnonzero(claimed):
        each = claims[at]
        agreed[at] = -np.log(1.02 - iou[at, each])
        moved = np.abs(wanted.corners[at] - found.corners[each]) / np.tile(sides[at], 2)
        offset[at] = min(float(moved.max()), 1.0)
        sure[at] = agreed[at] * found.scores[each]
    rows = np.column_stack([
        *columns, agreed, sure, np.log(offset + 0.01), np.log(np.prod(sides, axis=1) / area),
        np.log(sides[:, 0] / sides[:, 1]), beneath.max(axis=1) if len(labels) else np.zeros(count),
        columns[1] - columns[0], unlike,
    ]) if count else np.zeros((0, len(LABEL_FEATURES)))  # fmt: skip
    return rows, np.where(claimed, claims, -1)


def find_objects(found: Boxes) -> Objects:
    """The objects that are predicted on an image."""
    order = np.argsort(-found.scores, kind="stable")
    order = order[found.scores[order] >= _OBJECT]
    iou, _ = overlap(found.corners, found.corners)
    left = np.ones(len(found), bool)
    best: list[int] = []
    second: list[float] = []
    support: list[int] = []
    for at in order.tolist():
        if not left[at]:
            continue
        here = left & (iou[at] >= _SAME_OBJECT)
        others = here & (found.classes != found.classes[at])
        best.append(at)
        second.append(float(found.scores[others].max()) if others.any() else 0.0)
        support.append(int(here.sum()))
        left &= ~here
    return Objects(np.array(best, np.int64), np.array(second), np.array(support, np.int64))


def object_rows(
    objects: Objects, wanted: Ids, without: Ids, labels: Boxes, found: Boxes, area: float, unlike: Numbers
) -> Numbers:
    """A row of `OBJECT_FEATURES` for each of these objects, as if the label `without` (-1: none) were not there.

    `unlike` is how unlike its class each prediction is, of `Geometry.unlike`, as long as `found`.
    """
    if not len(wanted):
        return np.zeros((0, len(OBJECT_FEATURES)))
    best = objects.best[wanted]
    corners, odds = found.corners[best], log_odds(found.scores[best])
    iou, inside = overlap(corners, labels.corners)
    for at, gone in enumerate(without):
        if gone >= 0:
            iou[at, gone] = inside[at, gone] = 0.0
    among, _ = overlap(corners, found.corners[objects.best])
    surer = objects.best[None] != best[:, None]
    surer &= found.scores[objects.best][None] > found.scores[best][:, None]
    none = np.zeros(len(wanted))
    sides = corners[:, 2:] - corners[:, :2]
    return np.column_stack([
        odds, odds - log_odds(objects.second[wanted]),
        iou.max(axis=1) if len(labels) else none, inside.max(axis=1) if len(labels) else none,
        np.where(surer, among, 0.0).max(axis=1), np.log(objects.support[wanted]),
        np.log(np.prod(sides, axis=1) / area), np.log(sides[:, 0] / sides[:, 1]),
        np.minimum(len(labels) - (without >= 0), 4), unlike[best],
    ])  # fmt: skip


def _best(odds: Numbers, which: npt.NDArray[np.bool_]) -> Numbers:
    """By row the largest of those that are marked, -7 where none is."""
    if not which.shape[1]:
        return np.full(len(which), -_FLOOR)
    return np.where(which, odds[None], -_FLOOR).max(axis=1)
