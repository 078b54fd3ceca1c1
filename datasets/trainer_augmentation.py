"""What Ultralytics does to the images that a detector learns from, said with albumentations, to be looked at.

The formulas are Ultralytics 8.4.190's own (ultralytics/data/augment.py: RandomPerspective,
RandomHSV, RandomFlip, Mosaic), so that what is shown is what it does, up to its random numbers.
MixUp, CutMix, copy-paste and the swap of channels are not shown; `find_not_shown` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import tan
from typing import Any, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from .augment_library import A
from .augment_pipeline import STRAIGHT, Corners, Pixels, Transform, clip
from .schema import Json

GRAY = 114
"""What Ultralytics puts where there is no image."""

Matrix: TypeAlias = NDArray[np.float64]


class TrainerGeometry(A.DualTransform):
    """Ultralytics' RandomPerspective: turned, scaled, sheared, moved, tilted, by its own formula.

    Args:
        side: the side of the square that comes out; 0 keeps the image's size.
        degrees, translate, scale, shear, perspective: Ultralytics' settings.
        p: how often.
    """

    def __init__(
        self, degrees: float, translate: float, scale: float | list[float], shear: float, perspective: float,
        side: int = 0, p: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(p=p)
        self.degrees, self.translate, self.scale = degrees, translate, scale
        self.shear, self.perspective, self.side = shear, perspective, side

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """The matrix for this image, and the (width, height) that comes out."""
        height, width = params["shape"][:2]
        size = (self.side, self.side) if self.side else (width, height)
        return {"matrix": self._matrix(width, height, size), "size": size}

    def _matrix(self, width: int, height: int, size: tuple[int, int]) -> Matrix:
        draw = self.py_random.uniform
        centre, tilt, turn, shear, move = (np.eye(3) for _ in range(5))
        centre[:2, 2] = -width / 2, -height / 2
        tilt[2, :2] = draw(-self.perspective, self.perspective), draw(-self.perspective, self.perspective)
        angle = draw(-self.degrees, self.degrees)
        low, high = self.scale if isinstance(self.scale, list) else (1 - self.scale, 1 + self.scale)
        turn[:2] = cv2.getRotationMatrix2D((0.0, 0.0), angle, draw(low, high))
        shear[0, 1] = tan(np.radians(draw(-self.shear, self.shear)))
        shear[1, 0] = tan(np.radians(draw(-self.shear, self.shear)))
        move[0, 2] = draw(0.5 - self.translate, 0.5 + self.translate) * size[0]
        move[1, 2] = draw(0.5 - self.translate, 0.5 + self.translate) * size[1]
        return move @ shear @ turn @ tilt @ centre

    def apply(self, img: Pixels, *args: Any, **params: Any) -> Pixels:
        """The image warped; gray where there is none."""
        warped = cv2.warpPerspective(img, params["matrix"], params["size"], borderValue=(GRAY, GRAY, GRAY))
        return cast(Pixels, warped)

    def apply_to_keypoints(self, keypoints: NDArray[np.float32], *args: Any, **params: Any) -> NDArray[np.float32]:
        """The points, whose first two columns are x and y, moved."""
        moved = keypoints.copy()
        ends = np.column_stack([keypoints[:, :2], np.ones(len(keypoints))]) @ params["matrix"].T
        moved[:, :2] = ends[:, :2] / ends[:, 2:]
        return moved


STRAIGHT.add(TrainerGeometry.__name__)


class TrainerColour(A.ImageOnlyTransform):
    """Ultralytics' RandomHSV: hue moved, saturation and brightness multiplied, each by up to its part."""

    def __init__(self, hsv_h: float, hsv_s: float, hsv_v: float, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.hsv_h, self.hsv_s, self.hsv_v = hsv_h, hsv_s, hsv_v

    def get_params(self) -> dict[str, Any]:
        """How much each of the three changes this time."""
        return {"gains": [self.py_random.uniform(-1, 1) * limit for limit in (self.hsv_h, self.hsv_s, self.hsv_v)]}

    def apply(self, img: Pixels, *args: Any, **params: Any) -> Pixels:
        """The RGB image in its new colours."""
        hue, saturation, value = params["gains"]
        levels = np.arange(256, dtype=np.float64)
        tables = np.stack(
            [
                (levels + hue * 180) % 180,
                np.clip(levels * (saturation + 1), 0, 255),
                np.clip(levels * (value + 1), 0, 255),
            ],
            axis=-1,
        ).astype(np.uint8)
        tables[0, 1] = 0  # what has no colour gets none
        hsv = cv2.LUT(cv2.cvtColor(img, cv2.COLOR_RGB2HSV), tables.reshape(1, 256, 3))
        return cast(Pixels, cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def translate(settings: Mapping[str, Json], side: int = 0) -> tuple[list[Transform], list[Transform]]:
    """What Ultralytics does before and after the albumentations that it is given, in its order.

    Args:
        side: the square that images are brought to; 0 keeps each image's size.
    """
    number = {name: float(value) for name, value in settings.items() if isinstance(value, int | float)}
    scale = settings["scale"]
    limits = [float(cast(float, each)) for each in scale] if isinstance(scale, list) else number["scale"]
    before: list[Transform] = []
    after: list[Transform] = []
    names = ("degrees", "translate", "shear", "perspective")
    if limits or any(number[name] for name in names) or (side and number["mosaic"]):
        before.append(TrainerGeometry(scale=limits, side=side, **{name: number[name] for name in names}))
    if number["hsv_h"] or number["hsv_s"] or number["hsv_v"]:
        after.append(TrainerColour(number["hsv_h"], number["hsv_s"], number["hsv_v"]))
    if number["flipud"]:
        after.append(A.VerticalFlip(p=number["flipud"]))
    if number["fliplr"]:
        after.append(A.HorizontalFlip(p=number["fliplr"]))
    return before, after


def make_mosaic(
    tiles: Sequence[tuple[Pixels, Corners]], side: int, draw: np.random.Generator
) -> tuple[Pixels, list[Corners]]:
    """Four images around one point of a square of twice the side, as Ultralytics' Mosaic puts them.

    Args:
        tiles: four images whose longer side is `side`, with their boxes.

    Returns:
        The square, (2 side, 2 side, 3), and the boxes of each tile in it, clipped; those that
        lie outside are left without area.
    """
    square: Pixels = np.full((2 * side, 2 * side, 3), GRAY, np.uint8)
    x, y = (int(draw.uniform(side / 2, side * 1.5)) for _ in range(2))
    placed: list[Corners] = []
    for number, (image, corners) in enumerate(tiles):
        height, width = image.shape[:2]
        left = x - width if number in (0, 2) else x
        top = y - height if number in (0, 1) else y
        x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + width, 2 * side), min(top + height, 2 * side)
        square[y1:y2, x1:x2] = image[y1 - top : y2 - top, x1 - left : x2 - left]
        placed.append(clip(corners + np.array([left, top, left, top]), 2 * side, 2 * side))
    return square, placed
