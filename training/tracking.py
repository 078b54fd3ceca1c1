"""The trackers of a run, told by the trainer's process: opened, guarded, closed.

They get what the trainer measures, its settings without paths, and plots. Photos, weights, the
log, the command line and what the machine is called stay here. Whatever a tracker raises
ends that tracker, never the training.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from ..datasets.schema import Json
from .plans import Plan
from .runs import Run
from .trackers import folder_of, key_of, modes_of
from .trainer_files import read_json, write_json

_LONGEST = 200
"""MLflow takes values of 6000 characters, W&B's pages show far less; no setting of a trainer's needs more than this."""


class Tracking:
    """The trackers of a run that can be told something; `opened` holds what each gave when it was opened, by its name."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder = folder_of(run)
        self.opened: dict[str, Any] = {}

    def open(self) -> None:
        """Open all trackers that the plan names; of one that cannot be opened, the reason is kept."""
        modes = modes_of(self.run.plan)
        if modes:
            self.folder.mkdir(exist_ok=True)
            (self.folder / "problems.json").unlink(missing_ok=True)
            # Whoever stops a training gives its process seconds to end: enough for what trackers have not written.
            signal.signal(signal.SIGTERM, self._stop)
        for name, mode in modes.items():
            self.guard(name, lambda name=name, mode=mode: self._open(name, mode), opening=True)

    def guard(self, name: str, tell: Callable[[], object], *, opening: bool = False) -> Any:
        """What a tracker's own code comes back with; None where it raises, and for a tracker that is not open."""
        if not opening and name not in self.opened:
            return None
        try:
            return tell()
        except Exception as reason:  # whatever a tracker raises, a training goes on
            traceback.print_exc()
            self.opened.pop(name, None)
            said = " ".join(str(reason).split())[:500]
            sentence = f"{type(reason).__name__}: {said}" if said else type(reason).__name__
            sys.stderr.write(f"WARNING {name} is left out: {sentence}\n")
            path = self.folder / "problems.json"
            write_json(path, {**read_json(path), name: sentence})
            return None

    def close(self, *, failed: bool = False) -> None:
        """Have all trackers write what they have not written yet."""
        for name in list(self.opened):
            self.guard(name, lambda name=name: _CLOSE[name](self.opened[name], failed))
        self.opened.clear()
        shutil.rmtree(self.folder / ".cache", ignore_errors=True)

    def _stop(self, number: int, _frame: object) -> None:
        self.close(failed=True)
        os._exit(128 + number)

    def _open(self, name: str, mode: str) -> None:
        _PREPARE.get(name, lambda _folder: None)(self.folder)
        state = read_json(self.folder / "state.json")
        self.opened[name], known_as = _OPEN[name](self.run.plan, self.folder, mode == "online", state.get(name))
        write_json(self.folder / "state.json", {**state, name: known_as})


def harmless(settings: Mapping[str, Any]) -> dict[str, Json]:
    """Settings as a tracker may know them: plain values under all names, with "" for what is a path or is long."""
    return {key: _plain(value) for key, value in settings.items()}


def parameters(plan: Plan) -> dict[str, Json]:
    """What a plan's training is called at a tracker, and its settings."""
    hidden = ("weights", "where", "left_out", "track", "augmentation")
    own = {key: value for key, value in plan.settings.items() if key not in hidden}
    return {
        **{key: value for key, value in harmless(own).items() if value != ""},
        "run": plan.id,
        "dataset": plan.dataset,
        "version": plan.version,
        "model": Path(plan.model).name,
        "seed": plan.seed,
    }


def project_of(plan: Plan) -> str:
    """The project that a run belongs to at a tracker: the data set."""
    return re.sub(r"[/\\#?%:]", "-", plan.dataset)[:120]


def _plain(value: Any) -> Json:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, str) and len(value) <= _LONGEST and not re.search(r"[/\\~]", value):
        return value
    if isinstance(value, list | tuple):
        parts = cast("list[Any]", value)
        if all(isinstance(part, bool | int | float) for part in parts):
            return str(list(parts))
    return ""


def _prepare_wandb(folder: Path) -> None:
    # Not `.wandb`: where that exists, one half of W&B writes the run into it and the other half does not.
    # The data folder holds tables that `wandb sync` reads later; the cache nobody needs again.
    for name, value in {
        "WANDB_CACHE_DIR": str(folder / ".cache"), "WANDB_DATA_DIR": str(folder / "wandb-data"),
        "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true",
    }.items():  # fmt: skip
        os.environ.setdefault(name, value)


