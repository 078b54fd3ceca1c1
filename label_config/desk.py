"""What the workspace keeps of a data set's desk, and the lock that one push or pull at a time holds."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, cast

import orjson
from deltalake import DeltaTable

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.workspace import Workspace, checked_name
from .conflicts import DeskConflict, format_conflicts, parse_conflicts
from .memory import Entry

_WAIT_SECONDS = 10
"""So long does whoever comes second wait: a pull with nothing new takes less than one."""


class DeskBusy(LabelloopError):
    """Another push, pull or settling is under way."""


def desk_folder(workspace: Workspace, name: str) -> Path:
    """Where the workspace keeps what it knows of a data set's desk."""
    return workspace.home / "desk" / checked_name(name)


@contextmanager
def only_one(folder: Path, seconds: float = _WAIT_SECONDS) -> Generator[None]:
    """Nobody else pushes to, pulls from or settles at this desk at the same time.

    Args:
        seconds: so long is waited for whoever does.

    Raises:
        DeskBusy: somebody still does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle, folder.name, seconds)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, name: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise DeskBusy(
                    f"another push, pull or settling of {name} is under way; try again when it is done"
                ) from error
            time.sleep(0.1)
        else:
            return


@dataclass(slots=True)
class State:
    """What is remembered between two pulls; without it the next one looks at every task again.

    `project` and `made` are the project's id and when it was made, which tell it from those of
    other servers, and `ledger` is the data set's mark. `mark` is Label Studio's time up to which changes were seen, `turns` those that have a
    task, `annotators` how many people had to answer each, `version` that of the ledger up to
    which `memory` and `conflicts` are known, `people` the names of those who answered, by id
    as JSON has it, and `memory` what was taken in, by turn, as
    `memory.parse_entry` reads it.
    """

    project: int = 0
    made: str = ""
    ledger: str = ""
    mark: str = ""
    annotators: int = 1
    version: int = -1
    turns: list[str] = field(default_factory=list[str])
    people: dict[str, str] = field(default_factory=dict[str, str])
    conflicts: list[DeskConflict] = field(default_factory=list[DeskConflict])
    memory: Mapping[str, Entry] = field(default_factory=dict[str, Entry])


def ledger_mark(ledger: Ledger) -> str:
    """What tells a data set from all others: its name and its ledger's own id."""
    return f"labelloop {ledger.folder.name} {str(DeltaTable(ledger.folder).metadata().id)[:12]}"


def read_state(folder: Path, project: int, made: str, ledger: str) -> State:
    """The state of this project's desk; an empty one where there is none that can be read."""
    empty = State(project, made, ledger)
    try:
        fields = _read(folder / "state.json")
        fields["conflicts"] = parse_conflicts(orjson.dumps(fields["conflicts"]))
        state = State(**fields)
    except (OSError, AttributeError, TypeError, ValueError, LookupError):
        return empty
    return state if (state.project, state.made, state.ledger) == (project, made, ledger) else empty


def write_state(folder: Path, state: State) -> None:
    """Keep a state."""
    plain = {each.name: getattr(state, each.name) for each in fields_of(State)}
    conflicts = orjson.Fragment(format_conflicts(state.conflicts))
    _write(folder / "state.json", orjson.dumps({**plain, "conflicts": conflicts}))
    some = {name: plain[name] for name in ("project", "made", "ledger", "version")}
    beside = {"of": _stamp(folder / "state.json"), **some, "conflicts": conflicts}
    _write(folder / "summary.json", orjson.dumps(beside))


def read_project(folder: Path, ledger: str) -> tuple[int, str]:
    """The project at which a data set's state was left, and when it was made; 0 and "" where there is none."""
    known = _summary(folder, ledger)
    return (int(known["project"]), str(known["made"])) if known else (0, "")


def read_conflicts(folder: Path, ledger: str) -> tuple[list[DeskConflict], int]:
    """The conflicts of a data set's last pull, and the ledger's version up to which they are known; -1 where none is."""
    known = _summary(folder, ledger)
    return (parse_conflicts(orjson.dumps(known["conflicts"])), int(known["version"])) if known else ([], -1)


def _summary(folder: Path, ledger: str) -> dict[str, Any]:
    """The state without what was taken in; empty where there is none.

    It lies in a small file too, which counts where it is of the state as it is.
    """
    for name in ("summary.json", "state.json"):
        try:
            found = _read(folder / name)
            if found["ledger"] == ledger and found.get("of", "") in ("", _stamp(folder / "state.json")):
                parse_conflicts(orjson.dumps(found["conflicts"]))
                return found
        except (OSError, AttributeError, TypeError, ValueError, LookupError):
            continue
    return {}


def read_settled(folder: Path) -> set[str]:
    """The ids of conflicts that are over, whatever finds them again."""
    try:
        return set((folder / "settled.txt").read_text(encoding="ascii").split())
    except FileNotFoundError:
        return set()


def add_settled(folder: Path, ids: Iterable[str]) -> None:
    """Remember that conflicts are over."""
    known, more = read_settled(folder), set(ids)
    if not more <= known:
        _write(folder / "settled.txt", "".join(f"{each}\n" for each in sorted(known | more)).encode())


def read_counts(folder: Path) -> dict[str, int]:
    """How many tasks there were of each kind when last asked, as `pull` counts them; empty before that."""
    try:
        return {str(name): int(count) for name, count in _read(folder / "counts.json").items()}
    except (OSError, AttributeError, TypeError, ValueError):
        return {}


def write_counts(folder: Path, counts: Mapping[str, int]) -> None:
    """Remember the counts of tasks."""
    _write(folder / "counts.json", orjson.dumps(dict(counts)))


def _stamp(path: Path) -> str:
    """What tells a file from every other one that was in its place."""
    about = path.stat()
    return f"{about.st_ino} {about.st_mtime_ns} {about.st_size}"


def _read(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", orjson.loads(path.read_bytes()))


def _write(path: Path, data: bytes) -> None:
    """Write a file such that a reader finds the old one or the new one, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")  # one name is enough: whoever writes holds the lock
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
