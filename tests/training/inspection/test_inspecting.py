"""Inspections of finished runs: counts that a person can check, figures that pycocotools gives, parts, and the worst images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box, Sample
from labelloop.training.detection_metrics import evaluate
from labelloop.training.inspection.inspecting import Inspection, Part, inspect_run
from labelloop.training.inspection.sentences import sentences_of
from labelloop.training.predictions import from_boxes, read_predictions, write_predictions
from labelloop.training.runs import Run
from tests.bench.bench_errors import CLASSES, problem
from tests.training.finished_runs import COINS_AND_NOTES, classifier, detector, image, money, numbered


def with_predictions(run: Run, split: str, found: Mapping[str, Sequence[Box]]) -> Run:
    write_predictions(run.folder / "predictions", split, from_boxes(found))
    return run


@pytest.fixture
def inspected(tmp_path: Path) -> Inspection:
    """On test: the 10s are taken for 50s, three 1000s are missed, one 5000 has a box of nothing beside it."""
    run = detector(tmp_path, numbered(money()))
    found: dict[str, list[Box]] = {}
    for sample in run.samples():
        if sample.split == "test":
            boxes = [replace(box, label="50" if box.label == "10" else box.label, score=0.9) for box in sample.boxes]
            found[sample.key] = [] if sample.key in {f"1000/test {number}.jpg" for number in range(3)} else boxes
    found["5000/test 4.jpg"].append(Box("10", 400, 400, 500, 470, score=0.95))
    return inspect_run(with_predictions(run, "test", found))


def test_what_is_wrong_is_counted_by_kind_and_class(inspected: Inspection) -> None:
    assert (inspected.split, inspected.images, inspected.boxes) == ("test", 40, 40)
    kinds = {"correct": 27, "class": 10, "location": 0, "both": 0, "duplicate": 0, "background": 1, "missed": 3}
    assert inspected.counts == kinds
    assert inspected.class_counts["50"]["class"] == 10
    assert inspected.class_counts["1000"]["missed"] == 3
    assert inspected.class_counts["10"]["background"] == 1
    assert inspected.confusion == (
        (0, 10, 0, 0, 0),
        (0, 10, 0, 0, 0),
        (0, 0, 7, 0, 3),
        (0, 0, 0, 10, 0),
        (1, 0, 0, 0, 0),
    )


def test_the_sentences_say_what_would_gain_most(inspected: Inspection) -> None:
    said = sentences_of(inspected)
    assert said[0].startswith("Mending class errors would gain most: AP50 is ")
    assert said[0].endswith("there are 10.")
    assert said[1] == (
        "The weakest class is 10: AP50-95 0.000 on 10 boxes, where the mean of all is 0.548; taken for 50: 10."
    )


def test_the_worst_images_lose_most_and_ties_are_broken_by_what_is_wrong_there(inspected: Inspection) -> None:
    keys = [each.key for each in inspected.worst]
    assert keys[:10] == [f"10/test {number}.jpg" for number in range(10)], "a wrong box and a box that nothing has"
    assert keys[10:13] == [f"1000/test {number}.jpg" for number in range(3)], "a box that nothing has"
    assert (keys[13:], inspected.worst[13].f1) == (["5000/test 4.jpg"], pytest.approx(2 / 3))
    assert [each.blame for each in inspected.worst[9:14]] == pytest.approx([1.9, 1, 1, 1, 0.95])


def test_a_surer_mistake_is_worse(tmp_path: Path) -> None:
    run = detector(tmp_path, numbered(money(2, ("10",))), classes=("10", "50"))
    found = {f"10/test {at}.jpg": [Box("50", 10, 20, 110, 220, score=score)] for at, score in enumerate((0.6, 0.9))}
    said = inspect_run(with_predictions(run, "test", found))
    assert [(each.key, each.f1) for each in said.worst] == [("10/test 1.jpg", 0), ("10/test 0.jpg", 0)]


def test_parts_have_what_evaluate_says_of_them_alone(inspected: Inspection, tmp_path: Path) -> None:
    part = next(each for each in inspected.parts if each.name == "in=1000")
    run = Run(next(tmp_path.glob("runs/*")))
    alone = [each for each in run.samples() if each.key.startswith("1000/test")]
    rest = [each for each in run.samples() if each.split == "test" and each not in alone]
    rows = read_predictions(run.folder / "predictions", "test")

    def ap(samples: Sequence[Sample]) -> float:
        mine = rows.filter(pl.col("key").is_in([each.key for each in samples]))
        return float(evaluate(samples, mine, COINS_AND_NOTES).overall["mAP50-95"] or 0.0)

    assert part.ap == pytest.approx(ap(alone), abs=1e-9)
    assert part.difference == pytest.approx(ap(alone) - ap(rest), abs=1e-9)
    assert (part.images, part.boxes, part.recall, part.precision) == (10, 10, 0.7, 1.0)
    assert part.recall_low is not None
    assert part.recall_high is not None
    assert part.recall_low < 0.7 < part.recall_high
    assert part.uncertain
    assert inspected.parts[0].name == "in=10", "the worst first"
    known = [each.difference for each in inspected.parts if each.difference is not None]
    assert known == sorted(known)


def test_a_part_of_nearly_everything_is_as_uncertain_as_what_is_left_of_it(tmp_path: Path) -> None:
    samples = [*money(30, ("10",)), *(image(f"SHADE/{at}.jpg", "test", "10") for at in range(3))]
    said = {part.name: part for part in inspect_run(detector(tmp_path, numbered(samples), classes=("10",))).parts}
    assert said["in=10"].boxes == 30
    assert said["in=10"].uncertain
    assert said["in=SHADE"].uncertain


def test_what_the_confidence_hides_is_said(tmp_path: Path) -> None:
    run = detector(tmp_path, numbered(money(4)))
    found = {
        sample.key: [replace(box, score=0.05 if box.label == "10" else 0.9) for box in sample.boxes]
        for sample in run.samples()
        if sample.split == "test" and not sample.key.startswith("50/")
    }
    said = inspect_run(with_predictions(run, "test", found))
    assert (said.counts["missed"], said.hidden) == (8, 4)
    assert any(
        "Of the 8 boxes that are not found" in sentence and ", 4 are" in sentence for sentence in sentences_of(said)
    )


def test_thresholds_are_chosen_on_val(inspected: Inspection) -> None:
    assert inspected.thresholds.split == "val"
    assert inspected.thresholds.best_of == dict.fromkeys(COINS_AND_NOTES, pytest.approx(0.45, abs=0.01))
    point = next(each for each in inspected.thresholds.points if each.confidence == 0.5)
    assert (point.precision, point.recall, point.f1, point.false_alarms) == (1, 1, 1, None)


def test_false_alarms_are_kept_to(tmp_path: Path) -> None:
    samples = numbered([*money(2), *(image(f"empty/val {number}.jpg", "val") for number in range(20))])
    run = detector(tmp_path, samples)
    found = {each.key: [replace(box, score=0.6) for box in each.boxes] for each in samples if each.split == "val"}
    for number in range(3):
        found[f"empty/val {number}.jpg"] = [Box("10", 1, 1, 50, 50, score=0.3 + number / 10)]
    said = inspect_run(with_predictions(run, "val", found), "val").thresholds
    assert said.split == "val"
    # Scores of .3, .4 and .5 on 20 images: at .41 one of them is left, at .51 none.
    assert (said.at_alarms[0.05].false_alarms, said.at_alarms[0.01].false_alarms) == (0, 0)
    assert said.at_alarms[0.05].recall == 1
    by_confidence = {point.confidence: point.false_alarms for point in said.points}
    assert by_confidence[0.41] == pytest.approx(1 / 20)
    assert by_confidence[0.31] == pytest.approx(2 / 20)


def test_a_score_is_judged_where_it_counts(tmp_path: Path) -> None:
    run = detector(tmp_path, numbered(money()))
    found = {
        each.key: [replace(box, score=0.9) for box in each.boxes] for each in run.samples() if each.split == "test"
    }
    noise = [Box("10", 300 + at, 300, 310 + at, 310, score=0.01) for at in range(50)]
    said = inspect_run(with_predictions(run, "test", {key: [*boxes, *noise] for key, boxes in found.items()}))
    assert said.calibration.error == pytest.approx(0.1)
    assert [each.count for each in said.calibration.bins] == [40]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Inspection]:
    """A detector's 4,000 predictions on 200 images of 20 classes, of every kind of error."""
    samples, rows = problem(200)
    samples = [replace(each, split="test") for each in samples]
    run = detector(tmp_path_factory.mktemp("large"), samples, classes=CLASSES)
    write_predictions(run.folder / "predictions", "test", rows)
    return run, inspect_run(run)


