"""Draws crops of a car: paint that mirrors its surroundings, dust, damage."""

from dataclasses import dataclass
from io import BytesIO
from zlib import crc32

import numpy as np
from PIL import Image

from . import damage, raster
from .car_parts import draw_part
from .cars import Car, View
from .raster import Array, Colour, Matrix

SIDE = 512
"""Pixels of a picture's width and height."""

_PAINTS: tuple[Colour, ...] = (
    (0.62, 0.04, 0.05),
    (0.05, 0.12, 0.38),
    (0.80, 0.81, 0.82),
    (0.52, 0.54, 0.56),
    (0.05, 0.05, 0.06),
    (0.62, 0.55, 0.42),
    (0.06, 0.26, 0.18),
    (0.24, 0.26, 0.30),
    (0.82, 0.50, 0.06),
    (0.32, 0.52, 0.68),
)


@dataclass(frozen=True, slots=True)
class _Setting:
    """What all pictures of a car share: paint, light, surroundings."""

    paint: Colour
    gloss: float
    horizon: float
    sky: Array
    ground: Array
    exposure: float
    skyline: Array


def draw_car(car: Car, seed: int) -> list[bytes]:
    """The car's pictures as JPEG files, in the order of its views."""
    setting = _setting(np.random.default_rng([seed, crc32(car.name.encode())]))
    return [_jpeg(_draw_view(view, setting, seed)) for view in car.views]


def _jpeg(picture: Array) -> bytes:
    pixels = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=88)
    return file.getvalue()


def _setting(rng: np.random.Generator) -> _Setting:
    red, green, blue = _PAINTS[rng.integers(len(_PAINTS))]
    shade = rng.uniform(0.85, 1.15, 3)
    warm = float(rng.uniform(-0.1, 0.1))
    return _Setting(
        paint=(red * float(shade[0]), green * float(shade[1]), blue * float(shade[2])),
        gloss=float(rng.uniform(0.35, 0.8)),
        horizon=float(rng.uniform(-0.15, 0.25)),
        sky=raster.floats([0.86 + warm, 0.9, 0.96 - warm]),
        ground=raster.floats(np.array([0.30, 0.28, 0.26]) * rng.uniform(0.7, 1.3)),
        exposure=float(rng.uniform(0.8, 1.2)),
        skyline=raster.noise(rng, (256, 1), (10, 1))[0],
    )


def _draw_view(view: View, setting: _Setting, seed: int) -> Array:
    """One crop, (512, 512, 3). A repeat differs by a nudge and its own noise."""
    rng = np.random.default_rng([seed, crc32(f"{view.scene} {view.shot}".encode())])
    own = np.random.default_rng([seed, crc32(view.name.encode())])
    size = (SIDE, SIDE)
    turn = float(rng.uniform(-0.12, 0.12))
    zoom = float(rng.uniform(0.9, 1.25))
    x, y = raster.grid(size)
    u, v = (x / SIDE - 0.5) * 2, (y / SIDE - 0.5) * 2
    across = raster.floats((u * np.cos(turn) + v * np.sin(turn)) / zoom)
    down = raster.floats((v * np.cos(turn) - u * np.sin(turn)) / zoom)

    # Slopes of the surface, seen from the side: what is mirrored where.
    crease = float(rng.uniform(-0.5, 0.4)) + 0.12 * across * float(rng.uniform(-1, 1))
    slope_y = 0.75 * down + 0.22 * np.tanh((down - crease) * 14) - 0.12
    slope_x = 0.35 * across + 0.04 * raster.noise(rng, size, (200, 200))
    hurt = damage.plan_damage(view.part, rng) if view.label == "abnormal" else None
    if hurt is not None:
        push_x, push_y = damage.dent_slopes(hurt, across, down)
        slope_x, slope_y = slope_x + push_x, slope_y + push_y
    picture = _painted(setting, raster.floats(slope_x), raster.floats(slope_y), rng)

    to_picture = _part_to_picture(turn, zoom)
    draw_part(view.part, picture, to_picture, setting.sky, rng)
    _dirt(picture, rng)
    if hurt is not None:
        damage.mark(picture, hurt, to_picture, setting.paint, rng)
    if view.repeat:
        move = np.array([[1, 0, own.uniform(-5, 5)], [0, 1, own.uniform(-5, 5)], [0, 0, 1]], dtype=np.float64)
        picture = raster.warp(picture, move, size, reflect=True) * np.float32(own.uniform(0.96, 1.04))
    picture = raster.blur(picture * np.float32(setting.exposure), float(rng.uniform(0, 1.0)))
    return raster.floats(picture + own.standard_normal((SIDE, SIDE, 1), dtype=np.float32) * np.float32(0.010))


def _painted(setting: _Setting, slope_x: Array, slope_y: Array, rng: np.random.Generator) -> Array:
    """Paint, lit from above, with sky, skyline and ground mirrored in its clear coat."""
    lit = np.clip(0.62 - 0.42 * slope_y - 0.10 * slope_x, 0.12, 1.15)
    flakes = 1 + 0.05 * (raster.noise(rng, (SIDE, SIDE), (2, 2)) - 0.5)
    picture = raster.floats(setting.paint) * (lit * flakes)[:, :, None]
    column = np.clip((slope_x * 90 + 128).astype(int), 0, 255)
    skyline = setting.horizon - 0.22 * setting.skyline[column]
    above = 1 / (1 + np.exp(np.clip((slope_y - skyline) * 26, -30, 30)))
    sky = setting.sky * (1.0 - 0.35 * np.clip(-slope_y, 0, 1))[:, :, None]
    mirrored = sky * above[:, :, None] + setting.ground * (1 - above)[:, :, None]
    edge_on = np.clip(np.hypot(slope_x, slope_y), 0, 1.2)
    strength = setting.gloss * (0.16 + 0.42 * edge_on**2)
    picture = picture + (mirrored - picture * 0.3) * strength[:, :, None]
    lamp = np.exp(-(((slope_x - 0.12) / 0.10) ** 2) - ((slope_y + 0.34) / 0.035) ** 2)
    return raster.floats(picture + lamp[:, :, None] * setting.gloss * 0.8)


def _part_to_picture(turn: float, zoom: float) -> Matrix:
    """From a part's coordinates, -1 to 1 over the picture, to its pixels."""
    half = SIDE / 2
    c, s = zoom * half * np.cos(turn), zoom * half * np.sin(turn)
    return np.array([[c, -s, half], [s, c, half], [0, 0, 1]], dtype=np.float64)


def _dirt(picture: Array, rng: np.random.Generator) -> None:
    """Dust and splashes that every car has, so that a speck alone is no damage."""
    cloud = raster.noise(rng, (SIDE, SIDE), (90, 90)) * raster.noise(rng, (SIDE, SIDE), (5, 5))
    raster.over(picture, (0.55, 0.50, 0.43), cloud * float(rng.uniform(0, 0.28)))
    for _ in range(int(rng.integers(0, 12))):
        place = (float(rng.uniform(0, SIDE)), float(rng.uniform(0, SIDE)))
        radius = float(rng.uniform(1, 3.5))
        raster.over(picture, (0.3, 0.27, 0.22), raster.ellipse((SIDE, SIDE), place, (radius, radius)) * 0.6)
