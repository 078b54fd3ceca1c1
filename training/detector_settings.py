"""The settings of a detector's training: the trainer's own defaults, what suits the data, and what the user asks for.

Nothing here imports Ultralytics: its defaults are read from the YAML file in its package.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import yaml

from ..datasets.augmentation import Augmentation
from ..datasets.errors import LabelloopError
from ..datasets.schema import NOTHING, Json, Sample

INSTALL = "pip install 'labelloop[train]'"

PREDICTION: Mapping[str, float | int] = {"conf": 0.001, "iou": 0.7, "max_det": 300}
"""What val and test are predicted with, as Ultralytics validates: low scores count for AP, and NMS joins at that IoU."""

SMALL = 2000
"""With fewer images to train on, the optimizer steps after every batch; see `suited`."""

_OURS = (
    "task", "mode", "model", "data", "project", "name", "exist_ok", "resume", "save", "split", "single_cls",
    "classes", "cfg", "pretrained", "save_json", "save_txt", "distill_model", *PREDICTION,
)  # fmt: skip
"""What labelloop itself decides on: these would lead out of the run's folder, change classes, or break a resume."""

_NOT_TRAINING = (
    "source", "vid_stride", "stream_buffer", "visualize", "augment", "agnostic_nms", "retina_masks", "embed", "show",
    "save_frames", "save_conf", "save_crop", "show_labels", "show_conf", "show_boxes", "line_width", "format",
    "optimize", "dynamic", "simplify", "opset", "workspace", "tracker", "overlap_mask", "mask_ratio", "dropout",
    "dnn", "nms", "pose", "kobj", "rle", "angle", "dlog", "dgrad", "dlam", "copy_paste_mode", "auto_augment",
    "erasing", "verbose",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Ultralytics' settings, complete, and why labelloop chose those that it chose."""

    trainer: Mapping[str, Json]
    reasons: Mapping[str, str]


def trainer_defaults() -> dict[str, Json]:
    """Every setting of Ultralytics' that has to do with training a detector, at its own default.

    Raises:
        LabelloopError: Ultralytics is not installed.
    """
    spec = find_spec("ultralytics")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(folder) / "cfg" / "default.yaml"
        said = cast("dict[str, Json]", yaml.safe_load(path.read_text(encoding="utf-8")))
        return {key: value for key, value in said.items() if key not in (*_OURS, *_NOT_TRAINING)}
    raise LabelloopError(f"a detector is trained with Ultralytics, which is not installed: {INSTALL}")


def parse_settings(pairs: Sequence[str]) -> dict[str, Json]:
    """What `key=value` pairs ask for, values read as YAML, as Ultralytics' own command line does.

    Raises:
        LabelloopError: no pair, a key that Ultralytics does not know or that labelloop itself decides on, or a
            value of another kind than its default.
    """
    known = trainer_defaults()
    found: dict[str, Json] = {}
    for pair in pairs:
        key, is_pair, text = pair.partition("=")
        key = key.strip()
        if not is_pair:
            raise LabelloopError(f"--set must be key=value, received {pair}")
        if key in _OURS:
            raise LabelloopError(f"--set {key} cannot be chosen: labelloop decides on it")
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"; the nearest is {near[0]}" if near else ""
            raise LabelloopError(f"--set must have a setting of Ultralytics' training, received {key}{hint}")
        found[key] = _value(key, text, known[key])
    return found


def suited(
    samples: Sequence[Sample],
    classes: Sequence[str],
    asked: Mapping[str, Json],
    augmentation: Augmentation | None,
    gpus: Sequence[str],
) -> Settings:
    """Complete settings for these samples: what is asked for, else what suits, else the trainer's default.

    Args:
        samples: those that are exported, with their splits.
        classes: the class names.
        asked: the user's own, which win over all.
        augmentation: None for the trainer's own, with mirroring only where no class is a number.
        gpus: the names of the machine's GPUs; empty for none.
    """
    count = sum(sample.split == "train" for sample in samples)
    side = max(max(sample.size) for sample in samples)
    on_cpu = str(asked.get("device", "")) == "cpu" or not gpus
    chosen: dict[str, Json] = {}
    reasons: dict[str, str] = {}

    def choose(key: str, value: Json, reason: str) -> None:
        if key not in asked:
            chosen[key] = value
            reasons[key] = reason

    limit = 320 if on_cpu else 640
    whole = math.ceil(min(side, limit) / 32) * 32
    if side <= limit:
        choose("imgsz", whole, f"the largest image has {side} px")
    elif on_cpu:
        choose("imgsz", whole, "without a GPU: 640 px take four times as long")
    if count < 16:
        choose("batch", max(count, 1), f"there are {count} images to train on")
    batch = asked.get("batch", chosen.get("batch", 16))
    if count < SMALL and isinstance(batch, int) and batch > 0:
        choose(
            "nbs", batch,
            f"{count} images: the optimizer steps after every batch, where the default of 64 waits for several",
        )  # fmt: skip
    epochs = asked.get("epochs", 100)
    if isinstance(epochs, int):
        if epochs < 36:
            warmup = round(epochs / 12, 2)
            choose("warmup_epochs", warmup, f"a twelfth of {epochs} epochs; the default of 3 is for long trainings")
        if epochs >= 50:
            choose("patience", max(10, epochs // 5), "a fifth of the epochs without a better result on val is enough")
    if on_cpu:
        choose("workers", 0, "without a GPU, loading is no bottleneck, and the trainer asks for none")
    else:
        cores = len(os.sched_getaffinity(0))
        workers = min(8, cores if cores > 4 else 2)
        choose("workers", workers, f"the machine has {cores} cores")
    numbered = [name for name in classes if any(letter.isdigit() for letter in name)]
    if augmentation is None and numbered:
        choose("fliplr", 0.0, f"the class {numbered[0]} is a number, and mirrored it would be none; --augment decides")
    given: Mapping[str, Json] = augmentation.trainer if augmentation else NOTHING
    own = {key: value for key, value in given.items() if key not in _NOT_TRAINING}
    return Settings({**trainer_defaults(), **own, **chosen, **asked}, reasons)


def find_gpus() -> list[str]:
    """The names of the NVIDIA GPUs that a training may use, in their order, as their driver says; empty without one."""
    if not shutil.which("nvidia-smi") or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return []
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []


def _value(key: str, text: str, default: Json) -> Json:
    try:
        value = cast(Json, yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise LabelloopError(f"--set {key} must have a value, received {text!r}") from error
    if isinstance(value, str):
        with suppress(ValueError):  # YAML takes 1e-4 for a text
            value = float(value)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, bool):
        fine = isinstance(value, bool) or key in ("amp", "cache", "compile")
    elif isinstance(default, int | float) and key not in ("scale", "fraction"):
        fine = numeric
    else:
        fine = True
    if not fine:
        kind = "true or false" if isinstance(default, bool) else "a number"
        raise LabelloopError(f"--set {key} must be {kind} (its default is {default}), received {text!r}")
    return value
