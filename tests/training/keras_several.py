"""`python -m tests.training.keras_several FOLDER`: a training parted among devices, and one in 16 bits, as `several.json`.

Two halves of the CPU stand for two GPUs: TensorFlow's strategy is the same.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from labelloop.training.image_pipeline import Part, PictureStore
from labelloop.training.keras_checkpoint import find_checkpoint, read_progressed, restore, restore_best
from labelloop.training.keras_hardware import Computing, shared, tf
from labelloop.training.keras_models import build_model, keras
from labelloop.training.keras_training import Pictures, Schedule, compile_model, predict, train
from tests.training.class_folders import draw_stripes

SIDE, COUNT = 32, 42


def pictures(folder: Path) -> Pictures:
    """An odd number of pictures, so that no batch can be parted evenly."""
    for number in range(COUNT):
        draw_stripes(folder / f"{number}.png", number % 2 == 0, number)
    store = PictureStore([Part(folder / f"{number}.png") for number in range(COUNT)], SIDE)
    store.load()
    labels = np.arange(COUNT, dtype=np.int32) % 2
    return Pictures(store, labels, np.arange(31), np.arange(31, COUNT))


def trained(where: Computing, given: Pictures, schedule: Schedule, folder: Path) -> dict[str, Any]:
    """What came of a training that was stopped after an epoch, and gone on with."""
    rows: list[dict[str, Any]] = []
    for epochs in (1, schedule.epochs):
        keras.utils.set_random_seed(2)
        with where.scope():
            model = build_model("small-cnn", SIDE, 2)
            compile_model(model, schedule)
            checkpoint = find_checkpoint(folder)
            if checkpoint is not None:
                restore(checkpoint, model)
        after = None if checkpoint is None else replace(read_progressed(checkpoint), ended=False)
        train(
            model,
            given,
            replace(schedule, epochs=epochs),
            folder,
            after=after,
            on_epoch=lambda row: rows.append(dict(row)),
        )
    final = build_model("small-cnn", SIDE, 2)
    restore_best(find_checkpoint(folder), final)
    scores = predict(final, given.store, given.val, 4)
    right = (scores.argmax(1) == given.labels[given.val]).mean()
    return {
        "rows": [{name: float(value) for name, value in row.items()} for row in rows],
        "val accuracy": float(right),
        "replicas": int(where.strategy.num_replicas_in_sync),
        "optimizer": type(model.optimizer).__name__,
        "policy": model.layers[3].dtype_policy.name,
        "scores": str(np.asarray(final(np.zeros((1, SIDE, SIDE, 3)))).dtype),
    }  # fmt: skip


def main() -> None:
    folder = Path(sys.argv[1])
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    given = pictures(folder / "photos")
    schedule = Schedule(epochs=4, batch=8, patience=9, lr=1e-3, seed=2, class_weights=(1.0, 1.5))
    alone = Computing(("CPU",), "float32", shared(1))
    two = Computing(("CPU:0", "CPU:1"), "float32", tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    facts = {
        "alone": trained(alone, given, schedule, folder / "alone"),
        "two": trained(two, given, schedule, folder / "two"),
    }
    keras.mixed_precision.set_global_policy("mixed_float16")
    facts["mixed"] = trained(alone, given, schedule, folder / "mixed")
    (folder / "several.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
