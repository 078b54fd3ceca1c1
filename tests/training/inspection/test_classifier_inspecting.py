"""A classifier's inspection: what it takes for what, where, and how sure it is when it is wrong."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.training.inspection.classifier_inspecting import ClassifierInspection, inspect_classifier
from labelloop.training.inspection.sentences import sentences_of
from labelloop.training.predictions import LABELS, read_predictions, write_predictions
from tests.training.finished_runs import classifier, detector, money, numbered


@pytest.fixture
def inspected(tmp_path: Path) -> ClassifierInspection:
    """On test, four of ten 50s are taken for 1000s, and one of ten 10s for a 50."""
    wrong = [*(f"50/test {at}.jpg" for at in range(4)), "10/test 0.jpg"]
    return inspect_classifier(classifier(tmp_path, numbered(money()), wrong))


def test_what_is_taken_for_what(inspected: ClassifierInspection) -> None:
    assert (inspected.split, inspected.images, inspected.unlabelled) == ("test", 40, 0)
    assert inspected.confusion == ((9, 1, 0, 0), (0, 6, 4, 0), (0, 0, 10, 0), (0, 0, 0, 10))
    said = sentences_of(inspected)
    assert said[0] == "Accuracy is 0.875: 5 of 40 are wrong."
    assert said[1] == "Most often 50 is taken for 1000: 4 times."
    assert inspected.scores.per_class["50"]["recall"] == pytest.approx(0.6)


def test_parts_have_the_worst_first_with_what_the_rest_has(inspected: ClassifierInspection) -> None:
    worst = inspected.parts[0]
    assert (worst.name, worst.images, worst.accuracy) == ("in=50", 10, 0.6)
    assert worst.difference == pytest.approx(6 / 10 - 29 / 30)
    assert worst.low < 0.6 < worst.high
    assert worst.uncertain


def test_scores_mean_what_they_say(inspected: ClassifierInspection) -> None:
    assert inspected.calibration.error == pytest.approx(0.9 - 35 / 40)
    assert inspected.calibration.error == pytest.approx(inspected.scores.overall["ece"])
    assert inspected.thresholds.split == "val"
    assert inspected.thresholds.at_accuracy[0.99].kept == 1, "on val nothing is wrong"
    best = inspected.thresholds.best_of
    assert list(best) == ["10", "50", "1000", "5000"]
    assert all(0.04 < value < 0.9 for value in best.values())


def test_it_is_most_wrong_where_it_is_most_sure(tmp_path: Path) -> None:
    run = classifier(tmp_path, numbered(money()), ["50/test 1.jpg", "50/test 2.jpg", "10/test 0.jpg"])
    rows = read_predictions(run.folder / "predictions", "test")
    sure = {"50/test 2.jpg": [0.0, 0.02, 0.98, 0.0], "50/test 1.jpg": [0.0, 0.1, 0.9, 0.0]}
    scores = [sure.get(key.partition("#")[0], old) for key, old in rows.select("key", "scores").iter_rows()]
    rows = rows.with_columns(scores=pl.Series(scores, dtype=pl.List(pl.Float64))).cast(dict(LABELS))
    write_predictions(run.folder / "predictions", "test", rows)
    said = inspect_classifier(run, "test")
    # Equally sure, but one gave the true class .1 and the other .033.
    assert [each.image for each in said.worst] == ["50/test 2.jpg", "10/test 0.jpg", "50/test 1.jpg"]
    assert (said.worst[0].label, said.worst[0].predicted, said.worst[0].score) == ("50", "1000", 0.98)
    assert said.worst[0].key.startswith("50/test 2.jpg#")


def test_a_detector_is_refused_and_so_is_a_split_that_was_not_predicted(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match="must be a classifier's run, received a detector's"):
        inspect_classifier(detector(tmp_path, money()))
    with pytest.raises(LabelloopError, match="no predictions for the split train; there are: test, val"):
        inspect_classifier(classifier(tmp_path, numbered(money())), "train")
