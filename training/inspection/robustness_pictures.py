"""The pictures that a run is tried on: those of a split, drawn by the hash of their keys, each as it is and under every change."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from ...datasets.images import ImageProblem
from ...datasets.passes import each
from ...datasets.reading import Progress
from ...datasets.schema import Sample, Size
from ..crops import Example
from .pictures import read_example
from .robustness_conditions import FAMILIES, Change, Family, all_conditions, in_pixels

ROOM = 600_000_000
"""Bytes that changed pictures take on disk at a time."""

T = TypeVar("T")
Look = Callable[[Sequence[Sample], Progress], Mapping[str, T]]
"""What a run says of pictures, by their keys; called with how many of them are done."""


def draw(examples: Sequence[Example], limit: int) -> list[Example]:
    """So many of the examples, in their order, chosen by the hash of their keys; all for 0."""
    if not 0 < limit < len(examples):
        return list(examples)
    chosen = sorted(examples, key=lambda example: hashlib.sha256(example.sample.key.encode()).digest())[:limit]
    keys = {example.sample.key for example in chosen}
    return [example for example in examples if example.sample.key in keys]


def steps(pictures: int, families: Sequence[str] = tuple(FAMILIES)) -> int:
    """How many pictures are looked at: each as it is and under each change."""
    return pictures * (1 + len(all_conditions(families)))


def title(family: Family, level: float) -> str:
    """The name of a change, before the keys of what it has changed."""
    return f"{family.name}-{level:g}"


def read_pixels(example: Example, side: int) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Sample]:
    """The upright picture that changes are made to, (height, width, 3), and the sample with boxes in its pixels.

    Raises:
        ImageProblem: it cannot be read.
    """
    picture = read_example(example, side, enlarge=False)
    return np.asarray(picture, np.uint8), in_pixels(example.sample, picture.size)


def look_at_all(
    examples: Sequence[Example], families: Sequence[str], side: int, look: Look[T], progress: Progress | None
) -> tuple[dict[str, list[Sample]], dict[str, T], dict[str, list[float]]]:
    """By the title of a change, "" for none: the truth; by `title/key` what is said; and by title the tightness of boxes.

    Pictures that cannot be read are in none of them.
    """
    conditions = all_conditions(families)
    truth: dict[str, list[Sample]] = {name: [] for name in ("", *(title(*each) for each in conditions))}
    tightness: dict[str, list[float]] = {name: [] for name in truth}
    found: dict[str, T] = {}
    total, done = 2 * steps(len(examples), families), 0

    def note(more: int) -> None:
        if progress:
            progress(done + more, total)

    # A PNG of a photo takes about two bytes a pixel; turned pictures are up to twice as large.
    chunk = max(1, round(ROOM / (3 * side * side * len(truth))))
    for start in range(0, len(examples), chunk):
        with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
            wanted: list[Sample] = []
            chunked = [(example, start + at) for at, example in enumerate(examples[start : start + chunk])]
            made_of = each(lambda one: _make_all(one[0], one[1], conditions, side, Path(name)), chunked)
            for number, made in enumerate(made_of, start=1):
                for change, sample, tight in made:
                    truth[change].append(sample)
                    tightness[change] += tight
                    wanted.append(sample)
                note(number * len(truth))
            done += len(chunked) * len(truth)
            found.update(look(wanted, lambda seen, _: note(seen)))
            done += len(chunked) * len(truth)
            note(0)
    return truth, found, tightness


def _make_all(
    example: Example, number: int, conditions: Sequence[tuple[Family, float]], side: int, folder: Path
) -> list[tuple[str, Sample, tuple[float, ...]]]:
    try:
        return list(_make(example, number, conditions, side, folder))
    except ImageProblem:
        return []


def _make(
    example: Example, number: int, conditions: Sequence[tuple[Family, float]], side: int, folder: Path
) -> Iterator[tuple[str, Sample, tuple[float, ...]]]:
    """The pictures of one example, written, as samples of their own."""
    pixels, small = read_pixels(example, side)
    for at, condition in enumerate((None, *conditions)):
        path = folder / f"{number}-{at}.png"
        if condition is None:
            change, key, tight = "", f"/{small.key}", (1.0,) * len(small.boxes)
            shown, size, boxes = pixels, small.size, small.boxes
        else:
            change = title(*condition)
            key = f"{change}/{small.key}"
            changed = Change(*condition).make(pixels, small, key)
            tight, shown, size, boxes = changed.tightness, changed.pixels, changed.sample.size, changed.sample.boxes
        Image.fromarray(shown).save(path, compress_level=1)
        state = "labelled" if boxes or small.label is not None else "negative"
        yield change, Sample(key, path, Size(*size), state=state, label=small.label, boxes=boxes), tight
