"""What TensorFlow computes on, and how: GPUs, several at once, and 16 bits where those are faster."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .keras_models import keras

tf: Any = import_module("tensorflow")

_TENSOR_CORES = (7, 0)
"""The first compute capability of NVIDIA's with units for 16 bits; others, and CPUs, get slower with them."""


@dataclass(frozen=True, slots=True)
class Computing:
    """What a training is computed on: the devices' names, `float32` or `mixed_float16`, and TensorFlow's strategy."""

    devices: tuple[str, ...]
    precision: str
    strategy: Any

    def scope(self) -> AbstractContextManager[Any]:
        """A context in which variables are made on all devices."""
        return self.strategy.scope()


def prepare(seed: int, *, deterministic: bool) -> Computing:
    """TensorFlow, ready to train: seeded, on all GPUs that CUDA_VISIBLE_DEVICES leaves, else on the CPU.

    To be called once in a process, before anything is computed.

    Args:
        deterministic: take only operations that give the same bits each time; some are slower.
    """
    keras.utils.set_random_seed(seed % 2**32)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    gpus: list[Any] = tf.config.list_physical_devices("GPU")
    details: list[dict[str, Any]] = []
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
        details.append(tf.config.experimental.get_device_details(gpu))
    fast = bool(gpus) and all(each.get("compute_capability", (0, 0)) >= _TENSOR_CORES for each in details)
    precision = "mixed_float16" if fast else "float32"
    keras.mixed_precision.set_global_policy(precision)
    names = tuple(str(each.get("device_name", "GPU")) for each in details) or ("CPU",)
    return Computing(names, precision, shared(len(gpus)))


def shared(count: int) -> Any:
    """TensorFlow's strategy for so many GPUs: each batch is parted among them."""
    return tf.distribute.MirroredStrategy() if count > 1 else tf.distribute.get_strategy()
