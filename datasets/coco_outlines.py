"""What stands in a COCO annotation besides its bbox or instead of it: polygons and masks, as the box around them."""

from __future__ import annotations

from math import isfinite

from .geometry import Corners
from .label_files import number
from .rle import parse_mask
from .schema import Json, Size


def parse_outline(outline: Json) -> tuple[str, Corners, Size | None]:
    """What an outline is, the box around it, and the size of the image that it is for, where it says one.

    Args:
        outline: an annotation's `segmentation`: a list of polygons `[x, y, x, y, ...]`, or a mask.

    Raises:
        ValueError: it is neither, or one that is broken or empty.
    """
    if isinstance(outline, dict):
        corners, size = parse_mask(outline)
        return "mask", corners, size
    if not isinstance(outline, list) or not outline:
        raise ValueError("annotation has neither a bbox nor a polygon nor a mask")
    xs: list[float] = []
    ys: list[float] = []
    for part in outline:
        if not isinstance(part, list) or len(part) < 6 or len(part) % 2:
            raise ValueError("polygon must be a list of three corners or more, two numbers each")
        values = [number(value, "segmentation") for value in part]
        xs += values[0::2]
        ys += values[1::2]
    if not all(map(isfinite, xs + ys)):
        raise ValueError("polygon must have finite corners")
    return "polygon", (min(xs), min(ys), max(xs), max(ys)), None


def is_rectangle(outline: Json, corners: Corners) -> bool:
    """Whether an outline says no more than the box does."""
    if (
        not isinstance(outline, list)
        or len(outline) != 1
        or not isinstance(outline[0], list)
        or len(outline[0]) not in (8, 10)
    ):
        return False
    try:
        values = [number(value, "segmentation") for value in outline[0]]
    except ValueError:
        return False
    x1, y1, x2, y2 = corners
    return all(min(abs(x - x1), abs(x - x2)) < 1e-6 for x in values[0::2]) and all(
        min(abs(y - y1), abs(y - y2)) < 1e-6 for y in values[1::2]
    )


def pop_turn(attributes: dict[str, Json]) -> float:
    """The degrees by which CVAT has turned a box about its middle, taken out of its attributes; 0 for an upright one.

    The bbox beside it is that of the box before it was turned.

    Reference: https://docs.cvat.ai/docs/dataset_management/formats/format-coco/
    """
    angle = attributes.get("rotation")
    if isinstance(angle, bool) or not isinstance(angle, (int, float)) or not angle % 360:
        return 0.0
    del attributes["rotation"]
    return float(angle)
