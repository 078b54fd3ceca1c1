"""Pictures: the part that is meant, boxes where they belong, text that can be read."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.inspection.pictures import (
    Drawn,
    draw_boxes,
    ink_on,
    part_around,
    picture_of,
    short,
    tag,
    to_jpeg,
)

RED, BLUE = "#ff0000", "#0000ff"


def sample(folder: Path, width: int = 400, height: int = 300, orientation: int = 1) -> Sample:
    """A grey image whose stored lower right quarter is white; upright size is that given."""
    stored = (height, width) if orientation >= 5 else (width, height)
    image = Image.new("RGB", stored, "#808080")
    image.paste("#ffffff", (stored[0] // 2, stored[1] // 2, *stored))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(folder / "a.jpg", quality=95, exif=exif)
    return Sample("a.jpg", folder / "a.jpg", Size(width, height), orientation, "unlabelled")


def opened(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(jpeg)).convert("RGB"), np.int64)


def near(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(pixels - np.array(colour)).sum(axis=-1) < 120


def test_the_whole_image_with_a_box_where_it_belongs(tmp_path: Path) -> None:
    drawn = Drawn(Box("a", 100, 75, 300, 225), RED, False, "")
    pixels = opened(picture_of(sample(tmp_path), [drawn], side=320))
    assert pixels.shape == (240, 320, 3)
    rows, columns = np.nonzero(near(pixels, (255, 0, 0)))
    assert abs(rows.min() - 60) <= 2
    assert abs(rows.max() - 179) <= 2
    assert abs(columns.min() - 80) <= 2
    assert abs(columns.max() - 239) <= 2
    assert pixels[10, 10].mean() == pytest.approx(128, abs=4)
    assert pixels[-10, -10].mean() == pytest.approx(255, abs=4)


def test_a_turned_photo_is_shown_upright(tmp_path: Path) -> None:
    pixels = opened(picture_of(sample(tmp_path, orientation=6), [], side=320))
    assert pixels.shape == (240, 320, 3)
    assert pixels[-10, 10].mean() == pytest.approx(255, abs=4)  # the stored lower right is the displayed lower left
    assert pixels[-10, -10].mean() == pytest.approx(128, abs=4)


def test_the_part_around_a_box_fills_the_picture(tmp_path: Path) -> None:
    box = Box("a", 40, 40, 60, 50)
    pixels = opened(picture_of(sample(tmp_path), [Drawn(box, RED, False, "")], around=box, side=200))
    assert pixels.shape == (200, 200, 3)
    _, columns = np.nonzero(near(pixels, (255, 0, 0)))
    assert abs(columns.min() - 50) <= 3
    assert abs(columns.max() - 149) <= 3


def test_dashed_lines_have_gaps(tmp_path: Path) -> None:
    box = Box("a", 40, 40, 360, 260)
    solid, dashed = (
        near(opened(picture_of(sample(tmp_path), [Drawn(box, RED, dashed, "")])), (255, 0, 0)).sum()
        for dashed in (False, True)
    )
    assert 0.4 * solid < dashed < 0.7 * solid


def test_texts_stand_apart_and_on_the_picture() -> None:
    boxes = [
        Drawn(Box("a", 0, 0, 100, 100), RED, False, "천원"),
        Drawn(Box("a", 0, 0, 100, 100), BLUE, True, "10 .83"),
    ]
    bare, written = Image.new("RGB", (100, 100), "white"), Image.new("RGB", (100, 100), "white")
    draw_boxes(bare, [Drawn(each.box, each.colour, each.dashed, "") for each in boxes], (0, 0, 100, 100))
    draw_boxes(written, boxes, (0, 0, 100, 100))
    pixels = np.asarray(written, np.int64)
    changed = (np.asarray(bare, np.int64) != pixels).any(axis=-1)
    red, blue = changed & near(pixels, (255, 0, 0)), changed & near(pixels, (0, 0, 255))
    assert red.sum() > 100
    assert blue.sum() > 100
    assert np.nonzero(red)[0].max() < np.nonzero(blue)[0].min()  # the label's above, the prediction's below


def test_an_image_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    gone = Sample("x", tmp_path / "x.jpg", Size(10, 10), state="unlabelled")
    pixels = opened(picture_of(gone, [Drawn(Box("a", 1, 1, 5, 5), RED, False, "a")], side=100))
    assert pixels.shape == (100, 100, 3)
    assert not near(pixels, (255, 0, 0)).any()
    assert (pixels < 180).any()


def test_a_letter_that_no_font_has_is_a_question_mark(tmp_path: Path) -> None:
    drawn = [Drawn(Box("a", 100, 75, 300, 225), RED, False, text) for text in ("\U0010fffe", "?")]
    first, second = (picture_of(sample(tmp_path), [each]) for each in drawn)
    assert first == second


@given(
    st.integers(1, 500), st.integers(1, 500), st.lists(st.floats(-50, 550), min_size=4, max_size=4, unique=True)
)  # fmt: skip
def test_the_part_is_inside_the_image_and_has_the_box(width: int, height: int, ends: list[float]) -> None:
    x1, x2 = sorted(ends[:2])
    y1, y2 = sorted(ends[2:])
    where = Sample("x", Path("x"), Size(width, height), state="unlabelled")
    part = part_around(Box("a", x1, y1, x2, y2), where)
    assert 0 <= part[0] < part[2] <= width + 1e-9
    assert 0 <= part[1] < part[3] <= height + 1e-9
    assert part[0] <= max(x1, 0) + 1e-9 or x1 >= width
    assert part[2] >= min(x2, width) - 1e-9 or x2 <= 0


@pytest.mark.parametrize(
    ("colour", "ink"), [("#ffffff", "#000000"), ("#000000", "#ffffff"), ("#0000ff", "#ffffff"), ("#f0e442", "#000000")]
)
def test_ink(colour: str, ink: str) -> None:
    assert ink_on(colour) == ink


def test_jpeg() -> None:
    assert to_jpeg(Image.new("RGB", (3, 3))).startswith(b"\xff\xd8\xff")


def test_what_stands_at_a_box_and_below_a_picture() -> None:
    assert tag("10", None) == "10"
    assert tag("10", 0.834) == "10 .83"
    assert tag("0.5", 1.0) == "0.5 1.00"
    assert tag("10", 0.001) == "10 <.01"
    assert short("a/b.jpg") == "b.jpg"
    long = short(f"a/{'x' * 60}{'y' * 60}.jpg")
    assert len(long) == 40
    assert long.startswith("xxx")
    assert long.endswith("y.jpg")