def test_every_box_and_every_prediction_is_in_the_confusion_once(large: tuple[Run, Inspection]) -> None:
    _, said = large
    table = np.array(said.confusion)
    boxes, predictions = said.errors.boxes, said.errors.predictions
    for at, name in enumerate(CLASSES):
        assert table[at].sum() == boxes.filter(pl.col("label") == name).height
        assert table[:, at].sum() == predictions.filter(pl.col("label") == name).height
        assert table[at, at] == predictions.filter((pl.col("label") == name) & (pl.col("kind") == "correct")).height
    assert table[-1, -1] == 0
    assert table[:-1, :-1].sum() - np.trace(table) > 10, "classes are taken for others"
    assert table[:-1, :-1].sum() - np.trace(table) == boxes.filter(pl.col("kind") == "class").height


def test_ap_is_that_of_pycocotools(large: tuple[Run, Inspection]) -> None:
    run, said = large
    samples = [each for each in run.samples() if each.split == "test"]
    rows = read_predictions(run.folder / "predictions", "test")
    overall, fifty, per_class = coco(samples, rows)
    assert said.scores.overall["mAP50-95"] == pytest.approx(overall, abs=1e-9, rel=0)
    assert said.gains.ap == pytest.approx(overall, abs=1e-9, rel=0)
    assert said.gains.ap50 == pytest.approx(fifty, abs=1e-9, rel=0)
    assert [said.scores.per_class[name]["AP50-95"] for name in CLASSES] == pytest.approx(per_class, abs=1e-9, rel=0)


