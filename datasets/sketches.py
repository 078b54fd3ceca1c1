"""What is kept of a picture so that it can be compared with many others: a small gray copy and its points."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 96
"""Longer side in pixels of the gray pictures that are compared."""

POINTS = 150
"""Points kept of one picture: 50 to 130 of them are found again in a copy, 20 in a hard one."""

_DETECTION_SIDE = 2 * SIDE
LOST = 255
"""Marks a pixel with a channel cut off at its end: it lost what was there, so it proves nothing.

Without the mark the agreement of brightened copies falls to .76 (5 % quantile), with it
to .96. Black is not marked: that was tried and made turned copies of dark photos worse.
"""

SKETCH = np.dtype(
    [
        ("width", np.uint8),
        ("height", np.uint8),
        ("count", np.uint8),
        ("gray", np.uint8, (SIDE, SIDE)),
        ("points", np.float32, (POINTS, 2)),
        ("descriptors", np.uint8, (POINTS, 128)),
    ]
)
"""What is kept of a picture to compare it: 30 kB, of a fixed size, so that many fit in one array.

`gray` is filled up to (height, width); `points` are (x, y) in its pixels; a width of 0
means no content: one color, or no picture at all.
"""

Gray = npt.NDArray[np.uint8]


def make_sketch(picture: Image.Image) -> npt.NDArray[np.void]:
    """Array of shape (1,) and dtype SKETCH: the gray picture and its SIFT points.

    Pictures of any size are brought to one, smaller ones are enlarged.
    """
    sketch = np.zeros(1, SKETCH)
    pixels = np.asarray(picture.convert("RGB"))
    large = _resized(pixels, _DETECTION_SIDE)
    gray = np.asarray(cv2.cvtColor(large, cv2.COLOR_RGB2GRAY), np.uint8)
    if gray.std() < 2:
        return sketch
    small = _resized(pixels, SIDE)
    kept = np.minimum(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), LOST - 1)
    kept[small.max(axis=2) >= 253] = LOST
    height, width = kept.shape
    sketch["width"], sketch["height"] = width, height
    sketch["gray"][0, :height, :width] = kept
    # The thresholds are far below OpenCV's own, so that dark photos and plain cloth
    # have points too; the strongest are kept, whatever their strength.
    # OpenCV's own type stubs leave SIFT out.
    sift = cast("Any", cv2).SIFT_create(POINTS, 3, 0.01, 12, 1.6, True)
    points, found = sift.detectAndCompute(_stretched(gray), None)
    count = min(len(points), POINTS)
    if count:
        scale = np.array([width / gray.shape[1], height / gray.shape[0]])
        places = np.array([point.pt for point in points[:count]], np.float64)
        sketch["points"][0, :count] = (places + 0.5) * scale - 0.5
        found = np.asarray(found[:count], np.float32)
        # The square root of the shares (Arandjelovic and Zisserman 2012) makes the dot
        # product compare distributions, and gives each descriptor the length 1.
        found = np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6))
        sketch["descriptors"][0, :count] = np.rint(found * 255)
        sketch["count"] = count
    return sketch


def gray_of(sketch: Any) -> Gray:
    """The gray picture of one sketch, of shape (height, width)."""
    return np.ascontiguousarray(sketch["gray"][: int(sketch["height"]), : int(sketch["width"])])


def _resized(pixels: Gray, side: int) -> Gray:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def _stretched(gray: Gray) -> Gray:
    """The picture with its contrast spread, so that dark and pale ones have points as well."""
    low, high = np.percentile(gray, (1, 99))
    if high - low >= 160:
        return gray
    factor = 255 / max(float(high - low), 24.0)
    return np.clip((gray.astype(np.float32) - low) * factor, 0, 255).astype(np.uint8)
