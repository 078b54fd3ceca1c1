"""The preview of an augmentation: some images beside what becomes of them, as the trainer would get them."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .augment_remarks import Remark, find_remarks
from .augmentation import Augmentation
from .augmenting import Augmented, Augmenter, Dropped
from .contact_sheet import ContactSheet, Tile
from .errors import LabelloopError
from .images import ImageProblem
from .reading import Dataset, Progress
from .schema import Box, Sample
from .trainer_augmentation import GRAY, make_mosaic
from .upright import read_upright

TRAINED_AT = 640
"""The side in pixels that Ultralytics trains with, where nobody says otherwise."""
MAX_ROWS, MAX_COPIES = 60, 12
"""A sheet of these is 3,500 by 17,000 pixels: 180 MB, and twice that when the sentences are put below it."""
_DROPPED_BY_TRAINER = 2.0
"""Ultralytics leaves out boxes of which a side is no longer than this, in pixels (RandomPerspective.box_candidates)."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One augmented image: how many boxes are on it, those that were dropped, and of how many images it was made."""

    boxes: int
    dropped: tuple[Dropped, ...]
    images: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """An image and its augmented copies."""

    key: str
    boxes: int
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """A contact sheet, what is on it, what to know of the augmentation, and images that could not be read.

    `growth` is how much larger kept boxes are on average than the turned boxes in them, at least 1.
    """

    sheet: Image.Image
    rows: tuple[Row, ...]
    remarks: tuple[Remark, ...]
    unreadable: tuple[str, ...]
    growth: float


def preview(
    dataset: Dataset,
    augmentation: Augmentation,
    *,
    title: str,
    images: int | None = None,
    copies: int = 4,
    seed: int = 0,
    side: int = TRAINED_AT,
    progress: Progress | None = None,
) -> Preview:
    """The contact sheet of an augmentation for some images of a data set.

    Images with boxes are brought to a square, gray beside the image, as Ultralytics brings them;
    images with a label of their own keep their shape.

    Args:
        dataset: with every class in it, if it can; the images are chosen among its samples.
        images: how many, each class in turn, at random by the seed; None takes all, in their order.
        copies: how many augmented ones beside each.
        side: what the longer side is brought to.

    Raises:
        LabelloopError: nothing to show, too much of it, or an augmentation that cannot be made.
    """
    chosen = list(dataset.samples) if images is None else choose(dataset, images, seed)
    if not 1 <= len(chosen) <= MAX_ROWS or not 1 <= copies <= MAX_COPIES:
        raise LabelloopError(
            f"a sheet must have 1 to {MAX_ROWS} images with 1 to {MAX_COPIES} copies each, received {len(chosen)} and {copies}"
        )
    boxed = any(sample.boxes for sample in dataset.samples)
    maker = _Maker(dataset, augmentation, Augmenter(augmentation, side=side if boxed else 0), seed, side, boxed)
    size = f"{side} px, as the detector gets them" if boxed else f"at most {side} px"
    sheet = ContactSheet(
        ["original", *(f"copy {number}" for number in range(1, copies + 1))], len(chosen), title,
        f"{augmentation.name} with seed {seed}, {size}", dataset.classes, "".join(sample.key for sample in chosen),
    )  # fmt: skip
    rows: list[Row] = []
    legend: dict[str, int] = {}
    for number, sample in enumerate(chosen):
        try:
            original = maker.original(sample)
        except ImageProblem as problem:
            maker.unreadable.append(f"{sample.key}: {problem}")
            sheet.add(
                number, 0, Tile(np.full((8, 8, 3), 238, np.uint8), (), f"{sample.key} cannot be read", alarm=True)
            )
            continue
        sheet.add(number, 0, Tile(*original, sample.key))
        made: list[Copy] = []
        for copy in range(copies):
            done, of = maker.copy(sample, original, (seed, copy, number))
            sheet.add(number, copy + 1, Tile(done.image, done.boxes, _caption(done, sample, of), bool(done.dropped)))
            made.append(Copy(len(done.boxes), done.dropped, of))
            for label in (box.label for box in done.boxes) if boxed else filter(None, [sample.label]):
                legend[label] = legend.get(label, 0) + 1
        rows.append(Row(sample.key, len(sample.boxes), tuple(made)))
        if progress is not None:
            progress(number + 1, len(chosen))
    remarks = (*find_remarks(augmentation, dataset.classes, boxes=boxed, mosaic=boxed), *maker.remarks())
    growth = float(np.mean(maker.growth)) if maker.growth else 1.0
    notes = [*_totals(rows, growth), *(remark.message[:1].upper() + remark.message[1:] + "." for remark in remarks)]
    if sheet.unwritable:
        notes.append(
            "No font of this machine has all letters of these names; one with Hangul comes with the package fonts-nanum"
        )
    return Preview(sheet.finish(legend, notes), tuple(rows), remarks, tuple(maker.unreadable), growth)


