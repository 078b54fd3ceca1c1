"""A tiny data set for a detector, in a workspace of its own, and the command line that trains on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import orjson
from PIL import Image, ImageDraw

from labelloop.datasets.boxes import with_ids
from labelloop.datasets.images import read_header
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample
from labelloop.datasets.workspace import Workspace
from labelloop.training.runs import Run

NAME = "signs"
CLASSES = ("red", "blue 파랑")
COLOURS = {"red": (220, 30, 30), "blue 파랑": (30, 60, 220)}
QUICK = ("--model", "yolov8n.yaml", "--imgsz", "64", "--batch", "4", "--set", "plots=false", "--device", "cpu")
"""From scratch and small: an epoch takes half a second, and learns nothing."""


def draw_sign(path: Path, number: int, *, orientation: int = 1, size: tuple[int, int] = (96, 64)) -> tuple[Box, ...]:
    """A gray picture with one or two coloured rectangles, stored turned where an EXIF orientation says so; its boxes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, _ = size
    picture = Image.new("RGB", size, (110 + number % 9 * 5,) * 3)
    pen = ImageDraw.Draw(picture)
    boxes: list[Box] = []
    for at in range(1 + number % 2):
        label = CLASSES[(number + at) % 2]
        x1, y1 = 4 + (number * 7) % 20 + at * width // 2, 4 + (number * 5) % 16
        x2, y2 = x1 + 18 + number % 5, y1 + 22 + number % 7
        pen.rectangle((x1, y1, x2 - 1, y2 - 1), COLOURS[label])
        boxes.append(Box(label, x1, y1, x2, y2))
    exif = Image.Exif()
    if orientation != 1:
        assert orientation == 6
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = orientation
    picture.save(path, "PNG" if path.suffix == ".png" else "JPEG", quality=95, exif=exif)
    return tuple(boxes)


def to_sample(root: Path, key: str, split: str, boxes: Sequence[Box]) -> Sample:
    """The sample of an image file as an import would make it."""
    path = root / key
    header = read_header(path)
    digest = sha256(path.read_bytes()).hexdigest()
    state = "labelled" if boxes else "negative"
    return Sample(
        key, path, header.size, header.orientation, state, with_ids(key, tuple(boxes)), split=split, sha256=digest
    )


def new_signs(folder: Path, counts: tuple[int, int, int] = (8, 4, 4)) -> Ledger:
    """A ledger with drawn images in train, val and test, in the workspace `home` of the folder."""
    samples: list[Sample] = []
    number = 0
    for split, count in zip(("train", "val", "test"), counts, strict=True):
        for at in range(count):
            key = f"{'a [1]' if at % 2 else '한글 b'}/{split} {at}.jpg"
            boxes = draw_sign(folder / "photos" / key, number, orientation=6 if at == 1 else 1)
            samples.append(to_sample(folder / "photos", key, split, boxes))
            number += 1
    return commit_signs(folder, samples)


def commit_signs(folder: Path, samples: Sequence[Sample]) -> Ledger:
    """The ledger after a commit of these samples."""
    ledger = Ledger.create(Workspace(folder / "home").ledger(NAME), "ann", CLASSES)
    ledger.commit(
        {sample.key: sample for sample in samples}, base=ledger.version(), author="ann", tool="import", message="m",
        classes=CLASSES,
    )  # fmt: skip
    return ledger


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """`labelloop train detector ...`, begun in an empty folder of its own, as a user's shell would."""
    stand = folder / "stand here"
    stand.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "labelloop", "train", "detector", *words], cwd=stand, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "LABELLOOP_HOME": str(folder / "home"), "YOLO_OFFLINE": "1"},
    )  # fmt: skip


def train(folder: Path, *words: str, status: int = 0) -> str:
    """What `labelloop train detector ...` says, once it has ended with the status that it should."""
    process = start(folder, *words)
    out, said = process.communicate()
    assert process.returncode == status, said
    assert list((folder / "stand here").iterdir()) == []
    return out + said


def only_run(folder: Path) -> Run:
    """The only run of the workspace."""
    (place,) = (folder / "home" / "runs").iterdir()
    return Run(place)


def wait_until(process: subprocess.Popen[str], run: Path, phase: str, epoch: int = 0) -> None:
    """Return when the run is in the middle of a phase."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1]
        try:
            said = orjson.loads((run / "progress.json").read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            said = {}
        if said.get("phase") == phase and said.get("epoch", 0) >= epoch:
            return
        time.sleep(0.01)
    raise AssertionError(f"{phase} was not reached")


def trainers(run: Path) -> list[int]:
    """The ids of the processes that train this run."""
    found: list[int] = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                words = (place / "cmdline").read_bytes().split(b"\0")
                state = (place / "stat").read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state != "Z" and str(run).encode() in words and any(b"ultralytics_process" in word for word in words):
                found.append(int(place.name))
    return found
