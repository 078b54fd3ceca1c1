"""The training itself: Keras' `fit` over pictures, with a row, a checkpoint and a look at the patience after each epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.errors import LabelloopError
from ..datasets.schema import Json
from .image_pipeline import Augment, PictureStore, batches, shuffled
from .keras_checkpoint import Progressed, write_checkpoint
from .keras_hardware import tf
from .keras_models import keras

OnBatch = Callable[[int, int, int], None]
"""Called with the epoch, from 1, and how many of its batches are done, of how many."""
OnEpoch = Callable[[Mapping[str, Json]], None]
"""Called with the row of each epoch, after its checkpoint was written."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a training: where they are kept, the class of each, and which are for what.

    `labels` are places in the order of the classes, one for each picture of the store.
    """

    store: PictureStore
    labels: NDArray[np.int32]
    train: NDArray[np.intp]
    val: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: `patience` is how many epochs may pass without a lower loss on val."""

    epochs: int
    batch: int
    patience: int
    lr: float
    seed: int
    class_weights: tuple[float, ...] = ()
    augment: Augment | None = None


@dataclass(slots=True)
class _Clock:
    """Which epoch it is, from 0: the pictures that are made ahead belong to it."""

    epoch: int = 0
    started: float = field(default_factory=time.perf_counter)


def compile_model(model: Any, schedule: Schedule) -> None:
    """Make a model ready to be trained."""
    # XLA is left out: what it is worth on a CPU was not measured.
    model.compile(
        optimizer=keras.optimizers.Adam(schedule.lr),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
        jit_compile=False,
    )


def train(
    model: Any,
    pictures: Pictures,
    schedule: Schedule,
    folder: Path,
    *,
    after: Progressed | None = None,
    on_batch: OnBatch | None = None,
    on_epoch: OnEpoch | None = None,
    callbacks: Sequence[Any] = (),
) -> Progressed:
    """How far a compiled model was trained; the weights of its best epoch are in the last checkpoint.

    Args:
        folder: where checkpoints go.
        after: what the model was restored from; None for a new one.
        callbacks: Keras' own, called after an epoch's checkpoint was written.

    Raises:
        LabelloopError: the loss is no number any more.
    """
    if after is not None and (after.ended or after.epoch >= schedule.epochs):
        return after
    clock = _Clock()
    keeper = _Keeper(model, schedule, folder, clock, after, on_batch, on_epoch)
    model.fit(
        _dataset(pictures, schedule, clock, pictures.train, training=True),
        validation_data=_dataset(pictures, schedule, clock, pictures.val, training=False),
        initial_epoch=after.epoch if after else 0,
        epochs=schedule.epochs,
        callbacks=[keeper, *callbacks],
        verbose=0,
    )
    if keeper.progressed is None:
        raise LabelloopError("training ended before its first epoch did")
    return keeper.progressed


def predict(model: Any, store: PictureStore, indices: NDArray[np.intp], batch: int) -> NDArray[np.float64]:
    """The scores of the classes for pictures of a store, (n, classes), in the order of the indices."""
    found = [
        np.asarray(model.predict_on_batch(pixels.astype(np.float32)), np.float64)
        for pixels, _ in batches(store, indices.tolist(), batch)
    ]
    return np.concatenate(found) if found else np.zeros((0, int(model.output_shape[-1])))


def batch_count(pictures: int, batch: int) -> int:
    """In how many batches so many pictures come."""
    return math.ceil(pictures / batch)


def _dataset(pictures: Pictures, schedule: Schedule, clock: _Clock, which: NDArray[np.intp], *, training: bool) -> Any:
    """A tf.data set that begins anew, in another order, with each epoch."""
    store, side = pictures.store, pictures.store.side
    weights = np.array(schedule.class_weights, np.float32) if training and schedule.class_weights else None

    def epoch() -> Iterator[tuple[Any, ...]]:
        order = which[shuffled(len(which), schedule.seed, clock.epoch)] if training else which
        augment = schedule.augment if training else None
        made = batches(
            store, order.tolist(), schedule.batch, augment=augment, seed=schedule.seed, epoch=clock.epoch
        )  # fmt: skip
        for pixels, indices in made:
            labels = pictures.labels[indices]
            yield (pixels, labels) if weights is None else (pixels, labels, weights[labels])

    signature = [tf.TensorSpec((None, side, side, 3), tf.uint8), tf.TensorSpec((None,), tf.int32)]
    if weights is not None:
        signature.append(tf.TensorSpec((None,), tf.float32))
    made = tf.data.Dataset.from_generator(epoch, output_signature=tuple(signature))
    made = made.apply(tf.data.experimental.assert_cardinality(batch_count(len(which), schedule.batch)))
    options = tf.data.Options()
    # One process makes all batches, so there is nothing to be parted among several.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    # Bytes travel to the device, and become numbers there: a quarter of the way.
    return made.map(_as_numbers).prefetch(2).with_options(options)


def _as_numbers(pixels: Any, *rest: Any) -> tuple[Any, ...]:
    return (tf.cast(pixels, tf.float32), *rest)


class _Keeper(keras.callbacks.Callback):
    """After each epoch: its row, a checkpoint, and whether to go on."""

    def __init__(
        self,
        model: Any,
        schedule: Schedule,
        folder: Path,
        clock: _Clock,
        after: Progressed | None,
        on_batch: OnBatch | None,
        on_epoch: OnEpoch | None,
    ) -> None:
        keras.callbacks.Callback.__init__(self)
        self.trained = model
        self.schedule = schedule
        self.folder = folder
        self.clock = clock
        self.progressed = after
        self.on_batch = on_batch
        self.on_epoch = on_epoch
        self.batches = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.clock.epoch = epoch
        self.clock.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.on_batch is not None:
            self.on_batch(self.clock.epoch + 1, batch + 1, int(self.params["steps"] or 0))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        said = {name: float(value) for name, value in dict(logs or {}).items()}
        if not all(map(math.isfinite, said.values())):
            raise LabelloopError(
                f"the loss is no number after epoch {epoch + 1} (train {said['loss']}, val {said['val_loss']}):"
                f" a lower --lr than {self.schedule.lr:g} may help"
            )
        row: dict[str, Json] = {
            "epoch": epoch + 1,
            "seconds": round(time.perf_counter() - self.clock.started, 3),
            "train/loss": said["loss"],
            "val/loss": said["val_loss"],
            "train/accuracy": said["accuracy"],
            "val/accuracy": said["val_accuracy"],
            "lr": float(keras.ops.convert_to_numpy(self.trained.optimizer.learning_rate)),
        }
        before = self.progressed
        is_best = before is None or said["val_loss"] < before.best
        best, best_epoch = (
            (said["val_loss"], epoch + 1) if is_best or before is None else (before.best, before.best_epoch)
        )
        ended = epoch + 1 >= self.schedule.epochs or epoch + 1 - best_epoch >= self.schedule.patience
        self.progressed = Progressed(epoch + 1, best_epoch, best, ended, row)
        write_checkpoint(self.folder, self.trained, self.progressed)
        if self.on_epoch is not None:
            self.on_epoch(row)
        self.trained.stop_training = ended
