"""Where a training of Keras' can be gone on with: everything that changed so far, of one finished epoch, in one folder.

```text
trainer/epoch-0003/last.npz    weights, the optimizer's variables, the state of each random generator
trainer/epoch-0003/best.npz    the weights of the best epoch so far
trainer/epoch-0003/state.json  which epochs these are, and the row of the last one
```

The folder appears complete, by one rename, so a process that is killed leaves the one before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson

from ..datasets.schema import Json
from .keras_models import keras


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a training is: `row` is that of its last finished epoch, `best` the loss on val of `best_epoch`."""

    epoch: int
    best_epoch: int
    best: float
    ended: bool
    row: Mapping[str, Json]


def find_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint below a folder; None where there is none."""
    return max((each for each in folder.glob("epoch-*") if each.name[6:].isdecimal()), default=None)


def read_progressed(checkpoint: Path) -> Progressed:
    """How far the training was at a checkpoint."""
    return Progressed(**cast("dict[str, Any]", orjson.loads((checkpoint / "state.json").read_bytes())))


def write_checkpoint(folder: Path, model: Any, progressed: Progressed) -> Path:
    """The checkpoint of a model whose epoch has ended, in the place of the one before."""
    before = find_checkpoint(folder)
    beside = folder / f".{os.getpid()}.partial"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    np.savez(beside / "last.npz", *_values(_everything(model)))
    if progressed.best_epoch == progressed.epoch or before is None:
        np.savez(beside / "best.npz", *_values(model.weights))
    else:
        os.link(before / "best.npz", beside / "best.npz")
    (beside / "state.json").write_bytes(orjson.dumps(asdict(progressed)))
    made = folder / f"epoch-{progressed.epoch:04d}"
    os.rename(beside, made)
    for older in folder.glob("epoch-*"):
        if older != made:
            shutil.rmtree(older)
    return made


def restore(checkpoint: Path, model: Any) -> None:
    """Put a compiled model, its optimizer and its random generators where they were."""
    model.optimizer.build(model.trainable_variables)
    _assign(_everything(model), checkpoint / "last.npz")


def restore_best(checkpoint: Path, model: Any) -> None:
    """Give a model the weights of the best epoch."""
    _assign(model.weights, checkpoint / "best.npz")


def _everything(model: Any) -> list[Any]:
    generators = [layer.seed_generator.state for layer in model.layers if hasattr(layer, "seed_generator")]
    return [*model.weights, *generators, *model.optimizer.variables]


def _values(variables: Sequence[Any]) -> list[Any]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: Sequence[Any], path: Path) -> None:
    with np.load(path) as arrays:
        if len(arrays.files) != len(variables):
            raise ValueError(f"{path} holds {len(arrays.files)} arrays for {len(variables)} variables")
        for number, variable in enumerate(variables):
            variable.assign(arrays[f"arr_{number}"])
