"""What a detector finds on a split, from the very pass in which Ultralytics computes its own metrics.

Both therefore judge the same boxes, and no image is predicted twice.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import polars as pl

from ..datasets.manifest import Row
from ..datasets.schema import Json
from .predictions import BOXES
from .runs import Run
from .trainer_files import TRAINER, Progress, write_progress
from .ultralytics_library import load_detector, logger
from .ultralytics_training import write_read


@dataclass(frozen=True, slots=True)
class Predicted:
    """Boxes found on a split as rows of `BOXES`, and what Ultralytics computes and did: its metrics, settings and seconds."""

    rows: pl.DataFrame
    own: Mapping[str, Json]


def predict(
    run: Run, split: str, settings: Mapping[str, Json], prediction: Mapping[str, Json], images: Mapping[str, Row]
) -> Predicted:
    """What the run's best weights find on a split of its export.

    Args:
        settings: Ultralytics' own, with which was trained.
        prediction: the settings that decide which boxes are kept.
        images: the rows of the export's manifest, by the image's path in it.
    """
    model = load_detector(str(run.weights / "best.pt"))
    data = run.data.resolve()
    names: dict[int, str] = dict(enumerate(run.plan.classes))
    batch = settings["batch"]
    given: dict[str, Any] = {
        **{key: settings[key] for key in ("imgsz", "device", "workers", "plots", "channels_last")},
        **prediction, "task": "detect", "mode": "val", "model": str(run.weights / "best.pt"),
        "data": _describe(run, split), "split": "val", "rect": True,
        "batch": 2 * batch if isinstance(batch, int) and batch > 0 else 16,
        "save_dir": str(run.folder / TRAINER / f"on-{split}"),
    }  # fmt: skip
    found: list[tuple[str, int, tuple[float, ...], float]] = []

    def note(done: int, total: int) -> None:
        write_progress(run.folder, Progress("predict", done=done, total=total, split=split))

    cut = _Cut()
    logger().addHandler(cut)
    try:
        validator = _validator_class(model.task_map["detect"]["validator"], found, note)(args=given)
        validator(model=model.model)
    finally:
        logger().removeHandler(cut)
    write_read(run.folder, split, validator.dataloader.dataset)
    rows = [
        (images[os.path.relpath(file, data)].key, names[number], *corners, score)
        for file, number, corners, score in found
    ]
    box = validator.metrics.box
    overall: dict[str, Json] = {
        "mAP50-95": float(box.map), "mAP50": float(box.map50), "precision": float(box.mp), "recall": float(box.mr),
    }  # fmt: skip
    per_class: dict[str, Json] = {
        names[int(number)]: {"AP50-95": float(box.ap[at]), "AP50": float(box.ap50[at])}
        for at, number in enumerate(box.ap_class_index)
    }
    own: dict[str, Json] = {
        "overall": overall, "per_class": per_class,
        "milliseconds": {name: round(float(value), 3) for name, value in validator.speed.items()},
        "conf": validator.args.conf, "iou": validator.args.iou, "max_det": validator.args.max_det,
        "device": str(validator.device), "batches_cut_short": cut.count,
    }  # fmt: skip
    return Predicted(pl.DataFrame(rows, schema=BOXES, orient="row"), own)


def _validator_class(base: Any, found: list[tuple[str, int, tuple[float, ...], float]], note: Any) -> Any:
    """A validator like the one of Ultralytics' that is given, which keeps what it finds.

    That is, for each box: the image's file, the class's number, corners in pixels of the upright image, and score.
    """

    def update_metrics(self: Any, preds: list[dict[str, Any]], batch: dict[str, Any]) -> None:
        for index, each in enumerate(preds):
            prepared = self._prepare_batch(index, batch)
            scaled = self.scale_preds(self._prepare_pred(each), prepared)
            corners = scaled["bboxes"].detach().cpu().numpy().astype(np.float64)
            numbers: list[float] = scaled["cls"].tolist()
            scores: list[float] = scaled["conf"].tolist()
            for number, (x1, y1, x2, y2), score in zip(numbers, corners.tolist(), scores, strict=True):
                # At the image's edge a box can lose all of its area; such a one finds nothing.
                if x1 < x2 and y1 < y2:
                    found.append((prepared["im_file"], int(number), (x1, y1, x2, y2), min(1.0, score)))
        base.update_metrics(self, preds, batch)
        note(self.batch_i + 1, len(self.dataloader))

    return type("Validator", (base,), {"update_metrics": update_metrics})


def _describe(run: Run, split: str) -> str:
    """The path of a data.yaml in which the split is val: Ultralytics resolves no other name but train and test.

    Written as JSON, which is YAML: no name of a class can then be read as anything but itself.
    """
    folder = f"images/{split}"
    place = run.folder / TRAINER / "split.yaml"
    said = {"path": str(run.data.resolve()), "train": folder, "val": folder, "names": list(run.plan.classes)}
    place.write_bytes(orjson.dumps(said))
    return str(place)


class _Cut(logging.Handler):
    """Counts how often the joining of boxes ran out of its time, after which Ultralytics gives what it has until then."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count the warning."""
        self.count += "time limit" in record.getMessage()
