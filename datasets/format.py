"""What a format is to the rest of labelloop, and what passes between the two.

A format is one module in `datasets/formats/` that defines `FORMAT`. Reading, it says
what its files say, in their own frame and words (`RawSample`); `resolve.py` turns that
into samples: scale, EXIF orientation, clipping, classes, groups. Writing, it gets
samples whose images are already in place and writes its label files beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .findings import Findings
from .recipe import Recipe
from .schema import NOTHING, Json, Sample, Size, State
from .tree import Tree

FRACTIONS = Size(1, 1)
"""The frame of labels that are fractions of the image's sides: they fit every image."""


class RawBox(NamedTuple):
    """A box as its file says it: corners in the file's own frame, the file's own label.

    `place` is where it stands below the place of its image, such as `shapes[0]` or a line's number.
    """

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    place: str = ""
    attributes: Mapping[str, Json] = NOTHING
    id: str = ""
    score: float | None = None


@dataclass(slots=True)
class RawSample:
    """An image as its label file says it.

    `image` is the key of the image in the source. `place` is where the label files speak of
    it, and of no other image: the key of a label file of its own, that and a part of it where
    one file is for many (`boxes.csv:a.jpg`), or the image where there is none. By it a finding
    finds its image. `frame` is the size of the image that the corners are for, `FRACTIONS`,
    or None where the file does not say.
    `embedded` holds the image's bytes where the label file carries them.
    """

    image: str
    place: str
    state: State
    frame: Size | None = None
    boxes: list[RawBox] = field(default_factory=list[RawBox])
    label: str | None = None
    split: str | None = None
    extra: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    embedded: bytes | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What a format reads from: the walked folder, the images (mostly the same), the recipe.

    A format adds to `findings` what is wrong with its files, and puts the class order
    that the files declare into `declared`, in order.
    """

    tree: Tree
    images: Tree
    recipe: Recipe
    findings: Findings
    declared: list[str] = field(default_factory=list[str])

    def without_labels(self, image: str, why: str, split: str | None = None) -> RawSample:
        """The raw sample of an image that nothing labels: what the recipe says it is, with a finding that says why."""
        negative = self.recipe.missing == "negative"
        meaning = "a looked-at negative, as the recipe says" if negative else "not labelled yet"
        self.findings.add("orphan-image", image, f"{why}: {meaning}")
        return RawSample(image, image, self.recipe.missing, split=split)


@dataclass(frozen=True, slots=True)
class Holds:
    """What a format can say. What it cannot is listed in the loss report of an export.

    `class_order` is whether the files have a place for the order of the classes, `some_splits`
    whether images with a split can stand beside images without one, `suffixes` what the usual
    readers of the format take for an image: others are written all the same, and listed.
    Empty for readers that take any.
    """

    boxes: bool = True
    image_labels: bool = False
    negatives: bool = True
    unlabelled: bool = True
    scores: bool = False
    attributes: bool = False
    ids: bool = False
    image_extra: bool = False
    class_order: bool = True
    some_splits: bool = True
    suffixes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Placed:
    """A sample and the path that its image has in the export, POSIX, relative to its folder."""

    sample: Sample
    image: str


@dataclass(frozen=True, slots=True)
class Export:
    """What a format writes: the folder, the classes in order, and the samples in the order of their keys.

    `with_polygons` asks for outlines (the rectangle's own) where a format has a place for them.
    """

    folder: Path
    classes: tuple[str, ...]
    samples: Sequence[Placed]
    with_polygons: bool = False

    def splits(self) -> list[str]:
        """The splits that occur, train, val and test first, then by name."""
        found = {placed.sample.split for placed in self.samples} - {None}
        order = {"train": 0, "val": 1, "test": 2}
        return sorted((split for split in found if split), key=lambda split: (order.get(split, 3), split))


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        title: what it is, in a few words.
        holds: what it can say.
        detect: how much a walked folder looks like this format, 0 (not at all) to 100.
        read: the raw samples of a source, in the order of their keys.
        image_place: where the image of a sample goes in an export, by key and split; names
            that clash are told apart afterwards.
        write: the label files of an export. None for a format that is only read.
        pairs_by_stem: whether an image finds its label file by its name without suffix, so
            that `a.jpg` and `a.png` cannot lie in one folder.
    """

    title: str
    holds: Holds
    detect: Callable[[Tree], int]
    read: Callable[[Source], Iterator[RawSample]]
    image_place: Callable[[Sample], str]
    write: Callable[[Export], None] | None
    pairs_by_stem: bool = True
