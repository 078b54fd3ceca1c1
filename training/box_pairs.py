"""Predictions and boxes of one image, pair by pair: how far they overlap, and which prediction gets which box."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .detection_problem import Ids, Numbers, Problem

_PAIRS = 4_000_000
"""So many pairs are compared at a time: 130 MB."""

Flags = npt.NDArray[np.bool_]


class Pairs:
    """Every prediction with every box of its image that it touches: their numbers, their IoU, and the part of it that is inside."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._found, self._boxes = _columns(problem.found_boxes), _columns(problem.boxes)
        parts = [self._touching(chunk) for chunk in _chunks(problem)]
        self.prediction, self.box = (np.concatenate([part[at] for part in parts]).astype(np.int64) for at in (0, 1))
        self.iou, self.inside = self._overlap(self.prediction, self.box)

    def best(self, which: Flags) -> tuple[Numbers, Ids]:
        """By prediction the largest IoU with one of these boxes, and its number; 0 and -1 where there is none."""
        iou = np.zeros(len(self._problem.found_images))
        box = np.full(len(iou), -1, np.int64)
        order = np.lexsort((-self.box[which], self.iou[which]))  # the last one stays
        prediction = self.prediction[which][order]
        iou[prediction], box[prediction] = self.iou[which][order], self.box[which][order]
        return iou, box

    def with_box(self, box: Ids) -> Numbers:
        """By prediction the IoU with the box of this number; 0 for -1."""
        iou, _ = self._overlap(np.flatnonzero(box >= 0), box[box >= 0])
        values = np.zeros(len(box))
        values[box >= 0] = iou
        return values

    def matched(self, which: Flags) -> Ids:
        """By prediction the box that it gets, -1 for none: the first chooses first, the largest IoU that is left.

        Of boxes that it overlaps alike it takes the last, as COCO has it. Predictions of an image must be in the order of their scores.
        """
        partner = [-1] * len(self._problem.found_images)
        order = np.lexsort((-self.box[which], -self.iou[which], self.prediction[which]))
        taken: set[int] = set()
        prediction, box = self.prediction[which][order].tolist(), self.box[which][order].tolist()
        for at, wanted in zip(prediction, box, strict=True):
            if partner[at] < 0 and wanted not in taken:
                partner[at] = wanted
                taken.add(wanted)
        return np.array(partner, np.int64)

    def _touching(self, predictions: Ids) -> tuple[Ids, Ids]:
        """The pairs of these predictions that share a pixel."""
        problem = self._problem
        images = problem.found_images[predictions]
        first = np.searchsorted(problem.images, images, "left")
        many = np.searchsorted(problem.images, images, "right") - first
        left = np.repeat(predictions, many)
        right = np.arange(len(left)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
        for axis in (0, 1):
            low, high = self._found[axis][left], self._found[axis + 2][left]
            # A prediction without a side shares nothing, wherever it lies.
            touching = (low < self._boxes[axis + 2][right]) & (self._boxes[axis][right] < high) & (low < high)
            left, right = left[touching], right[touching]
        return left, right

    def _overlap(self, predictions: Ids, boxes: Ids) -> tuple[Numbers, Numbers]:
        """IoU, and the part of the prediction that is inside the box, pair by pair."""
        sides = [
            np.minimum(self._found[axis + 2][predictions], self._boxes[axis + 2][boxes])
            - np.maximum(self._found[axis][predictions], self._boxes[axis][boxes])
            for axis in (0, 1)
        ]
        shared = np.maximum(sides[0], 0.0) * np.maximum(sides[1], 0.0)
        area = self._found[4][predictions]
        return shared / (area + self._boxes[4][boxes] - shared), shared / area


def _columns(boxes: Numbers) -> tuple[Numbers, ...]:
    """x1, y1, x2, y2 and the area of boxes (x, y, width, height), a column each: many times as fast as by row."""
    x, y, width, height = (np.ascontiguousarray(boxes[:, at]) for at in range(4))
    return x, y, x + width, y + height, width * height


def _chunks(problem: Problem) -> list[Ids]:
    """The numbers of the predictions, so many at a time that all pairs of theirs fit into memory."""
    boxes = np.bincount(problem.images, minlength=len(problem.keys) + 1)
    pairs = np.cumsum(boxes[problem.found_images])
    ends = np.searchsorted(pairs, np.arange(_PAIRS, int(pairs[-1]) if len(pairs) else 0, _PAIRS))
    return np.split(np.arange(len(problem.found_images)), ends)
