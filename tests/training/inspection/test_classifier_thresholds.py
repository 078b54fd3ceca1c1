"""From which score on a classifier is believed, on pictures that a person can count."""

from __future__ import annotations

import numpy as np
import pytest

from labelloop.training.classification_metrics import Judged
from labelloop.training.inspection.classifier_thresholds import find_class_thresholds

CLASSES = ("cat", "dog", "never")


def judged(*rows: tuple[int, float, float]) -> Judged:
    """Pictures: the number of the true class, and the scores of cat and dog."""
    truth = np.array([row[0] for row in rows], np.intp)
    scores = np.array([[cat, dog, 1 - cat - dog] for _, cat, dog in rows], np.float64).reshape(-1, 3)
    return Judged(truth, scores)


FOUR = judged((0, 0.9, 0.1), (0, 0.8, 0.2), (1, 0.4, 0.6), (1, 0.55, 0.45))
"""The last is a dog that was taken for a cat."""


def test_the_surer_the_fewer() -> None:
    said = find_class_thresholds("val", FOUR, CLASSES)
    by_confidence = {point.confidence: (point.kept, point.accuracy) for point in said.points}
    assert by_confidence[0.0] == (1.0, 0.75)
    assert by_confidence[0.55] == (1.0, 0.75)
    assert by_confidence[0.56] == (0.75, 1.0)
    assert by_confidence[0.7] == (0.5, 1.0)
    assert by_confidence[0.95] == (0.0, None)
    assert said.split == "val"


def test_the_point_that_reaches_an_accuracy_keeps_most() -> None:
    said = find_class_thresholds("val", FOUR, CLASSES)
    assert {wanted: (point.confidence, point.kept) for wanted, point in said.at_accuracy.items()} == {
        0.95: (0.6, 0.75),
        0.99: (0.6, 0.75),
    }
    wrong = judged((1, 0.9, 0.1), (0, 0.2, 0.8))
    assert find_class_thresholds("val", wrong, CLASSES).at_accuracy == {}


def test_each_class_has_its_own_score() -> None:
    said = find_class_thresholds("val", FOUR, CLASSES)
    assert list(said.best_of) == ["cat", "dog"], "never has no picture"
    assert 0.55 < said.best_of["cat"] <= 0.8
    assert 0.2 < said.best_of["dog"] <= 0.45


def test_no_picture_at_all() -> None:
    said = find_class_thresholds("test", judged(), CLASSES)
    assert (said.at_accuracy, said.best_of) == ({}, {})
    assert said.points[0].kept == pytest.approx(0)
    assert said.points[0].accuracy is None
