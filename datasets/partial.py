"""A folder that appears at its place complete, or not at all.

It is written beside its place under a name that tells what it is, `.NAME.partial`, and renamed.
Whoever writes it holds a lock on it that ends with the process, however that ends: what is
not locked was abandoned, and the next one to write there empties it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import LabelloopError


@contextmanager
def written_beside(target: Path) -> Generator[Path]:
    """A new folder beside the target, renamed to it at the end; removed where that end is not reached.

    Raises:
        LabelloopError: the target exists, another process is writing it, or the disk is full or fails.
    """
    target = Path(os.path.abspath(target))
    _refuse(target)
    if not target.parent.is_dir():
        raise LabelloopError(f"target's parent must be a folder, received {target.parent}")
    folder = target.parent / f".{target.name}.partial"
    lock: int | None = None
    try:
        lock = _make(folder, target)
        _refuse(target)  # another process may have put it there since
        yield folder
        os.rename(folder, target)
    except OSError as error:
        raise _failure(target, error) from error
    finally:
        if lock is not None:
            _remove(folder, lock)
            os.close(lock)


def _refuse(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise LabelloopError(
            f"target must not exist yet, since nothing is ever merged into a folder; received {target}"
        )


def _make(folder: Path, target: Path) -> int:
    """The descriptor that locks the folder, which is there and empty."""
    while True:
        made = False
        with suppress(FileExistsError):
            folder.mkdir()
            made = True
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # whoever wrote there has just ended
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if isinstance(error, BlockingIOError):
                os.close(lock)
                raise LabelloopError(f"another process is writing {target} at this moment") from error
            if not made:  # a file system without locks cannot tell
                os.close(lock)
                raise LabelloopError(
                    f"another process is writing {target}, or one was killed; if none is, remove {folder}"
                ) from error
        if _is_at(lock, folder):
            break
        os.close(lock)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry)
        else:
            os.unlink(entry)
    return lock


def _is_at(lock: int, folder: Path) -> bool:
    """Whether the folder at this path is still the one that is locked."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock), os.lstat(folder))
    return False


def _remove(folder: Path, lock: int) -> None:
    """Remove the folder, unless it is in its place already."""
    for _ in range(50):
        if not _is_at(lock, folder):
            return
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.02)  # a thread that was copying into it has one more file to write


def _failure(target: Path, error: OSError) -> LabelloopError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LabelloopError(f"disk is full, or a quota used up: {target} cannot be written; nothing was put in place")
    place = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
    return LabelloopError(f"{target} cannot be written; nothing was put in place: {error.strerror or error}{place}")
