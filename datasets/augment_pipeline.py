"""Albumentations' transforms applied to an image and its boxes, each box fitted to where its corners went.

Albumentations itself fits a new box around the old one at each step, and cuts it off at the
image's edge each time: a rotation and a perspective make it grow twice, and how much of it is
still to be seen is lost on the way. Here the four corners travel through all steps that keep
straight lines straight, and the box around them is made once, at the end. Where a step bends
lines (elastic, grid) or resizes, albumentations' own way is taken.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from .augment_library import A
from .errors import LabelloopError

Pixels: TypeAlias = NDArray[np.uint8]
"""An image, (height, width, 3), RGB unless said otherwise."""
Corners: TypeAlias = NDArray[np.float64]
"""Boxes, (n, 4), as (x1, y1, x2, y2) in pixels."""
Transform: TypeAlias = "A.BasicTransform | A.BaseCompose"

STRAIGHT: set[str] = {
    "Affine", "CenterCrop", "Crop", "D4", "HorizontalFlip", "NoOp", "Pad", "PadIfNeeded", "Perspective", "RandomCrop",
    "RandomRotate90", "Rotate", "SafeRotate", "ShiftScaleRotate", "Transpose", "VerticalFlip",
}  # fmt: skip
"""Spatial transforms of which a test shows that corners travel through them to within a pixel."""

_UNMOVED = 1e-3
"""Pixels; albumentations moves points in 32 bits, so that one which went nowhere comes back a little off."""


@dataclass(frozen=True, slots=True)
class Moved:
    """An image after its transforms, and what became of its boxes.

    `corners`, (m, 4), are those that are kept, inside the image and with an area; `of`, (m,), says
    which box each one was. `visible`, (n,), is for every box that went in the part of its area that
    is still inside, in [0, 1]; NaN where albumentations dropped it itself and does not say.
    `grown`, (m,), is how many times larger the box around the turned box is than the turned box
    itself, before either is cut off, at least 1; NaN where lines were bent.
    """

    image: Pixels
    corners: Corners
    of: NDArray[np.intp]
    visible: NDArray[np.float64]
    grown: NDArray[np.float64]


class Pipeline:
    """Transforms in their order, to be applied to one image at a time; not to be shared by threads.

    Args:
        transforms: of albumentations.
        visibility: a box is dropped where less than this part of its area is inside, in [0, 1].
        name: for what an error says.
    """

    def __init__(self, transforms: Sequence[Transform], visibility: float, name: str = "augmentation") -> None:
        self.visibility = visibility
        self.name = name
        spatial = [each for each in leaves(transforms) if isinstance(each, A.DualTransform)]
        self.spatial = bool(spatial)
        self.straight = all(type(each).__name__ in STRAIGHT and not mirrors_at_border(each) for each in spatial)
        made = cast(Any, A.Compose)
        if not self.spatial:
            self._compose: Any = made(transforms)
        elif self.straight:
            points = A.KeypointParams(format="xy", remove_invisible=False, check_each_transform=False)
            self._compose = made(transforms, keypoint_params=points)
        else:
            boxes = A.BboxParams(format="pascal_voc", label_fields=["of"], min_visibility=visibility, clip=True)
            self._compose = made(transforms, bbox_params=boxes)
        self._empty = not transforms

    def seed(self, numbers: Sequence[int]) -> None:
        """Begin the random choices anew; the same numbers make the same choices.

        Not `Compose.set_random_seed`, which gives every transform a generator with the same
        seed: the first numbers are then equal, and what happens with p=0.3 always happens together.
        """
        generator = np.random.default_rng([number % 2**64 for number in numbers])
        self.draw_from(generator, random.Random(int(generator.integers(2**63))))

    def draw_from(self, generator: np.random.Generator, plain: random.Random) -> None:
        """Take random numbers from these two from now on."""
        self._compose.set_random_state(generator, plain)

    def run(self, image: Pixels, corners: Corners) -> Moved:
        """The image and its boxes after the transforms.

        Raises:
            LabelloopError: a transform failed on this image, or gives no RGB image of 8 bits.
        """
        count = len(corners)
        if self._empty:
            return Moved(image, corners, np.arange(count), np.ones(count), np.ones(count))
        if not self.spatial:
            return Moved(self._call(image)["image"], corners, np.arange(count), np.ones(count), np.ones(count))
        if self.straight:
            return self._run_straight(image, corners)
        return self._run_by_steps(image, corners)

    def image(self, image: Pixels) -> Pixels:
        """The image alone after the transforms."""
        if self._empty:
            return image
        if self.spatial and not self.straight:
            return self._call(image, bboxes=np.zeros((0, 4)), of=[])["image"]
        return self._call(image, **({"keypoints": np.zeros((1, 2), np.float32)} if self.spatial else {}))["image"]

    def _run_straight(self, image: Pixels, corners: Corners) -> Moved:
        count = len(corners)
        quads = corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)  # clockwise from the top left
        # Boxes count from the edge of a pixel, albumentations' points from its middle. One point more,
        # since some transforms do not take an empty list.
        points = np.vstack([quads - 0.5, [[0.0, 0.0]]])
        done = self._call(image, keypoints=points)
        moved = np.asarray(done["keypoints"], np.float64).reshape(-1, 2)
        if len(moved) != len(points):
            raise LabelloopError(f"{self.name}: a transform lost corners on the way; it has no place here")
        ends = (moved[:-1] + 0.5).reshape(count, 4, 2)
        still = (
            np.abs(ends - quads.reshape(count, 4, 2)).max(axis=(1, 2), initial=0.0, where=np.isfinite(ends)) < _UNMOVED
        )
        ends[still] = quads.reshape(count, 4, 2)[still]
        after: Pixels = done["image"]
        height, width = after.shape[:2]
        fitted = np.zeros((count, 4))
        visible, grown = np.zeros(count), np.ones(count)
        for number, quad in enumerate(ends):
            fitted[number], visible[number], grown[number] = fit(quad, width, height)
        kept = np.flatnonzero(is_kept(fitted, visible, self.visibility))
        return Moved(after, fitted[kept], kept, visible, grown[kept])

    def _run_by_steps(self, image: Pixels, corners: Corners) -> Moved:
        done = self._call(image, bboxes=corners, of=np.arange(len(corners)))
        boxes = np.asarray(done["bboxes"], np.float64).reshape(-1, 4)
        after: Pixels = done["image"]
        of = np.asarray(done["of"], np.intp)
        before = corners[of]
        boxes = np.where(np.abs(boxes - before) < _UNMOVED, before, boxes)
        clipped = clip(boxes, after.shape[1], after.shape[0])
        kept = np.flatnonzero(is_kept(clipped, np.ones(len(of)), self.visibility))
        visible = np.full(len(corners), np.nan)
        visible[of[kept]] = 1.0
        return Moved(after, clipped[kept], of[kept], visible, np.full(len(kept), np.nan))

    def _call(self, image: Pixels, **more: object) -> dict[str, Any]:
        try:
            done = cast("dict[str, Any]", self._compose(image=image, **more))
        except Exception as error:  # a transform raises whatever it likes: CropSizeError, cv2.error
            height, width = image.shape[:2]
            said = " ".join(str(error).split())[:300]
            raise LabelloopError(
                f"{self.name}: albumentations fails on an image of {width}x{height}: {said}"
            ) from error
        after = done["image"]
        if after.dtype != np.uint8 or after.ndim != 3 or after.shape[2] != 3:
            raise LabelloopError(
                f"{self.name}: transforms must give RGB images of 8 bits, received {after.dtype} {after.shape};"
                " leave out Normalize, ToFloat and what makes images gray"
            )
        return done


def leaves(transforms: Sequence[Transform]) -> Iterator[A.BasicTransform]:
    """The single transforms that ever happen, those in OneOf and its like too, in order."""
    for each in transforms:
        if isinstance(each, A.BaseCompose):
            yield from leaves(cast("Sequence[Transform]", each.transforms))
        elif each.p > 0:
            yield each


def fit(quad: NDArray[np.float64], width: int, height: int) -> tuple[NDArray[np.float64], float, float]:
    """The box around what is inside the image of a four-cornered shape, the part of it inside, and its growth.

    Args:
        quad: its corners in their order around it, (4, 2), x and y in pixels; convex.

    Returns:
        (x1, y1, x2, y2); the area inside over the whole area, in [0, 1]; and the area of the box
        around all of it over its own area, at least 1. Without any of it inside, zeros and 1.
    """
    low, high = quad.min(axis=0), quad.max(axis=0)
    whole = _area(quad)
    if not (np.isfinite(quad).all() and whole > 0):
        return np.zeros(4), 0.0, 1.0
    grown = max(1.0, float((high[0] - low[0]) * (high[1] - low[1])) / whole)
    if (low >= 0).all() and high[0] <= width and high[1] <= height:
        return np.concatenate([low, high]), 1.0, grown
    inside = _cut(quad, width, height)
    if len(inside) < 3:
        return np.zeros(4), 0.0, 1.0
    around = np.concatenate([inside.min(axis=0), inside.max(axis=0)])
    return clip(around[None], width, height)[0], min(1.0, _area(inside) / whole), grown


def clip(corners: Corners, width: int, height: int) -> Corners:
    """The boxes cut off at the image's edge, (n, 4)."""
    return np.clip(corners, 0.0, np.array([width, height, width, height], np.float64))


