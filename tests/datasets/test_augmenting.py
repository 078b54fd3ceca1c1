"""Augmented images and their boxes: where the pixels went, never outside, and the same for the same seed."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from labelloop.datasets.augment_library import A
from labelloop.datasets.augment_pipeline import STRAIGHT, Pipeline, fit
from labelloop.datasets.augmentation import PRESETS, Augmentation, parse_augmentation, read_augmentation
from labelloop.datasets.augmenting import Augmenter
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box, Json
from labelloop.datasets.trainer_augmentation import TrainerGeometry

Pixels = NDArray[np.uint8]

BENT = parse_augmentation(
    json.dumps(
        {
            "visibility": 0.4,
            "transform": {
                "__class_fullname__": "Compose",
                "p": 1.0,
                "transforms": [
                    {"__class_fullname__": "ElasticTransform", "p": 0.7, "alpha": 30.0, "sigma": 8.0},
                    {"__class_fullname__": "RandomScale", "p": 0.7, "scale_limit": [-0.3, 0.3]},
                    {"__class_fullname__": "Affine", "p": 0.7, "rotate": [-40.0, 40.0], "border_mode": 4},
                ],
            },
        }
    ),
    "bent",
)
ALL = (*(read_augmentation(name) for name in PRESETS), BENT)


def augmentation(*transforms: dict[str, Json], visibility: float = 0.3) -> Augmentation:
    compose: dict[str, Json] = {"__class_fullname__": "Compose", "p": 1.0, "transforms": list(transforms)}
    return Augmentation("mine", {"transform": compose}, read_augmentation("none").trainer, visibility)


def noise(width: int, height: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Pixels, list[Box]]:
    width, height = draw(st.integers(24, 90)), draw(st.integers(24, 90))
    boxes: list[Box] = []
    for number in range(draw(st.integers(0, 4))):
        x1, y1 = draw(st.floats(0, width - 1)), draw(st.floats(0, height - 1))
        x2, y2 = draw(st.floats(x1 + 0.5, width)), draw(st.floats(y1 + 0.5, height))
        boxes.append(Box("앞면", x1, y1, x2, y2, id=f"{number:024x}", attributes={"n": number}))
    return noise(width, height, draw(st.integers(0, 5))), boxes


@pytest.mark.parametrize("kind", ALL, ids=lambda each: each.name)
@settings(max_examples=40, deadline=None)
@given(picture=pictures(), seed=st.integers(0, 2**70), index=st.integers(-5, 10**6))
def test_boxes_are_inside_with_an_area_and_keep_who_they_are(
    kind: Augmentation, picture: tuple[Pixels, list[Box]], seed: int, index: int
) -> None:
    image, boxes = picture
    before = image.copy()
    done = Augmenter(kind).apply(image, boxes, (seed, index))
    assert np.array_equal(image, before)
    assert done.image.dtype == np.uint8
    height, width = done.image.shape[:2]
    for box in done.boxes:
        assert 0 <= box.x1 < box.x2 <= width
        assert 0 <= box.y1 < box.y2 <= height
    ids = [box.id for box in done.boxes if box.id]
    assert len(set(ids)) == len(ids)
    known = {box.id: box for box in boxes}
    assert all(
        known[box.id].attributes == box.attributes and known[box.id].label == box.label for box in done.boxes if box.id
    )
    assert {*ids, *(drop.box.id for drop in done.dropped)} == known.keys()
    assert len(ids) + len(done.dropped) == len(boxes)
    assert len(done.growth) == len(done.boxes)
    assert all(np.isnan(each) or each >= 1 for each in done.growth)


@settings(max_examples=30, deadline=None)
@given(picture=pictures(), seed=st.integers(0, 99))
def test_none_gives_the_same_bytes_and_the_same_boxes(picture: tuple[Pixels, list[Box]], seed: int) -> None:
    image, boxes = picture
    done = Augmenter(read_augmentation("none"), side=640).apply(image, boxes, (seed,))
    assert done.image.tobytes() == image.tobytes()
    assert list(done.boxes) == boxes
    assert done.dropped == ()


@pytest.mark.parametrize("kind", ALL, ids=lambda each: each.name)
def test_one_seed_gives_one_result_in_any_order_thread_and_process(kind: Augmentation) -> None:
    image, boxes = noise(64, 48), [Box("a", 5, 5, 40, 40, id="1"), Box("b", 50, 2, 64, 30, id="2")]
    augmenter = Augmenter(kind)
    straight = [augmenter.apply(image, boxes, (7, 0, index)) for index in range(24)]
    with ThreadPoolExecutor(8) as threads:
        mixed = list(threads.map(lambda index: augmenter.apply(image, boxes, (7, 0, index)), reversed(range(24))))[::-1]
    sent = pickle.loads(pickle.dumps(augmenter))
    for one, other, index in zip(straight, mixed, range(24), strict=True):
        assert one.image.tobytes() == other.image.tobytes()
        assert one.boxes == other.boxes
        again = sent.apply(image, boxes, (7, 0, index))
        assert (again.image.tobytes(), again.boxes) == (one.image.tobytes(), one.boxes)
        assert augmenter.image(image, (7, 0, index)).tobytes() == one.image.tobytes()


def test_another_seed_epoch_or_index_gives_another_image() -> None:
    augmenter = Augmenter(read_augmentation("field"))
    image = noise(64, 64)
    seen = {augmenter.image(image, seed).tobytes() for seed in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]}
    assert len(seen) == 4


def test_transforms_do_not_all_happen_together() -> None:
    """Compose.set_random_seed gives all of them the same numbers: what has p=0.5 then always happens together."""
    flips = augmentation(
        {"__class_fullname__": "HorizontalFlip", "p": 0.5}, {"__class_fullname__": "VerticalFlip", "p": 0.5}
    )
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = 255
    augmenter = Augmenter(flips)
    corners = [augmenter.image(image, (index,)).argmax() for index in range(400)]
    counts = [corners.count(corner) for corner in sorted(set(corners))]
    assert len(counts) == 4
    assert min(counts) > 60


STEPS: dict[str, Any] = {
    "Affine": lambda: A.Affine(
        rotate=(-40, 40), scale=(0.6, 1.3), keep_ratio=True, shear=(-10, 10), translate_percent=(-0.1, 0.1), p=1
    ),
    "Affine that fits": lambda: A.Affine(rotate=(-40, 40), fit_output=True, p=1),
    "Rotate": lambda: A.Rotate(limit=(-90, 90), p=1),
    "Rotate that crops": lambda: A.Rotate(limit=(-30, 30), crop_border=True, p=1),
    "SafeRotate": lambda: A.SafeRotate(limit=(-90, 90), p=1),
    "Perspective": lambda: A.Perspective(scale=(0.05, 0.1), p=1),
    "Perspective of another size": lambda: A.Perspective(scale=(0.05, 0.1), keep_size=False, p=1),
    "HorizontalFlip": lambda: A.HorizontalFlip(p=1),
    "VerticalFlip": lambda: A.VerticalFlip(p=1),
    "Transpose": lambda: A.Transpose(p=1),
    "D4": lambda: A.D4(p=1),
    "RandomRotate90": lambda: A.RandomRotate90(p=1),
    "RandomCrop": lambda: A.RandomCrop(200, 220, p=1),
    "RandomCrop that pads": lambda: A.RandomCrop(500, 500, pad_if_needed=True, p=1),
    "CenterCrop": lambda: A.CenterCrop(200, 200, p=1),
    "Crop": lambda: A.Crop(10, 10, 250, 250, p=1),
    "Pad": lambda: A.Pad(20, p=1),
    "PadIfNeeded": lambda: A.PadIfNeeded(500, 480, p=1),
    "NoOp": lambda: A.NoOp(p=1),
    "TrainerGeometry": lambda: TrainerGeometry(degrees=20, translate=0.1, scale=0.3, shear=8, perspective=4e-4),
    "TrainerGeometry of a side": lambda: TrainerGeometry(
        degrees=0, translate=0.1, scale=0.3, shear=0, perspective=0, side=300
    ),
}


def test_every_straight_transform_is_measured() -> None:
    assert {name.split()[0] for name in STEPS} | {"ShiftScaleRotate"} == STRAIGHT  # which is an Affine, and warns of it


@pytest.mark.parametrize("name", STEPS)
def test_a_box_is_where_its_pixels_went(name: str) -> None:
    """A white box is augmented, found again in the picture, and must be there to within a pixel."""
    pipeline = Pipeline([STEPS[name]()], 0.0)
    assert pipeline.straight
    draw = np.random.default_rng(0)
    compared = 0
    for seed in range(40):
        height, width = (int(each) for each in draw.integers(260, 420, 2))
        x1, y1 = (int(each) for each in draw.integers(60, 150, 2))
        x2, y2 = x1 + int(draw.integers(20, 90)), y1 + int(draw.integers(20, 90))
        image = np.zeros((height, width, 3), np.uint8)
        image[y1:y2, x1:x2] = 255
        pipeline.seed([seed])
        moved = pipeline.run(image, np.array([[x1, y1, x2, y2]], np.float64))
        rows, columns = np.nonzero(moved.image[..., 0] > 127)
        if len(rows) < 20:
            continue
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(moved.corners[0] - seen).max() < 1.0
        compared += 1
    assert compared >= 30


def test_two_turns_make_a_box_grow_once() -> None:
    """Fitted after each step, a box that is turned there and back would be 2.25 times as large at the end."""
    turn = {"__class_fullname__": "Affine", "p": 1.0, "border_mode": 0}
    there = augmentation({**turn, "rotate": [15.0, 15.0]}, {**turn, "rotate": [-15.0, -15.0]})
    done = Augmenter(there).apply(noise(200, 200), [Box("a", 80, 80, 120, 120)], (0,))
    assert done.boxes[0].corners == pytest.approx((80, 80, 120, 120), abs=0.01)


@pytest.mark.parametrize(("limit", "kept"), [(0.0, True), (0.25, True), (0.250001, False), (1.0, False)])
def test_the_visibility_limit_is_exact(limit: float, kept: bool) -> None:
    """Of a box moved half out to the right and half out to the bottom, a quarter is left."""
    move: dict[str, Json] = {
        "__class_fullname__": "Affine", "p": 1.0, "border_mode": 0,
        "translate_px": {"x": [20, 20], "y": [20, 20]},
    }  # fmt: skip
    done = Augmenter(augmentation(move, visibility=limit)).apply(noise(100, 100), [Box("a", 60, 60, 100, 100)], (0,))
    if kept:
        assert [box.corners for box in done.boxes] == [(80.0, 80.0, 100.0, 100.0)]
    else:
        assert [drop.visible for drop in done.dropped] == [0.25]


@settings(max_examples=60, deadline=None)
@given(
    corners=st.tuples(*[st.integers(-60, 160)] * 4),
    angle=st.integers(0, 89),
)
def test_what_is_seen_of_a_box_is_counted_as_it_is(corners: tuple[int, int, int, int], angle: int) -> None:
    """The part inside and the box around it, against the pixels' own count."""
    x1, y1, x2, y2 = (
        min(corners[0], corners[2]),
        min(corners[1], corners[3]),
        max(corners[::2]) + 9,
        max(corners[1::2]) + 9,
    )
    middle = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    turn = np.radians(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    quad = (np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]) - middle) @ matrix.T + middle
    box, visible, grown = fit(quad, 100, 100)
    step = 0.5
    grid = np.stack(np.meshgrid(np.arange(0, 100, step), np.arange(0, 100, step)), axis=-1).reshape(-1, 2) + step / 2
    own = (grid - middle) @ matrix + middle
    inside = (own[:, 0] > x1) & (own[:, 0] < x2) & (own[:, 1] > y1) & (own[:, 1] < y2)
    whole = (x2 - x1) * (y2 - y1)
    assert visible == pytest.approx(inside.sum() * step**2 / whole, abs=4 * step * 100 / whole)
    if inside.any():
        found = grid[inside]
        assert (box[:2] <= found.min(axis=0)).all()
        assert (box[2:] >= found.max(axis=0)).all()
    if inside.sum() > 200:
        # A corner sharper than the grid may reach between its points.
        assert np.abs(box - [*grid[inside].min(axis=0), *grid[inside].max(axis=0)]).max() < 12 * step
    assert 1 <= grown <= 1e6


