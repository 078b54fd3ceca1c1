"""Draws hands: fingers that hold a note by its edge, a palm under a coin."""

from dataclasses import dataclass

import numpy as np

from . import raster
from .raster import Array, Colour, Points

_SKINS: tuple[Colour, ...] = (
    (0.93, 0.74, 0.62),
    (0.87, 0.66, 0.52),
    (0.78, 0.56, 0.42),
    (0.62, 0.42, 0.30),
    (0.42, 0.28, 0.20),
)


@dataclass(frozen=True, slots=True)
class Grip:
    """Where a hand holds a note: a place on its edge, in pixels of the canvas.

    `outward` is a unit vector away from the note, `along` one along the edge, `unit`
    how many pixels a finger is wide.
    """

    place: Points
    outward: Points
    along: Points
    unit: float


def skin(rng: np.random.Generator) -> Colour:
    """The skin of one person, a shade of one of five tones."""
    red, green, blue = _SKINS[rng.integers(len(_SKINS))]
    shade = float(rng.uniform(0.92, 1.06))
    return red * shade, green * shade, blue * shade * float(rng.uniform(0.95, 1.05))


def draw_behind(canvas: Array, grip: Grip, tone: Colour, rng: np.random.Generator) -> None:
    """Arm, palm and the four fingers that the note will hide in part."""
    unit = grip.unit
    turned = grip.outward + grip.along * float(rng.uniform(-0.5, 0.5))
    turned /= np.hypot(*turned)
    wrist = grip.place + turned * unit * 5.5
    sleeve = tuple(float(part) for part in rng.uniform(0.08, 0.7, 3))
    _limb(canvas, wrist + turned * unit * 14, wrist, 2.6 * unit, 1.9 * unit, tone)
    _limb(
        canvas,
        wrist + turned * unit * 16,
        wrist + turned * unit * 3.0,
        3.2 * unit,
        2.7 * unit,
        (sleeve[0], sleeve[1], sleeve[2]),
    )
    _limb(canvas, wrist, grip.place + turned * unit * 2.2, 2.2 * unit, 2.5 * unit, tone)
    for number in (3, 2, 1, 0):
        side = (number - 1.5) * 1.05
        root = grip.place + turned * unit * 3.0 + grip.along * side * unit * 1.15
        knuckle = grip.place + turned * unit * 0.7 + grip.along * side * unit * 1.3
        _limb(canvas, root, knuckle, 0.72 * unit, 0.62 * unit, tone, creases=(0.55,))
        _limb(
            canvas,
            knuckle,
            grip.place - grip.outward * unit * 1.4 + grip.along * side * unit,
            0.62 * unit,
            0.5 * unit,
            tone,
        )


def draw_thumb(canvas: Array, grip: Grip, tone: Colour, rng: np.random.Generator) -> Array:
    """The mask of the thumb in front of the note; its colours go into `canvas`."""
    unit = grip.unit
    slant = float(rng.uniform(-0.35, 0.35))
    root = grip.place + grip.outward * unit * 3.4 + grip.along * unit * slant * 2.6
    joint = grip.place + grip.outward * unit * 1.0 + grip.along * unit * slant * 0.5
    tip = grip.place - grip.outward * unit * float(rng.uniform(0.8, 1.3))
    mask = _limb(canvas, root, joint, 0.95 * unit, 0.74 * unit, tone, creases=(0.85, 0.95))
    upper = _limb(canvas, joint, tip, 0.74 * unit, 0.62 * unit, tone, creases=(0.05,))
    _nail(canvas, joint, tip, unit, tone)
    return np.maximum(mask, upper)


