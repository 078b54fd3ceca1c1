"""Labels of images against a classifier's scores, in a process of its own: cleanlab imports what it finds."""

from __future__ import annotations

import numpy as np

from labelloop.training.suspects.confident_learning import wrong_probabilities


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
