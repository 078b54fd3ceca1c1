"""What images are put through to see what a detector bears: turned, blurred, darkened, recompressed, nearer or farther away.

Pixels and corners are moved by the very pipeline that augments for a training, so what is tested here is what
an augmentation can teach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, radians, sin, sqrt
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ...datasets.geometry import Corners
from ...datasets.schema import Box, Json, Sample, Size

if TYPE_CHECKING:
    from ...datasets.augment_pipeline import Pipeline

VISIBLE = 0.5
"""Of a box that the edge cuts, so much of its area must be left to be asked for; one with less counts neither way."""

BLURRED_AT = 640
"""A blur's sigma is said in pixels of an image whose longer side has so many; in others it grows and shrinks with them."""


@dataclass(frozen=True, slots=True)
class Family:
    """Changes of one kind, from mild to strong.

    `untouched` is the level at which nothing happens, `levels` are the others in the order of a plot;
    `unit` says what a level is.
    """

    name: str
    unit: str
    untouched: float
    levels: tuple[float, ...]
    done: str

    def describe(self, level: float) -> str:
        """What is done to an image at a level, such as `turned by 15 degrees`."""
        return self.done.format(f"{level:g}")

    def mildest_first(self) -> tuple[float, ...]:
        """The levels by how much they change: quarter turns after all turns that are nearer to none."""
        if self.name == "turned":
            return tuple(sorted(self.levels, key=lambda level: (min(level, 360 - level), level)))
        return tuple(sorted(self.levels, key=lambda level: abs(np.log((level + 1e-9) / max(self.untouched, 0.1)))))


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("turned", "degrees, against the clock", 0, tuple(range(15, 360, 15)), "turned by {} degrees"),
        Family("blurred", f"sigma, in pixels of an image {BLURRED_AT} wide", 0, (1, 2, 3, 5, 8), "blurred by sigma {}"),
        Family("darkened", "times the brightness", 1, (0.7, 0.5, 0.35, 0.2, 0.1), "darkened to {} of its brightness"),
        Family("recompressed", "JPEG quality", 100, (60, 30, 15, 8, 4), "recompressed at JPEG quality {}"),
        Family("scaled", "times the size", 1, (0.25, 0.35, 0.5, 0.75, 1.5, 2), "scaled to {} times its size"),
    )
}


@dataclass(frozen=True, slots=True)
class Changed:
    """An image after a change, and its Sample with the boxes that are asked for.

    A box of which too little is left at the edge has `iscrowd`: a prediction on it is neither right nor wrong.
    `tightness` has for each other box the IoU that a perfect answer reaches at least (see `middle_box`).
    """

    pixels: NDArray[np.uint8]
    sample: Sample
    tightness: tuple[float, ...]


class Change:
    """One change, to be made to many images; not to be shared by threads."""

    def __init__(self, family: Family, level: float) -> None:
        self.family = family
        self.level = level
        self._pipelines: dict[int, Pipeline] = {}

    def make(self, pixels: NDArray[np.uint8], sample: Sample, key: str) -> Changed:
        """The changed image of a sample whose boxes are in these pixels, under a key of its own."""
        corners = np.array([box.corners for box in sample.boxes], np.float64).reshape(-1, 4)
        moved = self._pipeline(max(sample.size)).run(pixels, corners)
        size = Size(moved.image.shape[1], moved.image.shape[0])
        angle = self.level if self.family.name == "turned" else 0.0
        boxes: list[Box] = []
        tightness: list[float] = []
        for at, of in enumerate(cast("list[int]", moved.of.tolist())):
            before = sample.boxes[of]
            found, tight = middle_box(before, cast(Corners, tuple(moved.corners[at].tolist())), angle)
            if moved.visible[of] < VISIBLE:
                found = replace(found, attributes={**before.attributes, "iscrowd": 1})
            elif before.attributes.get("iscrowd") != 1:
                tightness.append(tight)
            boxes.append(found)
        state = "labelled" if boxes or sample.label is not None else "negative"
        changed = replace(
            sample, key=key, size=size, orientation=1, boxes=tuple(boxes), state=state, split=None, group=None
        )
        return Changed(moved.image, changed, tuple(tightness))

    def _pipeline(self, longer: int) -> Pipeline:
        """The transforms for images of this size; few sizes occur in a data set."""
        if longer not in self._pipelines:
            from ...datasets.augment_library import parse_transforms
            from ...datasets.augment_pipeline import Pipeline

            name = self.family.describe(self.level)
            serialised: dict[str, Json] = {
                "transform": {
                    "__class_fullname__": "Compose", "p": 1.0, "transforms": [transform(self.family, self.level, longer)],
                }
            }  # fmt: skip
            self._pipelines[longer] = Pipeline(parse_transforms(serialised, name), 0.0, name)
        return self._pipelines[longer]


