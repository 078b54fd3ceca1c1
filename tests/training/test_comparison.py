"""Runs beside each other: the ruin of one class is seen, other labels are refused, and epochs say where it went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box
from labelloop.training.comparison import compare
from labelloop.training.curves import find_overfitting, read_curve
from labelloop.training.plots import plot_comparison, plot_learning
from labelloop.training.results import format_result, read_scores
from tests.training.finished_runs import classifier, detector, hidden_ruin, image, money, numbered


def test_the_ruin_of_one_class_stands_at_the_top_though_the_mean_hides_it(tmp_path: Path) -> None:
    """The team's last run kept the notes at .995 and ruined the coins: only a view by class shows it."""
    before = detector(tmp_path, money())
    after = detector(tmp_path, money(), {"50": 8, "10": 1})
    found = compare([before, after])
    assert found.overall["mAP50"][0] == pytest.approx(1.0)
    assert found.overall["mAP50"][1] == pytest.approx(0.775, abs=0.01)
    assert [each.name for each in found.classes] == ["50", "10", "1000", "5000"]
    assert found.classes[0].count == 10
    assert found.classes[0].change == pytest.approx(-0.8, abs=0.01)
    assert found.classes[2].change == 0.0
    assert found.slices[0].name == "folder=50"
    assert "the class that changed most is 50, whose AP50-95 went from 1.000 to 0.20" in found.sentence()
    assert found.sentence().startswith("mAP50-95 went from 1.000 to 0.77")
    (interval,) = found.intervals
    assert interval.run == after.id
    assert interval.low < interval.difference < interval.high < 0


def test_a_ruin_that_the_mean_hides_altogether_is_named(tmp_path: Path) -> None:
    before, after = hidden_ruin(tmp_path)
    found = compare([before, after])
    assert found.overall["mAP50"][1] == pytest.approx(found.overall["mAP50"][0], abs=0.005)
    assert found.intervals[0].low < 0 < found.intervals[0].high
    assert found.classes[0].name == "50"
    assert found.classes[0].change == pytest.approx(-0.7, abs=0.01)
    assert all((each.change or 0) > 0 for each in found.classes[1:])
    assert "the class that changed most is 50, whose AP50-95 went from 0.901 to 0.20" in found.sentence()


def test_more_than_two_runs_are_compared_by_the_spread(tmp_path: Path) -> None:
    runs = [detector(tmp_path, money(), missed) for missed in ({}, {"10": 2}, {"10": 5, "1000": 1})]
    found = compare(runs)
    assert found.runs == ("won-1", "won-2", "won-3")
    assert found.classes[0].name == "10"
    assert found.classes[0].change == pytest.approx(0.5, abs=0.01)
    assert "lies between 0.50" in found.sentence()
    assert len(found.intervals) == 2
    assert plot_comparison(found, tmp_path / "three.png").stat().st_size > 10_000


def test_runs_that_were_judged_on_other_labels_are_refused_with_what_differs(tmp_path: Path) -> None:
    samples = money()
    first = detector(tmp_path, samples)
    (key,) = {sample.key for sample in samples if sample.key == "50/test 0.jpg"}
    other = [
        replace(sample, boxes=(replace(sample.boxes[0], label="10"),)) if sample.key == key else sample
        for sample in samples
    ]
    more = [*other, image("10/test new.jpg", "test", "10")]
    second = detector(tmp_path, more, version=2)
    with pytest.raises(
        LabelloopError,
        match=r"different labels of test.*1 image only won-2 has \(such as 10/test new\.jpg\), 1 image with other labels"
        r" \(such as 50/test 0\.jpg\)\. --on VERSION",
    ):
        compare([first, second])
    assert compare([first, second], "val").split == "val"


