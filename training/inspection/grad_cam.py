"""Where a classifier looked: heat maps of its images, and pictures of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image

from ...datasets.errors import LabelloopError
from ...datasets.geometry import Corners
from ...datasets.images import ImageProblem
from ...datasets.upright import read_upright
from ..crops import Example, find_examples
from ..runs import Run
from .pictures import to_jpeg

Heat = NDArray[np.float32]
"""Where a class's score comes from: (rows, columns), in [0, 1], stretched over the part of the image that was seen."""

_RAMP = ((0, 0, 4), (66, 10, 104), (147, 38, 103), (221, 81, 58), (252, 165, 10), (252, 255, 164))
"""matplotlib's inferno at equal steps: as bright as the value is high, for people with any colour vision too."""


def examples_of(run: Run, split: str) -> list[Example]:
    """What a classifier's run was judged on in a split: whole images, or boxes cut out of them."""
    origin = "boxes" if run.plan.settings["from"] == "boxes" else "labels"
    return [each for each in find_examples(run.samples(), origin, run.plan.classes).found if each.sample.split == split]


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
    model = run.weights / "model.keras"
    if run.plan.kind != "classifier" or not model.is_file():
        raise LabelloopError(
            f"{run.id} must be a classifier's run that is done, received a {run.plan.kind}'s that is {run.status()}"
        )
    if not examples:
        return {}
    number_of = {name: number for number, name in enumerate(run.plan.classes)}
    asked = {key: number_of[name] for key, name in (of or {}).items()}
    images = [[str(each.sample.path), each.corners, asked.get(each.sample.key, -1)] for each in examples]
    with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
        folder = Path(name)
        wanted = {"model": str(model.resolve()), "side": run.plan.settings["imgsz"], "images": images}
        (folder / "wanted.json").write_bytes(orjson.dumps(wanted))
        _run_process(run, folder)
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
    part = _seen(example, side)
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
    return to_jpeg(_seen(example, side))


def _seen(example: Example, side: int) -> Image.Image:
    """The image or the part of it, in RGB, its longer side `side`."""
    sample = example.sample
    if example.corners is None:
        picture = read_upright(sample.path, side)
        scale = side / max(picture.size)
        return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    x1, y1, x2, y2 = example.corners
    longer = max(x2 - x1, y2 - y1)
    whole = read_upright(sample.path, 1 << 14)  # all of it: the part may be small
    if x2 > whole.width or y2 > whole.height:
        raise ImageProblem("changed-image", f"image is {whole.width}x{whole.height}, the part ends at {x2:g}, {y2:g}")
    size = (max(1, round((x2 - x1) * side / longer)), max(1, round((y2 - y1) * side / longer)))
    return whole.resize(size, Image.Resampling.BICUBIC, box=example.corners)


def _run_process(run: Run, folder: Path) -> None:
    settings = {
        **os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2", "LABELLOOP_PARENT": str(os.getpid()),
    }  # fmt: skip
    package = __name__.rpartition(".")[0].rpartition(".")[0]
    done = subprocess.run(
        [sys.executable, "-m", f"{package}.keras_explaining", str(folder)],
        env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip() or f"it ended with status {done.returncode}").splitlines()[-1]
        raise LabelloopError(f"{run.id} could not be explained: {said}")
