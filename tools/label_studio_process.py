"""The process of a Label Studio, as files, ports, locks and its own answers show it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

_STOP_SECONDS = 20
_children: dict[int, subprocess.Popen[bytes]] = {}
"""The servers that this very process started, by id, to ask for their end."""

_ASK_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Record:
    """A started server: its process, its port, and how long its log was then.

    A process is known by its id and when it started, since the kernel gives ids again.
    """

    pid: int
    time: int
    port: int
    log_at: int = 0


def read_record(folder: Path) -> Record | None:
    """The server that was started last; None where there is none, the file is of no use, or it came with a copy of another workspace."""
    try:
        fields = cast("dict[str, Any]", json.loads((folder / "server.json").read_text(encoding="ascii")))
        record = Record(**fields)
    except (OSError, TypeError, ValueError):
        return None
    return None if is_running(record) and _has_data_elsewhere(record, folder) else record


def _has_data_elsewhere(record: Record, folder: Path) -> bool:
    """Whether a server that runs has its data in another folder than this one; a folder that was moved meanwhile is its own."""
    try:
        words = Path(f"/proc/{record.pid}/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
        return not os.path.samefile(words[words.index("--data-dir") + 1], folder / "data")
    except (OSError, ValueError, IndexError):
        return False


def write_record(folder: Path, record: Record) -> None:
    """Remember a server."""
    beside = folder / "server.json.part"
    beside.write_text(json.dumps(asdict(record)), encoding="ascii")
    os.replace(beside, folder / "server.json")


def started_at(pid: int) -> int:
    """When a process started, in the kernel's ticks; 0 where there is none or it is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    words = text.rpartition(")")[2].split()
    return 0 if words[0] in ("Z", "X") else int(words[19])


def is_running(record: Record) -> bool:
    """Whether the very process that was started lives."""
    now = started_at(record.pid)
    return bool(now) and now == record.time


def start_process(words: Sequence[str | Path], folder: Path, environment: Mapping[str, str], log: int) -> int:
    """The id of a process that was started just now, in a session of its own, its output appended to a log."""
    _reap()
    child = subprocess.Popen(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        umask=0o077,
    )  # fmt: skip
    _children[child.pid] = child
    return child.pid


def stop_process(record: Record) -> None:
    """End the very process that was started, and its children: ask first, then insist."""
    pid = record.pid
    for sent, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5)):
        if not is_running(record):
            break
        try:
            os.killpg(pid, sent)
        except (ProcessLookupError, PermissionError):
            return
        until = time.monotonic() + seconds
        while is_running(record) and time.monotonic() < until:
            _reap()
            time.sleep(0.05)
    child = _children.pop(pid, None)
    if child is not None:  # a zombie by name, its threads may still be on their way out
        with suppress(subprocess.TimeoutExpired):
            child.wait(_STOP_SECONDS)


def answers_health(url: str) -> bool:
    """Whether something at the address says that it is up."""
    return _ask(f"{url}/health") is not None


def whoami(url: str, token: str) -> str | None:
    """The email of the user whose token it is; None where the server does not know it, or is none of ours."""
    answer = _ask(f"{url}/api/current-user/whoami", {"Authorization": f"Token {token}"})
    if answer is None:
        return None
    try:
        fields = cast("object", json.loads(answer))
    except ValueError:
        return None
    return str(cast("dict[str, object]", fields).get("email", "")) or None if isinstance(fields, dict) else None


def _ask(address: str, headers: Mapping[str, str] | None = None) -> bytes | None:
    """What an address of this machine answers with status 200, None for all else."""
    opener: OpenerDirector = build_opener(ProxyHandler({}))
    try:
        with opener.open(Request(address, headers=dict(headers or {})), timeout=_ASK_SECONDS) as answer:  # noqa: S310 - our own http address
            return cast(bytes, answer.read())
    except (HTTPError, URLError, OSError, ValueError):
        return None


def _reap() -> None:
    """Let the children that ended go."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            del _children[pid]
