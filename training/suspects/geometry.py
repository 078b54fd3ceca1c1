"""How unlike the other boxes of its class a box is, by its width and height: evidence that needs no model.

Of each class the logarithms of width and height, in parts of the image's, have a middle and a spread, which are read off
the labels robustly (median, and median absolute deviation), so that some wrong labels do not move them. Of a class with
few labels all labels speak as well.

Reference: Rousseeuw and Croux, Alternatives to the median absolute deviation, JASA 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...datasets.schema import Sample
from .features import Ids, Numbers

OUTLIER = 4.5
"""From so many spreads off a box is called an outlier: of a bell curve 1 of 147,000 is so far off on either side, of real boxes more."""
ENOUGH = 20
"""Labels that a class has at least, for one of its boxes to be called an outlier."""

_TO_SIGMA = 1.4826
"""The standard deviation of a bell curve whose median absolute deviation is 1."""
_LEAST_SPREAD = 0.05
"""Boxes of one class that differ by less than 5 % are taken to differ by that: a person draws no better."""
_SHRINK = 10.0
"""All labels speak for a class as if they were so many of its own."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The middle and the spread of log width, log height and log aspect by class, each (classes, 3); `counts`, (classes,)."""

    middle: Numbers
    spread: Numbers
    counts: Ids

    def off(self, corners: Numbers, classes: Ids, sizes: Numbers) -> Numbers:
        """By how many spreads each box is off in width, height and aspect, (n, 3), below 0 for smaller ones.

        Args:
            corners: (n, 4), in pixels.
            classes: (n,), their numbers; those that are not known are 0 off.
            sizes: width and height of each box's image, (n, 2).
        """
        known = classes < len(self.counts)
        which = np.where(known, classes, 0)
        if not len(self.counts):
            return np.zeros((len(classes), 3))
        off = (_logs(corners, sizes) - self.middle[which]) / self.spread[which]
        return np.where(known[:, None], off, 0.0)

    def unlike(self, corners: Numbers, classes: Ids, size: tuple[int, int]) -> Numbers:
        """How unlike its class each box on an image of this size is, (n,): the logarithm of 1 and its greatest `off`."""
        off = self.off(corners, classes, np.tile(np.array(size, np.float64), (len(classes), 1)))
        return np.log1p(np.abs(off).max(axis=1)) if len(classes) else np.zeros(0)


def find_geometry(corners: Numbers, classes: Ids, sizes: Numbers, class_count: int) -> Geometry:
    """What the boxes of each class are like; arguments as for `Geometry.off`."""
    counts = np.bincount(classes, minlength=class_count)[:class_count].astype(np.int64)
    if not len(classes):
        return Geometry(np.zeros((class_count, 3)), np.ones((class_count, 3)), counts)
    logs = _logs(corners, sizes)
    of_all = _middle_and_spread(logs)
    middle, spread = np.tile(of_all[0], (class_count, 1)), np.tile(of_all[1], (class_count, 1))
    for number in range(class_count):
        own = logs[classes == number]
        if not len(own):
            continue
        part = len(own) / (len(own) + _SHRINK)
        own_middle, own_spread = _middle_and_spread(own)
        middle[number] = part * own_middle + (1 - part) * of_all[0]
        spread[number] = part * own_spread + (1 - part) * of_all[1]
    return Geometry(middle, np.maximum(spread, _LEAST_SPREAD), counts)


def find_outliers(samples: Sequence[Sample], classes: Sequence[str]) -> dict[tuple[str, str], str]:
    """What is unlike about the boxes that are outliers of their class, by image key and box id."""
    number_of = {label: number for number, label in enumerate(classes)}
    rows = [(sample, box) for sample in samples for box in sample.boxes if box.label in number_of]
    corners = np.array([box.corners for _, box in rows], np.float64).reshape(-1, 4)
    numbers = np.array([number_of[box.label] for _, box in rows], np.int64)
    sizes = np.array([tuple(sample.size) for sample, _ in rows], np.float64).reshape(-1, 2)
    geometry = find_geometry(corners, numbers, sizes, len(classes))
    off = geometry.off(corners, numbers, sizes)
    found: dict[tuple[str, str], str] = {}
    for (sample, box), each, number in zip(rows, off.tolist(), numbers.tolist(), strict=True):
        words = outlier_words(each, box.label) if geometry.counts[number] >= ENOUGH else ""
        if words:
            found[sample.key, box.id] = words
    return found


def outlier_words(off: Sequence[float], label: str) -> str:
    """What is unlike about a box that is an outlier, "" where nothing is; `off` as of `Geometry.off`."""
    wide, high, long = off
    if max(abs(wide), abs(high), abs(long)) < OUTLIER:
        return ""
    if abs(long) >= max(abs(wide), abs(high)):
        return f"its shape is unlike other boxes of {label}: {'flatter' if long > 0 else 'taller'} than nearly all"
    if abs(wide) >= abs(high):
        return f"{'wider' if wide > 0 else 'narrower'} than nearly all boxes of {label}"
    return f"{'higher' if high > 0 else 'lower'} than nearly all boxes of {label}"


def _logs(corners: Numbers, sizes: Numbers) -> Numbers:
    sides = np.maximum(corners[:, 2:] - corners[:, :2], 1e-6) / sizes
    logs = np.log(sides)
    return np.column_stack([logs, np.log(sides[:, 0] * sizes[:, 0] / (sides[:, 1] * sizes[:, 1]))])


def _middle_and_spread(logs: Numbers) -> tuple[Numbers, Numbers]:
    middle = np.median(logs, axis=0)
    return middle, np.maximum(_TO_SIGMA * np.median(np.abs(logs - middle), axis=0), _LEAST_SPREAD)
