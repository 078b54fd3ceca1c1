"""Damage to bodywork: dents that bend reflections, scratches, scrapes, cracks, rust."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from . import raster
from .cars import Part
from .raster import Array, Colour, Matrix, Points

Kind: TypeAlias = Literal["dent", "scratches", "scrape", "crack", "rust"]


@dataclass(frozen=True, slots=True)
class Damage:
    """What is broken, and where: kinds, place and reach in the part's coordinates.

    Coordinates run from -1 to 1 over an unzoomed picture.
    """

    kinds: tuple[Kind, ...]
    x: float
    y: float
    reach: float
    direction: float


def plan_damage(part: Part, rng: np.random.Generator) -> Damage:
    """One or two kinds of damage at a place of that part that a crash reaches."""
    choices: tuple[tuple[Kind, ...], ...] = (
        ("dent", "scratches"),
        ("scratches",),
        ("dent", "scrape"),
        ("scrape",),
        ("scratches", "rust"),
        ("dent",),
        ("dent", "crack"),
    )
    kinds = choices[rng.integers(len(choices))]
    x, y = float(rng.uniform(-0.45, 0.45)), float(rng.uniform(-0.1, 0.5))
    match part:
        case "wheel":
            y = float(rng.uniform(-0.65, -0.4))
        case "lamp":
            y = float(rng.uniform(-0.25, 0.0))
            kinds = ("crack", "scratches") if rng.random() < 0.7 else ("crack",)
        case "bonnet" | "door" | "bumper":
            pass
    return Damage(kinds, x, y, float(rng.uniform(0.26, 0.6)), float(rng.normal(0, 0.35)))


def dent_slopes(hurt: Damage, across: Array, down: Array) -> tuple[Array, Array]:
    """What a dent adds to the surface's slopes, each as large as the picture."""
    if "dent" not in hurt.kinds:
        return np.zeros_like(across), np.zeros_like(down)
    c, s = np.float32(np.cos(hurt.direction)), np.float32(np.sin(hurt.direction))
    dx, dy = across - np.float32(hurt.x), down - np.float32(hurt.y)
    along, aside = (dx * c + dy * s) / np.float32(hurt.reach * 1.5), (dy * c - dx * s) / np.float32(hurt.reach)
    # The slope of a bowl with a folded ridge through it.
    bowl = np.exp(-(along**2 + aside**2) * 2.2) * 2.6
    ridge = np.exp(-((aside - 0.25 * along) ** 2) * 60 - along**2 * 3) * 0.7
    return raster.floats(bowl * along), raster.floats(bowl * aside + ridge)


def mark(picture: Array, hurt: Damage, to_picture: Matrix, paint: Colour, rng: np.random.Generator) -> None:
    """Paint what is more than bent metal onto the picture."""
    pixels = float(np.hypot(to_picture[0, 0], to_picture[1, 0]))
    place = to_picture @ np.array([hurt.x, hurt.y, 1.0])
    reach = hurt.reach * pixels
    for kind in hurt.kinds:
        match kind:
            case "scratches":
                _scratches(picture, place[:2], reach, hurt.direction, rng)
            case "scrape":
                _scrape(picture, place[:2], reach, hurt.direction, paint, rng)
            case "crack":
                _crack(picture, place[:2], reach, rng)
            case "rust":
                _rust(picture, place[:2], reach * 0.5, rng)
            case "dent":
                pass


def _scratches(picture: Array, place: Points, reach: float, direction: float, rng: np.random.Generator) -> None:
    """Many nearly parallel lines, some down to bright primer, some dark."""
    size = (picture.shape[1], picture.shape[0])
    strength = float(rng.uniform(0.35, 0.85))
    for colour, width, most in (
        ((0.93, 0.92, 0.9), 0.9, 26),
        ((0.88, 0.87, 0.85), 2.2, 5),
        ((0.06, 0.06, 0.06), 1.2, 8),
    ):
        number = int(rng.integers(2, most))
        lines = [_wavering(place, reach, direction, rng) for _ in range(number)]
        broken = raster.noise(rng, size, (24, 24)) > rng.uniform(0.2, 0.5)
        gaps = raster.blur(raster.floats(broken), 2.0)
        raster.over(picture, colour, raster.strokes(size, lines, width) * gaps * strength)