def test_labels_of_one_version_judge_both_anew_on_what_neither_was_trained_on(tmp_path: Path) -> None:
    samples = money()
    first = detector(tmp_path, samples)
    moved = [replace(sample, split="train") if sample.key == "10/test 0.jpg" else sample for sample in samples]
    second = detector(tmp_path, moved, {"50": 3}, version=2)
    corrected = [
        replace(sample, boxes=(replace(sample.boxes[0], label="1000"),)) if sample.key == "5000/test 9.jpg" else sample
        for sample in samples
    ]
    found = compare([first, second], labels=corrected, named="won version 3")
    assert found.images == 39
    assert found.labels == "won version 3"
    by_class = {each.name: each for each in found.classes}
    assert by_class["50"].change == pytest.approx(-0.3, abs=0.01)
    assert by_class["1000"].count == 11
    assert by_class["5000"].count == 9
    none = [sample for sample in corrected if sample.split == "train"]
    with pytest.raises(LabelloopError, match="there is nothing to compare them on"):
        compare([first, second], labels=none)


def test_what_cannot_be_compared_is_a_sentence(tmp_path: Path) -> None:
    run = detector(tmp_path, money())
    with pytest.raises(LabelloopError, match="two runs are needed to compare, received 1"):
        compare([run])
    open_run = detector(tmp_path, money(), done=False)
    with pytest.raises(
        LabelloopError,
        match="won-2 must be done, received one that is stopped: labelloop train detector --resume won-2 goes on",
    ):
        compare([run, open_run])
    without = [sample for sample in money() if sample.split != "test"]
    with pytest.raises(LabelloopError, match="won-3 must have the split test like won-1, received train, val"):
        compare([run, detector(tmp_path, without)])
    with pytest.raises(LabelloopError, match="no scores of the split field; there are: val, test"):
        read_scores(run.result() or {}, "field")


def rows(*losses: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"epoch": at, "train/loss": train, "val/loss": val} for at, (train, val) in enumerate(losses, start=1)]


@pytest.mark.parametrize(
    ("losses", "began"),
    [
        ([(5, 6), (4, 5), (3, 4), (2, 3)], None),
        ([(5, 6), (4, 5), (3, 4), (2, 4.5), (1.5, 5), (1, 6)], 4),
        ([(5, 6), (4, 5), (3, 4), (2, 4.01), (1.5, 4.01), (1, 4.02)], None),  # noise
        ([(5, 6), (4, 5), (3, 4), (4, 5), (5, 6)], None),  # train is worse too: that is no learning by heart
        ([(5, 6), (4, 5), (3, 9), (2, 4), (1, 3)], None),  # one bad epoch
        ([(5, 6), (4, 7)], None),
        ([], None),
    ],
)
def test_overfitting_begins_where_val_gets_worse_while_train_gets_better(
    losses: Sequence[tuple[float, float]], began: int | None
) -> None:
    assert find_overfitting(rows(*losses)) == began


def test_a_curve_says_the_best_epoch_and_the_gap() -> None:
    said = rows((5, 6), (4, 5), (3, 5.5))
    for row, value in zip(said, (0.1, 0.4, 0.3), strict=True):
        row["val/mAP50-95"] = value
    curve = read_curve(said, "detector")
    assert (curve.best, curve.metric, curve.train_loss, curve.val_loss, curve.gap) == (2, 0.4, 4, 5, 1)
    said[2]["val/mAP50-95"] = 0.4
    assert read_curve(said, "detector").best == 3  # Ultralytics keeps the last of equals
    without = read_curve(rows((5, 6), (4, 5), (3, 5.5)), "classifier")
    assert (without.best, without.metric) == (2, None)
    assert read_curve([{"epoch": 1, "train/loss": None}], "detector").best is None


def test_a_classifiers_best_epoch_is_the_one_whose_weights_it_keeps(tmp_path: Path) -> None:
    run = classifier(tmp_path, numbered(money(2)))
    curve = read_curve(run.epochs(), "classifier")
    assert curve.best == (run.result() or {})["best_epoch"] == 1
    assert (curve.metric, curve.val_loss) == (0.7, 0.5)
    said = run.epochs()
    said[1]["val/loss"] = 0.5
    assert read_curve(said, "classifier").best == 1  # of equals, the patience counts from the first


