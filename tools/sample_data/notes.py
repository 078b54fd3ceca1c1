"""Draws one side of a note, flat, as it would leave the press."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import raster
from .motifs import motif
from .raster import Array, Colour

HEIGHT = 480
"""Pixels of a drawn note, from its upper to its lower edge."""


@dataclass(frozen=True, slots=True)
class Design:
    """What sets a denomination apart: width in mm (all are 68 high), inks, motifs."""

    width: int
    paper: Colour
    ink: Colour
    accent: Colour
    portrait: str
    emblem: str
    scene: str


DESIGNS: Mapping[int, Design] = {
    1000: Design(136, (0.72, 0.82, 0.93), (0.10, 0.22, 0.52), (0.45, 0.35, 0.62), "scholar", "blossom", "mountains"),
    5000: Design(142, (0.96, 0.80, 0.70), (0.60, 0.18, 0.08), (0.80, 0.45, 0.15), "minister", "gourds", "gourds"),
    10000: Design(148, (0.76, 0.90, 0.76), (0.05, 0.34, 0.18), (0.30, 0.45, 0.20), "king", "mountains", "sky globe"),
    50000: Design(154, (0.98, 0.91, 0.62), (0.48, 0.34, 0.02), (0.75, 0.50, 0.05), "painter", "blossom", "bamboo"),
}


def note_size(denomination: int) -> tuple[int, int]:
    """(width, height) in pixels of a drawn note."""
    return round(HEIGHT * DESIGNS[denomination].width / 68), HEIGHT


@lru_cache(maxsize=8)
def draw_note(denomination: int, *, front: bool) -> Array:
    """The picture of one side, (height, width, 3), edge to edge. Not to be written to."""
    design = DESIGNS[denomination]
    size = note_size(denomination)
    picture = _paper(design, size, front=front)
    ink = np.zeros((size[1], size[0]), dtype=np.float32)
    accent = np.zeros_like(ink)
    if front:
        _front(design, denomination, size, ink, accent)
    else:
        _back(design, denomination, size, ink, accent)
    raster.over(picture, design.accent, accent * 0.85)
    raster.over(picture, design.ink, ink * 0.92)
    _foil(picture, size, front=front)
    return np.clip(picture, 0, 1)


def _front(design: Design, denomination: int, size: tuple[int, int], ink: Array, accent: Array) -> None:
    """The portrait on the right, an emblem in the middle, numerals left."""
    width, height = size
    portrait = raster.resize(motif(design.portrait), (390, 390))
    raster.stamp(ink, _engraved(portrait, 5.0), width - 470, height - 414)
    raster.stamp(accent, _engraved(raster.resize(motif(design.emblem), (250, 250)), 6.0), 0.30 * width, 150, 0.8)
    numeral = raster.lettering(str(denomination), 96, bold=True)
    raster.stamp(ink, numeral, 38, 36)
    raster.stamp(ink, raster.lettering(str(denomination), 50, bold=True), 44, height - 88)
    raster.stamp(ink, raster.lettering("BANK OF LABELLOOP", 24), 0.46 * width, 30)
    raster.stamp(ink, raster.lettering("SAMPLE", 34, bold=True), 0.40 * width, height - 72, 0.9)
    upright = np.rot90(raster.lettering(str(denomination), 44))
    raster.stamp(ink, np.ascontiguousarray(upright), width - 66, 60)
    serial = raster.lettering(f"LL {denomination * 7919 % 9999999:07d} A", 26)
    raster.stamp(ink, serial, 0.46 * width, 72, 0.8)


def _back(design: Design, denomination: int, size: tuple[int, int], ink: Array, accent: Array) -> None:
    """A broad scene in the middle, numerals in three corners, no portrait."""
    width, height = size
    scene = raster.resize(motif(design.scene), (400, 370))
    raster.stamp(ink, _engraved(scene, 5.0), 0.36 * width, 64)
    raster.stamp(ink, _engraved(scene[:, :199:-1], 5.0), 0.36 * width + 400, 64, 0.75)
    numeral = raster.lettering(str(denomination), 84, bold=True)
    raster.stamp(ink, numeral, width - numeral.shape[1] - 40, height - 122)
    raster.stamp(ink, raster.lettering(str(denomination), 64, bold=True), 40, 34)
    raster.stamp(accent, np.ascontiguousarray(np.rot90(raster.lettering(str(denomination), 60, bold=True), 3)), 44, 170)
    raster.stamp(ink, raster.lettering("LABELLOOP", 30), 0.44 * width, 24)
    raster.stamp(ink, raster.lettering("SAMPLE", 26, bold=True), 60, height - 54, 0.9)
    for turn in range(5):
        ring = raster.ellipse(size, (190.0, 290.0), (88 - 15 * turn, 88 - 15 * turn))
        inner = raster.ellipse(size, (190.0, 290.0), (82 - 15 * turn, 82 - 15 * turn))
        np.maximum(accent, (ring - inner) * 0.7, out=accent)


def _paper(design: Design, size: tuple[int, int], *, front: bool) -> Array:
    """Tinted paper: a pale watermark field, waves of fine lines, a printed frame."""
    width, height = size
    x, y = raster.grid(size)
    picture = np.empty((height, width, 3), dtype=np.float32)
    picture[:] = design.paper
    watermark = 0.17 if front else 0.86
    pale = np.exp(-(((x / width - watermark) / 0.11) ** 2) - ((y / height - 0.55) / 0.33) ** 2)
    raster.over(picture, (0.98, 0.97, 0.94), raster.floats(pale) * 0.8)
    band = np.exp(-(((x / width - 0.5) / 0.32) ** 2))
    turn = 1.0 if front else -1.0
    for number in range(3):
        wave = np.sin((y + 26 * np.sin(x / (46 + 13 * number) + turn * number) + number * 9) * 2 * np.pi / 19)
        lines = np.clip(wave * 3 - 1.6, 0, 1) * band
        raster.over(picture, design.accent if number == 1 else design.ink, raster.floats(lines) * 0.3)
    raster.over(picture, design.accent, raster.floats(np.clip(band - 0.55, 0, 1) * (0.5 if front else 0.9)))
    edge = np.minimum(np.minimum(x, width - x), np.minimum(y, height - y))
    raster.over(picture, (0.97, 0.96, 0.92), raster.floats(np.clip((15 - edge) / 2, 0, 1)))
    grain = np.random.default_rng(width).normal(0, 0.012, (height, width, 1))
    return raster.floats(picture + grain)


def _foil(picture: Array, size: tuple[int, int], *, front: bool) -> None:
    """A hologram patch on the front's left, a thin security thread on the back."""
    width, height = size
    x, y = raster.grid(size)
    rainbow = np.stack([0.7 + 0.28 * np.sin(x / 17 + y / 23 + shift) for shift in (0.0, 2.1, 4.2)], axis=2)
    if front:
        mask = raster.polygon(size, [(70, 190), (170, 190), (170, 330), (70, 330)])
    else:
        mask = raster.polygon(
            size, [(0.30 * width, 0), (0.315 * width, 0), (0.315 * width, height), (0.30 * width, height)]
        )
    raster.over(picture, raster.floats(rainbow), mask * 0.8)


def _engraved(tone: Array, period: float) -> Array:
    """The tones as a copperplate would hold them: lines that swell where it is dark."""
    height, width = tone.shape
    x, y = raster.grid((width, height))
    screen = 0.5 + 0.5 * np.sin((y + 0.35 * x + 5 * np.sin(x / 31)) * 2 * np.pi / period)
    lines = np.clip((tone * 1.25 - screen) * 3 + 0.3, 0, 1) * np.clip(tone * 8, 0, 1)
    return raster.floats(0.75 * lines + 0.25 * tone)
