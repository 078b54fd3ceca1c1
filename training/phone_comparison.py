"""How far an exported model says what the original says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..datasets.schema import Json

Scores = NDArray[np.float64]
"""A classifier's scores, (n, classes)."""
Found = NDArray[np.float64]
"""The boxes on one image, (n, 6): corners in pixels, score, class."""

NEAR = 16.0
"""Boxes whose corners lie further apart than so many pixels are no pair."""


def compare_scores(before: Scores, after: Scores) -> dict[str, Json]:
    """How far two models' scores, (n, classes), differ: the largest and the mean difference, and how many classes changed."""
    off = np.abs(before - after)
    return {
        "images": len(before),
        "largest difference of a score": float(off.max()),
        "mean difference of a score": float(off.mean()),
        "images with another class": int((before.argmax(axis=1) != after.argmax(axis=1)).sum()),
    }


def compare_boxes(before: Sequence[Found], after: Sequence[Found]) -> dict[str, Json]:
    """How far two models' boxes differ: each is paired with the nearest of its class on the same image that is not taken.

    Boxes that are further from it than `NEAR` have no partner; they are counted.
    """
    moved, scored, alone = [0.0], [0.0], 0
    for ours, theirs in zip(before, after, strict=True):
        free = list(range(len(theirs)))
        for box in ours:
            same = [place for place in free if theirs[place, 5] == box[5]]
            nearest = min(same, key=lambda place: float(np.abs(theirs[place, :4] - box[:4]).max()), default=None)
            if nearest is None or np.abs(theirs[nearest, :4] - box[:4]).max() > NEAR:
                alone += 1
                continue
            free.remove(nearest)
            moved.append(float(np.abs(theirs[nearest, :4] - box[:4]).max()))
            scored.append(float(abs(theirs[nearest, 4] - box[4])))
        alone += len(free)
    return {
        "images": len(before),
        "boxes": sum(len(boxes) for boxes in before),
        "boxes without a partner": alone,
        "largest movement of a corner in pixels": max(moved),
        "largest difference of a score": max(scored),
    }
