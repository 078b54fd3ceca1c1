"""What a detector's boxes are worth against the labels: COCO's metrics, by class and by slice.

hotcoco computes them in a thirtieth of pycocotools' time; a test shows that both say the same to 1e-9.

Reference: https://cocodataset.org/#detection-eval
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from ..datasets.schema import Sample
from .box_pairs import Flags, Pairs
from .detection_problem import EVERYTHING, ON, Ids, Numbers, Problem, draw_again, is_judged, judge, to_problem
from .results import Metrics, Scores
from .slices import COCO_AREAS, RELATIVE_AREAS, image_slices

_GRID: Numbers = np.linspace(0.0, 1.0, 1001, dtype=np.float64)
_ALL = ("all", 0.0, EVERYTHING)
_FIFTY, _SEVENTY_FIVE = 0, 5
"""Where IoU .50 and .75 stand among COCO's ten."""
_MOST = 100
"""So many predictions of an image and a class count, those of the highest scores."""


def evaluate(
    truth: Sequence[Sample],
    predictions: pl.DataFrame,
    classes: Sequence[str],
    *,
    confidence: float | None = None,
) -> Scores:
    """The scores of predictions on images, overall, by class and by slice.

    Overall: mAP50-95, mAP50, mAP75 and AR100 as COCO defines them, over the classes that have boxes; precision, recall
    and f1 at IoU .5 and one confidence for all classes, their means over these classes; and false_alarms, the
    part of the images without a box on which something is found at that confidence. None is what cannot be said.

    Args:
        truth: images with their labels. Those that nobody has labelled (for boxes) are left out and counted.
        predictions: rows of `BOXES`; those on images that are left out do not count.
        classes: the class names, in their order.
        confidence: for precision and recall; None takes the one with the best mean f1 here, which is fair only on val.

    Raises:
        ValueError: a prediction for an image that is not in `truth`, or of an unknown class.
    """
    _refuse_strangers(truth, predictions, classes)
    judged = [sample for sample in truth if is_judged(sample)]
    if not judged:
        return Scores(0, {}, unlabelled=len(truth))
    problem = to_problem(judged, predictions, classes)
    evaluator = judge(problem, (_ALL, *COCO_AREAS))
    curves = Curves(problem)
    chosen = curves.best() if confidence is None else confidence
    precision, recall = np.asarray(evaluator.eval["precision"]), np.asarray(evaluator.eval["recall"])
    overall = {**_averages(precision[..., 0, 2], recall[..., 0, 2]), **curves.overall(chosen)}
    per_class: dict[str, Metrics] = {
        name: {
            "AP50-95": _mean(precision[:, :, at, 0, 2]),
            "AP50": _mean(precision[_FIFTY, :, at, 0, 2]),
            **curves.of_class(at, chosen),
        }
        for at, name in enumerate(classes)
    }
    per_slice = {**_image_slices(evaluator, judged, problem), **_size_slices(evaluator, problem)}
    return Scores(len(judged), overall, per_class, per_slice, len(truth) - len(judged))


def difference(
    truth: Sequence[Sample], first: pl.DataFrame, second: pl.DataFrame, classes: Sequence[str]
) -> tuple[float, float, float] | None:
    """The second predictions' mAP50-95 less the first's, and the two ends between which it lies with 95 % certainty.

    By drawing the images anew, with replacement, many times with the same seed. That says how much hangs on these
    images, and nothing of what another seed of the training would have given. None where no image has a box.
    """
    judged = [sample for sample in truth if is_judged(sample)]
    if not any(sample.boxes for sample in judged):
        return None
    one, two = (judge(to_problem(judged, rows, classes), (_ALL, *COCO_AREAS)) for rows in (first, second))
    return draw_again(one, two, 1000 if len(judged) <= 1000 else 200)


