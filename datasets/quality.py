"""How bright, how rich in contrast and how sharp pictures are, measured on small copies and remembered by their bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .embedding_cache import VectorCache
from .images import ImageProblem
from .passes import each
from .reading import Progress
from .upright import read_upright

MEASURES = ("brightness", "contrast", "sharpness")
"""In [0, 1] each: the mean of the grey values, their standard deviation, and that of their second differences."""

_SIDE = 512
"""The longer side in pixels at which pictures are compared: sharpness depends on it."""


def known_quality(digests: Sequence[str], memory: Path) -> dict[str, tuple[float, ...]]:
    """What is remembered of pictures: the values of MEASURES by the SHA-256 of the file."""
    known = VectorCache.open(memory).vectors
    return {digest: tuple(map(float, known[digest])) for digest in digests if digest in known}


def measure_quality(paths: Mapping[str, Path], memory: Path, progress: Progress | None = None) -> None:
    """Measure pictures and remember them.

    Args:
        paths: the files by their SHA-256; one that cannot be read is passed over.
    """
    cache = VectorCache.open(memory)
    for done, (digest, found) in enumerate(zip(paths, each(_measured, paths.values()), strict=True), start=1):
        if found is not None:
            cache.add(digest, np.array(found, np.float32))
        if progress is not None and (done % 100 == 0 or done == len(paths)):
            progress(done, len(paths))
    cache.flush()


def quality_of(grey: npt.NDArray[np.floating]) -> tuple[float, float, float]:
    """The values of MEASURES for one picture.

    Sharpness is the spread of the Laplacian, a measure of focus: about 0.01 for a blurred
    photo and 0.05 for a crisp one. A picture of fewer than three pixels a side has none: 0.

    Args:
        grey: shape (height, width), values in [0, 1].

    Reference: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000.
    """
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    sharpness = float((around - 4 * inner).std()) / 4 if inner.size else 0.0
    return float(grey.mean()), float(grey.std()), sharpness


def _measured(path: Path) -> tuple[float, float, float] | None:
    try:
        picture = read_upright(path, _SIDE)
    except ImageProblem:
        return None
    return quality_of(np.asarray(picture.convert("L"), np.float32) / 255)