def test_crops_are_judged_anew_where_all_runs_saw_the_same_part(tmp_path: Path) -> None:
    samples = numbered(money(4))
    first = classifier(tmp_path, samples)
    wrong = [f"10/test {number}.jpg" for number in range(2)]
    second = classifier(tmp_path, samples, wrong, version=2)
    own = compare([first, second])
    assert own.images == 16
    assert own.overall["accuracy"] == (1.0, 14 / 16)

    by_key = {sample.key: sample for sample in samples}

    def box_of(key: str) -> Box:
        return by_key[key].boxes[0]

    changed = {
        "10/test 0.jpg": (replace(box_of("10/test 0.jpg"), label="50"),),  # which is what the second run says
        "50/test 0.jpg": (replace(box_of("50/test 0.jpg"), x1=30),),  # moved: nobody has seen this part
        "50/test 1.jpg": (*by_key["50/test 1.jpg"].boxes, Box("10", 300, 20, 400, 200, id="f" * 24)),  # added
        "1000/test 0.jpg": (),  # deleted
    }
    corrected = [
        replace(sample, boxes=boxes, state="labelled" if boxes else "negative")
        for sample in samples
        for boxes in (changed.get(sample.key, sample.boxes),)
    ]
    found = compare([first, second], labels=corrected, named="won version 3")
    assert found.images == 14
    assert found.overall["accuracy"] == pytest.approx((13 / 14, 13 / 14))
    assert {each.name: each.count for each in found.classes} == {"10": 3, "50": 4, "1000": 3, "5000": 4}
    moved = [replace(sample, boxes=tuple(replace(box, y1=0) for box in sample.boxes)) for sample in samples]
    with pytest.raises(LabelloopError, match="lies where it lay, and is of a class that all know: there is nothing"):
        compare([first, second], labels=moved)


def test_crops_are_not_compared_with_whole_images(tmp_path: Path) -> None:
    samples = [replace(sample, label=sample.boxes[0].label) for sample in numbered(money(2))]
    runs = [classifier(tmp_path, samples), classifier(tmp_path, samples, origin="labels")]
    with pytest.raises(LabelloopError, match="learned from the same: won-1 from boxes, won-2 from labels"):
        compare(runs)
    labels = [runs[1], classifier(tmp_path, samples, ["10/test 0.jpg"], origin="labels")]
    assert compare(labels, labels=samples).overall["accuracy"] == (1.0, 7 / 8)


def test_a_class_that_one_run_does_not_know_is_left_out_of_both(tmp_path: Path) -> None:
    samples = numbered(money(2))
    runs = [classifier(tmp_path, samples), classifier(tmp_path, samples, classes=("10", "50", "1000"))]
    found = compare(runs, labels=samples)
    assert found.images == 6
    assert found.overall["accuracy"] == (1.0, 1.0)


def test_curves_are_drawn_whatever_is_known(tmp_path: Path) -> None:
    said = rows((5, 6), (4, 5), (3, 4), (2, 4.5), (1.5, 5), (1, 6))
    curve = read_curve(said, "detector")
    assert plot_learning(said, curve, "원 #1 [a]", tmp_path / "new folder" / "a.png").stat().st_size > 10_000
    assert plot_learning([{"epoch": 1}], read_curve([], "detector"), "", tmp_path / "b.png").exists()
    with pytest.raises(LabelloopError, match="the plot cannot be written"):
        plot_learning(said, curve, "", tmp_path / "b.png" / "c.png")


def test_a_result_without_a_judged_split_is_read_as_nothing() -> None:
    said = format_result({}, seconds=1.0)
    assert said["split"] == ""
    assert read_scores(said).images == 0
