"""Images into an export: the same bytes in files of their own, whichever way the file system allows."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest

from labelloop.datasets.copying import copy_images
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.format import Placed
from labelloop.datasets.schema import Sample, Size

BYTES = random.Random(0).randbytes(3_000_001)


def samples(folder: Path, count: int = 150) -> list[Placed]:
    folder.mkdir()
    placed: list[Placed] = []
    for number in range(count):
        path = folder / f"{number}.jpg"
        path.write_bytes(BYTES if number == 7 else BYTES[: number * 40])
        placed.append(Placed(Sample(path.name, path, Size(1, 1), 1, "negative"), f"images/{number % 2}/{number}.jpg"))
    return placed


@pytest.mark.parametrize("refused", [None, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_every_byte_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int | None) -> None:
    """Some file systems (FUSE, for one) refuse to have the kernel copy."""
    placed = samples(tmp_path / "photos")
    if refused is not None:

        def sendfile(*_arguments: object) -> int:
            raise OSError(refused, os.strerror(refused))

        monkeypatch.setattr(os, "sendfile", sendfile)
    told: list[tuple[int, int]] = []
    (tmp_path / "made").mkdir()
    copy_images(placed, tmp_path / "made", progress=lambda done, total: told.append((done, total)))
    for each in placed:
        copy = tmp_path / "made" / each.image
        assert copy.read_bytes() == each.sample.path.read_bytes()
        assert copy.stat().st_ino != each.sample.path.stat().st_ino
        assert copy.stat().st_nlink == 1
    assert told[-1] == (150, 150)


def test_an_image_that_shrinks_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = samples(tmp_path / "photos", 9)
    monkeypatch.setattr(os, "sendfile", lambda *_arguments: 0)
    (tmp_path / "made").mkdir()
    with pytest.raises(LabelloopError, match=r"image had 40 bytes and 0 could be copied; it changed meanwhile"):
        copy_images(placed, tmp_path / "made", jobs=1)


def test_a_real_failure_to_copy_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = samples(tmp_path / "photos", 3)

    def sendfile(*_arguments: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "sendfile", sendfile)
    (tmp_path / "made").mkdir()
    with pytest.raises(OSError, match="Input/output error"):
        copy_images(placed, tmp_path / "made", jobs=1)
