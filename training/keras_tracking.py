"""Keras' callbacks of the trackers: Keras' own TensorBoard, and those that W&B, Comet and MLflow have for Keras."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from .keras_models import keras
from .tracking import Tracking, parameters


def callbacks(tracking: Tracking) -> list[Any]:
    """The callbacks of the trackers that are open; none can end a training."""
    made: list[Any] = []
    for name in list(tracking.opened):
        inner = tracking.guard(name, lambda name=name: _MAKE[name](tracking))
        if inner is not None:
            made.append(_Guarded(tracking, name, inner))
    return made


class _Guarded(keras.callbacks.Callback):
    """A tracker's callback, of whose events those of single batches are left out: they would cost time and tell little."""

    def __init__(self, tracking: Tracking, name: str, inner: Any) -> None:
        keras.callbacks.Callback.__init__(self)
        self.tracking = tracking
        self.name = name
        self.inner = inner

    def set_params(self, params: Any) -> None:
        keras.callbacks.Callback.set_params(self, params)
        self._tell("set_params", params)

    def set_model(self, model: Any) -> None:
        keras.callbacks.Callback.set_model(self, model)
        self._tell("set_model", model)

    def on_train_begin(self, logs: Any = None) -> None:
        self._tell("on_train_begin", logs)

    def on_train_end(self, logs: Any = None) -> None:
        self._tell("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._tell("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        # Each a copy: a tracker may take out of it what the next one needs.
        self._tell("on_epoch_end", epoch, dict(logs or {}))

    def _tell(self, event: str, *said: Any) -> None:
        self.tracking.guard(self.name, lambda: getattr(self.inner, event)(*said))


def _tensorboard(tracking: Tracking) -> Any:
    return keras.callbacks.TensorBoard(
        log_dir=str(tracking.opened["tensorboard"]), write_graph=False, update_freq="epoch"
    )


def _wandb(tracking: Tracking) -> Any:
    del tracking
    return import_module("wandb.integration.keras").WandbMetricsLogger()


def _comet(tracking: Tracking) -> Any:
    return tracking.opened["comet"].get_callback("keras")


def _mlflow(tracking: Tracking) -> Any:
    mlflow = tracking.opened["mlflow"]
    mlflow.log_params(parameters(tracking.run.plan))
    return import_module("mlflow.keras").MlflowCallback()


_MAKE: dict[str, Callable[[Tracking], Any]] = {
    "tensorboard": _tensorboard, "wandb": _wandb, "comet": _comet, "mlflow": _mlflow,
}  # fmt: skip
