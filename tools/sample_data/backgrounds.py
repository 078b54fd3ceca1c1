"""What lies or stands behind the money: carried photos, and surfaces drawn from noise.

Only photos that lie inside the installed wheels of scikit-image and scikit-learn are
read; nothing is downloaded and neither library is imported.

Reference: `skimage.data` (coffee and chelsea, brick, grass and gravel: CC0; rocket:
public domain) and scikit-learn's `sklearn/datasets/images/README.txt` (china.jpg by
danielbuechele, flower.jpg by vultilion: CC BY 2.0).
"""

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from ...datasets.errors import LabelloopError
from . import raster
from .raster import Array, Colour, Size

_PHOTOS = (
    ("skimage", "data/coffee.png"),
    ("skimage", "data/chelsea.png"),
    ("skimage", "data/rocket.jpg"),
    ("sklearn", "datasets/images/china.jpg"),
    ("sklearn", "datasets/images/flower.jpg"),
)
_GROUNDS = (
    ("skimage", "data/brick.png"),
    ("skimage", "data/grass.png"),
    ("skimage", "data/gravel.png"),
    ("skimage", "data/coffee.png"),
)


def room(rng: np.random.Generator, size: Size) -> Array:
    """A blurred part of a photo, as what is far behind a hand looks."""
    picture = _part(_carried(*_PHOTOS[rng.integers(len(_PHOTOS))]), rng, size, rng.uniform(0.55, 0.95))
    picture = raster.blur(picture, float(rng.uniform(0.004, 0.011)) * size[0])
    return raster.floats(picture * rng.uniform(0.55, 1.0))


def ground(rng: np.random.Generator, size: Size) -> Array:
    """Brick, grass or gravel in some tint, or a part of a photo, in focus."""
    number = int(rng.integers(len(_GROUNDS)))
    picture = _part(_carried(*_GROUNDS[number]), rng, size, rng.uniform(0.5, 1.0))
    if number == 3:
        return raster.floats(picture)
    tints: tuple[Colour, ...] = ((0.86, 0.62, 0.5), (0.62, 0.78, 0.45), (0.84, 0.8, 0.74))
    tint = raster.floats(tints[number]) * raster.floats(rng.uniform(0.85, 1.15, 3))
    contrast = rng.uniform(0.5, 1.0)
    return raster.floats(np.clip((0.5 + (picture - 0.5) * contrast) * tint * 1.15, 0, 1))


def desk(rng: np.random.Generator, size: Size) -> Array:
    """A table top: wood, laminate, woven cloth, a cutting mat or stone."""
    kinds: tuple[Callable[[np.random.Generator, Size], Array], ...] = (_wood, _wood, _laminate, _cloth, _mat, _stone)
    picture = kinds[rng.integers(len(kinds))](rng, size)
    turn = int(rng.integers(2))
    return raster.floats(np.clip(picture[:, ::-1] if turn else picture, 0, 1))


@lru_cache(maxsize=8)
def _carried(package: str, path: str) -> Array:
    """A photo from inside an installed package, (height, width, 3)."""
    spec = find_spec(package)
    places = [] if spec is None or spec.submodule_search_locations is None else spec.submodule_search_locations
    for place in places:
        file = Path(place) / path
        if file.is_file():
            with Image.open(file) as image:
                return raster.floats(image.convert("RGB")) / np.float32(255)
    raise LabelloopError(
        f"sample data is drawn on a photo that the package {package} carries, and {path} is not in it here:"
        " pip install scikit-image scikit-learn"
    )


def _part(photo: Array, rng: np.random.Generator, size: Size, share: float) -> Array:
    """A random part of a photo, at `share` of the largest that fits, mirrored or not."""
    height, width = photo.shape[:2]
    scale = min(width / size[0], height / size[1]) * share
    part_width, part_height = int(size[0] * scale), int(size[1] * scale)
    x = int(rng.integers(width - part_width + 1))
    y = int(rng.integers(height - part_height + 1))
    part = photo[y : y + part_height, x : x + part_width]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return raster.floats(np.clip(raster.resize(np.ascontiguousarray(part), size), 0, 1))


def _coloured(tone: Array, dark: Colour, light: Colour) -> Array:
    """A grey picture as a gradient between two colours."""
    low, high = raster.floats(dark), raster.floats(light)
    return raster.floats(low + (high - low) * np.clip(tone, 0, 1)[:, :, None])


