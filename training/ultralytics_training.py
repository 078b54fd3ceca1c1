"""Ultralytics' trainer with three things changed: checkpoints appear whole, epochs are written down, and it says what it read.

Only the process of `ultralytics_process` imports this module, and for several GPUs the
processes that Ultralytics starts in turn.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..datasets.augment_detector import build_transforms, refuse_lost_augmentation
from ..datasets.augmentation import Augmentation
from ..datasets.errors import LabelloopError
from ..datasets.schema import Json
from .runs import Run
from .trackers import modes_of
from .trainer_files import TRAINER, Progress, read_json, write_json, write_progress
from .ultralytics_files import epoch_rows, own_folder
from .ultralytics_library import load_detector, read_checkpoint, read_scan, strip
from .ultralytics_tracking import Trackers

_EVERY_SECONDS = 0.5
"""How often the progress within an epoch is written."""


def train(run: Run, settings: Mapping[str, Json], weights: str, augmentation: Augmentation) -> None:
    """Train, or go on after the last epoch that has a checkpoint, until best.pt and last.pt lie in the run's weights.

    Args:
        settings: Ultralytics' own.
        weights: what a training that has no checkpoint yet begins from.
        augmentation: its transforms; its settings of the trainer's stand in `settings` already.

    Raises:
        LabelloopError: the weights are no detector's.
    """
    last = own_folder(run.folder) / "weights" / "last.pt"
    epochs, finished = _go_on(run, settings)
    if not finished:
        with open(run.folder / TRAINER / "began.jsonl", "ab") as file:
            file.write(b'{"after": %d}\n' % epochs)
        start = str(last) if epochs else weights
        model = load_detector(start)
        if model.task != "detect":
            raise LabelloopError(f"{weights} must be a detector's weights, received those of a {model.task} model")
        given: dict[str, Any] = {
            **settings, "task": "detect", "mode": "train", "model": start, "data": str(run.data / "data.yaml"),
            "save_dir": str(last.parents[1]), "project": str(run.folder / TRAINER), "name": "ultralytics", "exist_ok": True,
            "augmentations": build_transforms(augmentation),
        }  # fmt: skip
        if epochs:
            given["resume"] = start
        trainer = trainer_class(model.task_map["detect"]["trainer"])(overrides=given)
        for event, callback in Notes(run.folder, augmentation).callbacks().items():
            trainer.add_callback(event, callback)
        if modes_of(run.plan):
            for event, callback in Trackers(run.folder).callbacks().items():
                trainer.add_callback(event, callback)
        trainer.train()
        if not last.exists():
            raise LabelloopError("the trainer ended without a checkpoint")
    _keep_weights(run)


def trainer_class(base: Any) -> Any:
    """A trainer like the one of Ultralytics' that is given, whose files a kill never leaves half written."""

    def save_model(self: Any) -> bool:
        """Write last.pt, and best.pt where this epoch is the best, beside their places and rename them."""
        last: Path = self.last
        best: Path = self.best
        self.last, self.best = last.with_name(".last.pt.new"), best.with_name(".best.pt.new")
        try:
            base.save_model(self)
            # best.pt first: killed in between, the epoch is trained again, and both are written again.
            for new, path in ((self.best, best), (self.last, last)):
                if new.exists():
                    os.replace(new, path)
        finally:
            self.last, self.best = last, best
        return True

    def final_eval(_self: Any) -> None:
        """Nothing: weights are made ready and val is predicted afterwards, where a kill can be made good."""

    return type("Trainer", (base,), {"save_model": save_model, "final_eval": final_eval})


