"""Labels of boxes that are probably wrong, by what a detector says that has not seen them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ...datasets.schema import Box, Sample
from ..predictions import to_boxes
from .features import LABEL_SIGNS, OBJECT_SIGNS, Boxes, overlap
from .likelihood import find_ratios, probabilities
from .planting import PLANTED, Picture, plant

LEAST = 0.01
"""Suspects that are less probable than this are not named."""

_SAYS = 0.1
"""From this score on a prediction is taken to say something against a label; below, that nothing is there."""
_ONE_PLACE = 0.3
"""Two objects without labels whose IoU is this are one that is drawn once."""
_WITHIN = 0.8
"""So are two of one class of which so large a part of one lies inside the other."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A label that may be wrong, or a place that may lack one: what, where, and how probable that is, in [0, 1].

    `box` is the labelled box, None for what is missing; `proposed` is what the model says, None where it says nothing.
    """

    key: str
    kind: str
    box: Box | None
    proposed: Box | None
    probability: float


def score_labels(
    samples: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str], seed: int = 0
) -> list[Candidate]:
    """The candidates, the most probable first; one for each label at most, of the kind that is the most probable.

    What to tell right from wrong by is learned from these labels and predictions alone. All must come from
    models that have not learned these labels, or all from one that has: the two are not to be mixed.

    Args:
        samples: images that somebody has labelled, or said to show nothing.
        predictions: rows of `BOXES`, down to low scores; those on other images do not count.
    """
    found = to_boxes(predictions)
    number_of = {label: number for number, label in enumerate(classes)}
    pictures = [_picture(sample, found.get(sample.key, ()), number_of) for sample in samples]
    if not pictures:
        return []
    labels, objects = plant(pictures, len(classes), seed)
    candidates: list[Candidate] = []
    wrong_labels, wrong_objects = probabilities(
        find_ratios(labels, LABEL_SIGNS, seed), find_ratios(objects, OBJECT_SIGNS, seed)
    )
    today = np.flatnonzero(labels.kinds == 0)
    for row, wrong in zip(today.tolist(), wrong_labels, strict=True):
        if wrong.sum() < LEAST:
            continue
        sample = samples[int(labels.images[row])]
        box = sample.boxes[int(labels.places[row])]
        proposed = _predicted(found, sample.key, int(labels.proposed[row]))
        kind = PLANTED[int(wrong.argmax())]
        kind, proposed = _said(kind, box, proposed)
        candidates.append(Candidate(sample.key, kind, box, proposed, float(min(wrong.sum(), 1.0))))
    today = np.flatnonzero(objects.kinds == 0)
    for row, wrong in zip(today.tolist(), wrong_objects[:, 0], strict=True):
        if wrong >= LEAST:
            sample = samples[int(objects.images[row])]
            proposed = _predicted(found, sample.key, int(objects.places[row]))
            candidates.append(Candidate(sample.key, "missing", None, proposed, float(wrong)))
    candidates = sorted(_one_each(candidates), key=lambda each: (-each.probability, each.key, each.kind))
    return _one_for_a_place(candidates)


def image_probabilities(candidates: Sequence[Candidate]) -> dict[str, float]:
    """How probable it is that something on an image is wrong, by key; images without a candidate are not in it."""
    right: dict[str, float] = {}
    for each in candidates:
        right[each.key] = right.get(each.key, 1.0) * (1.0 - each.probability)
    return {key: 1.0 - value for key, value in right.items()}


def _picture(sample: Sample, found: Sequence[Box], number_of: Mapping[str, int]) -> Picture:
    return Picture(_boxes(sample.boxes, number_of), _boxes(found, number_of), (sample.size[0], sample.size[1]))


def _boxes(boxes: Sequence[Box], number_of: Mapping[str, int]) -> Boxes:
    """The boxes as arrays; a class that is not among the known has the number behind them."""
    return Boxes(
        np.array([box.corners for box in boxes], np.float64).reshape(-1, 4),
        np.array([number_of.get(box.label, len(number_of)) for box in boxes], np.int64),
        np.array([box.score or 0.0 for box in boxes], np.float64),
    )


def _predicted(found: Mapping[str, Sequence[Box]], key: str, number: int) -> Box | None:
    return found[key][number] if number >= 0 else None


def _said(kind: str, box: Box, proposed: Box | None) -> tuple[str, Box | None]:
    """The kind in the words of what the model says: where it says the same class elsewhere, it is the place, and so on.

    What it says with next to no certainty is nothing.
    """
    if kind == "spurious" or proposed is None or (proposed.score or 0.0) < _SAYS:
        return "spurious", None
    if kind == "class" and proposed.label == box.label:
        return "location", proposed
    return kind, proposed


def _one_each(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates without those of missing labels that a badly placed or spurious label nearby accounts for.

    A label that was moved leaves its object without one: that is one mistake, to be mended by moving it back.
    """
    claimed = {
        (each.key, each.proposed.corners) for each in candidates if each.kind != "missing" and each.proposed is not None
    }
    return [
        each
        for each in candidates
        if each.kind != "missing" or each.proposed is None or (each.key, each.proposed.corners) not in claimed
    ]


def _one_for_a_place(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, the most probable first, without missing labels on the place of a more probable one.

    A detector puts a second box about the half of an object, or about two: whoever draws the first has drawn the second.
    """
    kept: list[Candidate] = []
    of_image: dict[str, list[Box]] = {}
    for each in candidates:
        if each.kind == "missing" and each.proposed is not None:
            there = of_image.setdefault(each.key, [])
            if any(_same_place(each.proposed, other) for other in there):
                continue
            there.append(each.proposed)
        kept.append(each)
    return kept


def _same_place(one: Box, two: Box) -> bool:
    first, second = np.array([one.corners]), np.array([two.corners])
    iou, inside = overlap(first, second)
    within = max(float(inside[0, 0]), float(overlap(second, first)[1][0, 0]))
    return bool(iou[0, 0] >= _ONE_PLACE or (one.label == two.label and within >= _WITHIN))
