"""Labels of images against a classifier's scores, in a process of its own: cleanlab imports what it finds."""

from __future__ import annotations

import numpy as np

from labelloop.training.suspects.confident_learning import level, wrong_probabilities


def test_swapped_labels_come_first_and_probabilities_are_some() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 3, 300)
    scores = draw.dirichlet((1, 1, 1), 300) * 0.3
    scores[np.arange(300), truth] += 0.7
    labels = truth.copy()
    labels[:12] = (labels[:12] + 1) % 3
    wrong, other = wrong_probabilities(labels.astype(np.int64), scores)
    assert set(np.argsort(-wrong)[:12].tolist()) == set(range(12))
    assert other[:12].tolist() == truth[:12].tolist()
    assert ((wrong >= 0) & (wrong <= 1)).all()


def test_no_images() -> None:
    wrong, other = wrong_probabilities(np.zeros(0, np.int64), np.zeros((0, 3)))
    assert not len(wrong)
    assert not len(other)


def test_a_model_that_leans_to_a_class_is_set_right_and_few_images_are_left_alone() -> None:
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 3, 300).astype(np.int64)
    scores = draw.dirichlet((1, 1, 1), 300) * 0.5
    scores[np.arange(300), labels] += 0.5
    leaning = scores * (4.0, 1.0, 1.0)
    leaning /= leaning.sum(axis=1, keepdims=True)
    assert leaning[:, 0].mean() > 0.5
    found = level(labels, leaning)
    assert np.allclose(found.sum(axis=1), 1.0)
    assert np.allclose(found.mean(axis=0), np.bincount(labels) / 300, atol=0.01)
    assert np.abs(found - scores).max() < 0.1
    same = [set(np.argsort(each[labels == 0, 0])[:10].tolist()) for each in (found, leaning)]
    assert same[0] == same[1], "within a class nothing changes places"
    few = level(labels[:4], leaning[:4])
    assert np.abs(few - leaning[:4]).max() < np.abs(found[:4] - leaning[:4]).max()
    assert level(labels[:0], leaning[:0]).shape == (0, 3)
