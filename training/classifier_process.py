"""Keras' process for a run."""

from __future__ import annotations

import os

from .runs import Run
from .trainer_process import Watch as Watch
from .trainer_process import run_trainer


def train_in_process(run: Run, watch: Watch | None = None) -> None:
    """Train and predict a run, in a process of its own; return when that is done.

    Raises:
        LabelloopError: the process ended without having done its part.
    """
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2")
    run_trainer(run, "keras_process", {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": level}, watch)