def judge_parts(
    truth: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str], parts: Mapping[str, Sequence[str]]
) -> dict[str, Metrics]:
    """mAP50-95 and mAP50 on each part of the images, with the images and boxes that it has.

    Args:
        truth: images that somebody has labelled.
        parts: the keys of each part's images, by its name.
    """
    problem = to_problem(truth, predictions, classes)
    return _judged_parts(judge(problem, (_ALL,)), problem, parts)


class Curves:
    """Precision and recall over the confidence, at IoU .5: counts by confidence and class, (1001, K)."""

    def __init__(self, problem: Problem) -> None:
        right, scores, ids, asked = _matches(problem)
        count = len(problem.classes)
        self.asked = asked
        self.right = np.zeros((len(_GRID), count))
        self.found = np.zeros((len(_GRID), count))
        for at in range(count):
            mine = ids == at + 1
            for into, which in ((self.right, mine & right), (self.found, mine)):
                ordered = np.sort(scores[which])
                into[:, at] = len(ordered) - np.searchsorted(ordered, _GRID, side="left")
        empty = np.bincount(problem.images, minlength=len(problem.keys) + 1)[1:] == 0
        highest = np.zeros(len(problem.keys))
        np.maximum.at(highest, problem.found_images - 1, problem.scores)
        self.highest_on_empty = highest[empty]

    def best(self) -> float:
        """The confidence with the best mean f1; in the middle, where several are equally good."""
        counted = self.asked > 0
        if not counted.any():
            return 0.5
        f1 = (2 * self.right / np.maximum(self.found + self.asked, 1))[:, counted].mean(axis=1)
        best = np.flatnonzero(f1 >= f1.max() - 1e-12)
        return round(float(_GRID[best[len(best) // 2]]), 3)

    def of_class(self, at: int, confidence: float) -> dict[str, float | int | None]:
        """Precision, recall and f1 of a class, and the number of boxes that they stand on."""
        row = _row(confidence)
        right, found, asked = self.right[row, at], self.found[row, at], self.asked[at]
        return {
            "precision": float(right / found) if found else None,
            "recall": float(right / asked) if asked else None,
            "f1": float(2 * right / (found + asked)) if asked else None,
            "boxes": int(asked),
        }

    def overall(self, confidence: float) -> dict[str, float | int | None]:
        """The means over the classes that have boxes, the confidence, and how often there is a false alarm."""
        classes = [self.of_class(at, confidence) for at in np.flatnonzero(self.asked)]
        means = {
            # A class of which nothing is found is right in none of its none: it counts as 0, as Ultralytics has it.
            name: sum(each[name] or 0.0 for each in classes) / len(classes) if classes else None
            for name in ("precision", "recall", "f1")
        }
        alarms = self.highest_on_empty
        return {
            **means,
            "confidence": confidence,
            "false_alarms": np.count_nonzero(alarms >= _GRID[_row(confidence)]) / len(alarms) if len(alarms) else None,
            "boxes": int(self.asked.sum()),
        }


def _matches(problem: Problem) -> tuple[Flags, Numbers, Ids, Ids]:
    """For each prediction that counts: whether it is right at IoU .5, its score and class id; and for each class its boxes.

    Of an image and a class the 100 best count, and none that is on nothing but a crowd: as COCO has it.
    """
    ordered = _most(problem)
    pairs = Pairs(ordered)
    same = ordered.ids[pairs.box] == ordered.found_ids[pairs.prediction]
    crowd = problem.crowd[pairs.box] == 1
    right = pairs.matched(same & ~crowd & (pairs.iou >= ON)) >= 0
    in_crowd = np.zeros(len(right), bool)
    in_crowd[pairs.prediction[same & crowd & (pairs.inside >= ON)]] = True
    counts = right | ~in_crowd
    asked = np.bincount(problem.ids[problem.crowd == 0], minlength=len(problem.classes) + 1)[1:]
    return right[counts], ordered.scores[counts], ordered.found_ids[counts], asked


def _most(problem: Problem) -> Problem:
    """The problem with the 100 best predictions of each image and class, in the order of their scores."""
    order = np.lexsort((-problem.scores, problem.found_ids, problem.found_images))
    images, ids = problem.found_images[order], problem.found_ids[order]
    starts = np.flatnonzero(np.diff(images, prepend=0) | np.diff(ids, prepend=0))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    kept = order[rank < _MOST]
    return replace(
        problem, found_images=problem.found_images[kept], found_ids=problem.found_ids[kept],
        found_boxes=problem.found_boxes[kept], scores=problem.scores[kept],
    )  # fmt: skip


def _averages(precision: Numbers, recall: Numbers) -> dict[str, float | int | None]:
    """COCO's averages; precision is (10, 101, K), recall (10, K), -1 where nothing was asked for."""
    return {
        "mAP50-95": _mean(precision),
        "mAP50": _mean(precision[_FIFTY]),
        "mAP75": _mean(precision[_SEVENTY_FIVE]),
        "AR100": _mean(recall),
    }


def _image_slices(evaluator: Any, judged: Sequence[Sample], problem: Problem) -> dict[str, Metrics]:
    return _judged_parts(evaluator, problem, image_slices(judged))


def _judged_parts(evaluator: Any, problem: Problem, parts: Mapping[str, Sequence[str]]) -> dict[str, Metrics]:
    number_of = problem.number_of
    slices = {name: [number_of[key] for key in keys] for name, keys in parts.items()}
    if not slices:
        return {}
    boxes = np.bincount(problem.images[problem.crowd == 0], minlength=len(problem.keys) + 1)
    found = evaluator.slice_by(slices)
    return {
        name: {
            "mAP50-95": _said(found[name]["AP"]),
            "mAP50": _said(found[name]["AP50"]),
            "images": len(numbers),
            "boxes": int(boxes[numbers].sum()),
        }
        for name, numbers in slices.items()
    }


def _size_slices(evaluator: Any, problem: Problem) -> dict[str, Metrics]:
    """Slices by the size of objects, in COCO's pixels and as a part of the image; those without a box are left out."""
    sides = problem.sizes[problem.images - 1]
    area = problem.boxes[:, 2] * problem.boxes[:, 3]
    part = area / (sides[:, 0] * sides[:, 1])
    relative = judge(problem, (_ALL, *RELATIVE_AREAS), relative=True)
    found: dict[str, Metrics] = {}
    for title, judged, areas, values in (
        ("pixels", evaluator, COCO_AREAS, area),
        ("part", relative, RELATIVE_AREAS, part),
    ):
        precision = np.asarray(judged.eval["precision"])
        for at, (name, low, high) in enumerate(areas, start=1):
            inside = (values >= low) & (values <= high) & (problem.crowd == 0)
            if inside.any():
                found[f"{title}={name}"] = {
                    "mAP50-95": _mean(precision[..., at, 2]),
                    "mAP50": _mean(precision[_FIFTY, ..., at, 2]),
                    "images": len(np.unique(problem.images[inside])),
                    "boxes": int(inside.sum()),
                }
    return found


def _mean(values: Numbers) -> float | None:
    """The mean of what COCO does not call undefined (-1)."""
    known = values[values > -1]
    return float(known.mean()) if known.size else None


def _said(value: float) -> float | None:
    return None if value < 0 else float(value)


def _row(confidence: float) -> int:
    return round(confidence * (len(_GRID) - 1))


def _refuse_strangers(truth: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str]) -> None:
    strangers = sorted(set(predictions["key"]) - {sample.key for sample in truth})
    if strangers:
        raise ValueError(f"predictions must be for images that are judged, received {strangers[0]}")
    for what, labels in (
        ("predictions", set(predictions["label"])),
        ("labels", {box.label for sample in truth for box in sample.boxes}),
    ):
        unknown = sorted(labels - set(classes))
        if unknown:
            raise ValueError(f"{what} must be of the classes {', '.join(classes)}, received {unknown[0]}")
