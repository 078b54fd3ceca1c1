"""What a classifier learns from: whole images with a label, or boxes cut out of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Literal

from ..datasets.geometry import Corners
from ..datasets.schema import NOTHING, Box, Sample, Size

Origin = Literal["labels", "boxes"]

SMALLEST = 4
"""Boxes of which fewer pixels than this are inside the image, in width or in height, are left out."""

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Example:
    """One picture with its class.

    `sample` says it as if it were an image of its own: for a box, its key is that of the image with
    `#` and the box's id behind it, its label the box's, its size that of the crop. `image` is the key of
    the image that it is of, `corners` the part of it that is meant, in whole pixels of the upright
    image; None for all of it.
    """

    sample: Sample
    image: str
    corners: Corners | None = None


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples, in the order of the samples (boxes as they lie in their image), and what was left out, counted by why."""

    found: tuple[Example, ...]
    left_out: Mapping[str, int]


def choose_origin(samples: Sequence[Sample]) -> tuple[Origin, str]:
    """Whether images' labels or boxes' are what a classifier is to learn here, and the sentence that says why."""
    labels = sum(sample.label is not None for sample in samples)
    boxes = sum(bool(sample.boxes) for sample in samples)
    said = f"{labels} of {len(samples)} images have a label of their own, {boxes} have boxes"
    return ("boxes" if boxes > labels else "labels"), said


def find_examples(samples: Sequence[Sample], origin: Origin, classes: Sequence[str] | None = None) -> Examples:
    """The examples in the splits train, val and test.

    Args:
        classes: those that are learned; examples of others are left out. None takes all.
    """
    left_out: Counter[str] = Counter()
    found: list[Example] = []
    for sample in samples:
        if sample.split not in SPLITS:
            left_out[f"in the split {sample.split}" if sample.split else "in no split"] += 1
            continue
        for example in _labels(sample, left_out) if origin == "labels" else _boxes(sample, left_out):
            if classes is not None and example.sample.label not in classes:
                left_out[f"of the class {example.sample.label}, which train does not have"] += 1
            else:
                found.append(example)
    return Examples(tuple(found), dict(left_out))


def crop_corners(box: Box, size: Size) -> Corners | None:
    """The whole pixels of an image of this size that the box touches; None where that is too small to see anything."""
    x1, y1 = max(0, floor(box.x1)), max(0, floor(box.y1))
    x2, y2 = min(size.width, ceil(box.x2)), min(size.height, ceil(box.y2))
    return (x1, y1, x2, y2) if x2 - x1 >= SMALLEST and y2 - y1 >= SMALLEST else None


def _labels(sample: Sample, left_out: Counter[str]) -> list[Example]:
    if sample.label is None:
        left_out["without a label of their own"] += 1
        return []
    return [Example(sample, sample.key)]


def _boxes(sample: Sample, left_out: Counter[str]) -> list[Example]:
    if not sample.boxes:
        left_out["without a box"] += 1
    found: list[Example] = []
    for number, box in enumerate(sample.boxes):
        corners = crop_corners(box, Size(*sample.size))
        if corners is None:
            left_out[f"boxes with fewer than {SMALLEST} px inside their image"] += 1
            continue
        x1, y1, x2, y2 = corners
        size = Size(int(x2 - x1), int(y2 - y1))
        key = f"{sample.key}#{box.id or number}"
        cut = replace(sample, key=key, label=box.label, boxes=(), size=size, state="labelled", extra=NOTHING)
        found.append(Example(cut, sample.key, corners))
    return found
