"""One MongoDB and one workspace for all tests of the window, started when the first asks for it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from labelloop.datasets.boxes import with_ids
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Json, Sample, Size
from labelloop.datasets.window import leave, remove_window
from labelloop.datasets.window_fiftyone import fiftyone
from labelloop.datasets.workspace import Workspace
from labelloop.tools.mongod import OWNER, Server, ensure_mongod, fiftyone_environment

CLASSES = ("10", "50", "100", "앞면")


@cache
def workspace() -> Workspace:
    home = Path(tempfile.mkdtemp(prefix="labelloop-window-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return Workspace(home)


@cache
def server() -> Server:
    """The MongoDB, with FiftyOne connected to it; the environment is as it was afterwards."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("FIFTYONE_") or name == OWNER]:
        del os.environ[name]
    made = ensure_mongod(workspace())
    atexit.register(made.close)
    os.environ.update(environment(made))
    try:
        fiftyone()
    finally:
        os.environ.clear()
        os.environ.update(before)
    atexit.register(leave)
    return made


def environment(made: Server) -> dict[str, str]:
    return fiftyone_environment(workspace(), made)


def fo() -> Any:
    server()
    return fiftyone()


def new_ledger(name: str, samples: Sequence[Sample], findings: Mapping[str, Sequence[str]] | None = None) -> Ledger:
    """A ledger with these samples at version 1, and no window on it."""
    server()
    folder = workspace().ledger(name)
    shutil.rmtree(folder, ignore_errors=True)
    ledger = Ledger.create(folder, "ann", CLASSES)
    changed = {each.key: each for each in samples}
    ledger.commit(changed, base=0, author="ann", tool="import", message="first", findings=findings)
    if fo().dataset_exists(name):
        fo().delete_dataset(name)
    remove_window(ledger)
    return ledger


def box(
    key: str,
    label: str = "10",
    corners: tuple[float, float, float, float] = (10, 20, 110, 220),
    attributes: Mapping[str, Json] | None = None,
    score: float | None = None,
) -> Box:
    return with_ids(key, [Box(label, *corners, score=score, attributes=attributes or {})])[0]


def sample(key: str, *boxes: Box, size: tuple[int, int] = (640, 480), **more: Any) -> Sample:
    """A sample; unlabelled without boxes, label and state."""
    state = "labelled" if boxes or more.get("label") else "unlabelled"
    more.setdefault("state", state)
    return Sample(key, workspace().home / "photos" / key, Size(*size), boxes=boxes, sha256=key.encode().hex(), **more)


def draw(given: Sample, orientation: int = 1) -> None:
    """Write the image file of a sample; stored turned, with the EXIF orientation that turns it back."""
    given.path.parent.mkdir(parents=True, exist_ok=True)
    width, height = given.size
    exif = Image.Exif()
    exif[274] = orientation
    stored = (height, width) if orientation >= 5 else (width, height)
    Image.new("RGB", stored).save(given.path, exif=exif)
