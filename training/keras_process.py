"""`python -m labelloop.training.keras_process RUN_FOLDER`: train a classifier and predict, in a process of its own.

TensorFlow and torchvision in one process end in a segmentation fault, and what TensorFlow was
told once holds for as long as a process lives; so whoever trains a classifier starts this. It does
what `run.json` says, and ends with whoever started it, however that ends.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

from ..datasets.errors import LabelloopError
from .runs import Run
from .trainer_files import TRAINER, Progress, write_json, write_progress
from .trainer_process import end_with

_EVERY_SECONDS = 0.5


def main() -> None:
    """Do what the run's plan says; exit status 1 with a reason in `trainer/error.txt` where it cannot be done."""
    end_with(int(os.environ.get("LABELLOOP_PARENT", "0")))
    run = Run(Path(sys.argv[1]))
    error = run.folder / TRAINER / "error.txt"
    error.unlink(missing_ok=True)
    say = Saying(run.folder)
    say.now(Progress("start"))
    try:
        from .keras_run import work

        write_json(run.folder / TRAINER / "outcome.json", work(run, say.now, say.sometimes))
    except Exception as reason:  # whatever Keras and TensorFlow raise
        traceback.print_exc()
        said = " ".join(str(reason).split())[:1000] or type(reason).__name__
        error.write_text(said if isinstance(reason, LabelloopError) else f"{type(reason).__name__}: {said}", "utf-8")
        sys.exit(1)


class Saying:
    """Says how far the training in a run's folder is, a few times a second at most."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last = 0.0

    def now(self, progress: Progress) -> None:
        """Say it."""
        self._last = time.monotonic()
        write_progress(self.folder, progress)

    def sometimes(self, progress: Progress) -> None:
        """Say it where a part has ended, or nothing was said for a while."""
        if progress.done == progress.total or time.monotonic() - self._last >= _EVERY_SECONDS:
            self.now(progress)


if __name__ == "__main__":
    main()
