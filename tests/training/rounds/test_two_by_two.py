"""A better model and a moved ruler are told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger_rows import Stamp, to_rows
from labelloop.datasets.schema import Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.training.predictions import LABELS, write_predictions
from labelloop.training.rounds.two_by_two import compare_two_by_two
from labelloop.training.runs import Run, begin_run

from ..finished_runs import detector as finished
from ..finished_runs import money


def truth_of(samples: list[Sample], wrong: int) -> list[Sample]:
    """The samples with another class on the first so many test images."""
    left = wrong
    found: list[Sample] = []
    for sample in samples:
        if sample.split == "test" and left:
            left -= 1
            label = "1000" if sample.boxes[0].label != "1000" else "10"
            sample = replace(sample, boxes=(replace(sample.boxes[0], label=label),))
        found.append(sample)
    return found


def test_a_better_model_on_the_same_labels_is_a_gain(tmp_path: Path):
    samples = money()
    poor = finished(tmp_path, samples, {"10": 6, "50": 6, "1000": 6})
    good = finished(tmp_path, samples, {}, version=2)
    found = compare_two_by_two([poor], [good], samples, samples, draws=300)
    assert found.model is not None
    assert found.ruler is not None
    assert (found.model.verdict, found.changed) == ("gain", 0)
    assert (found.ruler.value, found.ruler.verdict) == (0, "no evidence")
    assert found.values["old model, old labels"] == found.values["old model, new labels"]
    assert [each.count for each in found.classes] == [10, 10, 10, 10]
    assert found.classes[0].new == 1


def test_a_moved_ruler_is_no_better_model(tmp_path: Path):
    samples = money()
    before = truth_of(samples, 12)
    one, two = finished(tmp_path, samples, {"50": 1}), finished(tmp_path, samples, {"50": 1}, version=2)
    found = compare_two_by_two([one], [two], before, samples, draws=300)
    assert found.model is not None
    assert found.ruler is not None
    assert found.model.value == 0
    assert found.changed == 12
    assert found.ruler.value > 0.1
    assert found.ruler.low is not None
    assert found.ruler.low > 0


def test_without_a_new_model_only_the_ruler_is_judged(tmp_path: Path):
    samples = money()
    found = compare_two_by_two([finished(tmp_path, samples)], [], samples, samples, draws=100)
    assert found.model is None
    assert found.ruler is not None
    assert found.values["new model, new labels"] is None


def test_several_seeds_are_paired(tmp_path: Path):
    samples = money()
    old = [finished(tmp_path, samples, {"10": many}) for many in (6, 7)]
    new = [finished(tmp_path, samples, {"10": many}, version=2) for many in (0, 2)]
    found = compare_two_by_two(old, new, samples, samples, draws=200)
    assert found.model is not None
    assert len(found.model.seeds) == 2
    assert found.model.value == pytest.approx(sum(found.model.seeds) / 2)


def test_images_that_one_was_trained_on_do_not_count(tmp_path: Path):
    samples = money()
    old = finished(tmp_path, [replace(each, split="train" if each.split == "test" else each.split) for each in samples])
    new = finished(tmp_path, samples, version=2)
    with pytest.raises(LabelloopError, match="no image of the split test"):
        compare_two_by_two([old], [new], samples, samples)


def test_runs_of_other_classes_are_refused(tmp_path: Path):
    samples = money()
    one, two = finished(tmp_path, samples), finished(tmp_path, samples, classes=("10", "50", "1000", "5000", "10000"))
    with pytest.raises(LabelloopError, match="same classes"):
        compare_two_by_two([one], [two], samples, samples)


def classifier(home: Path, samples: list[Sample], wrong: set[str]) -> Run:
    """A run that takes these test images for the other class and is right on all others."""
    frame = to_rows(samples, Stamp("ada", "test", datetime(2026, 1, 1, tzinfo=UTC), 1))
    run = begin_run(
        Workspace(home), "classifier", "cars", 1, frame, classes=("abnormal", "normal"), model="small-cnn", seed=0,
        settings={"from": "labels"}, reasons={},
    )  # fmt: skip
    rows: list[tuple[str, str, float, list[float]]] = []
    for sample in samples:
        if sample.split == "test":
            normal = (sample.label == "normal") != (sample.key in wrong)
            rows.append((sample.key, "normal" if normal else "abnormal", 0.9, [0.1, 0.9] if normal else [0.9, 0.1]))
    write_predictions(run.folder / "predictions", "test", pl.DataFrame(rows, schema=LABELS, orient="row"))
    run.finish({"split": "test"})
    return run


def test_a_classifier_is_judged_by_its_accuracy(tmp_path: Path):
    samples = [
        Sample(
            f"{at}.jpg", Path(f"/photos/{at}.jpg"), Size(64, 64), label="normal" if at % 2 else "abnormal",
            split="test" if at < 60 else "train", sha256=f"{at:064}",
        )
        for at in range(80)
    ]  # fmt: skip
    old = classifier(tmp_path, samples, {f"{at}.jpg" for at in range(20)})
    new = classifier(tmp_path, samples, {f"{at}.jpg" for at in range(3)})
    before = [replace(each, label="normal") if each.key == "58.jpg" else each for each in samples]
    found = compare_two_by_two([old], [new], before, samples, draws=300)
    assert found.metric == "accuracy"
    assert found.model is not None
    assert found.ruler is not None
    assert (found.model.first, found.model.second) == pytest.approx((40 / 60, 57 / 60))
    assert found.model.verdict == "gain"
    assert found.ruler.value == pytest.approx(1 / 60)
    assert [(each.label, each.count) for each in found.classes] == [("abnormal", 30), ("normal", 30)]
