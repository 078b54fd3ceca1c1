"""How far scores lie from the truth, on numbers that can be added up by hand."""

from __future__ import annotations

import numpy as np
import pytest

from labelloop.training.classification_metrics import BINS, Judged, calibration_error
from labelloop.training.inspection.calibration import calibrate


def test_bins_and_the_error() -> None:
    scores, right = np.array([0.05, 0.85, 0.95, 0.95, 1.0]), np.array([False, True, True, True, False])
    said = calibrate(scores, right)
    assert [(each.low, each.count, each.right) for each in said.bins] == [(0, 1, 0), (0.8, 1, 1), (0.9, 3, 2 / 3)]
    assert said.error == pytest.approx((0.05 + 0.15 + 3 * abs(2.9 / 3 - 2 / 3)) / 5)


def test_nothing_predicted_is_no_error() -> None:
    assert calibrate(np.zeros(0), np.zeros(0, bool)).error is None


def test_the_error_is_that_of_the_classifiers_scores() -> None:
    draw = np.random.default_rng(0)
    scores = draw.dirichlet((1, 1, 1), 500)
    judged = Judged(draw.integers(0, 3, 500).astype(np.intp), scores)
    said = calibrate(scores.max(axis=1), judged.predicted == judged.truth, BINS)
    assert said.error == pytest.approx(calibration_error(judged), abs=1e-12)
    assert sum(each.count for each in said.bins) == 500