def test_sizes_are_parts_too(large: tuple[Run, Inspection]) -> None:
    run, said = large
    sizes = {part.name: part for part in said.parts if part.name.startswith("size=")}
    assert set(sizes) == {"size=small", "size=medium"}, "boxes go up to 3 % of the image"
    assert sum(part.boxes for part in sizes.values()) == said.boxes
    for name in ("small", "medium"):
        assert sizes[f"size={name}"].ap == pytest.approx(said.scores.per_slice[f"part={name}"]["mAP50-95"], abs=1e-9)
        assert sizes[f"size={name}"].boxes == said.scores.per_slice[f"part={name}"]["boxes"]
    small: Part = sizes["size=small"]
    medium = sizes["size=medium"]
    assert small.ap is not None
    assert medium.ap is not None
    assert small.difference == pytest.approx(small.ap - medium.ap, abs=1e-9), "medium is all the rest here"
    assert small.recall is not None
    assert medium.recall is not None
    had = small.recall * small.boxes + medium.recall * medium.boxes
    assert had == pytest.approx(said.counts["correct"])
    assert run.id == said.run


def test_only_what_is_done_and_labelled_can_be_inspected(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match=r"must be done, received one that is"):
        inspect_run(detector(tmp_path, money(), done=False))
    with pytest.raises(LabelloopError, match="must be a detector's run, received a classifier's"):
        inspect_run(classifier(tmp_path, numbered(money())))
    run = detector(tmp_path, money())
    with pytest.raises(LabelloopError, match="has no predictions for the split holdout; there are: test, val"):
        inspect_run(run, "holdout")
    unlabelled = [replace(each, boxes=(), state="unlabelled") for each in money() if each.split == "val"]
    others = [each for each in money() if each.split != "val"]
    run = detector(tmp_path, [*others, *unlabelled])
    with pytest.raises(LabelloopError, match="nobody has labelled an image of the split val"):
        inspect_run(run, "val")


def test_a_split_on_which_nothing_is(tmp_path: Path) -> None:
    empty = [image(f"empty/test {number}.jpg", "test") for number in range(4)]
    run = detector(tmp_path, numbered([*(each for each in money(1) if each.split != "test"), *empty]))
    said = inspect_run(with_predictions(run, "test", {"empty/test 0.jpg": [Box("10", 1, 1, 50, 50, score=0.9)]}))
    assert (said.images, said.boxes, said.counts["background"]) == (4, 0, 1)
    assert [each.key for each in said.worst] == ["empty/test 0.jpg"]
    assert said.scores.overall["false_alarms"] == 0.25
    assert sentences_of(said)[0].startswith("AP50 is 0.000, and no kind of error")


def coco(samples: Sequence[Sample], rows: pl.DataFrame) -> tuple[float, float, list[float]]:
    """What pycocotools says: AP, AP50, and AP by class."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    ids = {name: number for number, name in enumerate(CLASSES, start=1)}
    numbers = {each.key: number for number, each in enumerate(samples, start=1)}
    labels: list[dict[str, Any]] = [
        {"image_id": numbers[each.key], "category_id": ids[box.label], "iscrowd": 0,
         "bbox": [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1], "area": (box.x2 - box.x1) * (box.y2 - box.y1)}
        for each in samples for box in each.boxes
    ]  # fmt: skip
    for number, label in enumerate(labels, start=1):
        label["id"] = number
    results = [
        {"image_id": numbers[key], "category_id": ids[label], "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score}
        for key, label, x1, y1, x2, y2, score in rows.iter_rows()
    ]
    with redirect_stdout(StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": number} for number in numbers.values()],
            "categories": [{"id": number, "name": name} for name, number in ids.items()],
            "annotations": labels,
        }
        truth.createIndex()
        evaluator = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
    precision = evaluator.eval["precision"][..., 0, 2]
    by_class = [float(precision[:, :, at].mean()) for at in range(len(CLASSES))]
    return float(precision.mean()), float(precision[0].mean()), by_class
