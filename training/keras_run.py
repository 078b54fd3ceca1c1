"""A classifier's run, done as its plan says: pictures read, a model built and trained, val and test predicted."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..datasets.augmentation import TRAINER_OFF, Augmentation
from ..datasets.augmenting import Augmenter
from ..datasets.errors import LabelloopError
from ..datasets.schema import Json
from .classifier_weights import WeightsFile
from .crops import SPLITS, Example, find_examples
from .image_pipeline import Augment, Part, PictureStore
from .keras_checkpoint import Progressed, find_checkpoint, read_progressed, restore, restore_best
from .keras_hardware import Computing, prepare
from .keras_models import Norms, build_model, choose_trainable, keras
from .keras_tracking import callbacks
from .keras_training import Pictures, Schedule, compile_model, predict, train
from .keras_weights import load_weights
from .predictions import LABELS, write_predictions
from .runs import Run
from .tracking import Tracking
from .trainer_files import TRAINER, Progress

Say = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class _Read:
    """The examples of a run, in the order of its store; which of each split could be read, and why others could not."""

    examples: Sequence[Example]
    store: PictureStore
    of_split: Mapping[str, NDArray[np.intp]]
    unreadable: Mapping[str, str]


def work(run: Run, say: Say, say_sometimes: Say) -> dict[str, Json]:
    """Train and predict a run from wherever it was stopped; says what its plan could not know.

    Args:
        say: called with each new phase.
        say_sometimes: called with every picture that is read and every batch.

    Raises:
        LabelloopError: no picture of train or val can be read, or what `train` and `load_weights` raise.
    """
    settings = run.plan.settings
    read = _read(run, say_sometimes)
    computing = prepare(run.plan.seed, deterministic=bool(settings["deterministic"]))
    batch = _whole(settings["batch"])
    schedule = Schedule(
        epochs=_whole(settings["epochs"]),
        batch=batch,
        patience=_whole(settings["patience"]),
        lr=float(str(settings["lr"])),
        seed=run.plan.seed,
        class_weights=_class_weights(settings["class_weights"], run.plan.classes),
        augment=_augment(settings["augmentation"], read.store.side),
    )
    folder = run.folder / TRAINER
    model, norms, after, left = _model(run, computing, schedule)
    run.keep_epochs(0 if after is None else after.epoch - 1)
    if after is not None:  # a process may have been killed between the checkpoint and the row
        run.add_epoch(after.row)
    labels = np.array([run.plan.classes.index(each.sample.label or "") for each in read.examples], np.int32)
    pictures = Pictures(read.store, labels, read.of_split["train"], read.of_split["val"])

    def on_batch(epoch: int, done: int, total: int) -> None:
        say_sometimes(Progress("train", epoch, schedule.epochs, done, total))

    tracking = Tracking(run)
    tracking.open()
    done = train(
        model, pictures, schedule, folder, after=after, on_batch=on_batch, on_epoch=run.add_epoch,
        callbacks=callbacks(tracking),
    )  # fmt: skip
    tracking.close()
    final = _final(run)
    predicted: list[Json] = [name for name in ("val", "test") if len(read.of_split[name])]
    for name in map(str, predicted):
        say(Progress("predict", split=name))
        indices = read.of_split[name]
        rows = label_rows([read.examples[int(i)].sample.key for i in indices], predict(final, read.store, indices, batch),
                          run.plan.classes)  # fmt: skip
        write_predictions(run.folder / "predictions", name, rows)
    return {
        "splits": predicted,
        "best_epoch": done.best_epoch,
        "unreadable": dict(read.unreadable),
        "computed_on": list(computing.devices),
        "precision": computing.precision,
        "batchnorm_layers": {"batch statistics": norms.batch, "inference statistics": norms.inference},
        "weights_left": list(left),
        "parameters": {"all": int(model.count_params()), "trained": _count(model.trainable_weights)},
    }


def label_rows(keys: Sequence[str], scores: NDArray[np.float64], classes: Sequence[str]) -> pl.DataFrame:
    """Scores, (n, classes), as rows of `predictions.LABELS`."""
    rows = [
        (key, classes[best], each[best], each)
        for key, best, each in zip(keys, scores.argmax(axis=1).tolist(), scores.tolist(), strict=True)
    ]
    return pl.DataFrame(rows, schema=LABELS, orient="row")


def _read(run: Run, say: Say) -> _Read:
    """The pictures of a run, as many as fit in memory.

    Raises:
        LabelloopError: none of train, or none of val, can be read.
    """
    cv2.setNumThreads(1)  # several pictures are worked on at once anyway
    origin = "boxes" if run.plan.settings["from"] == "boxes" else "labels"
    found = find_examples(run.samples(), origin, run.plan.classes).found
    # Those of train first: they are the ones to keep where memory is short.
    examples = sorted(found, key=lambda example: SPLITS.index(example.sample.split or ""))
    parts = [Part(each.sample.path, each.corners) for each in examples]
    store = PictureStore(parts, _whole(run.plan.settings["imgsz"]))
    wrong = dict(store.load(lambda done, total: say(Progress("read", done=done, total=total))))
    of_split = {
        name: np.array([i for i, each in enumerate(examples) if each.sample.split == name and i not in wrong], np.intp)
        for name in SPLITS
    }
    for name in ("train", "val"):
        if not len(of_split[name]):
            raise LabelloopError(f"no picture of {name} can be read: {next(iter(wrong.values()), 'there is none')}")
    return _Read(examples, store, of_split, {examples[index].sample.key: why for index, why in wrong.items()})


def _model(run: Run, computing: Computing, schedule: Schedule) -> tuple[Any, Norms, Progressed | None, tuple[str, ...]]:
    """The model, ready to be trained: with what it starts from, or with what its last checkpoint says."""
    checkpoint = find_checkpoint(run.folder / TRAINER)
    weights = _weights(run)
    with computing.scope():
        model = _built(run)
        left = load_weights(model, run.plan.model, weights) if checkpoint is None else ()
        norms = choose_trainable(model, str(run.plan.settings["trainable"]))
        compile_model(model, schedule)
        if checkpoint is None:
            return model, norms, None, left
        restore(checkpoint, model)
        return model, norms, read_progressed(checkpoint), left


def _final(run: Run) -> Any:
    """The model with the weights of its best epoch, saved to `weights/model.keras`.

    Made anew in 32 bits, and without the optimizer: what is used, not what is trained.
    """
    checkpoint = find_checkpoint(run.folder / TRAINER)
    if checkpoint is None:
        raise LabelloopError(f"{run.id} has no checkpoint in {run.folder / TRAINER} any more: train anew")
    keras.mixed_precision.set_global_policy("float32")
    final = _built(run)
    restore_best(checkpoint, final)
    run.weights.mkdir(exist_ok=True)
    beside = run.weights / f".{os.getpid()}.keras"
    final.save(beside)
    os.replace(beside, run.weights / "model.keras")
    return final


def _built(run: Run) -> Any:
    settings = run.plan.settings
    return build_model(
        run.plan.model,
        _whole(settings["imgsz"]),
        len(run.plan.classes),
        layout=_weights(run).layout,
        dropout=float(str(settings["dropout"])),
        momentum=float(str(settings["batchnorm_momentum"])),
    )


def _weights(run: Run) -> WeightsFile:
    said = cast("Mapping[str, Any]", run.plan.settings)
    return WeightsFile(
        said["weights_kind"], said["weights"], said["weights_sha256"], said["weights_source"], said["layout"]
    )


def _augment(said: Json, side: int) -> Augment | None:
    augmentation = Augmentation(**cast("dict[str, Any]", said))
    if not augmentation.transforms and augmentation.trainer == TRAINER_OFF:
        return None
    return Augmenter(augmentation, side=side).image


def _class_weights(said: Json, classes: Sequence[str]) -> tuple[float, ...]:
    weights = cast("Mapping[str, float] | None", said)
    return () if weights is None else tuple(float(weights[name]) for name in classes)


def _count(weights: Sequence[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _whole(value: Json) -> int:
    return int(str(value))
