"""Boxes between the raw photo, the upright photo and the frame that labels were drawn in."""

from __future__ import annotations

from math import cos, isfinite, sin

from .schema import Size

Corners = tuple[float, float, float, float]

TRANSPOSED = frozenset({5, 6, 7, 8})
"""The EXIF orientations that swap width and height."""


def upright_size(raw: Size, orientation: int) -> Size:
    """The size of the image as displayed, from the stored one and the EXIF orientation 1..8."""
    return Size(raw[1], raw[0]) if orientation in TRANSPOSED else raw


def to_upright(corners: Corners, raw: tuple[float, float], orientation: int) -> Corners:
    """The corners on the upright image of a box that was drawn on the raw one.

    Args:
        corners: (x1, y1, x2, y2) on the raw image, x1 < x2 and y1 < y2.
        raw: (width, height) of the raw image, in the unit of the corners.
        orientation: EXIF value 1..8.

    Reference: Exif 2.3, tag 0x0112; Pillow's ImageOps.exif_transpose, against which it is tested.
    """
    x1, y1, x2, y2 = corners
    width, height = raw
    if orientation == 2:
        return (width - x2, y1, width - x1, y2)
    if orientation == 3:
        return (width - x2, height - y2, width - x1, height - y1)
    if orientation == 4:
        return (x1, height - y2, x2, height - y1)
    if orientation == 5:
        return (y1, x1, y2, x2)
    if orientation == 6:
        return (height - y2, x1, height - y1, x2)
    if orientation == 7:
        return (height - y2, width - x2, height - y1, width - x1)
    if orientation == 8:
        return (y1, width - x2, y2, width - x1)
    return corners


def around_turned(cx: float, cy: float, width: float, height: float, angle: float) -> Corners:
    """The upright box around one that is turned about its middle.

    Args:
        angle: in radians.

    Raises:
        ValueError: the angle is not finite.
    """
    if not isfinite(angle):
        raise ValueError(f"rotation must be finite, received {angle}")
    across = (abs(width * cos(angle)) + abs(height * sin(angle))) / 2
    down = (abs(width * sin(angle)) + abs(height * cos(angle))) / 2
    return cx - across, cy - down, cx + across, cy + down


def same_shape(frame: Size, image: Size) -> bool:
    """Whether the image can be the frame at one scale, both sides rounded to whole pixels.

    There must be a factor s for which frame * s is less than a pixel away from the
    image on both sides: a fixed tolerance on the ratio would refuse honest thumbnails
    and accept a 1000x999 frame for a 1000x1000 image.
    """
    if frame == image:
        return True
    least = max((image[0] - 1) / frame[0], (image[1] - 1) / frame[1])
    most = min((image[0] + 1) / frame[0], (image[1] + 1) / frame[1])
    return least < most


def describe_scale(frame: Size, image: Size) -> str:
    """The scale from the frame to the image as people say it: `1/4`, `2`, `0.37`."""
    ratio = image[0] / frame[0]
    if ratio < 1 and abs(1 / ratio - round(1 / ratio)) < 0.005:
        return f"1/{round(1 / ratio)}"
    return f"{ratio:.4g}"
