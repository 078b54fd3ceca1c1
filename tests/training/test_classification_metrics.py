"""A classifier's metrics against scikit-learn's and SciPy's, to 1e-12."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelloop.datasets.schema import Sample, Size
from labelloop.training.classification_metrics import (
    Judged,
    area_under_roc,
    calibration_error,
    class_metrics,
    confusion_matrix,
    evaluate,
    log_loss,
    overall_metrics,
    wilson_interval,
)
from labelloop.training.predictions import LABELS

metrics = pytest.importorskip("sklearn.metrics")
stats = pytest.importorskip("scipy.stats")
pl = pytest.importorskip("polars")


def judged(seed: int, count: int, classes: int, *, coarse: bool = False) -> Judged:
    """Scores that lean to the truth; coarse ones have many ties."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, classes, count)
    scores = draw.random((count, classes))
    scores[np.arange(count), truth] += 0.4
    if coarse:
        scores = np.round(scores * 4) + 1
    return Judged(truth, scores / scores.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("coarse", [False, True])
def test_overall_metrics_are_those_of_scikit_learn(classes: int, coarse: bool) -> None:
    for seed in range(20):
        each = judged(seed, 60, classes, coarse=coarse)
        found = overall_metrics(each)
        taken = each.predicted
        expected = {
            "accuracy": metrics.accuracy_score(each.truth, taken),
            "balanced_accuracy": metrics.balanced_accuracy_score(each.truth, taken),
            "macro_f1": metrics.f1_score(each.truth, taken, average="macro"),
            "log_loss": metrics.log_loss(each.truth, each.scores, labels=range(classes)),
        }
        if classes == 2:
            expected["auc"] = metrics.roc_auc_score(each.truth, each.scores[:, 1])
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-12), name


def test_class_metrics_and_confusion_are_those_of_scikit_learn() -> None:
    for seed in range(20):
        each = judged(seed, 80, 4)
        table = metrics.confusion_matrix(each.truth, each.predicted, labels=range(4))
        assert (confusion_matrix(each) == table).all()
        precision, recall, f1, support = metrics.precision_recall_fscore_support(
            each.truth, each.predicted, labels=range(4), zero_division=np.nan
        )
        for number, row in enumerate(class_metrics(each, "abcd").values()):
            assert row["images"] == support[number]
            assert row["precision"] == pytest.approx(precision[number], abs=1e-12)
            assert row["recall"] == pytest.approx(recall[number], abs=1e-12)
            assert row["f1"] == pytest.approx(f1[number], abs=1e-12)


def test_the_interval_is_wilsons() -> None:
    for right, count in [(0, 5), (1, 5), (5, 5), (40, 45), (77, 78), (500, 1000)]:
        low, high = stats.binomtest(right, count).proportion_ci(0.95, method="wilson")
        assert wilson_interval(right, count) == pytest.approx((low, high), abs=1e-12)
    assert wilson_interval(0, 0) is None


def test_the_calibration_error_is_that_of_its_paper() -> None:
    """Equation 3 of Guo et al., written down bin by bin."""
    for seed in range(10):
        each = judged(seed, 200, 3)
        best, right = each.scores.max(axis=1), each.predicted == each.truth
        total = 0.0
        for number in range(15):
            inside = (best > number / 15) & (best <= (number + 1) / 15)
            if inside.any():
                total += inside.mean() * abs(right[inside].mean() - best[inside].mean())
        assert calibration_error(each) == pytest.approx(total, abs=1e-12)


def test_sure_and_right_is_calibrated_and_sure_and_wrong_is_not() -> None:
    scores = np.array([[1.0, 0.0]] * 4)
    assert calibration_error(Judged(np.zeros(4, np.intp), scores)) == 0.0
    assert calibration_error(Judged(np.ones(4, np.intp), scores)) == 1.0
    assert log_loss(Judged(np.zeros(4, np.intp), scores)) == pytest.approx(0.0, abs=1e-12)


def test_what_has_no_value_is_none() -> None:
    nothing = overall_metrics(Judged(np.zeros(0, np.intp), np.zeros((0, 2))))
    assert set(nothing.values()) == {None}
    one_class = Judged(np.zeros(3, np.intp), np.array([[0.9, 0.1]] * 3))
    assert class_metrics(one_class, ("a", "b"))["b"] == {"images": 0, "precision": None, "recall": None, "f1": None}
    assert overall_metrics(one_class)["auc"] is None
    assert area_under_roc([True, False], [0.5, 0.5]) == 0.5


def test_predictions_are_judged_by_key_and_slices_by_folder() -> None:
    samples = [
        Sample(f"{folder}/{n}.jpg", Path("/x"), Size(8, 8), label="a" if n % 2 else "b", split="test")
        for folder in ("desk", "hand")
        for n in range(4)
    ]
    rows = [
        # On the desk all is right, in the hand everything is taken for a; one image could not be read.
        (s.key, label := s.label if s.key.startswith("desk") else "a", 0.75, [0.75, 0.25] if label == "a" else [0.25, 0.75])
        for s in reversed(samples[:-1])
    ]  # fmt: skip
    found = evaluate(samples, pl.DataFrame(rows, schema=LABELS, orient="row"), ("a", "b"))
    assert found.images == 7
    assert found.overall["accuracy"] == 5 / 7
    assert found.per_slice["folder=desk"]["accuracy"] == 1.0
    assert found.per_slice["folder=hand"]["accuracy"] == 1 / 3
    assert found.per_slice["folder=hand"]["images"] == 3
    assert found.per_class["b"] == {"images": 4, "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3)}