def _prepare_comet(folder: Path) -> None:
    del folder
    # Its integration in Ultralytics would send validation photos.
    os.environ["COMET_EVAL_LOG_IMAGE_PREDICTIONS"] = "false"
    os.environ.setdefault("COMET_LOGGING_CONSOLE", "ERROR")


def _prepare_mlflow(folder: Path) -> None:
    del folder
    for name, value in {
        # By default it asks a server that does not answer for several minutes.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false",
    }.items():  # fmt: skip
        os.environ.setdefault(name, value)


def _open_tensorboard(plan: Plan, folder: Path, online: bool, known: str | None) -> tuple[Any, str]:
    del plan, online, known
    return folder / "tensorboard", "tensorboard"


def _open_wandb(plan: Plan, folder: Path, online: bool, known: str | None) -> tuple[Any, str]:
    wandb: Any = import_module("wandb")
    settings = wandb.Settings(
        console="off", disable_code=True, disable_git=True, x_disable_meta=True, x_disable_stats=True,
        x_disable_machine_info=True, x_save_requirements=False, init_timeout=30, x_transaction_log_flush_interval=2.0,
    )  # fmt: skip
    made = wandb.init(
        project=os.environ.get("WANDB_PROJECT") or project_of(plan), name=plan.id, id=known or key_of(plan),
        resume="allow" if online else None, dir=str(folder), mode="online" if online else "offline",
        config=parameters(plan), settings=settings,
    )  # fmt: skip
    return made, str(made.id)


def _open_comet(plan: Plan, folder: Path, online: bool, known: str | None) -> tuple[Any, str]:
    comet: Any = import_module("comet_ml")
    place = folder / "comet"
    config = comet.ExperimentConfig(
        log_code=False, log_graph=False, parse_args=False, display_summary_level=0, log_git_metadata=False,
        log_git_patch=False, log_env_details=False, log_env_gpu=False, log_env_host=False, log_env_cpu=False,
        log_env_network=False, log_env_disk=False, auto_output_logging=False, auto_param_logging=False,
        auto_metric_logging=True, auto_log_co2=False, offline_directory=str(place), name=plan.id,
    )  # fmt: skip
    # Offline, a training that was killed has left no archive, and so nothing that a second part can be added to.
    begun = known is not None and (online or any(place.glob("*.zip")))
    made = comet.start(
        project_name=os.environ.get("COMET_PROJECT_NAME") or project_of(plan), experiment_key=known or key_of(plan),
        online=online, mode="get" if begun else "create", experiment_config=config,
    )  # fmt: skip
    # Comet listens in on what TensorBoard and MLflow are told, and would have each value as often as there are trackers.
    made.disable_mp()
    made.log_parameters(parameters(plan))
    return made, str(made.get_key())


def _open_mlflow(plan: Plan, folder: Path, online: bool, known: str | None) -> tuple[Any, str]:
    mlflow: Any = import_module("mlflow")
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or project_of(plan)
    os.environ["MLFLOW_EXPERIMENT_NAME"] = name  # Ultralytics' own callback sets it again
    if not online:
        mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
        if mlflow.get_experiment_by_name(name) is None:
            mlflow.create_experiment(name, artifact_location=(folder / "mlflow-artifacts").resolve().as_uri())
    mlflow.set_experiment(name)
    # MLflow's own would be this machine's user, the path of a file of labelloop's, and the commit of whatever
    # repository that lies in.
    tags = {
        "mlflow.user": "labelloop", "mlflow.source.name": "labelloop", "mlflow.source.git.commit": "",
        "mlflow.source.git.branch": "", "labelloop.run": plan.id,
    }  # fmt: skip
    made = mlflow.start_run(run_id=known, run_name=None if known else plan.id, tags=tags, log_system_metrics=False)
    return mlflow, str(made.info.run_id)


def _close_wandb(made: Any, failed: bool) -> None:
    made.finish(exit_code=1 if failed else 0)


def _close_mlflow(made: Any, failed: bool) -> None:
    made.end_run(status="KILLED" if failed else "FINISHED")


_Open = Callable[[Plan, Path, bool, str | None], tuple[Any, str]]

_OPEN: Mapping[str, _Open] = {
    "tensorboard": _open_tensorboard, "wandb": _open_wandb, "comet": _open_comet, "mlflow": _open_mlflow,
}  # fmt: skip
_PREPARE: Mapping[str, Callable[[Path], None]] = {
    "wandb": _prepare_wandb, "comet": _prepare_comet, "mlflow": _prepare_mlflow,
}  # fmt: skip
_CLOSE: Mapping[str, Callable[[Any, bool], object]] = {
    "tensorboard": lambda _made, _failed: None,
    "wandb": _close_wandb,
    "comet": lambda made, _failed: made.end(),
    "mlflow": _close_mlflow,
}
