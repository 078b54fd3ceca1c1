"""COCO's run-length masks: the box is pycocotools' own, and a hostile mask is refused without being drawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.rle import extent, parse_counts, parse_mask
from labelloop.datasets.schema import Json, Size

if TYPE_CHECKING:
    import numpy as np
else:
    np = pytest.importorskip("numpy", reason="numpy is not installed")
mask = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    """A mask of shape (height, width) with a pixel or more of object."""
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    pixels = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width).filter(any))
    return np.array(pixels, dtype=np.uint8).reshape((height, width))


@given(picture=pictures())
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' masks under numpy 2
def test_the_box_is_that_of_pycocotools(picture: np.ndarray) -> None:
    encoded = mask.encode(np.asfortranarray(picture))
    x, y, width, height = mask.toBbox(encoded)
    expected = (x, y, x + width, y + height), Size(picture.shape[1], picture.shape[0])
    assert parse_mask({"size": encoded["size"], "counts": encoded["counts"].decode()}) == expected
    runs = parse_counts(encoded["counts"].decode())
    assert parse_mask({"size": [*picture.shape], "counts": [*runs]}) == expected
    assert mask.frPyObjects({"size": [*picture.shape], "counts": runs}, *picture.shape) == encoded


@given(picture=pictures(), data=st.data())
def test_runs_of_no_length_move_nothing(picture: np.ndarray, data: st.DataObject) -> None:
    """Where pycocotools counts the pixel before an empty run of object to the box, here the box stays tight."""
    runs = [0]
    for pixel in picture.T.ravel():
        runs += [0, 0] * data.draw(st.integers(0, 1))
        runs += [1] if bool(pixel) == (len(runs) % 2 == 1) else [0, 1]
    rows, columns = np.nonzero(picture)
    size = Size(picture.shape[1], picture.shape[0])
    assert extent(runs, size) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "size must be [height, width]"),
        ({"size": [2, 2]}, "counts must be a list or text, received null"),
        ({"size": [2], "counts": [4]}, "size must be [height, width]"),
        ({"size": [2, 0], "counts": []}, "size must be [height, width]"),
        ({"size": [2, True], "counts": [2]}, "size must be [height, width]"),
        ({"size": [2.0, 2], "counts": [4]}, "size must be [height, width]"),
        ({"size": [2, 2], "counts": [4]}, "must have a pixel, received an empty one"),
        ({"size": [2, 2], "counts": [1, 2]}, "must fill its 2x2 px, received 3 of 4 pixels"),
        ({"size": [2, 2], "counts": [1, 2, 99999999999999999999]}, "must fill its 2x2 px"),
        ({"size": [2, 2], "counts": [5, -2, 1]}, "must be 0 or more, received -2"),
        ({"size": [2, 2], "counts": [1, "2", 1]}, "must be whole numbers, received '2'"),
        ({"size": [2, 2], "counts": [1, True, 2]}, "must be whole numbers, received True"),
        ({"size": [2, 2], "counts": [1, float("nan")]}, "must be whole numbers, received nan"),
        ({"size": [2, 2], "counts": "1 2 1"}, "must be run lengths as pycocotools writes them"),
        ({"size": [2, 2], "counts": "한"}, "must be run lengths as pycocotools writes them"),
        ({"size": [2, 2], "counts": "o" * 100_000}, "must be run lengths as pycocotools writes them"),
        ({"size": [2, 2], "counts": "1o"}, "must end with a whole run"),
        ({"size": [2, 2], "counts": "O"}, "must be 0 or more, received -1"),
        ({"size": [2, 2], "counts": ""}, "must fill its 2x2 px, received 0 of 4 pixels"),
    ],
)
def test_a_mask_that_is_none_says_why(value: dict[str, Json], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse_mask(value)


def test_a_mask_larger_than_memory_costs_nothing() -> None:
    side = 10**9
    assert parse_mask({"size": [side, side], "counts": [side, side, side * (side - 2)]})[0] == (1, 0, 2, side)
