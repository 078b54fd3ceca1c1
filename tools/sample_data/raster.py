"""Typed drawing on float images: masks, warps, noise, letters.

Pictures are (height, width, 3) float32 RGB from 0 to 1, masks (height, width) float32
from 0 to 1. Coordinates have their origin at the top-left corner of the top-left
pixel; OpenCV's lie half a pixel further, at the centre, and are converted here.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Array: TypeAlias = npt.NDArray[np.float32]
Matrix: TypeAlias = npt.NDArray[np.float64]
Points: TypeAlias = npt.NDArray[np.float64]
Colour: TypeAlias = tuple[float, float, float]
Size: TypeAlias = tuple[int, int]

_FINE = 4  # sub-pixels a pixel is drawn with, each way: edges are right to 1/8 pixel

cv2.setNumThreads(1)  # the processes are the parallelism


def _sixteenths(places: Points) -> npt.NDArray[np.int32]:
    """Places as OpenCV takes them when drawing with `shift=4`."""
    return np.asarray(np.round((places - 0.5) * 16), dtype=np.int32)


def floats(values: object) -> Array:
    """The same numbers as float32, without a copy where they are already."""
    return np.asarray(values, dtype=np.float32)


def blur(image: Array, sigma: float) -> Array:
    """The picture or mask behind a Gaussian of `sigma` pixels."""
    if sigma < 0.2:
        return image
    return floats(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))


def resize(image: Array, size: Size) -> Array:
    """The picture or mask at another (width, height), averaged where it shrinks."""
    shrinks = size[0] < image.shape[1] or size[1] < image.shape[0]
    return floats(cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))


def warp(image: Array, matrix: Matrix, size: Size, *, reflect: bool = False) -> Array:
    """The picture or mask seen through a homography.

    Args:
        matrix: (3, 3), from places in `image` to places in the result.
        size: (width, height) of the result.
        reflect: continue the picture beyond its border by its mirror image, else by 0.
    """
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]], dtype=np.float64)
    border = cv2.BORDER_REFLECT if reflect else cv2.BORDER_CONSTANT
    inner = np.linalg.inv(half) @ matrix @ half
    return floats(cv2.warpPerspective(image, inner, size, flags=cv2.INTER_LINEAR, borderMode=border))


def polygon(size: Size, *outlines: Points | Sequence[tuple[float, float]]) -> Array:
    """The mask (1 inside) of polygons on a canvas of (width, height)."""
    mask = np.zeros((size[1], size[0]), dtype=np.float32)
    for outline in outlines:
        points = np.asarray(outline, dtype=np.float64)
        low = np.maximum(np.floor(points.min(axis=0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, size)
        width, height = (high - low).tolist()
        if width <= 0 or height <= 0:
            continue
        fine = np.zeros((height * _FINE, width * _FINE), dtype=np.uint8)
        places = _sixteenths((points - low) * _FINE)
        cv2.fillPoly(fine, [places], (255,), lineType=cv2.LINE_8, shift=4)
        part = floats(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)) / np.float32(255)
        window = mask[low[1] : high[1], low[0] : high[0]]
        np.maximum(window, part, out=window)
    return mask


def ellipse(size: Size, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> Array:
    """The mask of an ellipse turned by `turn` degrees clockwise."""
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    x, y = radii[0] * np.cos(angle), radii[1] * np.sin(angle)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return polygon(size, np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], axis=1))


def strokes(size: Size, lines: Sequence[Points | Sequence[tuple[float, float]]], width: float) -> Array:
    """The mask of polylines of one width, with round ends."""
    fine = np.zeros((size[1] * 2, size[0] * 2), dtype=np.uint8)
    for line in lines:
        places = _sixteenths(np.asarray(line, dtype=np.float64) * 2)
        cv2.polylines(fine, [places], False, (255,), max(1, round(width * 2)), cv2.LINE_AA, 4)
    return floats(cv2.resize(fine, size, interpolation=cv2.INTER_AREA)) / np.float32(255)


def remap(image: Array, x: Array, y: Array) -> Array:
    """What `image` shows at the places (x, y), 0 outside; as large as `x` and `y`."""
    return floats(cv2.remap(image, x - np.float32(0.5), y - np.float32(0.5), cv2.INTER_LINEAR))


def over(below: Array, colour: Array | Colour, mask: Array) -> None:
    """Paint a colour, or a picture of the same size, onto `below` where the mask is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return
    part = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    top = floats(colour)
    window = below[part]
    window += ((top[part] if top.ndim == 3 else top) - window) * mask[part][:, :, None]


def grid(size: Size) -> tuple[Array, Array]:
    """The x and the y of every pixel's centre, each (height, width)."""
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    return x + np.float32(0.5), y + np.float32(0.5)


def noise(rng: np.random.Generator, size: Size, cell: tuple[float, float]) -> Array:
    """Smooth noise from 0 to 1 that changes over `cell` = (width, height) pixels."""
    coarse = (max(2, round(size[0] / cell[0]) + 1), max(2, round(size[1] / cell[1]) + 1))
    field = rng.random((coarse[1], coarse[0]), dtype=np.float32)
    return floats(np.clip(floats(cv2.resize(field, size, interpolation=cv2.INTER_CUBIC)), 0, 1))


@lru_cache(maxsize=256)
def lettering(text: str, height: int, *, bold: bool = False) -> Array:
    """The mask of one line of text, cropped to its ink, `height` pixels high."""
    font = ImageFont.load_default(128)
    left, top, right, bottom = font.getbbox(text, stroke_width=5 if bold else 0)
    tile = Image.new("L", (round(right - left) + 8, round(bottom - top) + 8))
    draw = ImageDraw.Draw(tile)
    draw.text((4 - left, 4 - top), text, fill=255, font=font, stroke_width=5 if bold else 0)
    ink = tile.crop(tile.getbbox())
    ink = ink.resize((max(1, round(ink.width * height / ink.height)), height), Image.Resampling.LANCZOS)
    return floats(ink) / np.float32(255)


def stamp(mask: Array, tile: Array, x: float, y: float, strength: float = 1.0) -> None:
    """Put a small mask with its top-left corner at (x, y) into a larger one."""
    left, top = round(x), round(y)
    height, width = tile.shape[:2]
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + width, mask.shape[1]), min(top + height, mask.shape[0])
    if x1 < x2 and y1 < y2:
        window = mask[y1:y2, x1:x2]
        np.maximum(window, tile[y1 - top : y2 - top, x1 - left : x2 - left] * strength, out=window)
