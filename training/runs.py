"""Runs: every training is a folder in the workspace, written once, that says what its result came from.

```text
run.json          the plan, written before anything else
samples.parquet   the images and labels it was made from, in the ledger's own columns
data/             the export that the trainer reads, while it trains
epochs.jsonl      one line an epoch
weights/          what was learned
predictions/      one file a split
log.txt           what the trainer said
failed.txt        why it ended without a result, if it did
result.json       the result; with it the run is done
```
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

import orjson
import polars as pl

from ..datasets.errors import LabelloopError
from ..datasets.ledger_rows import to_samples
from ..datasets.schema import Json, Sample
from ..datasets.workspace import Workspace
from .plans import Kind, Plan, count_splits, format_plan, installed_packages, labels_digest, read_plan, this_hardware

Status = Literal["running", "stopped", "failed", "done"]
Row = dict[str, Json]

_ID = re.compile(r"(?P<name>.+)-(?P<number>[1-9][0-9]*)")


class Run:
    """One training, read and written at its folder.

    Raises:
        LabelloopError: there is no run in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan: Plan = read_plan(folder / "run.json")

    @property
    def id(self) -> str:
        """The run's name: that of its data set, a hyphen and a number."""
        return self.plan.id

    @property
    def data(self) -> Path:
        """Where the export lies that the trainer reads."""
        return self.folder / "data"

    @property
    def weights(self) -> Path:
        """The folder of what was learned."""
        return self.folder / "weights"

    @property
    def log(self) -> Path:
        """What the trainer said."""
        return self.folder / "log.txt"

    def status(self) -> Status:
        """Running while a process holds it; else done, failed, or stopped, which can be resumed."""
        if (self.folder / "result.json").exists():
            return "done"
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return "running"
        finally:
            os.close(descriptor)
        return "failed" if (self.folder / "failed.txt").exists() else "stopped"

    def holder(self) -> int:
        """The process that works on it, 0 where none does; as the system's list of locks has it.

        Reference: https://man7.org/linux/man-pages/man5/proc_locks.5.html
        """
        wanted = str(self.folder.stat().st_ino)
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = line.split()
            if words[1:4] == ["FLOCK", "ADVISORY", "WRITE"] and words[5].rpartition(":")[2] == wanted:
                return max(int(words[4]), 0)  # -1 where it is of another container
        return 0

    def samples(self) -> list[Sample]:
        """The images and labels that the run was made from, in the order of their keys."""
        return to_samples(pl.read_parquet(self.folder / "samples.parquet"))

    def epochs(self) -> list[Row]:
        """What is known of each finished epoch, in order; `epoch` counts from 1."""
        try:
            text = (self.folder / "epochs.jsonl").read_bytes()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]  # a killed process may have left half a line
        return [cast(Row, orjson.loads(line)) for line in whole.splitlines()]

    def result(self) -> Mapping[str, Any] | None:
        """The result, with what the training's kind puts there; None while there is none."""
        try:
            return cast("Mapping[str, Any]", orjson.loads((self.folder / "result.json").read_bytes()))
        except FileNotFoundError:
            return None

    def failure(self) -> str:
        """Why it ended without a result; empty where it did not."""
        try:
            return (self.folder / "failed.txt").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""

    @contextmanager
    def held(self) -> Generator[None]:
        """A context in which this process alone works on the run; the lock ends with the process, however that ends.

        Raises:
            LabelloopError: the run is done, or another process works on it.
        """
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            if not _locked(descriptor):
                holder = self.holder()
                who = f"process {holder}" if holder else "another process"
                raise LabelloopError(f"{self.id} is being trained by {who}: wait for its end, or stop that")
            if (self.folder / "result.json").exists():
                raise LabelloopError(f"{self.id} is done and is never overwritten; train again for a new run")
            (self.folder / "failed.txt").unlink(missing_ok=True)
            yield
        finally:
            os.close(descriptor)

    def add_epoch(self, row: Mapping[str, Json]) -> None:
        """Add the line of one finished epoch.

        Raises:
            ValueError: the epoch is not the one after the last that is known.
        """
        known = len(self.epochs())
        if row.get("epoch") != known + 1:
            raise ValueError(f"epoch must be {known + 1}, the one after the last, received {row.get('epoch')}")
        with open(self.folder / "epochs.jsonl", "ab") as file:
            file.write(orjson.dumps(dict(row)) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def keep_epochs(self, count: int) -> None:
        """Forget all epochs after the first `count`, and half a line, before a training goes on from there."""
        kept = b"".join(orjson.dumps(row) + b"\n" for row in self.epochs()[:count])
        _write_over(self.folder / "epochs.jsonl", kept)

    def finish(self, result: Mapping[str, Json]) -> None:
        """Write the result, with which the run is done.

        Raises:
            LabelloopError: it has one.
        """
        said = {**result, "finished": _now()}
        path = self.folder / "result.json"
        beside = path.with_name(".result.json.partial")
        _write_over(beside, orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
        try:
            os.link(beside, path)  # unlike a rename, it never replaces
        except FileExistsError as error:
            raise LabelloopError(f"{self.id} is done and is never overwritten") from error
        finally:
            beside.unlink()

    def fail(self, reason: str) -> None:
        """Say why it ended without a result."""
        _write_over(self.folder / "failed.txt", f"{reason}\n".encode())


def begin_run(
    workspace: Workspace,
    kind: Kind,
    dataset: str,
    version: int,
    frame: pl.DataFrame,
    *,
    classes: Sequence[str],
    model: str,
    seed: int,
    settings: Mapping[str, Json],
    reasons: Mapping[str, str],
    hardware: Mapping[str, Json] | None = None,
) -> Run:
    """A new run, with its plan and its samples written; its number is one above the last of the data set.

    Args:
        frame: the rows of the ledger that it is made from.
        settings, reasons: as `Plan`.
        hardware: what to say beside what is known of every machine, such as the GPUs.

    Raises:
        LabelloopError: the folder cannot be written.
    """
    samples = to_samples(frame)
    splits = count_splits(samples)
    plan = Plan(
        id="",
        kind=kind,
        dataset=dataset,
        version=version,
        classes=tuple(classes),
        model=model,
        seed=seed,
        settings=settings,
        reasons=reasons,
        images=splits,
        labels={name: labels_digest(each for each in samples if (each.split or "") == name) for name in splits},
        packages=installed_packages(),
        hardware={**this_hardware(), **(hardware or {})},
        started=_now(),
    )
    try:
        return Run(_place(workspace, dataset, plan, frame))
    except OSError as error:
        raise LabelloopError(f"cannot write a run to {workspace.runs}: {error}") from error


def find_run(workspace: Workspace, name: str) -> Run:
    """The run of that id.

    Raises:
        LabelloopError: there is none; the text names the last that there are.
    """
    known = [run.id for run in list_runs(workspace)]
    if name not in known:
        there = f"there are {', '.join(known[-10:])}" if known else "labelloop train makes one"
        raise LabelloopError(f"no run {name} in {workspace.runs}; {there}")
    return Run(workspace.runs / name)


def result_of(run: Run, kind: Kind | None = None) -> Mapping[str, Any]:
    """The result of a run that must be done, and of this kind where one is named.

    Raises:
        LabelloopError: it is not; the text says what to do.
    """
    if kind is not None and run.plan.kind != kind:
        raise LabelloopError(f"{run.id} must be a {kind}'s run, received a {run.plan.kind}'s")
    result = run.result()
    if result is None:
        status = run.status()
        todo = (
            "try again when it is"
            if status == "running"
            else f"labelloop train {run.plan.kind} --resume {run.id} goes on"
        )
        raise LabelloopError(f"{run.id} must be done, received one that is {status}: {todo}")
    return result


def list_runs(workspace: Workspace, dataset: str | None = None) -> list[Run]:
    """The runs of a workspace, or of one of its data sets: by data set, then in the order in which they began."""
    if not workspace.runs.is_dir():
        return []
    named = [(_ID.fullmatch(folder.name), folder) for folder in workspace.runs.iterdir()]
    found = sorted(
        (match["name"], int(match["number"]), folder)
        for match, folder in named
        if match and not folder.name.startswith(".") and (folder / "run.json").exists()
    )
    return [Run(folder) for name, _, folder in found if dataset is None or name == dataset]


def _place(workspace: Workspace, dataset: str, plan: Plan, frame: pl.DataFrame) -> Path:
    """The folder of a new run, complete from the moment at which it is there."""
    workspace.runs.mkdir(parents=True, exist_ok=True)
    beside = workspace.runs / f".{dataset}-{os.getpid()}.partial"
    shutil.rmtree(beside, ignore_errors=True)  # left by a killed process that had this number
    beside.mkdir()
    try:
        frame.write_parquet(beside / "samples.parquet")
        number = _next_number(workspace.runs, dataset)
        while True:
            folder = workspace.runs / f"{dataset}-{number}"
            (beside / "run.json").write_bytes(format_plan(replace(plan, id=folder.name)))
            try:
                os.rename(beside, folder)  # onto a folder that holds something it fails
                return folder
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            number += 1
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _next_number(runs: Path, dataset: str) -> int:
    matches: Iterable[re.Match[str] | None] = (_ID.fullmatch(folder.name) for folder in runs.iterdir())
    return max((int(match["number"]) for match in matches if match and match["name"] == dataset), default=0) + 1


def _locked(descriptor: int) -> bool:
    for _ in range(20):  # whoever asks for the status holds it for a moment
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _write_over(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
