"""`python -m labelloop.training.ultralytics_process RUN_FOLDER`: train a detector and predict, in a process of its own.

TensorFlow and torchvision in one process end in a segmentation fault, and Ultralytics
keeps settings for as long as a process lives; so whoever trains a detector starts this. It does what
`run.json` says, and ends with whoever started it, however that ends.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..datasets.augmentation import Augmentation
from ..datasets.errors import LabelloopError
from ..datasets.findings import Findings
from ..datasets.manifest import MANIFEST, read_manifest
from ..datasets.schema import Json
from .predictions import write_predictions
from .runs import Run
from .trainer_files import TRAINER, Progress, write_json, write_progress
from .trainer_process import end_with as end_with

EXTRAS = (
    "weights",
    "weights_sha256",
    "augmentation",
    "prediction",
    "where",
    "keep_data",
    "score_train",
    "left_out",
    "track",
)
"""What a plan's settings hold besides Ultralytics' own."""


def main() -> None:
    """Do what the run's plan says; exit status 1 with a reason in `trainer/error.txt` where it cannot be done."""
    parent = int(os.environ.get("LABELLOOP_PARENT", "0"))
    end_with(parent)
    run = Run(Path(sys.argv[1]))
    error = run.folder / TRAINER / "error.txt"
    error.unlink(missing_ok=True)
    try:
        _work(run)
    except Exception as reason:  # whatever Ultralytics and torch raise
        traceback.print_exc()
        error.write_text(_why(run, reason), "utf-8")
        sys.exit(1)


def _work(run: Run) -> None:
    settings = dict(run.plan.settings)
    extras = {key: settings.pop(key, None) for key in EXTRAS}
    write_progress(run.folder, Progress("start", epochs=int(str(settings["epochs"]))))
    from .ultralytics_library import keep_quiet
    from .ultralytics_predicting import predict
    from .ultralytics_training import train

    keep_quiet(Path.cwd(), run.folder / TRAINER)
    augmentation = Augmentation(**cast("dict[str, Any]", extras["augmentation"]))
    train(run, settings, str(extras["weights"]), augmentation)
    images = read_manifest(run.data / MANIFEST, Findings())
    prediction = cast("Mapping[str, Json]", extras["prediction"])
    there = {row.split for row in images.values()}  # of a split whose images are all broken, nothing is
    splits = [split for split in run.plan.images if split in there and (split != "train" or extras["score_train"])]
    own: dict[str, Json] = {}
    for split in splits:
        write_progress(run.folder, Progress("predict", split=split))
        done = predict(run, split, settings, prediction, images)
        write_predictions(run.folder / "predictions", split, done.rows)
        own[split] = dict(done.own)
    write_json(run.folder / TRAINER / "outcome.json", {"ultralytics": own})


def _why(run: Run, reason: Exception) -> str:
    """What went wrong, as a sentence where it is known."""
    said = " ".join(str(reason).split()) or type(reason).__name__
    unread = "Image Not Found "  # Ultralytics' words for what OpenCV cannot decode, which its own check let pass
    if isinstance(reason, FileNotFoundError) and said.startswith(unread):
        place = os.path.relpath(said.removeprefix(unread), run.data.resolve())
        row = read_manifest(run.data / MANIFEST, Findings()).get(place)
        if row is not None:
            return (
                f"{row.key} is cut off or broken, and the trainer cannot decode it: import it anew once it is whole, or"
                " leave it out with --where"
            )
    return said if isinstance(reason, LabelloopError) else f"{type(reason).__name__}: {said}"


if __name__ == "__main__":
    main()
