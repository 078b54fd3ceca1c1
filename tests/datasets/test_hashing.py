"""Hashes of files, and their memory: never stale, never in the way."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from labelloop.datasets import hashing
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.hashing import hash_files


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read, as they are."""
    paths: list[str] = []
    real = hashing._hash

    def noted(path: str) -> str:
        paths.append(path)
        return real(path)

    monkeypatch.setattr(hashing, "_hash", noted)
    return paths


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def settle() -> None:
    time.sleep(0.06)


def test_hashes_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}", b"%d" % n * n) for n in range(30)]
    assert hash_files(paths, jobs=3) == [digest(b"%d" % n * n) for n in range(30)]
    assert hash_files(paths[::-1], tmp_path / "m")[::-1] == hash_files(paths)
    assert hash_files([]) == []


def test_what_cannot_be_read_has_no_hash(tmp_path: Path) -> None:
    there = write(tmp_path / "a", b"a")
    paths = [str(tmp_path / "gone"), there, str(tmp_path), str(tmp_path / "nul\0")]
    assert hash_files(paths, tmp_path / "m") == ["", digest(b"a"), "", ""]


def test_a_file_that_nobody_touched_is_read_once(tmp_path: Path, read: list[str]) -> None:
    name = b"\xff".decode("utf-8", "surrogateescape")
    paths = [write(tmp_path / name, b"1"), write(tmp_path / "한글", b"2")]
    settle()
    first = hash_files(paths, tmp_path / "memory" / "m")
    assert sorted(read) == sorted(paths)
    assert hash_files(paths, tmp_path / "memory" / "m") == first
    assert len(read) == 2


def test_other_bytes_of_the_same_length_and_date_are_seen(tmp_path: Path) -> None:
    path, memory = write(tmp_path / "a", b"1"), tmp_path / "m"
    settle()
    date = os.stat(path)
    assert hash_files([path], memory) == [digest(b"1")]
    write(tmp_path / "b", b"2")
    os.utime(tmp_path / "b", ns=(date.st_atime_ns, date.st_mtime_ns))
    os.replace(tmp_path / "b", path)
    assert os.stat(path).st_mtime_ns == date.st_mtime_ns
    assert hash_files([path], memory) == [digest(b"2")]


def test_a_file_that_is_being_written_is_not_remembered(tmp_path: Path) -> None:
    path, memory = tmp_path / "a", tmp_path / "m"
    for number in range(40):
        data = b"%02d" % number
        assert hash_files([write(path, data)], memory) == [digest(data)]


def test_what_was_hashed_before_a_kill_is_remembered(tmp_path: Path, read: list[str]) -> None:
    paths = [write(tmp_path / f"{n}", b"%d" % n) for n in range(1200)]
    settle()

    code = (
        "import os, sys; from labelloop.datasets.hashing import hash_files; from pathlib import Path\n"
        "p = Path(sys.argv[1]); stop = lambda done, _: os._exit(9) if done == 1100 else None\n"
        "hash_files([str(p / str(n)) for n in range(1200)], p / 'm', jobs=1, progress=stop)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 9
    assert hash_files(paths, tmp_path / "m") == [digest(b"%d" % n) for n in range(1200)]
    assert len(read) == 200


def test_two_processes_share_one_memory(tmp_path: Path) -> None:
    for n in range(600):
        write(tmp_path / f"{n}", b"%d" % n)
    code = (
        "import sys; from labelloop.datasets.hashing import hash_files; from pathlib import Path\n"
        "p = Path(sys.argv[1]); print(len(set(hash_files([str(p / str(n)) for n in range(600)], p / 'm'))))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.communicate() for process in both] == [(b"600\n", b"")] * 2


@pytest.mark.parametrize("spoil", ["broken", "folder", "other"])
def test_a_memory_that_is_spoilt_is_a_sentence(tmp_path: Path, spoil: str) -> None:
    memory = tmp_path / "m"
    if spoil == "broken":
        memory.write_bytes(b"no database" * 1000)
    elif spoil == "folder":
        memory.mkdir()
    else:
        (tmp_path / "file").touch()
        memory = tmp_path / "file" / "m"
    with pytest.raises(LabelloopError, match=r"cannot remember hashes in .*; deleting that file is safe"):
        hash_files([write(tmp_path / "a", b"1")], memory)


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(hashing._Memory, "_flush", full)
    with pytest.raises(LabelloopError, match="disk is full"):
        hash_files([write(tmp_path / "a", b"1")], tmp_path / "m")
