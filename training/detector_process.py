"""Ultralytics' process for a run."""

from __future__ import annotations

from pathlib import Path

from .runs import Run
from .trainer_files import TRAINER
from .trainer_process import Watch as Watch
from .trainer_process import run_trainer


def train_in_process(run: Run, cache: Path, watch: Watch | None = None) -> None:
    """Train and predict a run whose export lies in its folder, in a process of its own; return when that is done.

    Args:
        cache: where weights lie; the process stands there, so that what Ultralytics downloads by itself is kept.

    Raises:
        LabelloopError: the process ended without having done its part.
    """
    cache.mkdir(parents=True, exist_ok=True)
    settings = {
        "YOLO_CONFIG_DIR": str(run.folder / TRAINER / "settings"),
        # Weights are there by now. What else Ultralytics would look for costs minutes where there is no
        # internet, and is not wanted where there is one: fonts, newer versions of itself, telemetry.
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
    }
    run_trainer(run, "ultralytics_process", settings, watch, cache)
