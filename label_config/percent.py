"""Corners in pixels as Label Studio's percentages, and back without losing a bit of what nobody touched.

Label Studio keeps a rectangle as x, y, width and height in percent of the upright image.
Percent and back does not give every float again, so a rectangle that still has the
percentages that a box was sent with is that box, with its own corners.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from ..datasets.geometry import Corners
from ..datasets.schema import Size

UNTOUCHED = 1e-7
"""Percentages nearer than this are the same: the browser's own arithmetic moves them by 1e-13, a hand by 1e-3."""

OVER_THE_EDGE = 1e-3
"""So many percent may a rectangle reach over the edge of its image without a word; it is cut there."""


class Percent(NamedTuple):
    """A rectangle in percent of the upright image: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


def to_percent(corners: Corners, size: Size) -> Percent:
    """The rectangle for corners (x1, y1, x2, y2) in pixels."""
    x1, y1, x2, y2 = corners
    return Percent(
        100.0 * x1 / size.width,
        100.0 * y1 / size.height,
        100.0 * (x2 - x1) / size.width,
        100.0 * (y2 - y1) / size.height,
    )


def to_corners(percent: Percent, size: Size) -> Corners:
    """The corners (x1, y1, x2, y2) in pixels of a rectangle, cut at the edge of the image.

    Raises:
        ValueError: nothing of it is on the image, or it has no area.
    """
    if not all(map(isfinite, percent)):
        raise ValueError(f"rectangle must have finite numbers, received {tuple(percent)}")
    x1, x2 = _side(percent.x, percent.width, size.width)
    y1, y2 = _side(percent.y, percent.height, size.height)
    if not (x1 < x2 and y1 < y2):
        raise ValueError(f"rectangle must have an area on the image, received {tuple(percent)} percent")
    return x1, y1, x2, y2


def is_over_the_edge(percent: Percent) -> bool:
    """Whether a rectangle reaches so far over the edge that somebody should know that it is cut."""
    low = min(percent.x, percent.y)
    high = max(percent.x + percent.width, percent.y + percent.height)
    return low < -OVER_THE_EDGE or high > 100 + OVER_THE_EDGE


def is_untouched(percent: Percent, corners: Corners, size: Size) -> bool:
    """Whether a rectangle is still where a box with these corners was sent to."""
    return all(abs(one - other) <= UNTOUCHED for one, other in zip(percent, to_percent(corners, size), strict=True))


def _side(start: float, length: float, side: int) -> tuple[float, float]:
    low, high = start * side / 100.0, (start + length) * side / 100.0
    return max(0.0, min(low, high)), min(float(side), max(low, high))
