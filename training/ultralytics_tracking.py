"""Ultralytics' own integrations of the trackers, called with a trainer that shows neither photos, weights nor paths."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ..datasets.errors import LabelloopError
from .runs import Run
from .tracking import Tracking, harmless, project_of

_MODULES = {"tensorboard": "tensorboard", "wandb": "wb", "comet": "comet", "mlflow": "mlflow"}

_BEGIN = ("on_pretrain_routine_start", "on_pretrain_routine_end")
_LEFT_OUT = {
    # TensorBoard's graph costs a pass through the model before the first epoch; it is no measurement. Comet's
    # start makes an experiment of its own, where ours is open already.
    "tensorboard": ("on_train_start",),
    "comet": ("on_pretrain_routine_start",),
}
_PHOTOS = ("train_batch", "val_batch")
_PLOTS = (".png", ".jpg", ".csv")


class Trackers:
    """Callbacks that pass a trainer's events on to the trackers of a run; they can be pickled, as those of `Notes` can."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tracking: Tracking | None = None
        self.shown: dict[str, Shown] = {}
        self.ended = False

    def callbacks(self) -> dict[str, Any]:
        """The methods by Ultralytics' events."""
        return {
            "on_pretrain_routine_end": self.on_begin,
            "on_train_epoch_end": self.on_trained,
            "on_fit_epoch_end": self.on_validated,
            "on_train_end": self.on_end,
            "teardown": self.on_teardown,
        }

    def on_begin(self, trainer: Any) -> None:
        """Open the trackers, in the first process of a training."""
        if os.environ.get("RANK", "-1") not in ("-1", "0"):
            return
        # TensorBoard would import TensorFlow for its file system, beside torch: 11 seconds, and a fault with torchvision.
        sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
        run = Run(self.folder)
        self.tracking = Tracking(run)
        self.tracking.open()
        for name in list(self.tracking.opened):
            self.tracking.guard(name, lambda name=name: _integration(name))
        for name in self.tracking.opened:
            self.shown[name] = Shown(trainer, self.tracking, name)
        for event in _BEGIN:
            self._tell(event)

    def on_trained(self, _trainer: Any) -> None:
        """Tell what was measured on train."""
        self._tell("on_train_epoch_end")

    def on_validated(self, _trainer: Any) -> None:
        """Tell what was measured on val."""
        self._tell("on_fit_epoch_end")

    def on_end(self, _trainer: Any) -> None:
        """Tell what is drawn at the end."""
        self._tell("on_train_end")
        self.ended = True

    def on_teardown(self, _trainer: Any) -> None:
        """Close the trackers."""
        if self.tracking is None:
            return
        if "tensorboard" in self.shown:
            self.tracking.guard("tensorboard", lambda: self._call("tensorboard", "teardown"))
        self.tracking.close(failed=not self.ended)
        self.shown.clear()
        shutil.rmtree(self.tracking.folder / ".plots", ignore_errors=True)

    def _tell(self, event: str) -> None:
        if self.tracking is not None:
            for name in list(self.shown):
                self.tracking.guard(name, lambda name=name: self._call(name, event))

    def _call(self, name: str, event: str) -> None:
        if event in _LEFT_OUT.get(name, ()):
            return
        callback = _integration(name).get(event)
        if callback is not None:
            shown = self.shown[name]
            shown.look(event)
            callback(shown)


def _integration(name: str) -> Mapping[str, Any]:
    """Ultralytics' own callbacks for a tracker, by its events.

    Raises:
        LabelloopError: it has none, which it says by an empty table where it could not import the tracker.
    """
    found: Mapping[str, Any] = import_module(f"ultralytics.utils.callbacks.{_MODULES[name]}").callbacks
    if not found:
        raise LabelloopError(f"Ultralytics cannot use {name} here")
    return found


class Shown:
    """A trainer as a tracker sees it: its settings without paths, its plots without photos, no weights.

    Whatever else it is asked for is the trainer's own; what is set stays here.
    """

    def __init__(self, trainer: Any, tracking: Tracking, name: str) -> None:
        self._trainer = trainer
        plan = tracking.run.plan
        said = {
            **harmless(cast("Mapping[str, Any]", vars(trainer.args))), "project": project_of(plan), "name": plan.id,
            "model": Path(plan.model).name, "save": False,
        }  # fmt: skip
        # On going on, MLflow has the settings, and takes no others for a run.
        resumed = name == "mlflow" and bool(trainer.args.resume)
        self.args = type(trainer.args)(**({} if resumed else said))
        self._plots = tracking.folder / ".plots" / name
        self.save_dir = tracking.opened[name] if name == "tensorboard" else self._plots
        self.best = self._plots / "weights" / "best.pt"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trainer, name)

    @property
    def plots(self) -> Mapping[Path, Any]:
        """The trainer's plots that show no photo."""
        return _without_photos(self._trainer.plots)

    @property
    def validator(self) -> Any:
        """The trainer's validator, whose plots show no photo."""
        return _Validator(self._trainer.validator)

    def look(self, event: str) -> None:
        """Before the end, put what may be seen where a tracker looks for files."""
        if event != "on_train_end":
            return
        shutil.rmtree(self._plots, ignore_errors=True)
        self.best.parent.mkdir(parents=True)
        for path in Path(self._trainer.save_dir).iterdir():
            if path.suffix in _PLOTS and not path.name.startswith(_PHOTOS):
                shutil.copyfile(path, self._plots / path.name)


class _Validator:
    def __init__(self, validator: Any) -> None:
        self._validator = validator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._validator, name)

    @property
    def plots(self) -> Mapping[Path, Any]:
        return _without_photos(self._validator.plots)


def _without_photos(plots: Mapping[Path, Any]) -> dict[Path, Any]:
    return {path: said for path, said in plots.items() if not Path(path).name.startswith(_PHOTOS)}
