"""A source to export, the command that does it, and whole folders to compare."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from PIL import Image


def draw_source(folder: Path, count: int, size: tuple[int, int] = (160, 120)) -> Path:
    """Images with a LabelMe json beside each, in three folders."""
    for number in range(count):
        stem = folder / str(number % 3) / f"{number}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise(size, 20 + number % 80).convert("RGB").save(stem.with_suffix(".jpg"), quality=90)
        shape = {"label": "ab"[number % 2], "points": [[1, 2], [20, 20 + number % 9]], "shape_type": "rectangle"}
        document = {"shapes": [shape], "imagePath": f"{number}.jpg", "imageHeight": size[1], "imageWidth": size[0]}
        stem.with_suffix(".json").write_text(json.dumps(document))
    return folder


def start(source: Path, target: Path, *options: str, **arguments: object) -> subprocess.Popen[str]:
    """`labelloop convert`, started, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "labelloop", "convert", str(source), str(target), "--format", "yolo", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=_as_a_terminal_does, **arguments,
    )  # type: ignore[call-overload]  # fmt: skip


def _as_a_terminal_does() -> None:
    """A group of its own, and no signal ignored, whatever the tests themselves were started with."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def contents(folder: Path) -> dict[str, str]:
    """Every path under a folder, with the checksum of what a file holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }
