"""A folder that appears complete or not at all: locks, what was abandoned, what is in the way."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.partial import written_beside


def write(target: Path, text: str = "all of it") -> None:
    with written_beside(target) as folder:
        (folder / "a").write_text(text)


def test_it_appears_at_its_end(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with written_beside(target) as folder:
        (folder / "a").write_text("x")
        assert not target.exists()
        assert folder == tmp_path / ".made.partial"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_nothing_stays_where_the_end_is_not_reached(tmp_path: Path, error: BaseException) -> None:
    def fail() -> None:
        with written_beside(tmp_path / "made") as folder:
            (folder / "deep" / "er").mkdir(parents=True)
            raise error

    with pytest.raises(type(error)):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_was_abandoned_is_emptied_first(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine").write_text("mine")
    partial = tmp_path / ".made.partial"
    (partial / "images" / "train").mkdir(parents=True)
    (partial / "images" / "train" / "old.jpg").write_text("old")
    (partial / "data.yaml").write_text("old")
    (partial / "link").symlink_to(kept)
    write(tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["a"]
    assert (kept / "mine").read_text() == "mine"


def test_what_another_one_writes_is_left_to_it(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with written_beside(target) as folder:
        (folder / "a").write_text("first")
        with pytest.raises(LabelloopError, match="another process is writing"):
            write(target, "second")
        assert (folder / "a").read_text() == "first"
    assert (target / "a").read_text() == "first"
    with pytest.raises(LabelloopError, match="must not exist yet"):
        write(target, "second")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_at_the_place_beside_is_not_touched(tmp_path: Path, kind: str) -> None:
    partial = tmp_path / ".made.partial"
    if kind == "file":
        partial.write_text("mine")
    else:
        (tmp_path / "mine").mkdir()
        partial.symlink_to(tmp_path / "mine")
    with pytest.raises(LabelloopError, match=r"made cannot be written.*\.made\.partial"):
        write(tmp_path / "made")
    assert partial.is_symlink() or partial.read_text() == "mine"


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems have none: then a folder that is there already stops the export."""

    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    write(tmp_path / "made")
    assert (tmp_path / "made" / "a").read_text() == "all of it"
    (tmp_path / ".other.partial").mkdir()
    with pytest.raises(LabelloopError, match=r"one was killed; if none is, remove .*\.other\.partial"):
        write(tmp_path / "other")
    assert (tmp_path / ".other.partial").is_dir()


def test_a_folder_that_vanishes_while_it_is_being_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process ended between our opening its folder and our locking it."""
    flock, calls = fcntl.flock, 0

    def slow(descriptor: int, operation: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            (tmp_path / ".made.partial").rename(tmp_path / "elsewhere")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", slow)
    write(tmp_path / "made")
    assert calls == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "made" / "a").read_text() == "all of it"


def test_a_descriptor_is_not_kept(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        write(tmp_path / str(number))
        with pytest.raises(LabelloopError):
            write(tmp_path / str(number))
    assert len(os.listdir("/proc/self/fd")) == before