def transform(family: Family, level: float, longer: int) -> dict[str, Json]:
    """Albumentations' serialised transform that makes the change, on an image whose longer side has so many pixels."""
    border: dict[str, Json] = {"border_mode": 0, "fill": 114, "p": 1.0}
    if family.name == "turned":  # the canvas grows, so that nothing is cut off
        return {"__class_fullname__": "Affine", "rotate": [level, level], "fit_output": True, **border}
    if family.name == "scaled":
        return {"__class_fullname__": "Affine", "scale": [level, level], "keep_ratio": True, **border}
    if family.name == "blurred":
        sigma = level * longer / BLURRED_AT
        return {"__class_fullname__": "GaussianBlur", "sigma_limit": [sigma, sigma], "blur_limit": 0, "p": 1.0}
    if family.name == "darkened":
        return {
            "__class_fullname__": "ColorJitter", "brightness": [level, level], "contrast": [1.0, 1.0],
            "saturation": [1.0, 1.0], "hue": [0.0, 0.0], "p": 1.0,
        }  # fmt: skip
    quality: list[Json] = [int(level), int(level)]
    return {"__class_fullname__": "ImageCompression", "compression_type": "jpeg", "quality_range": quality, "p": 1.0}


def middle_box(before: Box, around: Corners, angle: float) -> tuple[Box, float]:
    """The box to ask for after a turn, and the IoU that a perfect answer has with it at least.

    The labels do not say what the object's outline is. Turned as the full rectangle of its box, the new box is `around`;
    as the ellipse in it (a coin), the new box is smaller, for a square turned by 45 degrees half as large. An answer
    that fits the object lies between the two. Asked for is the box whose sides are the geometric middle of theirs: no
    answer between has an IoU below the one returned, 0.707 at worst. A long object that lay aslant in its box may need
    a box smaller than the ellipse's, when a turn makes it straight; of that nothing is known.

    Args:
        before: the box before the turn.
        around: the box around its turned rectangle, (x1, y1, x2, y2).
        angle: in degrees; a multiple of 90 changes nothing.

    Reference: Kalra et al. 2021, "Towards Rotation Invariance in Object Detection", ICCV, on rectangle and ellipse.
    """
    x1, y1, x2, y2 = around
    if angle % 90 == 0:
        return replace(before, x1=x1, y1=y1, x2=x2, y2=y2), 1.0
    width, height = before.x2 - before.x1, before.y2 - before.y1
    c, s = abs(cos(radians(angle))), abs(sin(radians(angle)))
    # Of the ellipse's sides to the rectangle's, root(w2c2 + h2s2) to wc + hs; and so for the height.
    across = sqrt(sqrt((width * c) ** 2 + (height * s) ** 2) / (width * c + height * s))
    down = sqrt(sqrt((width * s) ** 2 + (height * c) ** 2) / (width * s + height * c))
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    half_x, half_y = across * (x2 - x1) / 2, down * (y2 - y1) / 2
    return replace(before, x1=x - half_x, y1=y - half_y, x2=x + half_x, y2=y + half_y), across * down


def in_pixels(sample: Sample, size: tuple[int, int]) -> Sample:
    """The sample with its boxes on a picture of it of another size, (width, height)."""
    x, y = size[0] / sample.size.width, size[1] / sample.size.height
    boxes = tuple(replace(box, x1=box.x1 * x, y1=box.y1 * y, x2=box.x2 * x, y2=box.y2 * y) for box in sample.boxes)
    return replace(sample, size=Size(*size), boxes=boxes)


def all_conditions(families: Sequence[str]) -> list[tuple[Family, float]]:
    """Each change of these families, in their order."""
    return [(FAMILIES[name], level) for name in families for level in FAMILIES[name].levels]
