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
from contextlib import suppress
from io import FileIO
from pathlib import Path
from threading import Event

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
        raise LabelloopError(
            f"disk is too full for this export: it needs {needed / 1e6:.0f} MB, {folder.parent} has {free / 1e6:.0f} MB free;"
            " nothing was put in place"
        )
    for parent in sorted({placed.image.rpartition("/")[0] for placed in samples}):
        (folder / parent).mkdir(parents=True, exist_ok=True)
    chunks = [samples[start : start + 64] for start in range(0, len(samples), 64)]
    done = 0
    stop = Event()
    try:
        for count in each(lambda chunk: _copy_chunk(chunk, folder, stop), chunks, jobs=jobs):
            done += count
            if progress is not None:
                progress(done, len(samples))
    finally:
        stop.set()  # threads that are still copying would write into a folder that is being removed


def _copy_chunk(samples: Sequence[Placed], folder: Path, stop: Event) -> int:
    for placed in samples:
        if stop.is_set():
            break
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
        with suppress(OSError):  # most file systems share no blocks, and say so in many ways
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
            return
        copied = _send(reader, writer)
        if copied != size:
            raise LabelloopError(f"{source}: image had {size} bytes and {copied} could be copied; it changed meanwhile")


def _send(reader: FileIO, writer: FileIO) -> int:
    """How many bytes were copied: by the kernel where it can, and else by hand."""
    copied = 0
    try:
        while sent := os.sendfile(writer.fileno(), reader.fileno(), copied, 1 << 30):
            copied += sent
    except OSError as error:
        if copied or error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        while rest := memoryview(reader.read(1 << 20)):
            while rest:
                rest = rest[writer.write(rest) :]
        copied = writer.tell()
    return copied
