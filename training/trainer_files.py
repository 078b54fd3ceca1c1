"""What a trainer's process and the command that started it tell each other, as files in the run's folder.

```text
progress.json  how far the training is; gone when it has ended
trainer/       what the trainer writes for itself
```
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import orjson

TRAINER = "trainer"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    `phase` is start, train, predict or score. While it trains, `epoch` of `epochs` counts from 1, and `done` of `total` are
    its batches; while it predicts, `split` is what it is at.
    """

    phase: str
    epoch: int = 0
    epochs: int = 0
    done: int = 0
    total: int = 0
    split: str = ""


def write_progress(folder: Path, progress: Progress) -> None:
    """Say how far the training in the run's folder is."""
    write_json(folder / "progress.json", asdict(progress))


def read_progress(folder: Path) -> Progress | None:
    """How far the training in the run's folder is; None where none says so."""
    said = read_json(folder / "progress.json")
    return Progress(**said) if said else None


def write_json(path: Path, value: object) -> None:
    """Write a file beside its place and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    beside.write_bytes(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))
    os.replace(beside, path)


def read_json(path: Path) -> Mapping[str, Any]:
    """What the file says; empty where there is none."""
    try:
        return cast("Mapping[str, Any]", orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return {}
