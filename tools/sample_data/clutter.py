"""Draws the things that lie around on a table: pens, keys, cards, paper, cups."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import raster
from .poses import shift
from .raster import Array
from .won import Corners

_TILE = 320  # pixels of the square that a thing is drawn in, before it is scaled


def scatter(canvas: Array, free_of: Corners, count: int, rng: np.random.Generator) -> None:
    """Put up to `count` things on the canvas, none of them over `free_of`.

    Args:
        free_of: (x1, y1, x2, y2) in pixels of the canvas, kept clear.
    """
    height, width = canvas.shape[:2]
    for _ in range(count):
        draw = _THINGS[rng.integers(len(_THINGS))]
        side = float(rng.uniform(0.22, 0.5)) * min(width, height)
        for _ in range(12):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            gap_x = max(free_of[0] - x, x - free_of[2], 0.0)
            gap_y = max(free_of[1] - y, y - free_of[3], 0.0)
            if np.hypot(gap_x, gap_y) > side * 0.52:
                _put(canvas, draw, (float(x), float(y)), side, rng)
                break


def _put(
    canvas: Array,
    draw: Callable[[ImageDraw.ImageDraw, np.random.Generator], None],
    place: tuple[float, float],
    side: float,
    rng: np.random.Generator,
) -> None:
    """Draw one thing, turned anyhow, with its shadow."""
    tile = Image.new("RGBA", (_TILE, _TILE))
    draw(ImageDraw.Draw(tile), rng)
    turned = tile.rotate(float(rng.uniform(0, 360)), Image.Resampling.BICUBIC)
    pixels = raster.resize(raster.floats(turned) / np.float32(255), (round(side), round(side)))
    height, width = canvas.shape[:2]
    left, top = round(place[0] - side / 2), round(place[1] - side / 2)
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + pixels.shape[1], width), min(top + pixels.shape[0], height)
    if x1 >= x2 or y1 >= y2:
        return
    part = raster.floats(np.clip(pixels[y1 - top : y2 - top, x1 - left : x2 - left], 0, 1))
    window = canvas[y1:y2, x1:x2]
    alpha = np.ascontiguousarray(part[:, :, 3])
    fall = shift(side * 0.012, side * 0.012)
    shadow = raster.warp(raster.blur(alpha, side * 0.015), fall, (alpha.shape[1], alpha.shape[0]))
    raster.over(window, (0.0, 0.0, 0.0), shadow * 0.45)
    raster.over(window, np.ascontiguousarray(part[:, :, :3]), alpha)


def _ink(rng: np.random.Generator, low: int = 20, high: int = 235) -> tuple[int, int, int]:
    red, green, blue = (int(part) for part in rng.integers(low, high, 3))
    return red, green, blue


def _pen(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    body = _ink(rng)
    draw.rounded_rectangle((30, 150, 250, 170), 8, body)
    draw.line((34, 155, 246, 155), (255, 255, 255, 110), 4)
    draw.polygon([(250, 151), (292, 160), (250, 169)], (190, 170, 140))
    draw.polygon([(280, 157), (292, 160), (280, 163)], (30, 30, 30))
    draw.rectangle((60, 144, 130, 150), (190, 192, 196))


def _key(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    metal = (176, 170, 150) if rng.random() < 0.5 else (150, 152, 156)
    draw.ellipse((30, 110, 130, 210), outline=metal, width=22)
    draw.rectangle((124, 150, 280, 170), metal)
    for x in (206, 232, 258):
        draw.rectangle((x, 168, x + 12, 186 + x % 3 * 8), metal)
    draw.line((126, 153, 278, 153), (235, 235, 230), 3)


def _card(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    draw.rounded_rectangle((20, 70, 300, 246), 14, _ink(rng))
    draw.rectangle((20, 92, 300, 124), (26, 26, 28))
    draw.rounded_rectangle((44, 146, 92, 182), 6, (214, 186, 110))
    draw.text((44, 200), "4000 1234 5678", _ink(rng, 200, 255), ImageFont.load_default(26))


def _receipt(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    draw.rectangle((80, 12, 240, 308), (240, 239, 234))
    for row in range(17):
        y = 30 + 16 * row
        draw.line((94, y, 94 + int(rng.integers(40, 90)), y), (90, 90, 92), 4)
        draw.line((200, y, 226, y), (90, 90, 92), 4)


def _note_pad(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    paper = ((248, 226, 110), (250, 170, 190), (150, 222, 190), (244, 244, 240))[rng.integers(4)]
    draw.rectangle((50, 50, 270, 270), paper)
    words = ("milk, rice", "call Min-ji", "bus 14:05", "pay rent")
    for row in range(3):
        draw.text((70, 84 + 56 * row), words[rng.integers(4)], (50, 54, 90), ImageFont.load_default(34))


def _phone(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    draw.rounded_rectangle((86, 12, 234, 308), 22, (24, 24, 27))
    draw.rounded_rectangle((94, 22, 226, 298), 14, (44, 50, 64))
    draw.polygon([(94, 40), (226, 40), (94, 210)], (86, 94, 112))
    draw.ellipse((154, 28, 166, 40), (10, 10, 12))


def _cup(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    china = _ink(rng, 150, 250)
    draw.rounded_rectangle((240, 138, 312, 182), 18, china)
    draw.ellipse((40, 40, 280, 280), china)
    draw.ellipse((58, 58, 262, 262), (118, 104, 92))
    draw.ellipse((66, 66, 254, 254), (58, 34, 20))
    draw.arc((86, 86, 234, 234), 200, 260, (150, 110, 80), 8)


def _washer(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Round and metallic, and no coin: a detector must not fall for it."""
    draw.ellipse((80, 80, 240, 240), (150, 152, 155))
    draw.ellipse((84, 84, 236, 236), (176, 178, 181))
    draw.ellipse((126, 126, 194, 194), (60, 60, 62))


def _cable(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    colour = (235, 235, 235) if rng.random() < 0.5 else (30, 30, 32)
    t = np.linspace(0, 1, 60)
    x = 30 + 260 * t
    y = 160 + 90 * np.sin(t * float(rng.uniform(5, 11))) * (1 - 0.4 * t)
    draw.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], colour, 9, joint="curve")
    draw.rounded_rectangle((272, y[-1] - 14, 316, y[-1] + 14), 5, colour)


def _leaf(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    green = (int(rng.integers(60, 150)), int(rng.integers(100, 160)), 50)
    draw.polygon([(40, 160), (90, 104), (180, 92), (286, 160), (180, 228), (90, 216)], green)
    draw.line((20, 160, 286, 160), (200, 206, 140), 4)
    for x in (90, 130, 170, 210):
        draw.line((x, 160, x + 34, 118), (200, 206, 140), 2)
        draw.line((x, 160, x + 34, 202), (200, 206, 140), 2)


_THINGS: tuple[Callable[[ImageDraw.ImageDraw, np.random.Generator], None], ...] = (
    _pen,
    _key,
    _card,
    _receipt,
    _note_pad,
    _phone,
    _cup,
    _washer,
    _cable,
    _leaf,
)