def draw_palm(canvas: Array, place: Points, unit: float, turn: float, tone: Colour, rng: np.random.Generator) -> None:
    """An open hand with its palm at `place`; `unit` is a finger's width in pixels."""
    up = np.array([np.sin(turn), -np.cos(turn)])
    side = np.array([np.cos(turn), np.sin(turn)])
    _limb(canvas, place - up * unit * 14, place - up * unit * 3.2, 2.2 * unit, 2.0 * unit, tone)
    for number, length in enumerate((4.6, 5.6, 5.9, 5.2)):
        offset = (number - 1.5) * 1.28
        root = place + up * unit * 1.8 + side * unit * offset
        tip = place + up * unit * (2.2 + length) + side * unit * offset * float(rng.uniform(1.1, 1.4))
        _limb(canvas, root, tip, 0.78 * unit, 0.56 * unit, tone, creases=(0.28, 0.33, 0.62, 0.66))
    _limb(
        canvas,
        place - up * unit * 1.6 - side * unit * 2.0,
        place + up * unit * 2.2 - side * unit * 4.3,
        1.2 * unit,
        0.7 * unit,
        tone,
        creases=(0.6,),
    )
    _limb(canvas, place - up * unit * 1.6, place + up * unit * 0.9, 3.0 * unit, 2.9 * unit, tone, flat=0.6)
    size = (canvas.shape[1], canvas.shape[0])
    t = np.linspace(0, 1, 12)[:, None]
    lines = [
        place + side * unit * (-2.4 + 4.6 * t) + up * unit * (1.0 + 1.0 * t**2),
        place + side * unit * (-2.4 + 4.2 * t) + up * unit * (0.9 - 1.2 * t**1.5),
        place + side * unit * (-2.2 + 1.6 * t**0.5) + up * unit * (0.8 - 3.6 * t),
    ]
    dark = (tone[0] * 0.62, tone[1] * 0.52, tone[2] * 0.5)
    raster.over(canvas, dark, raster.blur(raster.strokes(size, lines, max(1.0, unit * 0.07)), unit * 0.05) * 0.8)


def _limb(
    canvas: Array,
    start: Points,
    end: Points,
    start_radius: float,
    end_radius: float,
    colour: Colour,
    *,
    creases: tuple[float, ...] = (),
    flat: float = 0.0,
) -> Array:
    """Paint a rounded, tapering limb lit from the upper left; its mask comes back."""
    size = (canvas.shape[1], canvas.shape[0])
    mask = np.zeros((size[1], size[0]), dtype=np.float32)
    reach = max(start_radius, end_radius) + 2
    low = np.maximum(np.minimum(start, end) - reach, 0).astype(int)
    high = np.minimum(np.maximum(start, end) + reach, size).astype(int)
    if (high <= low).any():
        return mask
    x, y = raster.grid((int(high[0] - low[0]), int(high[1] - low[1])))
    x, y = x + np.float32(low[0]), y + np.float32(low[1])
    axis = end - start
    length = max(float(np.hypot(*axis)), 1e-6)
    along = np.clip(((x - start[0]) * axis[0] + (y - start[1]) * axis[1]) / length**2, 0, 1)
    away_x, away_y = x - start[0] - along * axis[0], y - start[1] - along * axis[1]
    radius = start_radius + (end_radius - start_radius) * along
    away = np.hypot(away_x, away_y)
    inside = np.clip(radius - away + 0.5, 0, 1)
    height = np.sqrt(np.clip(1 - (away / radius) ** 2, 0, 1))
    lit = 0.62 + 0.38 * height ** (1 - flat) - 0.20 * (away_x * 0.6 + away_y * 0.8) / radius * (1 - flat)
    for crease in creases:
        lit -= 0.13 * np.exp(-(((along - crease) * length / (0.06 * reach + 0.6)) ** 2))
    lit = np.clip(lit, 0.05, 1.2)
    ruddy = np.stack([lit**0.8, lit, lit * (0.96 + 0.04 * height)], axis=2)
    shaded = raster.floats(np.clip(raster.floats(colour) * ruddy, 0, 1))
    raster.over(canvas[low[1] : high[1], low[0] : high[0]], shaded, raster.floats(inside))
    mask[low[1] : high[1], low[0] : high[0]] = inside
    return mask


def _nail(canvas: Array, joint: Points, tip: Points, unit: float, tone: Colour) -> None:
    """A thumb's nail, paler than the skin, with a light edge."""
    size = (canvas.shape[1], canvas.shape[0])
    way = tip - joint
    turn = float(np.degrees(np.arctan2(way[1], way[0])))
    place = tip + way / np.hypot(*way) * unit * 0.08
    nail = (min(tone[0] * 1.1, 1.0), min(tone[1] * 1.08, 1.0), min(tone[2] * 1.12, 1.0))
    raster.over(
        canvas, nail, raster.ellipse(size, (float(place[0]), float(place[1])), (0.46 * unit, 0.36 * unit), turn) * 0.9
    )
    shine = place - np.array([0.1, 0.12]) * unit
    raster.over(
        canvas,
        (1.0, 0.97, 0.95),
        raster.ellipse(size, (float(shine[0]), float(shine[1])), (0.16 * unit, 0.08 * unit), turn) * 0.5,
    )
