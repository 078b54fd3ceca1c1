"""What was sent to a trainer against what it says it used: every loss is found, with its reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.format import Placed
from labelloop.datasets.formats.yolo import format_line
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.reconcile import Lost, reconcile

CLASSES = ("10", "50")
SIZE = Size(640, 480)


def placed(key: str, *boxes: Box) -> Placed:
    sample = Sample(key, Path(key), SIZE, state="labelled" if boxes else "negative", boxes=boxes, split="train")
    return Placed(sample, f"images/train/{key}")


def as_read(each: Placed) -> dict[str, Any]:
    """What the trainer holds of an image: its label file in 32 bits."""
    lines = [format_line(box, CLASSES.index(box.label), SIZE).split() for box in each.sample.boxes]
    return {
        "size": list(each.sample.size),
        "boxes": [[int(line[0]), *(float(np.float32(value)) for value in line[1:])] for line in lines],
    }


def said(place: str, text: str) -> str:
    return f"\x1b[34m\x1b[1mtrain: \x1b[0m/home/runs/won-1/data/{place}: {text}"


ONE = placed("a/1.jpg", Box("10", 1, 2, 30, 40), Box("50", 3, 2, 300.5, 40.25))
TWO = placed("a/데이터 [2].jpg", Box("10", 1, 2, 30, 40))
EMPTY = placed("b.jpg")
ALL = (ONE, TWO, EMPTY)


def test_nothing_is_lost() -> None:
    found = reconcile(ALL, CLASSES, {"images": {each.image: as_read(each) for each in ALL}, "said": []}, 1.0)
    assert (found.images_sent, found.images_used, found.boxes_sent, found.boxes_used) == (3, 3, 3, 3)
    assert found.lost == ()


def test_an_image_left_out_is_named_with_what_the_trainer_said() -> None:
    read = {
        "images": {each.image: as_read(each) for each in (ONE, EMPTY)},
        "said": [said(TWO.image, "ignoring corrupt image/label: image file is truncated (3 bytes not processed)")],
    }
    found = reconcile(ALL, CLASSES, read, 1.0)
    assert (found.images_used, found.boxes_used) == (2, 2)
    assert found.lost == (
        Lost("a/데이터 [2].jpg", "image", 1, "image file is truncated (3 bytes not processed)"),
    )  # fmt: skip
    assert str(found.lost[0]).endswith("image (1 box): image file is truncated (3 bytes not processed)")
    assert found.to_json()["lost"] == [
        {
            "key": "a/데이터 [2].jpg",
            "what": "image",
            "boxes": 1,
            "reason": "image file is truncated (3 bytes not processed)",
        }
    ]


@pytest.mark.parametrize(
    ("place", "fraction", "reason"),
    [
        ("images/train/x.jfif", 1.0, "Ultralytics does not read .jfif files"),
        ("images/train/x.jpg", 0.5, "left out by fraction=0.5"),
        ("images/train/x.jpg", 1.0, "the trainer does not say why"),
    ],
)
def test_an_image_left_out_in_silence_has_a_reason_too(place: str, fraction: float, reason: str) -> None:
    found = reconcile([replace(TWO, image=place)], CLASSES, {"images": {}, "said": []}, fraction)
    assert [each.reason for each in found.lost] == [reason]
    assert found.boxes_used == 0


def test_a_box_that_is_there_twice_and_a_box_that_changed_are_lost_boxes() -> None:
    twice = placed("t.jpg", Box("10", 1, 2, 30, 40), Box("10", 1, 2, 30, 40))
    once = as_read(twice)
    once["boxes"].pop()
    changed = as_read(ONE)
    changed["boxes"][1][0] = 0
    read = {
        "images": {twice.image: once, ONE.image: changed},
        "said": [said(twice.image, "1 duplicate labels removed")],
    }
    found = reconcile([twice, ONE], CLASSES, read, 1.0)
    assert found.boxes_used == 2
    assert found.lost == (
        Lost("a/1.jpg", "box", 1, "the trainer does not say why"),
        Lost("t.jpg", "box", 1, "1 boxes that are there twice"),
    )


def test_a_file_that_the_trainer_wrote_anew_and_an_image_read_turned_are_said() -> None:
    turned = as_read(EMPTY) | {"size": [480, 640]}
    read = {
        "images": {TWO.image: as_read(TWO), EMPTY.image: turned},
        "said": [said(TWO.image, "corrupt JPEG restored and saved")],
    }
    found = reconcile([TWO, EMPTY], CLASSES, read, 1.0)
    assert (found.images_used, found.boxes_used) == (2, 1)
    assert found.lost == (
        Lost("a/데이터 [2].jpg", "repaired", 0, "corrupt JPEG restored and saved"),
        Lost("b.jpg", "turned", 0, "read as 480x640, and its labels are for 640x480"),
    )


def test_images_that_were_kept_back_count_as_sent_and_lost() -> None:
    found = reconcile(
        [ONE, EMPTY], CLASSES, {"images": {each.image: as_read(each) for each in (ONE, EMPTY)}, "said": []}, 1
    )
    whole = found.with_kept_back([TWO.sample], {TWO.sample.key: "image cannot be decoded", "z.jpg": "of another split"})
    assert (whole.images_sent, whole.images_used, whole.boxes_sent, whole.boxes_used) == (3, 2, 3, 2)
    assert whole.lost == (Lost("a/데이터 [2].jpg", "image", 1, "image cannot be decoded"),)
    assert found.with_kept_back([], {}) == found


@given(st.lists(st.tuples(*(st.floats(0, 1, width=64) for _ in range(4))), max_size=6))
def test_every_box_is_known_again_after_six_digits_and_32_bits(fractions: list[tuple[float, ...]]) -> None:
    boxes = [
        Box("50", min(a, b) * 640, min(c, d) * 480, max(a, b) * 640, max(c, d) * 480)
        for a, b, c, d in fractions
        if abs(a - b) > 1e-3 and abs(c - d) > 1e-3
    ]
    each = placed("x.jpg", *boxes)
    assert reconcile([each], CLASSES, {"images": {each.image: as_read(each)}, "said": []}, 1.0).lost == ()
