"""An augmentation applied to images: the same seed gives the same bytes, in any thread and any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import local
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from .augmentation import Augmentation
from .schema import Box

if TYPE_CHECKING:
    from .augment_pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Dropped:
    """A box that is not on the augmented image; `visible` is the part of it left inside, None where not known."""

    box: Box
    visible: float | None


@dataclass(frozen=True, slots=True)
class Augmented:
    """An augmented image, (height, width, 3) RGB of 8 bits, with the boxes that are on it, and those that are not.

    Boxes keep label, id, score and attributes, and stay in their order. `growth` is for each
    kept box its area (before it was clipped) over that of the turned box in it, at least 1;
    NaN where lines were bent, and nobody can tell.
    """

    image: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    dropped: tuple[Dropped, ...]
    growth: tuple[float, ...]


class Augmenter:
    """An augmentation, ready to be applied; may be shared by threads and sent to processes.

    Args:
        augmentation: what to do; Ultralytics' own settings in it are translated as far as
            `trainer_augmentation` can.
        side: bring each image to a square of this side where Ultralytics' settings are
            translated, as it does; 0 keeps sizes.

    Raises:
        LabelloopError: albumentations cannot make these transforms.
    """

    def __init__(self, augmentation: Augmentation, *, side: int = 0) -> None:
        self.augmentation = augmentation
        self.side = side
        self._mine = local()
        self._pipeline()  # an augmentation that cannot be made is refused here, not at the first image

    def __reduce__(self) -> tuple[object, ...]:
        return (_made, (self.augmentation, self.side))

    def apply(self, image: NDArray[np.uint8], boxes: Sequence[Box], seed: Sequence[int]) -> Augmented:
        """The image and its boxes, augmented.

        Args:
            image: (height, width, 3), RGB, 8 bits, upright. It is not changed.
            boxes: in pixels of the image.
            seed: numbers such as (seed, epoch, index); the same ones give the same bytes.

        Raises:
            LabelloopError: a transform fails on this image.
        """
        pipeline = self._pipeline()
        pipeline.seed(seed)
        corners = np.array([box.corners for box in boxes], np.float64).reshape(-1, 4)
        moved = pipeline.run(image, corners)
        ends = cast("list[tuple[float, float, float, float]]", moved.corners.tolist())
        of = cast("list[int]", moved.of.tolist())
        kept = [_moved(boxes[number], tuple(each)) for number, each in zip(of, ends, strict=True)]
        there = set(of)
        dropped = tuple(
            Dropped(box, None if np.isnan(moved.visible[number]) else float(moved.visible[number]))
            for number, box in enumerate(boxes)
            if number not in there
        )
        return Augmented(moved.image, tuple(_told_apart(kept)), dropped, tuple(moved.grown.tolist()))

    def image(self, image: NDArray[np.uint8], seed: Sequence[int]) -> NDArray[np.uint8]:
        """The image alone, augmented; the same pixels as `apply` gives with this seed."""
        pipeline = self._pipeline()
        pipeline.seed(seed)
        return pipeline.image(image)

    def _pipeline(self) -> Pipeline:
        """The pipeline of the calling thread: transforms keep what they drew last, so threads cannot share them."""
        found: Pipeline | None = getattr(self._mine, "pipeline", None)
        if found is None:
            from .augment_library import parse_transforms
            from .augment_pipeline import Pipeline
            from .trainer_augmentation import translate

            wanted = self.augmentation
            before, after = translate(wanted.trainer, self.side)
            transforms = [*before, *parse_transforms(wanted.transforms, wanted.name), *after]
            found = self._mine.pipeline = Pipeline(transforms, wanted.visibility, wanted.name)
        return found


def build_transforms(augmentation: Augmentation) -> list[Any]:
    """What Ultralytics' `augmentations` argument is to be given, beside the augmentation's `trainer` settings.

    Boxes come out as `Augmenter.apply` gives them. To be called in the process that trains:
    `augment_detector` says why.

    Raises:
        LabelloopError: albumentations cannot make these transforms.
    """
    from . import augment_detector

    return augment_detector.build_transforms(augmentation)


def _made(augmentation: Augmentation, side: int) -> Augmenter:
    return Augmenter(augmentation, side=side)


def _moved(box: Box, corners: tuple[float, ...]) -> Box:
    if corners == box.corners:
        return box
    x1, y1, x2, y2 = corners
    return replace(box, x1=x1, y1=y1, x2=x2, y2=y2)


def _told_apart(boxes: Sequence[Box]) -> list[Box]:
    """The boxes with each id once: a transform that mirrors at the border gives an object several times."""
    seen: set[str] = set()
    told: list[Box] = []
    for box in boxes:
        told.append(replace(box, id="") if box.id in seen else box)
        seen.add(box.id)
    return told
