"""`python -m labelloop.training.ultralytics_exporting RUN_FOLDER FORMAT FOLDER`: a detector for phones, and how it compares.

A process of its own, since TensorFlow and torchvision do not get along in one.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.errors import LabelloopError
from ..datasets.schema import Json
from ..datasets.upright import read_upright
from .detector_settings import PREDICTION
from .phone_comparison import Found, compare_boxes
from .phone_export import FILES, spread
from .runs import Run
from .trainer_files import write_json
from .ultralytics_library import keep_quiet, load_detector

CONFIDENCE = 0.25
"""Boxes with a lower score are not compared: a rounding error makes and unmakes them."""

_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "onnx": {"format": "onnx", "simplify": False},
    "tflite": {"format": "litert"},
}
_NAMES = {"onnx": "ONNX", "tflite": "LiteRT"}


def main() -> None:
    """Export, and compare; exit status 1 with a sentence where it fails."""
    run, format, folder = Run(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3])
    try:
        said = _export(run, format, folder / FILES[format])
    except Exception as error:  # whatever Ultralytics and its converters raise
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
    write_json(folder / "compared.json", said)


def _export(run: Run, format: str, made: Path) -> dict[str, Json]:
    side = run.plan.settings["imgsz"]
    scratch = made.parent / ".scratch"
    scratch.mkdir()
    keep_quiet(scratch, scratch)
    # The export lies beside its weights, so it gets its own copy of those.
    weights = scratch / "model.pt"
    shutil.copyfile(run.weights / "best.pt", weights)
    written = load_detector(str(weights)).export(**_OPTIONS[format], imgsz=side, device="cpu")
    os.replace(written, made)
    judged = (run.result() or {}).get("split") or "val"
    samples = [sample for sample in run.samples() if sample.split == judged]
    pictures = [
        np.ascontiguousarray(np.asarray(read_upright(samples[i].path, max(samples[i].size)), np.uint8)[:, :, ::-1])
        for i in spread(len(samples))
    ]
    if not pictures:
        raise LabelloopError(f"{run.id} has no image in {judged} to compare on")
    before, after = (_boxes(str(path), pictures, side) for path in (weights, made))
    shutil.rmtree(scratch)
    for left in ("Ultralytics", "settings.json", "persistent_cache.json"):
        _remove(made.parent / left)
    return {
        "input": {
            "shape": [1, 3, side, side], "type": "float32", "values": "RGB, 0 to 1",
            "resize": "the longer side to imgsz, the rest filled with gray 114",
        },
        "output": f"as Ultralytics' own {_NAMES[format]}; boxes still overlap, except with yolo26",
        "compared": compare_boxes(before, after),
    }  # fmt: skip


def _boxes(weights: str, pictures: Sequence[Any], side: Json) -> list[Found]:
    model = load_detector(weights)
    settings: dict[str, Any] = {**PREDICTION, "conf": CONFIDENCE, "imgsz": side, "verbose": False, "device": "cpu"}
    found: list[Found] = []
    for picture in pictures:
        # `rect` off: the exported model takes squares alone, so both see the same square.
        boxes = model.predict(source=picture, rect=False, **settings)[0].boxes
        found.append(np.asarray(boxes.data.cpu().numpy(), np.float64))
    return found


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
