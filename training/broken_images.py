"""Images that cannot be decoded, found before anything is trained.

Ultralytics looks at no more than an image's header when it reads a data set, so it meets them in the
middle of an epoch, or when test is predicted, and that ends hours of training. A JPEG whose picture
was cut off, and which yet has an end, is none of them: every decoder fills it up with gray and says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ..datasets.formats.labelme import embedded_image
from ..datasets.images import find_decoding_problem
from ..datasets.passes import each
from ..datasets.schema import Sample
from .png_streams import SIGNATURE, find_png_problem

_CHUNK = 64


def find_broken(samples: Sequence[Sample], progress: Callable[[int, int], None] | None = None) -> dict[str, str]:
    """Why an image cannot be decoded, by key, for those of which that is so, in their order.

    JPEGs are decoded at an eighth of their size, which still reads every byte: about a
    millisecond for a photo of half a million pixels, where an epoch takes a hundred times that.
    """
    chunks = [samples[start : start + _CHUNK] for start in range(0, len(samples), _CHUNK)]
    found: dict[str, str] = {}
    done = 0
    for chunk, problems in zip(chunks, each(_decode, chunks, jobs=len(os.sched_getaffinity(0))), strict=True):
        found.update(problems)
        done += len(chunk)
        if progress is not None:
            progress(done, len(samples))
    return found


def _decode(samples: Sequence[Sample]) -> dict[str, str]:
    found: dict[str, str] = {}
    for sample in samples:
        source = embedded_image(sample.path) if sample.embedded else sample.path
        problem = find_decoding_problem(source)
        if problem is not None:
            found[sample.key] = str(problem)
        elif strict := _strict_problem(source):
            found[sample.key] = f"image cannot be decoded: {strict}"
    return found


def _strict_problem(source: Path | bytes) -> str:
    """What OpenCV, which Ultralytics reads with, does not forgive a PNG file, and Pillow does."""
    if isinstance(source, bytes):
        return find_png_problem(source) if source.startswith(SIGNATURE) else ""
    with source.open("rb") as file:
        return find_png_problem(SIGNATURE + file.read()) if file.read(len(SIGNATURE)) == SIGNATURE else ""
