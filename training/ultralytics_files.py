"""Files that the process which runs Ultralytics leaves in a run's folder, besides those of `trainer_files`.

```text
trainer/ultralytics/     what Ultralytics itself writes: args.yaml, results.csv, plots
trainer/on-SPLIT/        what it draws of the predictions on a split
trainer/began.jsonl      one line each time that the training was begun or gone on with
trainer/read-SPLIT.json  the images and boxes that it read, and what it said of them
trainer/trained.json     the training has ended, and best.pt and last.pt lie in weights/
trainer/outcome.json     all is predicted: the process has done its part
trainer/error.txt        why it could not
```
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..datasets.schema import Json
from .trainer_files import TRAINER as TRAINER
from .trainer_files import Progress as Progress
from .trainer_files import read_json as read_json
from .trainer_files import read_progress as read_progress
from .trainer_files import write_json as write_json
from .trainer_files import write_progress as write_progress

_WORKING = ("began.jsonl", "trained.json", "outcome.json", "error.txt", "split.yaml")


def own_folder(run_folder: Path) -> Path:
    """Where Ultralytics writes. With several GPUs it removes this folder first, so that nothing else lies in it."""
    return run_folder / TRAINER / "ultralytics"


def clear_up(folder: Path) -> None:
    """Remove from the run's folder what only a training that is under way needs; what Ultralytics drew and noted stays."""
    trainer = folder / TRAINER
    (folder / "progress.json").unlink(missing_ok=True)
    for file in (*trainer.glob("read-*.json"), *(trainer / name for name in _WORKING)):
        file.unlink(missing_ok=True)
    shutil.rmtree(trainer / "settings", ignore_errors=True)
    for place in trainer.glob("on-*"):
        if not any(place.iterdir()):
            place.rmdir()


def epoch_rows(columns: Mapping[str, list[Any]], *, validated: bool = True) -> list[dict[str, Json]]:
    """The columns of Ultralytics' results.csv as rows of `epochs.jsonl`, in the order of the epochs.

    Args:
        validated: whether val was predicted after each epoch; where not, the file's zeros stand for nothing.
    """
    rows: list[dict[str, Json]] = []
    names = {
        "metrics/precision(B)": "val/precision",
        "metrics/recall(B)": "val/recall",
        "metrics/mAP50(B)": "val/mAP50",
        "metrics/mAP50-95(B)": "val/mAP50-95",
        "lr/pg0": "lr",
    }
    before = 0.0
    for index, epoch in enumerate(columns.get("epoch", [])):
        values = {name: float(column[index]) for name, column in columns.items()}
        elapsed = values["time"]
        row: dict[str, Json] = {
            "epoch": int(epoch),
            # The trainer's clock begins anew when a training goes on.
            "seconds": round(elapsed - before if elapsed >= before else elapsed, 3),
        }
        before = elapsed
        for split in ("train", "val"):
            parts = {name: value for name, value in values.items() if name.startswith(f"{split}/")}
            if parts and (validated or split == "train"):
                row[f"{split}/loss"] = round(sum(parts.values()), 6)
                row.update(parts)
        row.update({new: values[old] for old, new in names.items() if old in values and (validated or new == "lr")})
        rows.append(row)
    return rows
