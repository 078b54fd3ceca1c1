"""Masks as COCO writes them, in run lengths (RLE): the box around one, without a pixel of it being drawn.

A mask is the lengths of its runs down the columns, column after column: background first,
then object, in turn. Uncompressed they are a list; compressed they are text with six bits
in each character, from the fourth run on as the difference from the run before the last.

Reference: https://github.com/cocodataset/cocoapi, `common/maskApi.c`: rleFrString, rleToBbox.
"""

from __future__ import annotations

from collections.abc import Sequence

from .geometry import Corners
from .label_files import describe
from .schema import Json, Size

_LONGEST = 13
"""Characters of one run: 13 of five bits each hold 64 bits, more than any mask has pixels."""


def parse_mask(value: dict[str, Json]) -> tuple[Corners, Size]:
    """The tight box around a mask's pixels, (x1, y1, x2, y2), and the size of the image that the mask is for.

    Args:
        value: `{"size": [height, width], "counts": ...}`; the counts are a list or text.

    Raises:
        ValueError: no size, runs that do not fill it, or a mask without a single pixel.
    """
    size, counts = value.get("size"), value.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int and side > 0 for side in size):
        raise ValueError("mask's size must be [height, width], two whole numbers above 0")
    height, width = (side for side in size if type(side) is int)
    if isinstance(counts, str):
        runs = parse_counts(counts)
    elif isinstance(counts, list):
        runs = [run for run in counts if type(run) is int]
        if len(runs) < len(counts):
            odd = next(run for run in counts if type(run) is not int)
            raise ValueError(f"mask's counts must be whole numbers, received {describe(odd)}")
    else:
        raise ValueError(f"mask's counts must be a list or text, received {describe(counts)}")
    return extent(runs, Size(width, height)), Size(width, height)


def parse_counts(text: str) -> list[int]:
    """The run lengths that a compressed mask says.

    Raises:
        ValueError: a character that is none of the format's, a run without an end, or one that is too long.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift >= 5 * _LONGEST:
            raise ValueError(f"mask's counts must be run lengths as pycocotools writes them, received {text[:40]!r}")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("mask's counts must end with a whole run, received text that is cut off")
    return runs


def extent(runs: Sequence[int], size: Size) -> Corners:
    """The tight box (x1, y1, x2, y2) around the runs of object in an image of this size.

    Raises:
        ValueError: a run below 0, runs that do not fill the image, or no object.
    """
    width, height = size
    at = 0
    left, top, right, bottom = width, height, -1, -1
    for index, run in enumerate(runs):
        if run < 0:
            raise ValueError(f"mask's counts must be 0 or more, received {run}")
        if index % 2 and run:
            column, row = divmod(at, height)
            last_column, last_row = divmod(at + run - 1, height)
            if column != last_column:
                row, last_row = 0, height - 1
            left, top = min(left, column), min(top, row)
            right, bottom = max(right, last_column), max(bottom, last_row)
        at += run
    if at != width * height:
        raise ValueError(f"mask's counts must fill its {size} px, received {at} of {width * height} pixels")
    if right < 0:
        raise ValueError("mask must have a pixel, received an empty one")
    return float(left), float(top), right + 1.0, bottom + 1.0
