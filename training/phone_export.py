"""A run's model in a form that phones and other programs run, compared with the original on the run's own images.

```text
model.onnx, model.tflite or saved_model/   the model
labels.txt                                 the classes, a line each, in the order of its output
about.json                                 what it takes, what it gives, where it came from, and the comparison
```
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast, get_args

import orjson

from ..datasets.errors import LabelloopError
from ..datasets.partial import written_beside
from ..datasets.schema import Json
from .runs import Run, result_of
from .trainer_files import read_json

Target = Literal["onnx", "tflite", "saved-model"]
TARGETS: tuple[str, ...] = get_args(Target)

FILES: Mapping[str, str] = {"onnx": "model.onnx", "tflite": "model.tflite", "saved-model": "saved_model"}

MOST_IMAGES = 64
"""So many images, spread over the split that the run was judged on, are compared."""

_NEEDED = {
    ("classifier", "onnx"): ("onnx", "tf2onnx", "onnxruntime"),
    ("detector", "onnx"): ("onnx", "onnxruntime"),
    ("detector", "tflite"): ("litert_torch", "ai_edge_litert"),
}
_HOW = {
    "onnx": "pip install 'labelloop[export]'",
    # litert-torch asks for a typing_extensions that is older than what labelloop's other packages are locked to.
    "tflite": (
        "pip install 'labelloop[train]' litert-torch ai-edge-litert in an environment of its own, without labelloop's"
        " constraints, as it needs older packages than they allow"
    ),
}
_PROCESSES = {"classifier": "keras_exporting", "detector": "ultralytics_exporting"}


@dataclass(frozen=True, slots=True)
class PhoneExport:
    """What was written and how far it says what the original says.

    `bytes` counts the model alone. `compared` has the number of images and the differences, by name; see
    `keras_exporting` and `ultralytics_exporting`.
    """

    target: Path
    format: Target
    bytes: int
    compared: Mapping[str, Json]


def export_model(run: Run, format: str, target: Path) -> PhoneExport:
    """Write a finished run's model as a new folder; says how it compares with the original.

    Raises:
        LabelloopError: the run is not done, the format is none that its kind has, something that is needed is not
            installed, the folder exists, or the export failed.
    """
    if format not in TARGETS:
        raise LabelloopError(f"format must be one of {', '.join(TARGETS)}, received {format}")
    result_of(run)
    if run.plan.kind == "detector" and format == "saved-model":
        raise LabelloopError(f"a detector is exported as onnx or tflite, received {format} for {run.id}")
    missing = [name for name in _NEEDED.get((run.plan.kind, format), ()) if find_spec(name) is None]
    if missing:
        raise LabelloopError(
            f"a {run.plan.kind} as {format} needs {' and '.join(missing)}, not installed here: {_HOW[format]}"
        )
    with written_beside(target) as folder:
        _run_process(run, format, folder)
        compared = read_json(folder / "compared.json")
        (folder / "compared.json").unlink()
        (folder / "labels.txt").write_text("".join(f"{name}\n" for name in run.plan.classes), encoding="utf-8")
        about = {
            "run": run.id, "data set": run.plan.dataset, "version": run.plan.version, "architecture": run.plan.model,
            "classes": list(run.plan.classes), **compared,
        }  # fmt: skip
        (folder / "about.json").write_bytes(orjson.dumps(about, option=orjson.OPT_INDENT_2))
        made = folder / FILES[format]
        size = sum(each.stat().st_size for each in ([made] if made.is_file() else made.rglob("*")) if each.is_file())
    return PhoneExport(target, cast(Target, format), size, cast("Mapping[str, Json]", compared["compared"]))


def spread(count: int, most: int = MOST_IMAGES) -> list[int]:
    """At most so many of the numbers 0 to count - 1, evenly spread."""
    return [number * count // min(count, most) for number in range(min(count, most))]


def _run_process(run: Run, format: str, folder: Path) -> None:
    settings = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(folder),
        "LABELLOOP_PARENT": str(os.getpid()),
    }
    words = [sys.executable, "-m", f"{__package__}.{_PROCESSES[run.plan.kind]}", str(run.folder), format, str(folder)]
    done = subprocess.run(
        words, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or f"it ended with status {done.returncode}").splitlines()[-1]
        raise LabelloopError(f"{run.id} could not be exported as {format}: {said}")
