"""Labels and predictions as arrays, and hotcoco, which judges them: the one door to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..datasets.schema import Sample

Numbers = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

EVERYTHING = 1e10
"""COCO's own upper end of the areas that count."""

ON, NEAR = 0.5, 0.1
"""The IoU from which on something is on a box, and the one up to which it is on nothing; between the two it is near it.

By the first a prediction is right (COCO's lowest threshold), and by the second a wrong one is on nothing (TIDE's background).
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """Labels and predictions, arrays of one row a box.

    `images` are the numbers of the images, from 1, in the order of `keys`; `ids` those of the classes, from 1; `boxes` are
    (x, y, width, height) in pixels; `crowd` is 1 for a box around a crowd, which COCO neither counts nor asks for.
    Predictions have the same columns with `found_` before them, and `scores`. `sizes` are (n, 2), width and height.
    """

    classes: Sequence[str]
    keys: Sequence[str]
    sizes: Numbers
    images: Ids
    ids: Ids
    boxes: Numbers
    crowd: Ids
    found_images: Ids
    found_ids: Ids
    found_boxes: Numbers
    scores: Numbers

    @property
    def number_of(self) -> Mapping[str, int]:
        """The number of each image, by its key."""
        return {key: number for number, key in enumerate(self.keys, start=1)}


def is_judged(sample: Sample) -> bool:
    """Whether somebody has looked for boxes: an image that nobody has labelled says nothing about a detector."""
    return bool(sample.boxes) or sample.state == "negative"


def to_problem(judged: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str]) -> Problem:
    """The arrays of images and of the predictions on them; predictions on other images are left out."""
    number_of_class = {name: number for number, name in enumerate(classes, start=1)}
    number_of_image = {sample.key: number for number, sample in enumerate(judged, start=1)}
    rows = [(number_of_image[sample.key], box) for sample in judged for box in sample.boxes]
    found = predictions.filter(pl.col("key").is_in(list(number_of_image)))
    return Problem(
        classes,
        list(number_of_image),
        np.array([sample.size for sample in judged], np.float64).reshape(-1, 2),
        np.array([number for number, _ in rows], np.int64),
        np.array([number_of_class[box.label] for _, box in rows], np.int64),
        _with_sides(np.array([box.corners for _, box in rows], np.float64).reshape(-1, 4)),
        np.array([box.attributes.get("iscrowd") == 1 for _, box in rows], np.int64),
        _numbers(found["key"], number_of_image),
        _numbers(found["label"], number_of_class),
        _with_sides(found.select("x1", "y1", "x2", "y2").to_numpy().astype(np.float64).reshape(-1, 4)),
        found["score"].to_numpy().astype(np.float64),
    )


def judge(
    problem: Problem,
    areas: Sequence[tuple[str, float, float]],
    *,
    relative: bool = False,
    thresholds: Sequence[float] = (),
) -> Any:
    """Hotcoco's `COCOeval`, evaluated and accumulated.

    Args:
        areas: names of object sizes with the areas from and to which they go.
        relative: areas are parts of the image's area. All images are then stretched to the unit square, which changes no IoU.
        thresholds: IoU from which a prediction counts as right; empty for COCO's .50, .55, ... .95.
    """
    import hotcoco

    boxes, found = problem.boxes, problem.found_boxes
    if relative:
        sides = np.hstack([problem.sizes, problem.sizes])
        boxes, found = boxes / sides[problem.images - 1], found / sides[problem.found_images - 1]
    truth = hotcoco.COCO.from_arrays(
        [{"id": number, "width": 1, "height": 1} for number in range(1, len(problem.keys) + 1)],
        [{"id": number, "name": name} for number, name in enumerate(problem.classes, start=1)],
        problem.images,
        problem.ids,
        boxes,
        area=boxes[:, 2] * boxes[:, 3],
        iscrowd=problem.crowd,
    )
    rows = np.column_stack([problem.found_images, found, problem.scores, problem.found_ids]).astype(np.float64)
    predictions = truth.load_res(rows)
    evaluator = hotcoco.COCOeval(truth, predictions, "bbox")
    params = evaluator.params
    params.area_rng = [[low, high] for _, low, high in areas]
    params.area_rng_lbl = [name for name, _, _ in areas]
    if thresholds:
        params.iou_thrs = list(thresholds)
    evaluator.evaluate()
    evaluator.accumulate()
    return evaluator


def draw_again(one: Any, two: Any, times: int) -> tuple[float, float, float]:
    """The difference of two evaluations' AP, and the ends of its 95 % interval over images drawn anew so many times."""
    import hotcoco

    said = hotcoco.compare(one, two, n_bootstrap=times)
    ends = said["ci"]["AP"]
    return float(said["deltas"]["AP"]), float(ends["lower"]), float(ends["upper"])


def _numbers(names: pl.Series, number_of: Mapping[str, int]) -> Ids:
    """The number of each name."""
    if names.is_empty():
        return np.zeros(0, np.int64)
    return names.replace_strict(dict(number_of), return_dtype=pl.Int64).to_numpy().astype(np.int64)


def _with_sides(corners: Numbers) -> Numbers:
    """(x1, y1, x2, y2) as (x, y, width, height)."""
    return np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