def write_sheet(sheet: Image.Image, path: Path) -> None:
    """Write a sheet as PNG, in one step; the folder is made, and a file that is there replaced.

    Raises:
        LabelloopError: it cannot be written there.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(beside, format="PNG")
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise LabelloopError(f"{path}: preview cannot be written: {error.strerror or error}") from error


def choose(dataset: Dataset, count: int, seed: int) -> list[Sample]:
    """So many labelled samples, each class in its turn, at random by the seed; the fewer where there are fewer."""
    shuffled = [sample for sample in dataset.samples if sample.state == "labelled"] or list(dataset.samples)
    random.Random(seed).shuffle(shuffled)
    chosen: dict[str, Sample] = {}
    waiting: dict[str, list[Sample]] = {}
    for sample in reversed(shuffled):
        for label in {box.label for box in sample.boxes} or {sample.label or ""}:
            waiting.setdefault(label, []).append(sample)
    order = sorted(waiting, key=lambda name: (dataset.classes.index(name) if name in dataset.classes else -1, name))
    while len(chosen) < count and any(waiting.values()):
        for label in order:
            while waiting[label]:
                sample = waiting[label].pop()
                if sample.key not in chosen:
                    if len(chosen) < count:
                        chosen[sample.key] = sample
                    break
    return list(chosen.values())


class _Maker:
    """Originals and copies as they are shown, and what is noticed on the way."""

    def __init__(
        self, dataset: Dataset, augmentation: Augmentation, augmenter: Augmenter, seed: int, side: int, boxed: bool
    ) -> None:
        self.dataset, self.augmenter, self.seed, self.side, self.boxed = dataset, augmenter, seed, side, boxed
        mosaic = augmentation.trainer["mosaic"]
        self.mosaic = float(mosaic) if isinstance(mosaic, int | float) and boxed else 0.0
        self.growth: list[float] = []
        self.unreadable: list[str] = []
        self.small, self.shown, self.resized = 0, 0, False

    def original(self, sample: Sample) -> tuple[NDArray[np.uint8], tuple[Box, ...]]:
        """The image and its boxes, in a square where there are boxes."""
        image, boxes = self._read(sample)
        for box in boxes:
            self.shown += 1
            self.small += min(box.x2 - box.x1, box.y2 - box.y1) <= _DROPPED_BY_TRAINER
        return _in_square(image, boxes, self.side) if self.boxed else (image, boxes)

    def copy(
        self, sample: Sample, original: tuple[NDArray[np.uint8], tuple[Box, ...]], seed: tuple[int, int, int]
    ) -> tuple[Augmented, int]:
        """An augmented copy, and of how many images it was made."""
        draw = np.random.default_rng([number % 2**64 for number in (*seed, 4)])
        cut: tuple[Dropped, ...] = ()
        of = 1
        image, boxes = original
        if self.mosaic and draw.random() < self.mosaic:
            image, boxes, cut = self._mosaic(sample, draw)
            of = 4
        done = self.augmenter.apply(image, boxes, seed)
        self.growth += [each for each in done.growth if not np.isnan(each)]
        self.resized |= self.boxed and done.image.shape[:2] != (self.side, self.side)
        return replace(done, dropped=(*cut, *done.dropped)), of

    def remarks(self) -> list[Remark]:
        """What was noticed that is about these images."""
        found: list[Remark] = []
        if self.resized:
            found.append(
                Remark(
                    "resized",
                    "transforms change the size of the image, of which a detector's batches cannot be made: it refuses them",
                )
            )
        if self.small:
            found.append(
                Remark(
                    "small",
                    f"{self.small} of the {self.shown} boxes shown have a side of 2 px or less at {self.side} px: the detector"
                    " never sees them as objects",
                )
            )
        return found

    def _mosaic(
        self, sample: Sample, draw: np.random.Generator
    ) -> tuple[NDArray[np.uint8], tuple[Box, ...], tuple[Dropped, ...]]:
        others = [self.dataset.samples[int(each)] for each in draw.integers(len(self.dataset.samples), size=3)]
        read: list[tuple[NDArray[np.uint8], tuple[Box, ...]]] = []
        for each in (sample, *others):
            try:
                read.append(self._read(each))
            except ImageProblem as problem:
                self.unreadable.append(f"{each.key}: {problem}")
                read.append(self._read(sample))
        tiles = [(image, np.array([box.corners for box in boxes]).reshape(-1, 4)) for image, boxes in read]
        square, placed = make_mosaic(tiles, self.side, draw)
        kept: list[Box] = []
        cut: list[Dropped] = []
        for (_, boxes), ends in zip(read, placed, strict=True):
            for box, (x1, y1, x2, y2) in zip(boxes, ends.tolist(), strict=True):
                if x1 < x2 and y1 < y2:
                    kept.append(replace(box, x1=x1, y1=y1, x2=x2, y2=y2))
                else:
                    cut.append(Dropped(box, 0.0))
        return square, tuple(kept), tuple(cut)

    def _read(self, sample: Sample) -> tuple[NDArray[np.uint8], tuple[Box, ...]]:
        """The upright image, its longer side brought to `side` where there are boxes, and the boxes in its pixels."""
        picture = read_upright(sample.path, self.side)
        if self.boxed and max(picture.size) != self.side:
            scale = self.side / max(picture.size)
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(picture), _scaled(sample, picture.size)


def _scaled(sample: Sample, size: tuple[int, int]) -> tuple[Box, ...]:
    across, down = size[0] / sample.size.width, size[1] / sample.size.height
    return tuple(
        replace(box, x1=box.x1 * across, y1=box.y1 * down, x2=box.x2 * across, y2=box.y2 * down) for box in sample.boxes
    )


def _in_square(image: NDArray[np.uint8], boxes: Sequence[Box], side: int) -> tuple[NDArray[np.uint8], tuple[Box, ...]]:
    """The image in the middle of a gray square, as Ultralytics puts it there, and its boxes."""
    height, width = image.shape[:2]
    left, top = (side - width) // 2, (side - height) // 2
    square: NDArray[np.uint8] = np.full((side, side, 3), GRAY, np.uint8)
    square[top : top + height, left : left + width] = image
    moved = (replace(box, x1=box.x1 + left, y1=box.y1 + top, x2=box.x2 + left, y2=box.y2 + top) for box in boxes)
    return square, tuple(moved)


def _caption(done: Augmented, sample: Sample, of: int) -> str:
    if not done.boxes and not done.dropped:
        return sample.label or "no boxes"
    said = f"{len(done.boxes)} box{'' if len(done.boxes) == 1 else 'es'}"
    if of > 1:
        said += f" of {of} images"
    if done.dropped:
        left = [drop.visible for drop in done.dropped if drop.visible]
        said += f", {len(done.dropped)} dropped" + (f" ({max(left):.0%} left)" if left else "")
    return said


def _totals(rows: Sequence[Row], growth: float) -> list[str]:
    copies = [copy for row in rows for copy in row.copies]
    dropped = sum(len(copy.dropped) for copy in copies)
    kept = sum(copy.boxes for copy in copies)
    if not kept + dropped:
        return []
    said = f"{kept} boxes on {len(copies)} copies, "
    said += f"{dropped} dropped, as too little of each was left inside." if dropped else "none dropped."
    if growth > 1.005:
        said += f" Boxes around turned ones are on average {growth - 1:.0%} larger than these."
    return [said]
