"""The one door to Ultralytics: what labelloop uses of it, imported in the trainer's process alone.

It is untyped, and with 8.4 some of this is no promise of its makers; a test trains with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

_OFF = ("sync", "clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")


def keep_quiet(weights: Path, runs: Path) -> None:
    """Switch off telemetry and all trackers (`ultralytics_tracking` calls them), and say where downloads and runs go."""
    _utils().SETTINGS.update({**dict.fromkeys(_OFF, False), "weights_dir": str(weights), "runs_dir": str(runs)})


def load_detector(weights: str) -> Any:
    """The model of a `.pt` or a `.yaml`."""
    return import_module("ultralytics").YOLO(weights)


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """A checkpoint that a training can go on from."""
    return cast("Mapping[str, Any]", import_module("ultralytics.utils.patches").torch_load(path, map_location="cpu"))


def strip(made: Path, to: Path, table: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Write a checkpoint without what only a training that goes on needs; its table of epochs comes back."""
    updates = {"train_results": table} if table else None
    found = import_module("ultralytics.utils.torch_utils").strip_optimizer(made, s=str(to), updates=updates)
    return cast("Mapping[str, Any]", found.get("train_results") or {})


def read_scan(dataset: Any) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """What Ultralytics found when it read a data set: (width, height) by image file, and what it said of single images.

    Both stand in its cache file, which a data set made a moment ago has just written.
    """
    place = Path(dataset.label_files[0]).parent.with_suffix(".cache")
    if not place.exists():
        return {}, []
    cache = import_module("ultralytics.data.utils").load_dataset_cache_file(place)
    sizes = {label["im_file"]: (int(label["shape"][1]), int(label["shape"][0])) for label in cache["labels"]}
    return sizes, list(cache["msgs"])


def logger() -> logging.Logger:
    """Where Ultralytics says what it does."""
    return cast(logging.Logger, _utils().LOGGER)


def _utils() -> Any:
    return import_module("ultralytics.utils")
