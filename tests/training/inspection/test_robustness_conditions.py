"""Changes: pixels and boxes go the same way, and what is asked for can be reached by an answer that fits."""

from __future__ import annotations

from dataclasses import replace
from math import cos, radians, sin, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.schema import Box, Sample, Size

pytest.importorskip("albumentations")

from labelloop.training.inspection.robustness_conditions import (
    FAMILIES,
    Change,
    all_conditions,
    in_pixels,
    middle_box,
    transform,
)

BOX = Box("coin", 60, 70, 180, 130, id="a" * 24)
SAMPLE = Sample("a.jpg", Path("a.jpg"), Size(400, 300), boxes=(BOX,), split="test")


def drawn(shape: str, box: Box = BOX) -> np.ndarray:
    """Grey, with a white rectangle or ellipse that fills its box."""
    pixels = np.full((300, 400, 3), 90, np.uint8)
    y, x = np.mgrid[:300, :400] + 0.5
    if shape == "ellipse":
        half = (box.x2 - box.x1) / 2, (box.y2 - box.y1) / 2
        inside = ((x - box.x1) / half[0] - 1) ** 2 + ((y - box.y1) / half[1] - 1) ** 2 <= 1
    else:
        inside = (x > box.x1) & (x < box.x2) & (y > box.y1) & (y < box.y2)
    pixels[inside] = 255
    return pixels


def fitted(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """The box around what is white."""
    rows, columns = np.nonzero(pixels[..., 0] > 180)
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def iou(one: tuple[float, ...], two: tuple[float, ...]) -> float:
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (sum((each[2] - each[0]) * (each[3] - each[1]) for each in (one, two)) - shared)


@pytest.mark.parametrize("shape", ["ellipse", "rectangle"])
@pytest.mark.parametrize("angle", FAMILIES["turned"].levels)
def test_a_perfect_answer_reaches_the_iou_that_is_said_at_every_angle(shape: str, angle: float) -> None:
    changed = Change(FAMILIES["turned"], angle).make(drawn(shape), SAMPLE, "turned/a.jpg")
    (asked,) = changed.sample.boxes
    (least,) = changed.tightness
    found = iou(fitted(changed.pixels), asked.corners)
    assert found >= least - 0.04  # of a pixel or two
    assert least >= 0.5**0.5 - 1e-9
    assert asked.id == BOX.id
    if angle % 90:
        assert found <= least + 0.06  # the two shapes are the ends between which an object lies
    else:
        assert found > 0.95


def test_nothing_is_cut_off_by_a_turn() -> None:
    corner = replace(SAMPLE, boxes=(Box("coin", 0, 0, 40, 30),))
    for angle in FAMILIES["turned"].levels:
        changed = Change(FAMILIES["turned"], angle).make(drawn("rectangle", corner.boxes[0]), corner, "k")
        assert (changed.pixels[..., 0] > 180).sum() == pytest.approx(1200, rel=0.1)
        (box,) = changed.sample.boxes
        assert "iscrowd" not in box.attributes
        width, height = changed.sample.size
        assert (height, width) == changed.pixels.shape[:2]


@given(
    st.floats(1, 500), st.floats(1, 500), st.floats(0, 360), st.floats(0, 1), st.floats(0, 1)
)  # fmt: skip
def test_no_answer_between_ellipse_and_rectangle_is_below_what_is_said(
    width: float, height: float, angle: float, x: float, y: float
) -> None:
    c, s = abs(cos(radians(angle))), abs(sin(radians(angle)))
    outer = (width * c + height * s, width * s + height * c)
    inner = (sqrt((width * c) ** 2 + (height * s) ** 2), sqrt((width * s) ** 2 + (height * c) ** 2))
    around = (-outer[0] / 2, -outer[1] / 2, outer[0] / 2, outer[1] / 2)
    asked, least = middle_box(Box("a", 0, 0, width, height), around, angle)
    sides = (inner[0] + x * (outer[0] - inner[0]), inner[1] + y * (outer[1] - inner[1]))
    answer = (-sides[0] / 2, -sides[1] / 2, sides[0] / 2, sides[1] / 2)
    assert least >= 0.5**0.5 - 1e-9
    assert iou(answer, asked.corners) >= least - 1e-6


def test_a_nearer_image_asks_for_what_is_left_of_a_box_and_not_for_slivers() -> None:
    middle, edge, outside = Box("a", 180, 130, 220, 170), Box("b", 90, 130, 130, 170), Box("c", 0, 0, 20, 20)
    sample = replace(SAMPLE, boxes=(middle, edge, outside))
    changed = Change(FAMILIES["scaled"], 2).make(drawn("rectangle"), sample, "k")
    kept = {box.label: box for box in changed.sample.boxes}
    assert set(kept) == {"a", "b"}
    assert kept["a"].corners == pytest.approx((160, 110, 240, 190), abs=0.01)
    assert "iscrowd" not in kept["a"].attributes
    assert kept["b"].corners == pytest.approx((0, 110, 60, 190), abs=0.01)  # three quarters of it are left
    assert "iscrowd" not in kept["b"].attributes
    sliver = replace(sample, boxes=(replace(edge, x1=70, x2=110),))
    (cut,) = Change(FAMILIES["scaled"], 2).make(drawn("rectangle"), sliver, "k").sample.boxes
    assert cut.attributes["iscrowd"] == 1  # a quarter of it
    gone = Change(FAMILIES["scaled"], 2).make(drawn("rectangle"), replace(sample, boxes=(outside,)), "k")
    assert gone.sample.state == "negative"


def test_a_farther_image_is_small_in_a_grey_frame() -> None:
    changed = Change(FAMILIES["scaled"], 0.5).make(drawn("rectangle"), SAMPLE, "k")
    assert changed.pixels[0, 0].tolist() == [114, 114, 114]
    assert fitted(changed.pixels) == pytest.approx(changed.sample.boxes[0].corners, abs=1.01)


@pytest.mark.parametrize("name", ["blurred", "darkened", "recompressed"])
def test_what_moves_nothing_leaves_boxes_as_they_are(name: str) -> None:
    family = FAMILIES[name]
    before = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8) // 2 + drawn("ellipse") // 2
    worst = 0.0
    for level in family.mildest_first():
        changed = Change(family, level).make(before, SAMPLE, "k")
        assert changed.sample.boxes == SAMPLE.boxes
        assert changed.pixels.shape == before.shape
        off = float(np.abs(changed.pixels.astype(int) - before).mean())
        assert off > worst, "each level changes more than the one before"
        worst = off