class Notes:
    """Callbacks that write to the run's folder what happens; they can be pickled, for the processes of several GPUs."""

    def __init__(self, folder: Path, augmentation: Augmentation) -> None:
        self.folder = folder
        self.augmentation = augmentation
        self.written = 0.0
        self.batch = 0

    def callbacks(self) -> dict[str, Any]:
        """The methods by Ultralytics' events."""
        return {
            "on_pretrain_routine_end": self.on_read,
            "on_train_epoch_start": self.on_epoch_start,
            "on_train_batch_end": self.on_batch,
            "on_fit_epoch_end": self.on_epoch,
        }

    def on_read(self, trainer: Any) -> None:
        """Write which images and boxes the trainer has read."""
        refuse_lost_augmentation(self.augmentation, trainer.train_loader.dataset.transforms)
        if _is_first():
            for split, loader in (("train", trainer.train_loader), ("val", trainer.test_loader)):
                write_read(self.folder, split, loader.dataset)

    def on_epoch_start(self, _trainer: Any) -> None:
        """Count the batches from 0."""
        self.batch = 0

    def on_batch(self, trainer: Any) -> None:
        """Write how far the epoch is, twice a second at most; end where nobody waits for the training any more."""
        self.batch += 1
        now = time.monotonic()
        if now - self.written < _EVERY_SECONDS:
            return
        self.written = now
        if Run(self.folder).status() != "running":  # whoever started this holds the run until it ends
            os._exit(1)
        if _is_first():
            total = len(trainer.train_loader)
            write_progress(self.folder, Progress("train", trainer.epoch + 1, trainer.epochs, self.batch, total))

    def on_epoch(self, trainer: Any) -> None:
        """Write the rows of the epochs that have none yet."""
        if _is_first():
            _add_epochs(Run(self.folder), trainer.read_results_csv(), validated=bool(trainer.args.val))


def write_read(folder: Path, split: str, dataset: Any) -> None:
    """Write the images and boxes that one of Ultralytics' data sets holds, and what it said of those that it left out."""
    data = (folder / "data").resolve()
    images: dict[str, Json] = {}
    sizes, said = read_scan(dataset)
    for label in dataset.labels:
        boxes: list[Json] = [
            [int(number), *map(float, box)] for (number,), box in zip(label["cls"], label["bboxes"], strict=True)
        ]
        images[os.path.relpath(label["im_file"], data)] = {"size": list(sizes[label["im_file"]]), "boxes": boxes}
    write_json(folder / TRAINER / f"read-{split}.json", {"images": images, "said": said})


def _go_on(run: Run, settings: Mapping[str, Any]) -> tuple[int, bool]:
    """How many epochs are trained, with everything forgotten that is later than the checkpoint; and whether that is all."""
    folder = own_folder(run.folder)
    last = folder / "weights" / "last.pt"
    if read_json(run.folder / TRAINER / "trained.json"):
        return len(run.epochs()), True
    if not last.exists():
        shutil.rmtree(folder / "weights", ignore_errors=True)
        (folder / "results.csv").unlink(missing_ok=True)
        run.keep_epochs(0)
        return 0, False
    checkpoint = read_checkpoint(last)
    epochs = int(checkpoint["epoch"]) + 1
    table = folder / "results.csv"
    beside = table.with_name(".results.csv.new")
    beside.write_text("".join(table.read_text(encoding="utf-8").splitlines(keepends=True)[: epochs + 1]), "utf-8")
    os.replace(beside, table)
    run.keep_epochs(epochs)
    _add_epochs(run, checkpoint["train_results"], validated=bool(settings["val"]))
    # As Ultralytics decides: killed right after the last epoch, there is nothing left to train.
    stopper: Mapping[str, Any] = checkpoint.get("stopper") or {}
    without_better = epochs - int(stopper.get("best_epoch", epochs))
    patience = settings["patience"] or float("inf")
    return epochs, epochs >= settings["epochs"] or without_better >= patience


def _add_epochs(run: Run, columns: Mapping[str, list[Any]], *, validated: bool) -> None:
    known = len(run.epochs())
    for row in epoch_rows(columns, validated=validated)[known:]:
        run.add_epoch(row)


def _keep_weights(run: Run) -> None:
    """Put the weights into the run's folder, without what only a training that goes on needs."""
    folder = own_folder(run.folder)
    trained = run.folder / TRAINER / "trained.json"
    if not read_json(trained):
        run.weights.mkdir(exist_ok=True)
        table: Mapping[str, Any] = {}
        for name in ("last.pt", "best.pt"):
            made = folder / "weights" / name
            if not made.exists():  # no epoch was better than none
                made = folder / "weights" / "last.pt"
            beside = run.weights / f".{name}.new"
            table = strip(made, beside, table) or table
            os.replace(beside, run.weights / name)
        write_json(trained, {"epochs": len(run.epochs())})
    shutil.rmtree(folder / "weights", ignore_errors=True)


def _is_first() -> bool:
    """Whether this process is the only one of a training, or the first of several."""
    return os.environ.get("RANK", "-1") in ("-1", "0")
