"""AP with weights: the same as hotcoco's where all weights are 1, and as repeated images where they are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from labelloop.training.detection_metrics import evaluate
from labelloop.training.predictions import from_boxes
from labelloop.training.rounds.average_precision import to_detections

from .simulated import CLASSES, detector, images


@pytest.mark.parametrize("seed", range(3))
def test_all_images_once_is_the_map_of_coco(seed: int):
    truth = images(40, seed=seed, boxes=3)
    rows = from_boxes(detector(truth, seed=seed, found=0.8, spurious=0.5))
    expected = evaluate(truth, rows, CLASSES).overall["mAP50-95"]
    found = to_detections(truth, rows, CLASSES).values(np.ones((1, 40)))
    assert expected is not None
    assert found[0] == pytest.approx(expected, abs=1e-9)


def test_weights_are_images_repeated():
    truth = images(12, seed=5, boxes=2)
    said = detector(truth, seed=5, found=0.7, spurious=0.5)
    weights = np.array([2, 0, 1, 1, 3, 0, 1, 0, 2, 1, 1, 0])
    copies = [
        replace(sample, key=f"{sample.key}#{copy}")
        for sample, times in zip(truth, weights, strict=True)
        for copy in range(times)
    ]
    repeated = {sample.key: said[sample.key.partition("#")[0]] for sample in copies}
    expected = evaluate(copies, from_boxes(repeated), CLASSES).overall["mAP50-95"]
    found = to_detections(truth, from_boxes(said), CLASSES).values(weights)
    assert expected is not None
    assert found[0] == pytest.approx(expected, abs=1e-9)


def test_two_detectors_beside_each_other_are_each_itself():
    truth = images(20, seed=1, boxes=2)
    one, two = (
        to_detections(truth, from_boxes(detector(truth, seed=seed, found=0.8, spurious=0.4)), CLASSES)
        for seed in (1, 2)
    )
    both = one.beside(two)
    ones, none = np.ones(20), np.zeros(20)
    assert both.values(np.concatenate([ones, none]))[0] == pytest.approx(one.values(ones)[0], abs=1e-12)
    assert both.values(np.concatenate([none, ones]))[0] == pytest.approx(two.values(ones)[0], abs=1e-12)


def test_nothing_asked_for_has_no_value_and_nothing_found_is_zero():
    truth = images(4, seed=0, boxes=1)
    silent = to_detections(truth, from_boxes({}), CLASSES)
    assert silent.values(np.ones((1, 4)))[0] == 0
    assert np.isnan(silent.values(np.zeros((1, 4)))[0])
