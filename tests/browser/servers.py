"""A data set of plain pictures, and `labelloop browse` on it as a process of its own, as a person starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[2]
CLASSES = ("1000", "50", "앞면")
"""Their declared order is neither that of the alphabet nor that of numbers."""
SIZE = (400, 300)
COUNT = 24
BOX = (40, 60, 140, 160)
SECOND = (220, 120, 340, 240)
"""Corners of the box that images have, and of the second one that every third image has; the last has none."""
PATIENCE = 120
# A shell that starts tests in the background has them ignore Ctrl-C, and their children too.
_MAIN = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from labelloop.tools.cli import main; sys.argv[0] = 'labelloop'; main()"
)


def key(number: int) -> str:
    return f"{number:02}.png"


def sample_id(name: str) -> str:
    return blake2b(name.encode(), digest_size=12).hexdigest()


def draw_source(folder: Path) -> None:
    """A COCO folder: image 0 has a box of class 0, image 1 of class 1, and so on in turn."""
    folder.mkdir(parents=True)
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number in range(COUNT):
        picture = Image.new("RGB", SIZE, (40 + 5 * number, 60, 200 - 6 * number))
        images.append({"id": number + 1, "file_name": key(number), "width": SIZE[0], "height": SIZE[1]})
        corners = [BOX, SECOND][: 0 if number == COUNT - 1 else 2 if number % 3 == 0 else 1]
        for x1, y1, x2, y2 in corners:
            ImageDraw.Draw(picture).rectangle((x1, y1, x2, y2), fill=(230, 230, 10 * number))
            one = {"id": len(boxes) + 1, "image_id": number + 1, "category_id": number % len(CLASSES) + 1}
            boxes.append({**one, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0})
        picture.save(folder / key(number))
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    text = json.dumps({"images": images, "annotations": boxes, "categories": categories})
    (folder / "annotations.json").write_text(text, encoding="utf-8")


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIFTYONE_", "LABELLOOP_"))}
    return {**kept, "PYTHONUTF8": "1"}


def labelloop(*words: object, status: int = 0, extra: dict[str, str] | None = None) -> Any:
    """What a command prints on stdout, as JSON where it is some."""
    done = subprocess.run(
        [sys.executable, "-m", "labelloop", *map(str, words)],
        cwd=ROOT, env={**environment(), **(extra or {})}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


def make_workspace(folder: Path) -> Path:
    """A workspace with the plain pictures as the data set `won`, at version 1."""
    draw_source(folder / "photos")
    labelloop("import", folder / "photos", "--name", "won", "--home", folder / "home", "--author", "ann")
    return folder / "home"


def until(what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first value of a condition that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come true in {seconds} s")


class Browsing:
    """`labelloop browse won` on a workspace; what it says on stderr is in `said`."""

    def __init__(self, home: Path, *options: object, name: str = "won", extra: dict[str, str] | None = None) -> None:
        self.home = home
        self._log = home.parent / f"browse-{time.monotonic_ns()}.log"
        with self._log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, "browse", name, "--home", str(home), "--author", "ann", *map(str, options)],
                cwd=ROOT, env={**environment(), **(extra or {})}, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def ready(self) -> Browsing:
        """Wait until the page can be opened."""
        until("the page is there", lambda: "Ctrl-C stops" in self.said or self.process.poll() is not None)
        assert self.process.poll() is None, self.said
        return self

    @property
    def address(self) -> str:
        found = re.findall(r"^http://\S+", self.said, re.MULTILINE)
        assert found, self.said
        return str(found[-1])

    @property
    def port(self) -> int:
        return int(self.address.split(":")[2].partition("/")[0])

    def app(self) -> int:
        """The process of the App's server; 0 where there is none."""
        found = running(f"app_server {self.port} {self.process.pid}")
        return found[0] if found else 0

    def answers(self) -> bool:
        """Whether the App's server answers."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/fiftyone", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def mongod(self) -> int:
        """The process of the workspace's MongoDB; 0 where there is none."""
        found = running(f"--dbpath {self.home / 'mongo' / 'data'}")
        return found[0] if found else 0

    def interrupt(self) -> int:
        """Ctrl-C, as a terminal sends it: to the whole process group. The exit status."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE)


def running(words: str) -> list[int]:
    """The processes with these words on their command line."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if words in line and state not in "ZX":
                found.append(int(folder.name))
    return found
