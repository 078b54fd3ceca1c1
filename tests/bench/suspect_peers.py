"""The peers that rank images by how probably their labels are wrong: higher is worse, by key; in one list, and in one for each kind.

Each at its defaults and set fairly: ObjectLab and mistakenness count a missing box only from confidence .95, hotcoco any error from .5,
and a detector whose scores end below loses by that alone. Set fairly, each begins lower.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl

from labelloop.datasets.schema import Box, Sample
from labelloop.training.detection_problem import EVERYTHING, judge, to_problem
from labelloop.training.predictions import to_boxes
from labelloop.training.suspects.detector_scoring import image_probabilities, score_labels
from labelloop.training.suspects.features import overlap

Ranking = Mapping[str, float]
Rankings = Mapping[str, Ranking]
"""One for all mistakes ("all"), and one for each kind that a tool tells apart."""
FAIR = 0.5


def labelloop(samples: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str]) -> Rankings:
    """Of labelloop: how probable it is that something on an image is wrong, and that something of each kind is."""
    candidates = score_labels(samples, rows, classes)
    kinds = ("class", "location", "missing", "spurious")
    return {
        "all": image_probabilities(candidates),
        **{kind: image_probabilities([each for each in candidates if each.kind == kind]) for kind in kinds},
    }


def objectlab(samples: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str], fair: bool = False) -> Rankings:
    """Of cleanlab 2.9.0: one less than its quality of an image's labels; its scores of overlooked, badly placed and swapped boxes by kind."""
    rank: Any = import_module("cleanlab.object_detection.rank")
    before = rank.HIGH_PROBABILITY_THRESHOLD
    number = {label: at for at, label in enumerate(classes)}
    found = to_boxes(rows)
    labels = [
        {
            "bboxes": np.array([box.corners for box in sample.boxes], np.float64).reshape(-1, 4),
            "labels": np.array([number[box.label] for box in sample.boxes], np.int64),
        }
        for sample in samples
    ]
    predictions = [_by_class(found.get(sample.key, ()), classes) for sample in samples]
    of_kind = {"missing": "overlooked", "location": "badloc", "class": "swap"}
    try:
        if fair:
            rank.HIGH_PROBABILITY_THRESHOLD = FAIR
        qualities = {"all": rank.get_label_quality_scores(labels, predictions, verbose=False)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for kind, name in of_kind.items():
                of_boxes = getattr(rank, f"compute_{name}_box_scores")(labels=labels, predictions=predictions)
                # An image whose boxes have no score of this kind has nothing wrong of it.
                qualities[kind] = [float(np.nanmin(each, initial=1.0)) for each in of_boxes]
    finally:
        rank.HIGH_PROBABILITY_THRESHOLD = before
    return {
        kind: {sample.key: 1.0 - float(each) for sample, each in zip(samples, quality, strict=True)}
        for kind, quality in qualities.items()
    }


def _by_class(boxes: Sequence[Box], classes: Sequence[str]) -> Any:
    parts = [[[*box.corners, box.score] for box in boxes if box.label == label] for label in classes]
    # An array of arrays also where all have the same number of rows.
    said = np.empty(len(classes), object)
    for at, part in enumerate(parts):
        said[at] = np.array(part, np.float32).reshape(-1, 5)
    return said


def mistakenness(samples: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str], fair: bool = False) -> Rankings:
    """FiftyOne brain's two formulas, called on matches as it makes them (COCO's, classes mixed), without its database.

    It gives a box that nothing matches no number, only the marks possible_missing and possible_spurious. Here
    a missing box counts with its score, a spurious one with .5, which is what the formulas give where nothing is known.
    """
    del classes
    brain: Any = import_module("fiftyone.brain.internal.core.mistakenness")
    least = FAIR if fair else 0.95
    found = to_boxes(rows)
    said: dict[str, dict[str, float]] = {name: {} for name in ("all", "class", "location", "missing", "spurious")}
    for sample in samples:
        boxes = sorted(found.get(sample.key, ()), key=lambda box: -(box.score or 0.0))
        iou, _ = overlap(_corners(boxes), _corners(sample.boxes))
        free = set(range(len(sample.boxes)))
        worst = {"class": 0.0, "location": 0.0, "missing": 0.0}
        for at, box in enumerate(boxes):
            score = box.score or 0.0
            best = max(free, key=lambda other: iou[at, other], default=None)
            if best is not None and iou[at, best] >= 0.5:
                free.discard(best)
                right = float(sample.boxes[best].label == box.label)
                of_place = brain._compute_mistakenness_loc_conf(score, iou[at, best])
                worst["class"] = max(worst["class"], brain._compute_mistakenness_class_conf(score, right))
                worst["location"] = max(worst["location"], of_place)
            elif score > least:
                worst["missing"] = max(worst["missing"], score)
        worst["spurious"] = 0.5 if free else 0.0
        worst["all"] = max(worst.values())
        for kind, value in worst.items():
            said[kind][sample.key] = value
    return said


def hotcoco(samples: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str], fair: bool = False) -> Rankings:
    """Of hotcoco 1.3.0: the best score among an image's label errors; it has two types, for wrong classes and missing boxes.

    A prediction of score .001 that is of the labelled class makes a wrong label right: set fairly, those below .25 are left out.
    """
    rows = rows.filter(pl.col("score") >= 0.25) if fair else rows
    problem = to_problem(list(samples), rows, list(classes))
    said = judge(problem, (("all", 0.0, EVERYTHING),)).image_diagnostics(iou_thr=0.5, score_thr=0.25 if fair else 0.5)
    worst: dict[str, dict[str, float]] = {"all": {}, "class": {}, "missing": {}}
    kind_of = {"wrong_label": "class", "missing_annotation": "missing"}
    for error in said["label_errors"]:
        key = problem.keys[int(error["image_id"]) - 1]
        for kind in ("all", kind_of[error["type"]]):
            worst[kind][key] = max(worst[kind].get(key, 0.0), float(error["dt_score"]))
    return worst


def _corners(boxes: Sequence[Box]) -> Any:
    return np.array([box.corners for box in boxes], np.float64).reshape(-1, 4)


PEERS: Mapping[str, Callable[[Sequence[Sample], pl.DataFrame, Sequence[str]], Rankings]] = {
    "labelloop": labelloop,
    "ObjectLab": objectlab,
    "ObjectLab, fair": lambda samples, rows, classes: objectlab(samples, rows, classes, fair=True),
    "mistakenness": mistakenness,
    "mistakenness, fair": lambda samples, rows, classes: mistakenness(samples, rows, classes, fair=True),
    "hotcoco": hotcoco,
    "hotcoco, fair": lambda samples, rows, classes: hotcoco(samples, rows, classes, fair=True),
}
