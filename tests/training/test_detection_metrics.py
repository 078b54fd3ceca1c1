"""Detection metrics: the same as pycocotools' to 1e-9, whatever is on the images, and the rest against plain counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.datasets.schema import Box, Sample, Size, State
from labelloop.training.detection_metrics import difference, evaluate
from labelloop.training.predictions import from_boxes
from labelloop.training.slices import COCO_AREAS, RELATIVE_AREAS, image_slices

CLASSES = ("10", "50", "never")
EXACT = 1e-9


def image(key: str, *boxes: Box, size: tuple[int, int] = (200, 100), state: State = "negative") -> Sample:
    return Sample(key, Path(f"/photos/{key}"), Size(*size), state="labelled" if boxes else state, boxes=boxes)


@st.composite
def boxes(draw: st.DrawFn, size: Size, *, scored: bool) -> Box:
    """Boxes on a coarse grid, so that they meet, overlap and have IoUs on both sides of every threshold."""
    x1 = draw(st.integers(0, size.width - 2))
    y1 = draw(st.integers(0, size.height - 2))
    x2 = draw(st.integers(x1 + 1, size.width))
    y2 = draw(st.integers(y1 + 1, size.height))
    crowd = not scored and draw(st.integers(0, 9)) == 0
    score = draw(st.sampled_from([0.001, 0.1, 0.25, 0.25, 0.5, 0.9, 1.0])) if scored else None
    attributes = {"iscrowd": 1} if crowd else {}
    return Box(draw(st.sampled_from(CLASSES[:2])), x1, y1, x2, y2, score=score, attributes=attributes)


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Sample], dict[str, tuple[Box, ...]]]:
    """Images with labels, negatives and images that nobody has labelled; predictions that are right, near, wrong or none."""
    samples: list[Sample] = []
    found: dict[str, tuple[Box, ...]] = {}
    for number in range(draw(st.integers(1, 5))):
        size = draw(st.sampled_from([Size(40, 30), Size(300, 200), Size(9, 500)]))
        labels = tuple(draw(st.lists(boxes(size, scored=False), max_size=4)))
        state: State = draw(st.sampled_from(["negative", "unlabelled"]))
        key = f"{draw(st.sampled_from(['a', 'b']))}/{number}.jpg"
        samples.append(image(key, *labels, size=size, state=state))
        near = [
            Box(box.label, *box.corners, score=draw(st.sampled_from([0.2, 0.6, 0.8])))
            for box in labels
            if draw(st.booleans())
        ]
        found[key] = (*near, *draw(st.lists(boxes(size, scored=True), max_size=5)))
    return samples, found


@settings(max_examples=150, deadline=None)
@given(problems())
def test_averages_are_pycocotools_own(problem: tuple[list[Sample], dict[str, tuple[Box, ...]]]) -> None:
    samples, found = problem
    judged = [each for each in samples if each.boxes or each.state == "negative"]
    scores = evaluate(samples, from_boxes(found), CLASSES)
    assert scores.images == len(judged)
    assert scores.unlabelled == len(samples) - len(judged)
    if not judged:
        assert scores.overall == {}
        return
    expected = coco(judged, found)
    same(scores.overall, expected.overall)
    for number, name in enumerate(CLASSES):
        same(scores.per_class[name], {"AP50-95": expected.ap(number), "AP50": expected.ap(number, 0)})
    for at, (name, _, _) in enumerate(COCO_AREAS, start=1):
        if f"pixels={name}" in scores.per_slice:
            same(scores.per_slice[f"pixels={name}"], {"mAP50-95": expected.ap(area=at)})
    for name, keys in image_slices(judged).items():
        part = coco([each for each in judged if each.key in keys], found)
        same(scores.per_slice[name], {"mAP50-95": part.ap(), "mAP50": part.ap(iou=0), "images": len(keys)})


@settings(max_examples=60, deadline=None)
@given(problems())
def test_sizes_relative_to_the_image_are_pycocotools_on_images_of_one_size(
    problem: tuple[list[Sample], dict[str, tuple[Box, ...]]],
) -> None:
    samples = [each for each in problem[0] if each.boxes or each.state == "negative"]
    if not samples:
        return
    scores = evaluate(samples, from_boxes({each.key: problem[1][each.key] for each in samples}), CLASSES)
    expected = coco(samples, problem[1], areas=RELATIVE_AREAS, unit=True)
    for at, (name, _, _) in enumerate(RELATIVE_AREAS, start=1):
        if f"part={name}" in scores.per_slice:
            same(scores.per_slice[f"part={name}"], {"mAP50-95": expected.ap(area=at)})


def test_precision_and_recall_at_the_confidence_with_the_best_f1() -> None:
    samples = [
        image("1.jpg", Box("10", 0, 0, 50, 50)),
        image("2.jpg", Box("10", 0, 0, 50, 50), Box("50", 100, 0, 150, 50)),
        image("3.jpg"),
        image("4.jpg"),
    ]
    found = {
        "1.jpg": (Box("10", 0, 0, 50, 48, score=0.9), Box("10", 60, 60, 90, 90, score=0.3)),
        "2.jpg": (Box("10", 0, 0, 50, 50, score=0.8), Box("50", 100, 0, 150, 40, score=0.7)),
        "3.jpg": (Box("50", 0, 0, 50, 50, score=0.65),),
    }
    scores = evaluate(samples, from_boxes(found), CLASSES)
    confidence = scores.overall["confidence"]
    assert confidence is not None
    assert 0.65 < confidence <= 0.7
    assert scores.overall["f1"] == 1.0
    assert scores.overall["false_alarms"] == 0.0
    assert scores.per_class["never"] == {
        "AP50-95": None, "AP50": None, "precision": None, "recall": None, "f1": None, "boxes": 0,
    }  # fmt: skip
    lower = evaluate(samples, from_boxes(found), CLASSES, confidence=0.25)
    assert lower.overall["confidence"] == 0.25
    assert lower.per_class["10"]["precision"] == pytest.approx(2 / 3)
    assert lower.per_class["50"]["precision"] == pytest.approx(1 / 2)
    assert lower.overall["precision"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert lower.overall["recall"] == 1.0
    assert lower.overall["false_alarms"] == 0.5


def test_without_predictions_everything_is_missed_and_without_labels_nothing_can_be_said() -> None:
    nothing = from_boxes({})
    missed = evaluate([image("1.jpg", Box("10", 0, 0, 50, 50))], nothing, CLASSES)
    assert missed.overall["mAP50-95"] == 0.0
    assert missed.per_class["10"]["recall"] == 0.0
    assert missed.per_class["10"]["precision"] is None
    assert missed.overall["false_alarms"] is None
    empty = evaluate([image("1.jpg")], nothing, CLASSES)
    assert empty.overall["mAP50-95"] is None
    assert empty.overall["false_alarms"] == 0.0
    unknown = evaluate([image("1.jpg", state="unlabelled")], nothing, CLASSES)
    assert (unknown.images, unknown.unlabelled, unknown.overall) == (0, 1, {})


def test_a_class_that_is_ruined_is_seen_where_the_mean_hides_it() -> None:
    samples = [image(f"{n}.jpg", Box("10" if n % 8 else "50", 0, 0, 50, 50)) for n in range(40)]
    found = {each.key: (Box("10", 0, 0, 50, 50, score=0.9),) for each in samples if each.boxes[0].label == "10"}
    scores = evaluate(samples, from_boxes(found), CLASSES)
    assert scores.per_class["10"]["AP50"] == pytest.approx(1.0)
    assert scores.per_class["50"]["AP50"] == 0.0


def test_strangers_are_refused() -> None:
    samples = [image("1.jpg", Box("10", 0, 0, 50, 50))]
    with pytest.raises(ValueError, match=r"for images that are judged, received 2\.jpg"):
        evaluate(samples, from_boxes({"2.jpg": (Box("10", 0, 0, 5, 5, score=0.5),)}), CLASSES)
    with pytest.raises(ValueError, match="of the classes 10, 50, never, received 100"):
        evaluate(samples, from_boxes({"1.jpg": (Box("100", 0, 0, 5, 5, score=0.5),)}), CLASSES)
    with pytest.raises(ValueError, match="labels must be of the classes 50, received 10"):
        evaluate(samples, from_boxes({}), ("50",))


def test_a_difference_comes_with_the_interval_that_other_images_might_have_given() -> None:
    samples = [image(f"{n}.jpg", Box("10", 0, 0, 50, 50)) for n in range(40)]
    good = from_boxes({each.key: (Box("10", 0, 0, 50, 50, score=0.9),) for each in samples})
    bad = from_boxes({each.key: (Box("10", 0, 0, 50, 50, score=0.9),) for each in samples[:20]})
    said = difference(samples, good, bad, CLASSES)
    assert said is not None
    assert said[1] < said[0] < said[2] < 0
    assert difference(samples, good, bad, CLASSES) == said
    assert difference(samples, good, good, CLASSES) == (0.0, 0.0, 0.0)
    assert difference([image("1.jpg")], from_boxes({}), from_boxes({}), CLASSES) is None


class Expected:
    """What pycocotools says."""

    def __init__(self, precision: Any, recall: Any) -> None:
        self.precision = precision
        self.recall = recall

    def ap(self, class_number: int | None = None, iou: int | None = None, area: int = 0) -> float | None:
        values = self.precision[:, :, :, area, 2] if iou is None else self.precision[iou, :, :, area, 2]
        return mean(values if class_number is None else values[..., class_number])

    @property
    def overall(self) -> dict[str, float | None]:
        return {
            "mAP50-95": self.ap(),
            "mAP50": self.ap(iou=0),
            "mAP75": self.ap(iou=5),
            "AR100": mean(self.recall[:, :, 0, 2]),
        }


def coco(
    samples: Sequence[Sample],
    found: Mapping[str, Sequence[Box]],
    areas: Sequence[tuple[str, float, float]] = COCO_AREAS,
    *,
    unit: bool = False,
) -> Expected:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    ids = {name: number for number, name in enumerate(CLASSES, start=1)}
    numbers = {each.key: number for number, each in enumerate(samples, start=1)}

    def bbox(box: Box, sample: Sample) -> list[float]:
        across, down = sample.size if unit else (1, 1)
        # At the very edge of two sizes the last bit decides, so it is divided as there.
        return [box.x1 / across, box.y1 / down, (box.x2 - box.x1) / across, (box.y2 - box.y1) / down]

    annotations = [
        {"image_id": numbers[each.key], "category_id": ids[box.label], "bbox": bbox(box, each),
         "iscrowd": int(box.attributes.get("iscrowd") == 1)}
        for each in samples for box in each.boxes
    ]  # fmt: skip
    for number, annotation in enumerate(annotations, start=1):
        annotation |= {"id": number, "area": annotation["bbox"][2] * annotation["bbox"][3]}
    results = [
        {"image_id": numbers[each.key], "category_id": ids[box.label], "bbox": bbox(box, each), "score": box.score}
        for each in samples for box in sorted(found.get(each.key, ()), key=lambda box: -(box.score or 0))
    ]  # fmt: skip
    with redirect_stdout(StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": number} for number in numbers.values()],
            "categories": [{"id": number, "name": name} for name, number in ids.items()],
            "annotations": annotations,
        }
        truth.createIndex()
        predictions = truth.loadRes(results) if results else COCO()
        evaluator = COCOeval(truth, predictions, "bbox")
        evaluator.params.areaRng = [[0, 1e10], *([low, high] for _, low, high in areas)]
        evaluator.params.areaRngLbl = ["all", *(name for name, _, _ in areas)]
        evaluator.evaluate()
        evaluator.accumulate()
    return Expected(evaluator.eval["precision"], evaluator.eval["recall"])


def mean(values: Any) -> float | None:
    known = values[values > -1]
    return float(np.mean(known)) if known.size else None


def same(said: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for name, value in expected.items():
        if value is None:
            assert said[name] is None, name
        else:
            assert said[name] == pytest.approx(value, abs=EXACT, rel=0), name


def test_rows_keep_their_schema() -> None:
    assert from_boxes({}).schema["score"] == pl.Float64
