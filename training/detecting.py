"""Boxes that a detector's run finds on images of the ledger, whoever they are: the start of a task, or a look ahead."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import orjson
import polars as pl

from ..datasets.errors import LabelloopError
from ..datasets.reading import Progress
from ..datasets.schema import Box, Sample
from .image_process import ask_process
from .predictions import to_boxes
from .runs import Run, result_of

USUAL_CONFIDENCE = 0.25
"""From where on a box is kept, where the run has no confidence of its own, chosen on val."""


def detect(
    run: Run,
    samples: Sequence[Sample],
    *,
    confidence: float | None = None,
    progress: Progress | None = None,
) -> dict[str, tuple[Box, ...]]:
    """The boxes that a run's best weights find, by key; an image on which nothing is found has none.

    Corners are in pixels of the upright image, and never outside it.

    Args:
        confidence: boxes with a lower score are left out; None takes the one with the best mean f1 on the run's val.

    Raises:
        LabelloopError: the run is no detector's, is not done, its weights are gone, or the process failed.
    """
    result_of(run, "detector")
    weights = run.weights / "best.pt"
    if not weights.is_file():
        raise LabelloopError(f"{run.id} has no weights any more: {weights} are gone")
    least = own_confidence(run) if confidence is None else confidence
    with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
        folder = Path(name)
        wanted = {
            "weights": str(weights), "classes": list(run.plan.classes), "confidence": least,
            "settings": {key: run.plan.settings[key] for key in ("imgsz", "device")},
            "images": [[sample.key, str(sample.path), *sample.size] for sample in samples],
        }  # fmt: skip
        (folder / "wanted.json").write_bytes(orjson.dumps(wanted))
        settings = {"YOLO_CONFIG_DIR": str(folder / "settings"), "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
        ask_process(
            "ultralytics_detecting", folder, settings, total=len(samples), progress=progress,
            failed="the detector stopped",
        )  # fmt: skip
        found = to_boxes(pl.read_parquet(folder / "found.parquet"))
    return {sample.key: found.get(sample.key, ()) for sample in samples}


def own_confidence(run: Run) -> float:
    """The confidence with the best mean f1 on the run's val, as its result has it."""
    said = (run.result() or {}).get("splits", {}).get("val", {}).get("overall", {}).get("confidence")
    return float(said) if said else USUAL_CONFIDENCE