def is_kept(corners: Corners, visible: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
    """Whether each box, (n, 4), has an area, and at least the limit's part of it to be seen."""
    return (corners[:, 0] < corners[:, 2]) & (corners[:, 1] < corners[:, 3]) & (visible >= limit)


def _cut(shape: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """The part of a convex shape, (n, 2), inside the image, (m, 2); fewer than three corners for none.

    Reference: Sutherland and Hodgman 1974, "Reentrant polygon clipping".
    """
    for axis, edge, sign in ((0, 0.0, 1.0), (0, float(width), -1.0), (1, 0.0, 1.0), (1, float(height), -1.0)):
        if not len(shape):
            break
        inwards = sign * (shape[:, axis] - edge)
        corners: list[NDArray[np.float64]] = []
        for number in range(len(shape)):
            before, here = inwards[number - 1], inwards[number]
            if (before < 0) != (here < 0):
                crossing = shape[number - 1] + before / (before - here) * (shape[number] - shape[number - 1])
                crossing[axis] = edge
                corners.append(crossing)
            if here >= 0:
                corners.append(shape[number])
        shape = np.array(corners).reshape(-1, 2)
    return shape


def _area(shape: NDArray[np.float64]) -> float:
    """The area of a polygon, (n, 2), by the shoelace formula."""
    following = np.roll(shape, -1, axis=0)
    return abs(float((shape[:, 0] * following[:, 1] - shape[:, 1] * following[:, 0]).sum())) / 2


def mirrors_at_border(transform: A.BasicTransform) -> bool:
    """Whether what is outside the image becomes its mirror image (or its other side): objects without a box."""
    return getattr(transform, "border_mode", 0) in (2, 3, 4)  # cv2.BORDER_REFLECT, _WRAP and _REFLECT_101
