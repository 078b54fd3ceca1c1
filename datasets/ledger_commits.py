"""What is said of a commit, kept as its metadata in the table's log; docs/ledger.md explains each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from deltalake import CommitProperties, DeltaTable


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


def classes_of(table: DeltaTable) -> tuple[str, ...]:
    """The class order at a table's version; a commit that another program made keeps the one before."""
    for limit in (1, None):
        named = next((entry["classes"] for entry in table.history(limit) if "classes" in entry), None)
        if named is not None:
            return tuple(orjson.loads(named))
    return ()


def to_commit(entry: Mapping[str, Any], classes: tuple[str, ...]) -> Commit:
    """The commit that an entry of the log tells of.

    Args:
        classes: the class order before it, for a commit of another program that says nothing of one.
    """
    made = datetime.fromtimestamp(cast(int, entry["timestamp"]) / 1000, UTC)
    return Commit(
        version=int(entry["version"]),
        time=made,
        author=str(entry.get("author", "unknown")),
        tool=str(entry.get("tool", entry.get("engineInfo", "unknown"))),
        message=str(entry.get("message", entry.get("operation", ""))),
        round=str(entry.get("round", "")),
        classes=tuple(orjson.loads(entry["classes"])) if "classes" in entry else classes,
        counts=orjson.loads(entry.get("counts", "{}")),
        details=orjson.loads(entry.get("details", "{}")),
    )
