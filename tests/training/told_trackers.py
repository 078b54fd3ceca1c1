"""What trackers were told, read back from what they wrote offline, each by its own reader."""

from __future__ import annotations

import io
import json
import struct
import sys
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

Told = dict[str, list[float]]
"""The values of each metric, in the order in which they were told."""


def tensorboard_told(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The step and value of each scalar, by its name, from all event files below a folder."""
    # Its own stub of TensorFlow's files: the real one may not share a process with torchvision.
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
    accumulators = import_module("tensorboard.backend.event_processing.event_accumulator")
    found: dict[str, list[tuple[int, float]]] = {}
    for place in sorted({path.parent for path in folder.rglob("events.out.*")}):
        read = accumulators.EventAccumulator(str(place), {"scalars": 0, "tensors": 0})
        read.Reload()
        prefix = "" if place == folder else f"{place.name}/"
        for tag in read.Tags()["scalars"]:
            found[prefix + tag] = [(each.step, each.value) for each in read.Scalars(tag)]
        make = import_module("tensorboard.util.tensor_util").make_ndarray
        for tag in read.Tags()["tensors"]:
            found[prefix + tag] = [(each.step, make(each.tensor_proto).item()) for each in read.Tensors(tag)]
    return found


def wandb_told(folder: Path) -> tuple[Told, dict[str, Any], str]:
    """The history, the settings, and all records as text, of all parts of a run, in their order."""
    records = import_module("wandb.proto.wandb_internal_pb2")
    told: Told = {}
    config: dict[str, Any] = {}
    text: list[str] = []
    for path in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        for data in _leveldb_records(path.read_bytes()[7:]):
            record = records.Record()
            record.ParseFromString(data)
            text.append(str(record))
            for item in record.history.item:
                value = json.loads(item.value_json)
                if isinstance(value, int | float):
                    told.setdefault(item.key or "/".join(item.nested_key), []).append(value)
            for item in (*record.run.config.update, *record.config.update):
                config[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    return told, config, "\n".join(text)


def _leveldb_records(content: bytes) -> Iterator[bytes]:
    """The records of a LevelDB log, which a `.wandb` file is behind its head of 7 bytes.

    Reference: https://github.com/google/leveldb/blob/main/doc/log_format.md
    """
    block, at, parts = 32768, 0, b""
    start = 7  # the head counts as a part of the first block
    while at + 7 <= len(content):
        if block - (at + start) % block < 7:
            at += block - (at + start) % block
            continue
        length, kind = struct.unpack("<HB", content[at + 4 : at + 7])
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            yield parts
            parts = b""


def comet_told(folder: Path) -> tuple[Told, dict[str, Any], str]:
    """The metrics, the parameters, and all messages and files as text, of all archives of a run."""
    told: Told = {}
    parameters: dict[str, Any] = {}
    text: list[str] = []
    for path in sorted(folder.glob("comet/*.zip"), key=lambda path: path.stat().st_mtime):
        with zipfile.ZipFile(path) as archive:
            text += archive.namelist()
            for line in io.TextIOWrapper(archive.open("messages.json"), "utf-8"):
                text.append(line)
                said = json.loads(line)["payload"]
                metric: Mapping[str, Any] | None = said.get("metric")
                if metric:
                    told.setdefault(metric["metricName"], []).append(float(metric["metricValue"]))
                for each in (said.get("param"), *(said.get("params") or ())):
                    if each and "paramName" in each:
                        parameters[each["paramName"]] = each.get("paramValue")
            text.append(archive.read("experiment.json").decode())
    return told, parameters, "\n".join(text)


def mlflow_told(folder: Path, run: str) -> tuple[dict[str, list[tuple[int, float]]], Mapping[str, str], str]:
    """The step and value of each metric, the parameters, and status, tags and files as text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow, which uses SQLAlchemy as it was
        client = import_module("mlflow").MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
        found = client.get_run(run)
        told = {
            name: [(each.step, each.value) for each in client.get_metric_history(run, name)]
            for name in found.data.metrics
        }
    files = [path.name for path in (folder / "mlflow-artifacts").rglob("*")]
    return told, found.data.params, "\n".join([found.info.status, str(found.data.tags), *files])
