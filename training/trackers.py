"""Trackers: what a training tells besides writing its run: TensorBoard, Weights & Biases, Comet and MLflow.

A run names them in its plan, each with its mode, and they write below `tracking/` in its folder:

```text
tracking/tensorboard/   event files
tracking/wandb/         one folder each time that the training was begun or gone on with
tracking/comet/         one archive each time
tracking/mlflow.db      a local store, and mlflow-artifacts/ beside it
tracking/state.json     the id of the run at each tracker, by which a resumed training goes on
tracking/problems.json  why a tracker was left out, by its name
```

Nothing here imports one of them.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast, get_args

from ..datasets.errors import LabelloopError
from ..datasets.schema import Json
from .plans import Plan
from .runs import Run
from .trainer_files import read_json

Mode = Literal["offline", "online"]
Tracker = Literal["tensorboard", "wandb", "comet", "mlflow"]

TRACKERS: tuple[str, ...] = get_args(Tracker)

_MODULES = {
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "comet": ("comet_ml",),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
}
_TITLES = {"tensorboard": "TensorBoard", "wandb": "Weights & Biases", "comet": "Comet", "mlflow": "MLflow"}


def choose_trackers(names: Sequence[str], environment: Mapping[str, str] = os.environ) -> dict[str, Json]:
    """The mode of each tracker by its name: online where a key or a server is set, else offline.

    Raises:
        LabelloopError: there is no such tracker, or it is not installed.
    """
    chosen: dict[str, Json] = {}
    for name in names:
        if name not in TRACKERS:
            raise LabelloopError(f"track must be of {', '.join(TRACKERS)}, received {name}")
        missing = [module for module in _MODULES[name] if find_spec(module) is None]
        if missing:
            extra = "train" if name == "tensorboard" else "track"
            raise LabelloopError(
                f"--track {name} needs {' and '.join(missing)}, not installed here: pip install 'labelloop[{extra}]'"
            )
        chosen[name] = "online" if _is_online(name, environment) else "offline"
    return chosen


def folder_of(run: Run) -> Path:
    """Where the trackers of a run write."""
    return run.folder / "tracking"


def modes_of(plan: Plan) -> dict[str, Mode]:
    """The trackers that a plan names, with their modes; empty for none."""
    return dict(cast("Mapping[str, Mode]", plan.settings.get("track") or {}))


def key_of(plan: Plan) -> str:
    """The id of a run at its trackers, 32 hex characters; the same whenever the run is gone on with."""
    return sha256(f"{plan.id} {plan.started}".encode()).hexdigest()[:32]


def tracked(run: Run) -> dict[str, Json]:
    """What became of the trackers of a run: by name its mode, the run's id there, and its problem, if it had one."""
    ids = read_json(folder_of(run) / "state.json")
    problems = read_json(folder_of(run) / "problems.json")
    return {
        name: {"mode": mode, "id": ids.get(name), "problem": problems.get(name)}
        for name, mode in modes_of(run.plan).items()
    }


def tracking_lines(run: Run) -> list[str]:
    """How to look at what each tracker of a run was told, or why it was told nothing more; one sentence each."""
    problems = read_json(folder_of(run) / "problems.json")
    return [
        f"{_TITLES[name]} was left out, and the training went on without it: {problems[name]}"
        if name in problems
        else f"{_TITLES[name]}: {_look(name, mode, folder_of(run))}"
        for name, mode in modes_of(run.plan).items()
    ]


def mode_lines(plan: Plan) -> list[str]:
    """Where each tracker of a plan will be told, one sentence each."""
    return [f"{_TITLES[name]} {_WHERE[name, mode]}" for name, mode in modes_of(plan).items()]


_WHERE: Mapping[tuple[str, Mode], str] = {
    ("tensorboard", "offline"): "in the run's folder",
    ("wandb", "offline"): "offline, in the run's folder, since no key is set (wandb login, or WANDB_API_KEY)",
    ("wandb", "online"): "online",
    ("comet", "offline"): "offline, in the run's folder, since no key is set (comet login, or COMET_API_KEY)",
    ("comet", "online"): "online",
    ("mlflow", "offline"): "in the run's folder, since MLFLOW_TRACKING_URI is not set",
    ("mlflow", "online"): "at MLFLOW_TRACKING_URI",
}


def _look(name: str, mode: Mode, folder: Path) -> str:
    if mode == "online":
        return "see its page" if name != "mlflow" else "see the server of MLFLOW_TRACKING_URI"
    if name == "tensorboard":
        return f"tensorboard --logdir {shlex.quote(str(folder / 'tensorboard'))}"
    if name == "wandb":
        # Twice the same run, where the training was resumed: the second part is added to the first.
        return f"written offline; to upload it: wandb sync --append {shlex.quote(str(folder / 'wandb'))}/offline-run-*"
    if name == "comet":
        return f"written offline; to upload it: comet upload {shlex.quote(str(folder / 'comet'))}/*.zip"
    store = shlex.quote(f"sqlite:///{folder / 'mlflow.db'}")
    return f"mlflow ui --backend-store-uri {store} (its pages need the full package: pip install mlflow)"


def _is_online(name: str, environment: Mapping[str, str]) -> bool:
    home = Path(environment.get("HOME", "~")).expanduser()
    if name == "wandb":
        said = environment.get("WANDB_MODE", "")
        netrc = Path(environment.get("NETRC", home / ".netrc"))
        return said == "online" or (
            said == "" and bool(environment.get("WANDB_API_KEY") or _has(netrc, "api.wandb.ai"))
        )
    if name == "comet":
        if environment.get("COMET_START_ONLINE", "1").lower() in ("0", "false") or (
            environment.get("COMET_MODE", "").lower() == "offline"
        ):
            return False
        settings = Path(environment.get("COMET_CONFIG", home / ".comet.config"))
        return bool(environment.get("COMET_API_KEY") or _has(settings, "api_key"))
    return name == "mlflow" and bool(environment.get("MLFLOW_TRACKING_URI"))


def _has(path: Path, word: str) -> bool:
    try:
        return word in path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