def _wood(rng: np.random.Generator, size: Size) -> Array:
    """Planks with grain along the width."""
    y = raster.grid(size)[1]
    unit = min(size)
    plank = unit * float(rng.uniform(0.22, 0.6))
    row = np.floor((y + rng.uniform(0, plank)) / plank)
    wander = raster.noise(rng, size, (unit * 0.6, unit * 0.12)) * unit * 0.12
    rings = 0.5 + 0.5 * np.sin((y + wander + row * 37) * 2 * np.pi / (unit * rng.uniform(0.018, 0.05)))
    fibres = raster.noise(rng, size, (unit * 0.12, 1.6))
    tone = 0.28 + 0.22 * rings + 0.35 * fibres + 0.14 * np.sin(row * 2.4)
    seam = np.abs((y + rng.uniform(0, plank)) / plank - row - 0.5) > 0.493
    tone = np.where(seam, tone * 0.5, tone)
    shades: tuple[tuple[Colour, Colour], ...] = (
        ((0.30, 0.17, 0.08), (0.66, 0.44, 0.26)),
        ((0.52, 0.38, 0.24), (0.86, 0.72, 0.54)),
        ((0.12, 0.09, 0.08), (0.36, 0.29, 0.25)),
        ((0.55, 0.50, 0.45), (0.85, 0.81, 0.76)),
    )
    return _coloured(raster.floats(tone), *shades[rng.integers(len(shades))])


def _laminate(rng: np.random.Generator, size: Size) -> Array:
    """One colour, faintly speckled."""
    hues: tuple[Colour, ...] = (
        (0.88, 0.87, 0.85),
        (0.78, 0.74, 0.68),
        (0.28, 0.29, 0.31),
        (0.60, 0.64, 0.66),
        (0.47, 0.35, 0.29),
    )
    base = raster.floats(hues[rng.integers(len(hues))])
    speckle = raster.noise(rng, size, (2.5, 2.5)) * 0.09 + raster.noise(rng, size, (size[0] / 3, size[1] / 3)) * 0.10
    return raster.floats(base + speckle[:, :, None] - 0.09)


def _cloth(rng: np.random.Generator, size: Size) -> Array:
    """Coarse weave, over and under, as of a place mat."""
    x, y = raster.grid(size)
    step = min(size) * float(rng.uniform(0.012, 0.03))
    across, down = np.sin(x * np.pi / step), np.sin(y * np.pi / step)
    over_under = np.where((np.floor(x / step) + np.floor(y / step)) % 2 == 0, np.abs(across), np.abs(down))
    tone = 0.2 + 0.55 * over_under + 0.25 * raster.noise(rng, size, (step * 3, step * 3))
    shades: tuple[tuple[Colour, Colour], ...] = (
        ((0.35, 0.27, 0.18), (0.80, 0.70, 0.54)),
        ((0.16, 0.20, 0.32), (0.42, 0.50, 0.66)),
        ((0.36, 0.12, 0.13), (0.72, 0.36, 0.34)),
        ((0.45, 0.45, 0.44), (0.82, 0.82, 0.80)),
    )
    return _coloured(raster.floats(tone), *shades[rng.integers(len(shades))])


def _mat(rng: np.random.Generator, size: Size) -> Array:
    """A cutting mat with a printed grid."""
    x, y = raster.grid(size)
    step = min(size) * float(rng.uniform(0.05, 0.09))
    base: tuple[Colour, ...] = ((0.10, 0.30, 0.26), (0.14, 0.20, 0.34), (0.20, 0.20, 0.22))
    picture = np.empty((size[1], size[0], 3), dtype=np.float32)
    picture[:] = base[rng.integers(len(base))]
    lines = ((x % step < 1.4) | (y % step < 1.4)) * 0.35 + ((x % (5 * step) < 2.4) | (y % (5 * step) < 2.4)) * 0.35
    raster.over(picture, (0.75, 0.82, 0.72), raster.floats(lines))
    return raster.floats(picture + (raster.noise(rng, size, (3, 3))[:, :, None] - 0.5) * 0.05)


def _stone(rng: np.random.Generator, size: Size) -> Array:
    """Marble or terrazzo: clouds with veins."""
    unit = min(size)
    clouds = raster.noise(rng, size, (unit / 3, unit / 4)) * 0.6 + raster.noise(rng, size, (unit / 12, unit / 9)) * 0.4
    veins = np.exp(-(np.abs(clouds - 0.5) / 0.018))
    tone = 0.55 + 0.4 * raster.noise(rng, size, (unit / 20, unit / 20)) - 0.45 * veins
    shades: tuple[tuple[Colour, Colour], ...] = (
        ((0.45, 0.43, 0.42), (0.93, 0.92, 0.90)),
        ((0.12, 0.13, 0.15), (0.42, 0.43, 0.46)),
    )
    return _coloured(raster.floats(tone), *shades[rng.integers(len(shades))])
