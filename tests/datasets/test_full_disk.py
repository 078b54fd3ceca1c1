"""Exports onto a disk that fills up: one sentence with the place, nothing in it, and nothing half done beside it."""

from __future__ import annotations

import builtins
import errno
import io
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labelloop.datasets import formats
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from tests.datasets.export_runs import contents, draw_source

BOXES = [name for name in formats.writable_names() if formats.load(name).holds.boxes]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_source(tmp_path_factory.mktemp("full") / "photos", 40, (32, 24))


def assert_told_and_nothing_left(error: str, target: Path) -> None:
    assert error.startswith(f"disk is full, or a quota used up: {target} "), error
    assert "\n" not in error
    assert not target.exists()
    assert list(target.parent.iterdir()) == []


def open_full(monkeypatch: pytest.MonkeyPatch, full: Callable[[str], bool]) -> list[str]:
    """Have files whose name is so be written to /dev/full, which has no room; lists those that were."""
    opened: list[str] = []
    really = io.open

    def opening(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if isinstance(file, (str, os.PathLike)) and set(mode) & set("wxa") and full(os.fspath(file)):
            opened.append(os.fspath(file))
            return really("/dev/full", mode.replace("x", "w"), *arguments, **named)
        return really(file, mode, *arguments, **named)

    monkeypatch.setattr(builtins, "open", opening)
    monkeypatch.setattr(io, "open", opening)
    return opened


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("part", ["image", "labels", "manifest"])
def test_no_room_for_a_file(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, part: str
) -> None:
    def full(path: str) -> bool:
        kind = "image" if path.endswith(".jpg") else "manifest" if path.endswith("manifest.csv") else "labels"
        return kind == part and ".made.partial/" in path

    opened = open_full(monkeypatch, full)
    with pytest.raises(LabelloopError) as caught:
        convert(source, tmp_path / "made", name)
    monkeypatch.undo()
    assert opened
    assert_told_and_nothing_left(str(caught.value), tmp_path / "made")


@pytest.mark.parametrize("call", ["mkdir", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_in_the_directory(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def no_room(*_arguments: object, **_named: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"os.{call}", no_room)
    with pytest.raises(LabelloopError) as caught:
        convert(source, tmp_path / "made", "yolo")
    monkeypatch.undo()
    assert_told_and_nothing_left(str(caught.value), tmp_path / "made")


def test_too_little_room_is_seen_before_anything_is_copied(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=10))
    with pytest.raises(
        LabelloopError, match=rf"disk is too full .* {tmp_path} has 0 MB free; nothing was put in place"
    ):
        convert(source, tmp_path / "made", "yolo")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "most"), [("yolo", 600), ("coco", 4000), ("via", 4000)])
def test_a_file_that_grows_too_large(source: Path, tmp_path: Path, name: str, most: int) -> None:
    """The images (900 bytes) or the one label file break a limit of the process, as on a full disk."""
    done = subprocess.run(
        [sys.executable, "-m", "labelloop", "convert", str(source), str(tmp_path / "made"), "--format", name],
        capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"Error: {tmp_path / 'made'} cannot be written; nothing was put in place: File too large\n"
    assert list(tmp_path.iterdir()) == []


def may_mount() -> bool:
    done = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )  # fmt: skip
    return done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("option", ["size", "nr_inodes"])
def test_a_small_file_system_of_every_size(source: Path, tmp_path: Path, option: str) -> None:
    """From no room at all to enough: the export breaks at every stage, and once it fits it is right."""
    if not may_mount():
        pytest.skip("no file system may be mounted here (unshare -rm mount)")
    disk = tmp_path / "disk"
    disk.mkdir()
    convert(source, tmp_path / "right", "yolo")
    files = len(contents(tmp_path / "right"))
    ended = []
    for step in range(3, files + 12, 6):
        limit = f"size={step * 4096}" if option == "size" else f"nr_inodes={step}"
        convert_it = [sys.executable, "-m", "labelloop", "convert", str(source), str(disk / "made"), "--format", "yolo"]
        script = (
            f"mount -t tmpfs -o {limit} none {disk} && {shlex.join(convert_it)}; echo $?;"
            f" ls -A {disk}; diff -r {tmp_path / 'right'} {disk / 'made'} && echo same"
        )
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
        ended.append(done.stdout.split())
        if ended[-1] == ["0", "made", "same"]:
            break
        assert ended[-1] == ["1"], done.stderr
        sentence = done.stderr.splitlines()[0]
        assert sentence.startswith("Error: disk is ")
        assert "full" in sentence
        assert str(disk) in sentence
    assert len(ended) > 10
    assert ended[-1] == ["0", "made", "same"]
