"""Draws one side of a coin: a relief in metal, lit from one direction."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import raster
from .motifs import motif
from .raster import Array, Colour

SIDE = 420
"""Pixels of the square that a drawn coin fills, from rim to rim."""


@dataclass(frozen=True, slots=True)
class Design:
    """What sets a denomination apart: diameter in mm, metal, words, motif, rim."""

    diameter: float
    metal: Colour
    words: str
    motif: str
    rim: str


DESIGNS: Mapping[int, Design] = {
    10: Design(18.0, (0.80, 0.45, 0.29), "TEN WON", "tower", "plain"),
    50: Design(21.6, (0.78, 0.72, 0.52), "FIFTY WON", "rice", "beads"),
    100: Design(24.0, (0.70, 0.73, 0.78), "HUNDRED WON", "king", "plain"),
    500: Design(26.5, (0.76, 0.75, 0.73), "FIVE HUNDRED", "crane", "double"),
}


def draw_coin(denomination: int, *, front: bool, light: float, wear: float) -> Array:
    """The picture of one side, (420, 420, 3); what lies outside the circle is filler.

    Args:
        light: where the light comes from, radians clockwise from the coin's right.
        wear: 0 fresh from the mint, 1 dull and stained.
    """
    design = DESIGNS[denomination]
    relief = _relief(denomination, front=front)
    slope_x = np.gradient(relief, axis=1) * 9
    slope_y = np.gradient(relief, axis=0) * 9
    facing = -(slope_x * np.cos(light) + slope_y * np.sin(light))
    x, y = raster.grid((SIDE, SIDE))
    rng = np.random.default_rng([denomination, front, round(wear * 1000)])
    stains = raster.noise(rng, (SIDE, SIDE), (60, 60)) * raster.noise(rng, (SIDE, SIDE), (14, 14))
    scratches = rng.normal(0, 0.02, (SIDE, SIDE)) * (0.4 + wear)
    sheen = 0.16 * np.sin(np.arctan2(y - SIDE / 2, x - SIDE / 2) * 2 - 2 * light + 0.6) * (1 - 0.6 * wear)
    bright = 0.86 + 0.62 * np.tanh(facing) + sheen + raster.blur(raster.floats(scratches), 0.7)
    bright -= wear * 0.45 * stains + 0.18 * (1 - raster.blur(relief, 3.0))
    gloss = np.clip(facing - 0.55, 0, 1) ** 2 * 1.1 * (1 - 0.7 * wear)
    metal = raster.floats(design.metal)[None, None, :]
    return raster.floats(np.clip(bright[:, :, None] * metal + gloss[:, :, None], 0, 1))


@lru_cache(maxsize=8)
def _relief(denomination: int, *, front: bool) -> Array:
    """The height of every point, 0 (field) to 1. Not to be written to."""
    design = DESIGNS[denomination]
    size = (SIDE, SIDE)
    middle = SIDE / 2
    x, y = raster.grid(size)
    radius = np.hypot(x - middle, y - middle) / middle
    height = np.clip((radius - 0.90) * 40, 0, 1)
    if design.rim == "double":
        height = np.maximum(height, np.clip(1 - np.abs(radius - 0.83) * 60, 0, 1))
    if design.rim == "beads":
        angle = np.arctan2(y - middle, x - middle)
        beads = (np.cos(angle * 64) > 0) & (np.abs(radius - 0.85) < 0.02)
        height = np.maximum(height, raster.blur(raster.floats(beads), 1.0))
    relief = raster.floats(height)
    words = design.words if front else "LABELLOOP SAMPLE"
    if front:
        picture = raster.resize(motif(design.motif), (250, 250))
        raster.stamp(relief, raster.blur(np.clip(picture, 0, 1), 1.0), middle - 125, middle - 140, 0.9)
    else:
        tall = {2: 190, 3: 150}[len(str(denomination))]
        numeral = raster.lettering(str(denomination), tall, bold=True)
        raster.stamp(relief, raster.blur(numeral, 1.2), middle - numeral.shape[1] / 2, middle - tall / 2 - 14)
    np.maximum(relief, _words_around(words, size) * 0.8, out=relief)
    return np.clip(raster.blur(relief, 0.9), 0, 1)


def _words_around(words: str, size: tuple[int, int]) -> Array:
    """The mask of words bent along the lower rim, readable from the middle."""
    strip = np.pad(raster.lettering(words, 30, bold=True), 2)
    x, y = raster.grid(size)
    middle = size[0] / 2
    angle = np.arctan2(x - middle, y - middle)  # 0 straight down, growing to the right
    radius = np.hypot(x - middle, y - middle)
    along = angle * 0.71 * middle + strip.shape[1] / 2
    across = radius - 0.64 * middle
    return raster.remap(strip, raster.floats(along), raster.floats(across))
