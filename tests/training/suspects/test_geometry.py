"""A box is an outlier of its class by its width, its height or its shape; a few wrong ones do not move what is usual."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.suspects.geometry import ENOUGH, OUTLIER, find_geometry, find_outliers

CLASSES = ("coin", "note")


def _samples(count: int) -> list[Sample]:
    """Coins of 50 x 50 and notes of 160 x 70 pixels, each a tenth larger or smaller."""
    draw = np.random.default_rng(3)
    samples: list[Sample] = []
    for number in range(count):
        label, sides = CLASSES[number % 2], np.array([(50.0, 50.0), (160.0, 70.0)][number % 2])
        width, height = sides * draw.uniform(0.9, 1.1, 2)
        box = Box(label, 10.0, 20.0, 10.0 + width, 20.0 + height, f"{number:024x}")
        samples.append(Sample(f"{number}.jpg", Path(f"{number}.jpg"), Size(640, 480), boxes=(box,), state="labelled"))
    return samples


def _with(sample: Sample, **corners: float) -> Sample:
    return replace(sample, boxes=(replace(sample.boxes[0], **corners),))


def test_what_is_unlike_its_class_is_named_for_what_it_is() -> None:
    samples = _samples(120)
    samples[4] = _with(samples[4], x2=330.0, y2=340.0)  # a coin as large as half the photo
    samples[7] = _with(samples[7], x2=60.0, y2=220.0)  # a note that stands
    samples[9] = replace(samples[9], boxes=(replace(samples[9].boxes[0], label="coin"),))  # a note called coin
    found = find_outliers(samples, CLASSES)
    assert set(found) == {(samples[at].key, samples[at].boxes[0].id) for at in (4, 7, 9)}
    assert found["4.jpg", samples[4].boxes[0].id] in ("wider than nearly all boxes of coin", "higher than nearly all boxes of coin")  # fmt: skip
    assert found["7.jpg", samples[7].boxes[0].id] == "its shape is unlike other boxes of note: taller than nearly all"
    assert "coin" in found["9.jpg", samples[9].boxes[0].id]


def test_a_tenth_of_wrong_labels_does_not_move_what_is_usual() -> None:
    right, spoilt = _samples(200), _samples(200)
    for at in range(0, 200, 20):
        spoilt[at] = _with(spoilt[at], x2=600.0, y2=470.0)
    assert len(find_outliers(spoilt, CLASSES)) == 10
    assert find_outliers(right, CLASSES) == {}


def test_a_class_with_few_labels_has_no_outliers() -> None:
    samples = _samples(2 * ENOUGH - 2)
    samples[0] = _with(samples[0], x2=600.0, y2=470.0)
    assert find_outliers(samples, CLASSES) == {}
    assert find_outliers([], CLASSES) == {}


def test_how_unlike_does_not_depend_on_the_size_of_the_image() -> None:
    draw = np.random.default_rng(5)
    start = draw.uniform(0, 200, (60, 2))
    corners = np.column_stack([start, start + draw.uniform(20, 200, (60, 2))])
    classes, small = draw.integers(0, 2, 60), np.tile((640.0, 480.0), (60, 1))
    one = find_geometry(corners, classes, small, 2).off(corners, classes, small)
    four = find_geometry(4 * corners, classes, 4 * small, 2).off(4 * corners, classes, 4 * small)
    np.testing.assert_allclose(one, four, atol=1e-9)
    assert np.abs(one).max() < OUTLIER


def test_a_class_that_is_not_known_is_not_off() -> None:
    geometry = find_geometry(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros((0, 2)), 2)
    assert geometry.unlike(np.array([[0.0, 0, 10, 10]]), np.array([2]), (640, 480)).tolist() == [0.0]
    assert geometry.unlike(np.zeros((0, 4)), np.zeros(0, np.int64), (640, 480)).tolist() == []
