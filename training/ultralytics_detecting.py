"""`python -m labelloop.training.ultralytics_detecting FOLDER`: find boxes on images, in a process of its own.

FOLDER has `wanted.json` and gets `found.parquet`; how many images are done is said on stdout, a number a line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from ..datasets.images import ImageProblem
from ..datasets.upright import read_upright
from .detector_settings import PREDICTION
from .predictions import BOXES
from .ultralytics_library import keep_quiet, load_detector
from .ultralytics_process import end_with

_AT_ONCE = 16


def main() -> None:
    """Do what `wanted.json` says."""
    end_with(int(os.environ.get("LABELLOOP_PARENT", "0")))
    folder = Path(sys.argv[1])
    wanted: dict[str, Any] = orjson.loads((folder / "wanted.json").read_bytes())
    keep_quiet(folder, folder)
    model = load_detector(wanted["weights"])
    settings = {
        **PREDICTION, **wanted["settings"], "conf": wanted["confidence"], "verbose": False, "save": False,
        "project": str(folder),
    }  # fmt: skip
    images: list[tuple[str, str, int, int]] = wanted["images"]
    found: list[tuple[str, str, float, float, float, float, float]] = []
    for start in range(0, len(images), _AT_ONCE):
        chunk = images[start : start + _AT_ONCE]
        pictures = [_read(path, max(width, height)) for _, path, width, height in chunk]
        said = model.predict(source=[picture for picture in pictures if picture is not None], **settings)
        results = iter(said)
        for (key, _, width, height), picture in zip(chunk, pictures, strict=True):
            if picture is not None:
                found += _boxes(key, next(results), wanted["classes"], width, height)
        sys.stdout.write(f"{min(start + _AT_ONCE, len(images))}\n")
        sys.stdout.flush()
    pl.DataFrame(found, schema=BOXES, orient="row").write_parquet(folder / "found.parquet")


def _read(path: str, side: int) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    """The upright picture as Ultralytics takes arrays: (height, width, 3), blue first. None for what cannot be read."""
    try:
        picture = np.asarray(read_upright(Path(path), side), np.uint8)
    except ImageProblem as problem:
        sys.stderr.write(f"{path}: {problem}\n")
        return None
    return np.ascontiguousarray(picture[:, :, ::-1])


def _boxes(
    key: str, result: Any, classes: list[str], width: int, height: int
) -> list[tuple[str, str, float, float, float, float, float]]:
    """Rows of `BOXES`, cut at the image's edge; what loses its area there is left out."""
    corners = result.boxes.xyxy.cpu().numpy().astype(np.float64)
    corners = np.clip(corners, 0.0, [width, height, width, height])
    numbers, scores = result.boxes.cls.tolist(), result.boxes.conf.tolist()
    return [
        (key, classes[int(number)], x1, y1, x2, y2, min(1.0, score))
        for (x1, y1, x2, y2), number, score in zip(corners.tolist(), numbers, scores, strict=True)
        if x1 < x2 and y1 < y2
    ]


if __name__ == "__main__":
    main()
