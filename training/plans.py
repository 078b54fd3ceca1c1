"""What a run was made from: written when it begins, never changed."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from ..datasets.errors import LabelloopError
from ..datasets.schema import Json, Sample

Kind = Literal["detector", "classifier"]

_PACKAGES = (
    "labelloop", "albumentations", "deltalake", "hotcoco", "keras", "numpy", "opencv-python-headless", "pillow",
    "polars", "pycocotools", "tensorflow", "torch", "torchvision", "ultralytics-opencv-headless",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides a run's result, so that it can be said later, and repeated.

    `settings` are complete, whoever chose each; `reasons` says why, for those that labelloop
    chose. `images` and `labels` count what each split gives, and digest what it says, by
    split: two runs were judged on the same test exactly if `labels["test"]` is equal.
    `hardware` and `packages` are those of the machine that began the run; `started` is UTC, ISO 8601.
    """

    id: str
    kind: Kind
    dataset: str
    version: int
    classes: tuple[str, ...]
    model: str
    seed: int
    settings: Mapping[str, Json]
    reasons: Mapping[str, str]
    images: Mapping[str, int]
    labels: Mapping[str, str]
    packages: Mapping[str, str]
    hardware: Mapping[str, Json]
    started: str


def format_plan(plan: Plan) -> bytes:
    """The plan as the text of `run.json`."""
    return orjson.dumps(asdict(plan), option=orjson.OPT_INDENT_2)


def read_plan(path: Path) -> Plan:
    """The plan in a `run.json`; keys of a later labelloop are left out.

    Raises:
        LabelloopError: the file is gone, cut off, or no plan.
    """
    try:
        said = orjson.loads(path.read_bytes())
        if not isinstance(said, dict):
            raise ValueError("it is no JSON object")
        known = cast("dict[str, Any]", said)
        values = {field.name: known[field.name] for field in fields(Plan)}
        values["classes"] = tuple(values["classes"])
        return Plan(**values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabelloopError(f"{path}: not a run's plan: {error}") from error


def labels_digest(samples: Iterable[Sample]) -> str:
    """What the labels of these images say, as 64 hex characters; the order of images and boxes does not matter.

    Equal for equal keys, bytes, states, image labels, and labels and corners of boxes.
    """
    lines = sorted(
        orjson.dumps(
            [
                sample.key, sample.sha256, sample.state, sample.label,
                sorted([box.label, *map(float, box.corners)] for box in sample.boxes),
            ]
        )
        for sample in samples
    )  # fmt: skip
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def count_splits(samples: Sequence[Sample]) -> dict[str, int]:
    """How many images each split has, in the order train, val, test, then by name; "" has those in none."""
    first = ("train", "val", "test")
    splits = {sample.split or "" for sample in samples}
    order = [*(name for name in first if name in splits), *sorted(splits.difference(first))]
    return {name: sum((sample.split or "") == name for sample in samples) for name in order}


def installed_packages() -> dict[str, str]:
    """The versions of what takes part in a training, as far as it is installed, with Python's own."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def this_hardware() -> dict[str, Json]:
    """The machine: its system, processor, cores that may be used, and memory in bytes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": memory,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()
