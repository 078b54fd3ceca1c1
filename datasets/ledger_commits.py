"""What is said of a commit, kept as its metadata in the table's log; docs/ledger.md explains each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import orjson
from deltalake import CommitProperties


@dataclass(frozen=True, slots=True)
class Commit:
    """One entry of the ledger's history: what is said of it, and how many changes of each kind it made."""

    version: int
    time: datetime
    author: str
    tool: str
    message: str
    round: str
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    details: Mapping[str, str]


def commit_details(
    author: str, tool: str, message: str, round: str, classes: Sequence[str], counts: Mapping[str, int],
    more: Mapping[str, str],
) -> dict[str, str]:  # fmt: skip
    """The words about a commit as Delta keeps them: text by name, lists and mappings as JSON."""
    return {
        "author": author,
        "tool": tool,
        "message": message,
        "round": round,
        "classes": orjson.dumps(list(classes)).decode(),
        "counts": orjson.dumps(dict(counts)).decode(),
        "details": orjson.dumps(dict(more)).decode(),
    }


def commit_properties(details: dict[str, str]) -> CommitProperties:
    """The settings of a Delta commit that goes exactly on top of the version it was made for, or fails."""
    return CommitProperties(custom_metadata=details, max_commit_retries=0)


def read_commit(folder: Path, version: int) -> Commit:
    """What is said of the commit that made a version of the table in a folder.

    Read from the log itself: the library's own history counts back from the version at which
    a table was opened, whatever came after that, and so names the wrong commits for an old one.

    Raises:
        FileNotFoundError: no such version.

    Reference: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#commit-provenance-information
    """
    said = _read_info(folder, version)
    return Commit(
        version=version,
        time=datetime.fromtimestamp(cast(int, said.get("timestamp", 0)) / 1000, UTC),
        author=str(said.get("author", "unknown")),
        tool=str(said.get("tool", said.get("engineInfo", "unknown"))),
        message=str(said.get("message", said.get("operation", ""))),
        round=str(said.get("round", "")),
        classes=read_classes(folder, version, said),
        counts=orjson.loads(said.get("counts", "{}")),
        details=orjson.loads(said.get("details", "{}")),
    )


def read_classes(folder: Path, version: int, said: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """The class order at a version; a commit that another program made keeps the one before.

    Args:
        said: what the log says of the version's commit, where that is known already.

    Raises:
        FileNotFoundError: no such version.
    """
    said = _read_info(folder, version) if said is None else said
    while "classes" not in said and version > 0:
        version -= 1
        said = _read_info(folder, version)
    return tuple(orjson.loads(said.get("classes", "[]")))


def _read_info(folder: Path, version: int) -> dict[str, Any]:
    with open(folder / "_delta_log" / f"{version:020}.json", "rb") as lines:
        line = next((line for line in lines if line.startswith(b'{"commitInfo"')), b'{"commitInfo":{}}')
    return cast("dict[str, Any]", orjson.loads(line)["commitInfo"])
