"""Images into an export: copied, sharing blocks where the file system can, never linked.

A hard or symbolic link would let a trainer that "repairs" an image rewrite the source.
A reflink shares the blocks until one side changes, so it is as safe as a copy.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from .errors import LabelloopError
from .format import Placed
from .formats.labelme import embedded_image
from .passes import each

_FICLONE = 0x40049409
"""The ioctl that shares a whole file's blocks. Reference: ioctl_ficlone(2)."""


def copy_images(
    samples: Sequence[Placed], folder: Path, *, jobs: int = 2, progress: Callable[[int, int], None] | None = None
) -> None:
    """Copy every sample's image to its place in a folder.

    Raises:
        LabelloopError: the disk has too little room, or an image changed while it was copied.
        OSError: an image cannot be read or written.
    """
    needed = sum(placed.sample.path.stat().st_size for placed in samples if not placed.sample.embedded)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise no_room(folder, needed, free)
    for parent in sorted({placed.image.rpartition("/")[0] for placed in samples}):
        (folder / parent).mkdir(parents=True, exist_ok=True)
    chunks = [samples[start : start + 64] for start in range(0, len(samples), 64)]
    done = 0
    for count in each(lambda chunk: _copy_chunk(chunk, folder), chunks, jobs=jobs):
        done += count
        if progress is not None:
            progress(done, len(samples))


def no_room(folder: Path, needed: int, free: int) -> LabelloopError:
    """The error that says how much room is missing where."""
    return LabelloopError(
        f"disk is too full for this export: it needs {needed / 1e6:.0f} MB, {folder.parent} has {free / 1e6:.0f} MB free;"
        " nothing was put in place"
    )


def _copy_chunk(samples: Sequence[Placed], folder: Path) -> int:
    for placed in samples:
        target = f"{folder}/{placed.image}"
        if placed.sample.embedded:
            with open(target, "xb") as file:
                file.write(embedded_image(placed.sample.path))
        else:
            _copy(str(placed.sample.path), target)
    return len(samples)


def _copy(source: str, target: str) -> None:
    with open(source, "rb", buffering=0) as reader, open(target, "xb", buffering=0) as writer:
        size = os.fstat(reader.fileno()).st_size
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
            return
        except OSError as error:
            if error.errno not in (
                errno.EOPNOTSUPP,
                errno.EXDEV,
                errno.EINVAL,
                errno.ENOTTY,
                errno.ENOSYS,
                errno.EPERM,
            ):
                raise
        copied = 0
        while sent := os.sendfile(writer.fileno(), reader.fileno(), copied, 1 << 30):
            copied += sent
        if copied != size:
            raise LabelloopError(f"{source}: image had {size} bytes and {copied} could be copied; it changed meanwhile")
