"""A round of correction: a folder that says what was sent to the desk and why, written once.

```text
round.json     what was sent: which images, why, at which version, drawn with which seed
blind.jsonl    one line for each commit that took blind answers about the test split
report.json    what came of it; written anew with each report
report.html    the same to look at
```

Beside the folders lies `scores.jsonl`, to which every look at the test split adds lines that stay for ever.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from ...datasets.errors import LabelloopError
from ...datasets.schema import Json
from ...datasets.workspace import Workspace

Reason = Literal["suspect", "unsure", "audit"]
REASONS: Mapping[Reason, str] = {
    "suspect": "with suspects",
    "unsure": "unlabelled, and the model is not sure of it",
    "audit": "drawn by chance",
}
BLIND = "blind"
"""What commits have in their details that took blind answers, all of them as they are."""
TEST = "test"
"""The split whose labels change only by blind correction."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An image of a round.

    `rank` counts from 1, the best first, and is 0 for an audit image; `probability` that something on it
    is wrong is None where nobody says. `blind` images were shown without labels. `turn` is the number of the last
    answered task that the image had before, 0 for none.
    """

    key: str
    reason: Reason
    rank: int
    probability: float | None
    seconds: float
    kinds: tuple[str, ...] = ()
    blind: bool = False
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """An image with suspects that was not sent for them, since the budget was used up; it may be an audit image."""

    key: str
    probability: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Round:
    """What was sent, and from what it was chosen.

    `version` is the ledger's when it began, `source` what the suspects are from and `suspects_version` the version
    that they were found at; `run` is the model that was asked, "" for none. `budget` counts images, `minutes` is what
    was asked for instead, else 0. `population` are the images that audit images were drawn from.
    """

    id: str
    dataset: str
    number: int
    version: int
    suspects_version: int
    source: str
    run: str
    seed: int
    budget: int
    minutes: float
    start: str
    images: tuple[Sent, ...]
    waiting: tuple[Waiting, ...]
    population: int
    started: str

    def of(self, *reasons: Reason) -> list[Sent]:
        """The images that were sent for one of these reasons, the best rank first."""
        return sorted((each for each in self.images if each.reason in reasons), key=lambda each: (each.rank, each.key))


def folder_of(workspace: Workspace, round: Round) -> Path:
    """Where a round lies."""
    return workspace.rounds(round.dataset) / str(round.number)


def list_rounds(workspace: Workspace, dataset: str) -> list[Round]:
    """The rounds of a data set, the first one first."""
    folder = workspace.rounds(dataset)
    if not folder.is_dir():
        return []
    numbers = sorted(int(each.name) for each in folder.iterdir() if each.name.isdecimal())
    return [read_round(folder / str(number)) for number in numbers if (folder / str(number) / "round.json").exists()]


def find_round(workspace: Workspace, dataset: str, number: int = 0) -> Round:
    """The round of a number; 0 is the last.

    Raises:
        LabelloopError: there is none.
    """
    rounds = list_rounds(workspace, dataset)
    if not rounds:
        raise LabelloopError(f"{dataset} has had no round yet: labelloop round start {dataset}")
    known = {each.number: each for each in rounds}
    if number and number not in known:
        raise LabelloopError(f"{dataset} has the rounds {', '.join(map(str, known))}, received {number}")
    return known[number] if number else rounds[-1]


def read_round(folder: Path) -> Round:
    """The round of a folder.

    Raises:
        LabelloopError: the file is gone, cut off, or no round.
    """
    path = folder / "round.json"
    try:
        said = cast("dict[str, Any]", orjson.loads(path.read_bytes()))
        values = {field.name: said[field.name] for field in fields(Round)}
        sent = cast("list[dict[str, Any]]", said["images"])
        values["images"] = tuple(
            Sent(**cast("dict[str, Any]", {**each, "kinds": tuple(each["kinds"])})) for each in sent
        )
        values["waiting"] = tuple(Waiting(**each) for each in said["waiting"])
        return Round(**values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabelloopError(f"{path}: not a round: {error}") from error


def write_round(workspace: Workspace, round: Round) -> Round:
    """The round with its number and id, written; the number is one above the last of the data set.

    Raises:
        LabelloopError: the folder cannot be written.
    """
    parent = workspace.rounds(round.dataset)
    beside = parent / f".{os.getpid()}.partial"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        number = max((int(each.name) for each in parent.iterdir() if each.name.isdecimal()), default=0) + 1
        while True:
            named = replace(round, number=number, id=f"{round.dataset}-round-{number}")
            write_json(beside / "round.json", cast("dict[str, Json]", asdict(named)))
            try:
                os.rename(beside, parent / str(number))  # onto a folder that holds something it fails
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                number += 1
            else:
                return named
    except OSError as error:
        raise LabelloopError(f"cannot write a round to {parent}: {error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def add_blind_commit(folder: Path, version: int, settled: int) -> None:
    """Remember that a commit took blind answers about the test split."""
    add_lines(folder / "blind.jsonl", [{"version": version, "settled": settled, "time": now()}])


def blind_commits(folder: Path) -> list[int]:
    """The versions that took blind answers about the test split, in order."""
    return [int(cast(int, each["version"])) for each in read_lines(folder / "blind.jsonl")]


def add_lines(path: Path, rows: Sequence[Mapping[str, Json]]) -> None:
    """Add lines to a file of JSON lines, all of them with one write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        file.write(b"".join(orjson.dumps(dict(row)) + b"\n" for row in rows))
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Json]]:
    """The whole lines of a file of JSON lines; none where there is no file."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    return [orjson.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def write_json(path: Path, value: Mapping[str, Json]) -> None:
    """Write a file such that a reader finds the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    beside.write_bytes(orjson.dumps(dict(value), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    os.replace(beside, path)


def now() -> str:
    """The time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