def test_darker_means_that_part_of_each_value() -> None:
    changed = Change(FAMILIES["darkened"], 0.5).make(drawn("rectangle"), SAMPLE, "k")
    assert changed.pixels[0, 0].tolist() == [45, 45, 45]
    assert changed.pixels[100, 100].tolist() == pytest.approx([127] * 3, abs=1)


def test_a_blur_grows_with_the_image() -> None:
    small, large = (transform(FAMILIES["blurred"], 2, side)["sigma_limit"] for side in (320, 1280))
    assert small == [1.0, 1.0]
    assert large == [4.0, 4.0]


def test_the_mildest_come_first() -> None:
    assert FAMILIES["turned"].mildest_first()[:4] == (15, 345, 30, 330)
    assert FAMILIES["scaled"].mildest_first() == (0.75, 1.5, 0.5, 2, 0.35, 0.25)
    assert FAMILIES["darkened"].mildest_first() == (0.7, 0.5, 0.35, 0.2, 0.1)
    assert FAMILIES["blurred"].mildest_first() == (1, 2, 3, 5, 8)
    assert FAMILIES["recompressed"].mildest_first() == (60, 30, 15, 8, 4)


def test_all_of_them() -> None:
    assert len(all_conditions(list(FAMILIES))) == 23 + 5 + 5 + 5 + 6
    assert FAMILIES["darkened"].describe(0.35) == "darkened to 0.35 of its brightness"


def test_boxes_on_a_smaller_picture() -> None:
    small = in_pixels(SAMPLE, (200, 150))
    assert small.size == (200, 150)
    assert small.boxes[0].corners == (30, 35, 90, 65)
