"""What is in a folder besides files: found, never opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from labelloop.datasets.check import find_duplicates
from labelloop.datasets.findings import Findings
from labelloop.datasets.images import read_header
from labelloop.datasets.schema import Sample, Size
from labelloop.datasets.tree import walk


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # a socket's path must be short


@pytest.mark.parametrize("make", [pipe, link_to_pipe, listening])
@pytest.mark.parametrize("name", ["a.jpg", "a.json"])
def test_a_pipe_is_found_and_not_waited_for(tmp_path: Path, name: str, make: object, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    assert callable(make)
    monkeypatch.chdir(tmp_path)
    make(tmp_path / name)
    findings = Findings()
    tree = walk(tmp_path, findings)
    assert not tree.images
    assert not tree.others
    assert f"{name}: neither a file nor a folder (a pipe, a socket, a device)" in map(str, findings)


def test_an_image_that_goes_while_duplicates_are_looked_for_is_a_finding(tmp_path: Path) -> None:
    from PIL import Image

    samples: list[Sample] = []
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (8, 6)).save(tmp_path / name)
        samples.append(Sample(name, tmp_path / name, Size(8, 6), state="unlabelled"))
    headers = {sample.key: read_header(sample.path) for sample in samples}
    (tmp_path / "b.jpg").unlink()
    findings = Findings()
    find_duplicates(samples, headers, findings)
    assert [str(finding) for finding in findings] == ["b.jpg: image cannot be read any more: No such file or directory"]