def _wavering(place: Points, reach: float, direction: float, rng: np.random.Generator) -> Points:
    """One scratch, (10, 2) pixels."""
    angle = direction + float(rng.normal(0, 0.10))
    length = reach * float(rng.uniform(0.5, 1.9))
    t = np.linspace(-0.5, 0.5, 10)
    middle = (
        place
        + np.array([-np.sin(direction), np.cos(direction)]) * rng.normal(0, 0.16) * reach
        + rng.normal(0, 0.18, 2) * reach
    )
    bend = rng.normal(0, 0.10) * length * (t**2)
    return np.stack(
        [
            middle[0] + t * length * np.cos(angle) - bend * np.sin(angle),
            middle[1] + t * length * np.sin(angle) + bend * np.cos(angle),
        ],
        axis=1,
    )


def _scrape(
    picture: Array, place: Points, reach: float, direction: float, paint: Colour, rng: np.random.Generator
) -> None:
    """Paint rubbed off in streaks: primer, with bare dark metal in its middle."""
    size = (picture.shape[1], picture.shape[0])
    x, y = raster.grid(size)
    c, s = np.float32(np.cos(direction)), np.float32(np.sin(direction))
    dx, dy = x - np.float32(place[0]), y - np.float32(place[1])
    along, aside = dx * c + dy * s, dy * c - dx * s
    streaks = raster.noise(rng, (size[0] * 2, size[1] * 2), (46, 2.2))
    streak = raster.remap(streaks, raster.floats(along + size[0]), raster.floats(aside + size[1]))
    body = np.exp(-((along / (reach * 0.9)) ** 2) - (aside / (reach * 0.36)) ** 2)
    primer = (0.86, 0.85, 0.83) if sum(paint) < 1.8 else (0.34, 0.33, 0.32)
    raster.over(picture, primer, raster.floats(np.clip((body + streak - 1.0) * 7, 0, 1)) * 0.9)
    raster.over(picture, (0.12, 0.11, 0.10), raster.floats(np.clip((body + streak - 1.38) * 8, 0, 1)) * 0.85)


def _crack(picture: Array, place: Points, reach: float, rng: np.random.Generator) -> None:
    """Cracks that run from one point and fork, with a splinter or two missing."""
    size = (picture.shape[1], picture.shape[0])
    lines: list[Points] = []
    for spoke in range(int(rng.integers(5, 9))):
        heading = spoke * 0.95 + float(rng.uniform(-0.4, 0.4))
        at = place.copy()
        line = [at.copy()]
        for _ in range(6):
            heading += float(rng.normal(0, 0.4))
            at = at + np.array([np.cos(heading), np.sin(heading)]) * reach * float(rng.uniform(0.07, 0.17))
            line.append(at.copy())
            if rng.random() < 0.35:
                fork = heading + float(rng.choice([-0.9, 0.9]))
                lines.append(np.array([at, at + np.array([np.cos(fork), np.sin(fork)]) * reach * 0.2]))
        lines.append(np.array(line))
    raster.over(picture, (0.02, 0.02, 0.02), raster.strokes(size, [line + 1.0 for line in lines], 1.6) * 0.7)
    raster.over(picture, (0.96, 0.97, 0.98), raster.strokes(size, lines, 0.8) * 0.8)
    for _ in range(int(rng.integers(1, 4))):
        corner = place + rng.normal(0, 0.12, 2) * reach
        splinter = corner + rng.normal(0, 0.16, (4, 2)) * reach
        hull = splinter[np.argsort(np.arctan2(*(splinter - splinter.mean(axis=0)).T))]
        raster.over(picture, (0.03, 0.03, 0.04), raster.polygon(size, hull) * 0.9)


def _rust(picture: Array, place: Points, reach: float, rng: np.random.Generator) -> None:
    """A brown bloom with flaking edges."""
    size = (picture.shape[1], picture.shape[0])
    x, y = raster.grid(size)
    rough = raster.noise(rng, size, (22, 22)) * 0.6 + raster.noise(rng, size, (6, 6)) * 0.4
    body = np.exp(-((x - np.float32(place[0])) ** 2 + (y - np.float32(place[1])) ** 2) / np.float32(reach**2))
    raster.over(picture, (0.85, 0.80, 0.74), raster.floats(np.clip((body + rough - 0.92) * 12, 0, 1)) * 0.8)
    brown = raster.floats([0.42, 0.20, 0.08]) * (0.6 + 0.8 * rough)[:, :, None]
    raster.over(picture, raster.floats(brown), raster.floats(np.clip((body + rough - 1.05) * 10, 0, 1)))