def test_where_lines_are_bent_albumentations_drops_and_nobody_says_how_much_was_left() -> None:
    crop: dict[str, Json] = {"__class_fullname__": "RandomScale", "p": 1.0, "scale_limit": [0.5, 0.5]}
    cut: dict[str, Json] = {"__class_fullname__": "Crop", "p": 1.0, "x_min": 0, "y_min": 0, "x_max": 60, "y_max": 60}
    done = Augmenter(augmentation(crop, cut)).apply(
        noise(80, 80), [Box("a", 0, 0, 20, 20, id="1"), Box("b", 60, 60, 80, 80, id="2")], (0,)
    )
    assert [box.corners for box in done.boxes] == [(0, 0, 30, 30)]
    assert [(drop.box.id, drop.visible) for drop in done.dropped] == [("2", None)]
    assert np.isnan(done.growth).all()


@pytest.mark.parametrize("name", ["Normalize", "ToFloat"])
def test_images_that_are_no_images_any_more_are_refused(name: str) -> None:
    with pytest.raises(LabelloopError, match="must give RGB images of 8 bits"):
        Augmenter(augmentation({"__class_fullname__": name, "p": 1.0})).image(noise(20, 20), (0,))


def test_a_transform_that_fails_on_an_image_says_so() -> None:
    crop: dict[str, Json] = {"__class_fullname__": "RandomCrop", "p": 1.0, "height": 50, "width": 50}
    with pytest.raises(LabelloopError, match="mine: albumentations fails on an image of 20x20"):
        Augmenter(augmentation(crop)).image(noise(20, 20), (0,))


def test_torch_is_not_imported() -> None:
    """With TensorFlow in the same process its triton is a segmentation fault, and the classifier augments there."""
    code = (
        "import sys, numpy\n"
        "from labelloop.datasets.augmentation import read_augmentation\n"
        "from labelloop.datasets.augmenting import Augmenter\n"
        "Augmenter(read_augmentation('field')).image(numpy.zeros((40, 40, 3), numpy.uint8), (0,))\n"
        "print([name for name in ('torch', 'tensorflow', 'ultralytics') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path("/"), capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
