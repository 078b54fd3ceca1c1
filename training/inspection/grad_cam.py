"""Where a classifier looked: heat maps of its images, and pictures of them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image

from ...datasets.geometry import Corners
from ..classifying import model_of
from ..crops import Example
from ..image_process import TENSORFLOW, ask_process
from ..runs import Run
from .pictures import read_example, to_jpeg

Heat = NDArray[np.float32]
"""Where a class's score comes from: (rows, columns), in [0, 1], stretched over the part of the image that was seen."""

_RAMP = ((0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164))
"""matplotlib's inferno at equal steps: as bright as the value is high, for people with any colour vision too."""


def heat_maps(run: Run, examples: Sequence[Example], *, of: Mapping[str, str] | None = None) -> dict[str, Heat]:
    """Grad-CAM of each example, by its key: where the score of the class comes from that the run gives it.

    The map is as coarse as the model's last feature map, 7x7 for most. All of it is 0 where nothing speaks for
    the class. An image that cannot be read has none.

    Args:
        of: explain this class instead, by key.

    Raises:
        LabelloopError: the run is no classifier's that is done, or the process failed.

    Reference: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks", ICCV.
    """
    model = model_of(run)
    if not examples:
        return {}
    number_of = {name: number for number, name in enumerate(run.plan.classes)}
    asked = {key: number_of[name] for key, name in (of or {}).items()}
    images = [[str(each.sample.path.absolute()), each.corners, asked.get(each.sample.key, -1)] for each in examples]
    with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
        folder = Path(name)
        wanted = {"model": str(model), "side": run.plan.settings["imgsz"], "images": images}
        (folder / "wanted.json").write_bytes(orjson.dumps(wanted))
        ask_process("keras_explaining", folder, TENSORFLOW, failed=f"{run.id} could not be explained")
        with np.load(folder / "maps.npz") as said:
            maps, read = cast(Heat, said["maps"]), cast("NDArray[np.bool_]", said["read"])
    found = zip(examples, maps, read.tolist(), strict=True)
    return {each.sample.key: heat for each, heat, readable in found if readable}


def upsampled(heat: Heat, size: tuple[int, int]) -> Heat:
    """The map at a size, (width, height), smooth between its values; in [0, 1]."""
    picture = Image.fromarray(heat).resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(picture, np.float32), 0.0, 1.0)


def on_whole_image(heat: Heat, corners: Corners | None, size: tuple[int, int], side: int = 256) -> Heat:
    """The map of a part of an image on all of it, its longer side `side`: 0 outside the part.

    Args:
        corners: the part, (x1, y1, x2, y2) in pixels of the upright image; None for all of it.
        size: of the upright image, (width, height).
    """
    scale = side / max(size)
    width, height = (max(1, round(length * scale)) for length in size)
    if corners is None:
        return upsampled(heat, (width, height))
    x1, y1 = min(round(corners[0] * scale), width - 1), min(round(corners[1] * scale), height - 1)
    x2, y2 = max(x1 + 1, min(round(corners[2] * scale), width)), max(y1 + 1, min(round(corners[3] * scale), height))
    whole: Heat = np.zeros((height, width), np.float32)
    whole[y1:y2, x1:x2] = upsampled(heat, (x2 - x1, y2 - y1))
    return whole


def heat_picture(example: Example, heat: Heat, *, side: int = 320) -> bytes:
    """A JPEG of what the classifier saw, upright, its longer side `side` pixels: the brighter, the more it counted.

    Raises:
        ImageProblem: the image cannot be read.
    """
    part = read_example(example, side)
    grey = np.asarray(part.convert("L"), np.float32)[..., None] * 0.75
    strength = upsampled(heat, part.size)[..., None]
    steps = np.linspace(0.0, 1.0, len(_RAMP))
    colour = np.concatenate(
        [np.interp(strength, steps, [each[channel] for each in _RAMP]) for channel in range(3)], axis=-1
    )
    opacity = 0.75 * np.sqrt(strength)  # so that also what counted a little can be seen
    mixed = grey * (1 - opacity) + colour * opacity
    return to_jpeg(Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)))


def plain_picture(example: Example, *, side: int = 320) -> bytes:
    """A JPEG of what the classifier saw, upright, its longer side `side` pixels.

    Raises:
        ImageProblem: the image cannot be read.
    """
    return to_jpeg(read_example(example, side))
