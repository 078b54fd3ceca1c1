"""Draws what is set into bodywork: doors, wheels, lamps, bonnets, bumpers.

Places are given from -1 to 1 over an unturned, unzoomed picture.
"""

import numpy as np

from . import raster
from .cars import Part
from .raster import Array, Colour, Matrix, Size


def draw_part(part: Part, picture: Array, to_picture: Matrix, sky: Array, rng: np.random.Generator) -> None:
    """Draw one part onto painted bodywork.

    Args:
        to_picture: (3, 3), from the part's coordinates to pixels.
        sky: the colour that glass mirrors, (3,).
    """
    match part:
        case "door":
            _door(picture, to_picture, rng)
        case "wheel":
            _wheel(picture, to_picture, rng)
        case "lamp":
            _lamp(picture, to_picture, rng)
        case "bonnet":
            _bonnet(picture, to_picture, sky, rng)
        case "bumper":
            _bumper(picture, to_picture, rng)


def _size(picture: Array) -> Size:
    return picture.shape[1], picture.shape[0]


def _place(to_picture: Matrix, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [
        (
            float(to_picture[0, 0] * x + to_picture[0, 1] * y + to_picture[0, 2]),
            float(to_picture[1, 0] * x + to_picture[1, 1] * y + to_picture[1, 2]),
        )
        for x, y in points
    ]


def _arc(
    cx: float, cy: float, rx: float, ry: float, start: float = 0.0, end: float = 2 * np.pi
) -> list[tuple[float, float]]:
    angle = np.linspace(start, end, 72)
    return [(cx + rx * float(np.cos(a)), cy + ry * float(np.sin(a))) for a in angle]


def _fill(
    picture: Array,
    to_picture: Matrix,
    points: list[tuple[float, float]],
    colour: Colour | Array,
    strength: float = 1.0,
    soft: float = 0.6,
) -> None:
    mask = raster.blur(raster.polygon(_size(picture), _place(to_picture, points)), soft)
    raster.over(picture, colour, mask * strength)


def _seam(picture: Array, to_picture: Matrix, points: list[tuple[float, float]], width: float = 3.0) -> None:
    """A gap between panels: dark, with one edge that catches the light."""
    line = _place(to_picture, points)
    size = _size(picture)
    raster.over(
        picture, (1, 1, 1), raster.blur(raster.strokes(size, [[(x + width, y + 1) for x, y in line]], 1.6), 0.8) * 0.35
    )
    raster.over(picture, (0.02, 0.02, 0.02), raster.blur(raster.strokes(size, [line], width), 0.7) * 0.9)


def _door(picture: Array, to_picture: Matrix, rng: np.random.Generator) -> None:
    """A vertical door gap and a handle, sometimes a window above."""
    x = float(rng.uniform(-0.5, 0.6))
    _seam(picture, to_picture, [(x + 0.10, -1.6), (x + 0.04, -0.4), (x, 0.4), (x + 0.05, 1.6)])
    if rng.random() < 0.5:
        edge = float(rng.uniform(-0.75, -0.5))
        glass = [(-2.0, -2.0), (2.0, -2.0), (2.0, edge + 0.05), (-2.0, edge)]
        _fill(picture, to_picture, glass, (0.07, 0.09, 0.10))
        _fill(picture, to_picture, [(-0.9, -2.0), (0.1, -2.0), (-0.4, edge), (-1.2, edge)], (0.55, 0.62, 0.68), 0.35, 6)
        _seam(picture, to_picture, [(-2.0, edge), (2.0, edge + 0.05)], 5)
    side = -1 if rng.random() < 0.5 else 1
    cx, cy = x + side * 0.36, float(rng.uniform(-0.35, -0.05))
    _fill(picture, to_picture, _arc(cx, cy, 0.20, 0.10), (0, 0, 0), 0.45, 3)
    bar = [(cx - 0.24, cy - 0.035), (cx + 0.24, cy - 0.045), (cx + 0.25, cy + 0.03), (cx - 0.23, cy + 0.04)]
    _fill(picture, to_picture, [(a, b + 0.03) for a, b in bar], (0, 0, 0), 0.5, 2)
    chrome = (0.75, 0.77, 0.80) if rng.random() < 0.5 else (0.16, 0.16, 0.17)
    _fill(picture, to_picture, bar, chrome)
    _fill(
        picture,
        to_picture,
        [(cx - 0.22, cy - 0.028), (cx + 0.22, cy - 0.038), (cx + 0.22, cy - 0.018), (cx - 0.22, cy - 0.01)],
        (1, 1, 1),
        0.6,
    )


def _wheel(picture: Array, to_picture: Matrix, rng: np.random.Generator) -> None:
    """A wheel in its arch: dark gap, tyre, rim with spokes."""
    cx, cy = float(rng.uniform(-0.35, 0.35)), float(rng.uniform(0.55, 0.85))
    _fill(picture, to_picture, _arc(cx, cy, 0.98, 0.98), (1, 1, 1), 0.25, 5)
    _fill(picture, to_picture, _arc(cx, cy, 0.92, 0.92), (0.02, 0.02, 0.02))
    _fill(picture, to_picture, _arc(cx, cy + 0.05, 0.80, 0.82), (0.11, 0.11, 0.11), 1, 1.5)
    for angle in np.linspace(0, 2 * np.pi, 60, endpoint=False):
        a = float(angle)
        tread = [
            (cx + r * float(np.cos(b)), cy + 0.05 + r * float(np.sin(b)))
            for r, b in ((0.72, a), (0.80, a + 0.03), (0.80, a + 0.05), (0.72, a + 0.02))
        ]
        _fill(picture, to_picture, tread, (0.22, 0.22, 0.22), 0.7)
    for radius, grey in ((0.62, 0.17), (0.57, 0.62), (0.52, 0.10)):
        _fill(picture, to_picture, _arc(cx, cy + 0.05, radius, radius), (grey, grey, grey * 1.02), 1, 1)
    spokes = int(rng.integers(5, 9))
    first = float(rng.uniform(0, np.pi))
    for number in range(spokes):
        a = first + 2 * np.pi * number / spokes
        blade = [
            (cx + r * float(np.cos(a + b)), cy + 0.05 + r * float(np.sin(a + b)))
            for r, b in ((0.10, -0.7), (0.54, -0.13), (0.54, 0.13), (0.10, 0.7))
        ]
        grey = 0.62 - 0.16 * float(np.sin(a))
        _fill(picture, to_picture, blade, (grey, grey, grey * 1.03))
    _fill(picture, to_picture, _arc(cx, cy + 0.05, 0.14, 0.14), (0.5, 0.51, 0.53), 1, 1)


def _lamp(picture: Array, to_picture: Matrix, rng: np.random.Generator) -> None:
    """A headlamp or a tail lamp behind glass, with reflectors."""
    tail = rng.random() < 0.4
    x, y = float(rng.uniform(-0.25, 0.1)), float(rng.uniform(-0.35, 0.0))
    outline = [
        (x - 1.5, y - 0.45),
        (x + 0.35, y - 0.40),
        (x + 0.78, y - 0.12),
        (x + 0.62, y + 0.22),
        (x - 0.2, y + 0.34),
        (x - 1.5, y + 0.38),
    ]
    _fill(picture, to_picture, [(a + 0.01, b + 0.03) for a, b in outline], (0, 0, 0), 0.6, 5)
    _fill(picture, to_picture, outline, (0.45, 0.03, 0.04) if tail else (0.24, 0.26, 0.29))
    for cx, radius in ((x - 0.55, 0.26), (x + 0.12, 0.22)):
        for part, (red, green, blue) in (
            ((1.0, (0.55, 0.05, 0.05)), (0.8, (0.85, 0.25, 0.2)), (0.35, (1.0, 0.75, 0.7)))
            if tail
            else ((1.0, (0.72, 0.74, 0.78)), (0.78, (0.42, 0.44, 0.48)), (0.35, (0.97, 0.97, 0.94)))
        ):
            _fill(picture, to_picture, _arc(cx, y, radius * part, radius * part), (red, green, blue), 0.95, 1.5)
    _fill(
        picture,
        to_picture,
        [(x - 1.4, y - 0.36), (x + 0.3, y - 0.33), (x + 0.1, y - 0.2), (x - 1.4, y - 0.18)],
        (1, 1, 1),
        0.35,
        4,
    )
    _seam(picture, to_picture, [(x + 0.78, y - 0.12), (x + 1.2, y - 0.2), (x + 2.0, y - 0.22)])


def _bonnet(picture: Array, to_picture: Matrix, sky: Array, rng: np.random.Generator) -> None:
    """A bonnet's edge over the grille, or before the windscreen."""
    y = float(rng.uniform(-0.75, -0.45))
    _fill(picture, to_picture, [(-2, -2), (2, -2), (2, y + 0.06), (-2, y - 0.06)], (0.08, 0.09, 0.10))
    _fill(picture, to_picture, [(-0.4, -2), (0.9, -2), (0.5, y + 0.02), (-0.7, y - 0.04)], sky, 0.3, 10)
    _seam(picture, to_picture, [(-2, y - 0.06), (2, y + 0.06)], 5)
    x = float(rng.uniform(-0.6, 0.6))
    _seam(picture, to_picture, [(x, y), (x * 1.15, 0.3), (x * 1.5, 1.6)], 2.2)


def _bumper(picture: Array, to_picture: Matrix, rng: np.random.Generator) -> None:
    """A bumper with a number plate or a grille, and the street below."""
    y = float(rng.uniform(-0.5, -0.25))
    _seam(picture, to_picture, [(-2, y), (-0.2, y + 0.03), (2, y - 0.05)])
    street = float(rng.uniform(0.62, 0.85))
    below = raster.floats(np.stack([raster.noise(rng, _size(picture), (3, 3))] * 3, axis=2) * 0.35 + 0.18)
    _fill(picture, to_picture, [(-2, street), (2, street - 0.04), (2, 2), (-2, 2)], below, 1, 1)
    _fill(
        picture,
        to_picture,
        [(-2, street - 0.1), (2, street - 0.14), (2, street + 0.05), (-2, street + 0.09)],
        (0, 0, 0),
        0.6,
        8,
    )
    cx, cy = float(rng.uniform(-0.5, 0.5)), y + 0.42
    if rng.random() < 0.5:
        _fill(
            picture,
            to_picture,
            [(cx - 0.46, cy - 0.12), (cx + 0.46, cy - 0.13), (cx + 0.46, cy + 0.11), (cx - 0.46, cy + 0.12)],
            (0.92, 0.92, 0.88),
        )
        number = raster.lettering(f"{int(rng.integers(10, 99))} LL {int(rng.integers(1000, 9999))}", 38, bold=True)
        mask = np.zeros(_size(picture), dtype=np.float32)
        (px, py), *_ = _place(to_picture, [(cx, cy)])
        raster.stamp(mask, number, px - number.shape[1] / 2, py - 19)
        raster.over(picture, (0.08, 0.08, 0.10), mask)
    else:
        for row in range(4):
            top = cy - 0.14 + 0.08 * row
            _fill(
                picture,
                to_picture,
                [(cx - 0.7, top), (cx + 0.7, top), (cx + 0.66, top + 0.045), (cx - 0.66, top + 0.045)],
                (0.05, 0.05, 0.05),
            )
