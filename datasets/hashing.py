"""SHA-256 of many files, remembered by path, length and time of change, so that a second pass costs nothing.

The memory is a SQLite file: a process that is killed in the middle keeps what it had.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import file_digest
from pathlib import Path

from .errors import LabelloopError
from .passes import each

_BATCH = 500
_TICK = 50_000_000

_Mark = tuple[int, int, int]
"""A file's length in bytes, and when it was last written and last changed in any way, in nanoseconds.

The second time cannot be set by whoever copies a file and keeps its date.
"""


def hash_files(
    paths: Sequence[str],
    memory: Path | None = None,
    *,
    jobs: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """The SHA-256 of each file, 64 hex characters, in the order given; "" for a file that cannot be read.

    Args:
        memory: the SQLite file that remembers; None remembers nothing.
        jobs: threads that read.

    Raises:
        LabelloopError: the memory cannot be written.
    """
    marks = [_mark(path) for path in paths]
    try:
        with _Memory.opened(memory) as known:
            digests = [known.get(path, mark) if mark else "" for path, mark in zip(paths, marks, strict=True)]
            missing = [index for index, digest in enumerate(digests) if not digest and marks[index]]
            done = len(paths) - len(missing)
            for index, digest in zip(missing, each(lambda at: _hash(paths[at]), missing, jobs=jobs), strict=True):
                digests[index] = digest
                mark = marks[index]
                if digest and mark and _is_settled(paths[index], mark):
                    known.add(paths[index], mark, digest)
                done += 1
                if progress is not None and done % 100 == 0:
                    progress(done, len(paths))
    except sqlite3.Error as error:
        raise LabelloopError(f"cannot remember hashes in {memory}: {error}; deleting that file is safe") from error
    return digests


def _mark(path: str) -> _Mark | None:
    """The mark of a file; None where it is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_settled(path: str, mark: _Mark) -> bool:
    """Whether a file that changes from now on gets another mark: the clock of a file system ticks every few milliseconds."""
    return _mark(path) == mark and time.time_ns() - max(mark[1:]) > _TICK


def _hash(path: str) -> str:
    try:
        with open(path, "rb", buffering=0) as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


class _Memory:
    """Hashes by path; one that was taken of another mark is not given back."""

    def __init__(self, path: str) -> None:
        self._new: list[tuple[bytes, int, int, int, str]] = []
        self._open = sqlite3.connect(path, timeout=60)
        self._open.execute(
            "CREATE TABLE IF NOT EXISTS hashes"
            " (path BLOB PRIMARY KEY, bytes INT, written INT, changed INT, sha256 TEXT) WITHOUT ROWID"
        )
        with closing(self._open.execute("SELECT path, bytes, written, changed, sha256 FROM hashes")) as rows:
            self._known = {path: ((size, written, changed), digest) for path, size, written, changed, digest in rows}

    @classmethod
    def opened(cls, path: Path | None) -> closing[_Memory]:
        """The memory in a file, made where there is none, for a `with`; None forgets at its end."""
        if path is None:
            return closing(cls(":memory:"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror) from error
        return closing(cls(str(path)))

    def get(self, path: str, mark: _Mark) -> str:
        """The hash of a file of this mark, "" where it is not known."""
        known = self._known.get(os.fsencode(path))
        return str(known[1]) if known and known[0] == mark else ""

    def add(self, path: str, mark: _Mark, digest: str) -> None:
        """Remember a hash; on disk after so many more, or at the end."""
        self._new.append((os.fsencode(path), *mark, digest))
        if len(self._new) >= _BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is not written yet."""
        try:
            self._flush()
        finally:
            self._open.close()

    def _flush(self) -> None:
        with self._open:
            self._open.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?)", self._new)
        self._new = []
