"""Simulated data sets with planted mistakes, and simulated detectors on them, to judge rankings of suspects by.

These simulators judge: no setting of labelloop's method was chosen by them. It was developed on another one, with other sizes,
rates and shapes of noise. Objects come in two sorts: a few large ones on an image, and crowded scenes as in COCO
(lognormal sizes, 7 objects in the mean, clustered, many small).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.predictions import from_boxes

CLASSES = tuple(f"class {number}" for number in range(10))
KINDS = ("class", "location", "missing", "spurious")
WIDTH, HEIGHT = 640, 480
Corners = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Detector:
    """How a detector errs.

    `recall` is that of large and of small objects, `odds` and `background` the mean and the spread of its log-odds on objects
    and on nothing, `false_boxes` how many an image has, `confusion` how often it takes one class for another, `offset`
    how far its boxes are off, in parts of them, and `ceiling` where its scores end.
    """

    recall: tuple[float, float]
    odds: tuple[float, float]
    background: tuple[float, float]
    false_boxes: float
    confusion: float
    offset: float
    ceiling: float


DETECTORS = {
    "good": Detector((0.97, 0.85), (2.0, 0.9), (-2.6, 1.0), 0.6, 0.03, 0.03, 0.9),
    "overconfident": Detector((0.95, 0.8), (4.0, 0.8), (0.5, 1.8), 0.5, 0.07, 0.04, 0.99),
    "weak": Detector((0.75, 0.45), (0.2, 1.1), (-2.0, 1.0), 2.0, 0.18, 0.09, 0.95),
}


def simulate(
    detector: str, scenes: str, images: int, mistakes: int, seed: int
) -> tuple[list[Sample], pl.DataFrame, dict[str, str]]:
    """Images with labels, predictions on them, and the kind of mistake of each image that has one, by key.

    Args:
        detector: one of `DETECTORS`.
        scenes: few, or crowded.
    """
    draw = np.random.default_rng([seed, sum(map(ord, detector + scenes))])
    said = DETECTORS[detector]
    wrong = {int(image): KINDS[turn % 4] for turn, image in enumerate(draw.permutation(images)[:mistakes])}
    samples: list[Sample] = []
    found: dict[str, list[Box]] = {}
    truth: dict[str, str] = {}
    for number in range(images):
        key = f"{number:06d}.jpg"
        objects = _objects(draw, scenes)
        found[key] = _predicted(draw, said, objects)
        labels = [(label, _jittered(draw, corners, 0.01)) for label, corners in objects]
        if number in wrong:
            truth[key] = wrong[number]
            _spoil(draw, labels, wrong[number], scenes)
        boxes = [_box(label, corners, f"{number:012x}{at:012x}") for at, (label, corners) in enumerate(labels)]
        kept = tuple(box for box in boxes if box is not None)
        samples.append(
            Sample(key, Path(key), Size(WIDTH, HEIGHT), boxes=kept, state="labelled" if kept else "negative")
        )
    return samples, from_boxes(found), truth


def _objects(draw: np.random.Generator, scenes: str) -> list[tuple[int, Corners]]:
    """Some classes are ten times as frequent as others."""
    weights = 1.0 / np.arange(1, 11)
    count = 1 + min(int(draw.poisson(0.6)), 4) if scenes == "few" else 1 + min(int(draw.geometric(0.14)), 40)
    center = draw.uniform(0.2, 0.8, 2)
    return [(int(draw.choice(10, p=weights / weights.sum())), _place(draw, scenes, center)) for _ in range(count)]


def _place(draw: np.random.Generator, scenes: str, center: Corners) -> Corners:
    area = draw.lognormal(-2.0, 0.6) if scenes == "few" else draw.lognormal(-4.3, 1.3)
    aspect = draw.lognormal(0, 0.4)
    width = min(np.sqrt(area * aspect), 0.9) * WIDTH
    height = min(np.sqrt(area / aspect), 0.9) * HEIGHT
    at = draw.uniform(0, 1, 2) if scenes == "few" else np.clip(draw.normal(center, 0.22), 0, 1)
    x, y = at[0] * (WIDTH - width), at[1] * (HEIGHT - height)
    return np.array([x, y, x + max(width, 8), y + max(height, 8)])


def _predicted(draw: np.random.Generator, said: Detector, objects: list[tuple[int, Corners]]) -> list[Box]:
    boxes: list[Box | None] = []
    for at, (label, corners) in enumerate(objects):
        small = (corners[2] - corners[0]) * (corners[3] - corners[1]) < 32**2
        crowd = max((_iou(corners, other) for number, (_, other) in enumerate(objects) if number != at), default=0.0)
        if draw.random() > said.recall[1 if small else 0] * (1 - 0.5 * crowd):
            if draw.random() < 0.6:  # far below what counts as found
                boxes.append(_box(label, _jittered(draw, corners, 0.12), score=draw.uniform(0.001, 0.08)))
            continue
        score = _sigmoid(draw.normal(*said.odds) - (0.8 if small else 0.0), said.ceiling)
        place = _jittered(draw, corners, said.offset * draw.choice([1.0, 3.0], p=[0.9, 0.1]))
        other = int((label + draw.integers(1, 10)) % 10)
        first, second = (other, label) if draw.random() < said.confusion else (label, other)
        boxes.append(_box(first, place, score=score))
        if draw.random() < 0.5:
            boxes.append(_box(second, _jittered(draw, place, 0.01), score=score * draw.beta(1.0, 4.0)))
    for _ in range(int(draw.poisson(said.false_boxes))):
        scenes = "few" if len(objects) < 4 else "crowded"
        corners = _place(draw, scenes, draw.uniform(0.2, 0.8, 2))
        boxes.append(_box(int(draw.integers(10)), corners, score=_sigmoid(draw.normal(*said.background), said.ceiling)))
    return [box for box in boxes if box is not None]


def _spoil(draw: np.random.Generator, labels: list[tuple[int, Corners]], kind: str, scenes: str) -> None:
    at = int(draw.integers(len(labels)))
    label, corners = labels[at]
    if kind == "class":
        labels[at] = (int((label + draw.integers(1, 10)) % 10), corners)
    elif kind == "missing":
        labels.pop(at)
    elif kind == "location":
        sides = np.tile(corners[2:] - corners[:2], 2)
        way = np.tile(draw.choice([-1.0, 1.0], 2) * draw.uniform(0.12, 0.4, 2), 2)
        if draw.random() < 0.3:  # too large, or cut off
            way = draw.uniform(0.1, 0.45, 4) * np.array([-1, -1, 1, 1]) * draw.choice([-1.0, 1.0], p=[0.4, 0.6])
        labels[at] = (label, corners + way * sides)
    else:
        labels.append((int(draw.integers(10)), _place(draw, scenes, draw.uniform(0.2, 0.8, 2))))


def _jittered(draw: np.random.Generator, corners: Corners, part: float) -> Corners:
    """Each side moved by so large a part of the box, Laplace."""
    return corners + draw.laplace(0, part, 4) * np.tile(corners[2:] - corners[:2], 2)


def _sigmoid(odds: float, ceiling: float) -> float:
    return float(np.clip(ceiling / (1 + np.exp(-odds)), 0.001, 1.0))


def _box(label: int, corners: Corners, id: str = "", score: float | None = None) -> Box | None:
    x1, y1 = np.maximum(corners[:2], 0)
    x2, y2 = min(corners[2], WIDTH), min(corners[3], HEIGHT)
    if x2 - x1 < 2 or y2 - y1 < 2:
        return None
    return Box(CLASSES[label], float(x1), float(y1), float(x2), float(y2), id, score if score is None else float(score))


def _iou(one: Corners, two: Corners) -> float:
    sides = np.minimum(one[2:], two[2:]) - np.maximum(one[:2], two[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(each[2:] - each[:2])) for each in (one, two)]
    return shared / (sum(areas) - shared)
