"""Ledgers and sources to test with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from PIL import Image

from labelloop.datasets.boxes import with_ids
from labelloop.datasets.importing import ImportReport, import_source
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Sample, Size, State
from labelloop.datasets.workspace import Workspace

ROOT = Path("/photos")


def sample(key: str, *boxes: Box, state: State = "negative", label: str | None = None, **more: object) -> Sample:
    """An image of 100x80 px whose bytes are its key; boxes without an id get one."""
    named = with_ids(key, boxes)
    digest = sha256(key.encode()).hexdigest()
    state = "labelled" if boxes or label is not None else state
    return Sample(key, ROOT / key, Size(100, 80), 1, state, named, label, sha256=digest, **more)  # type: ignore[arg-type]


def new_ledger(folder: Path, *samples: Sample, classes: Sequence[str] = ("cat", "dog")) -> Ledger:
    """A ledger that holds these samples at version 1."""
    ledger = Ledger.create(folder / "ledgers" / "pets", "ann", classes)
    if samples:
        ledger.commit(by_key(*samples), base=0, author="ann", tool="import", message="first", classes=classes)
    return ledger


def by_key(*samples: Sample) -> dict[str, Sample | None]:
    return {each.key: each for each in samples}


def commit(ledger: Ledger, *samples: Sample, base: int | None = None, author: str = "ann", **more: object) -> int:
    """The version after a commit of these samples."""
    on = ledger.version() if base is None else base
    ledger.commit(by_key(*samples), base=on, author=author, tool="edit", message="m", **more)  # type: ignore[arg-type]
    return ledger.version()


def one(ledger: Ledger, key: str, version: int | None = None) -> Sample:
    """The sample of this key."""
    (found,) = ledger.samples(version, keys=[key])
    return found


def draw(path: Path, number: int = 0, size: tuple[int, int] = (100, 80)) -> None:
    """An image whose bytes depend on the number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (number % 256, number // 256 % 256, 7)).save(path, "PNG")


def write_labelme(folder: Path, labels: Mapping[str, Sequence[Box]], *, first: int = 0) -> Path:
    """A source of LabelMe pairs: a PNG of its own for each key, and its boxes beside it."""
    for number, (key, boxes) in enumerate(labels.items(), first):
        if not (folder / key).exists():
            draw(folder / key, number)
        write_json(folder / key, boxes)
    return folder


def write_json(image: Path, boxes: Sequence[Box], **more: object) -> None:
    """The LabelMe json beside an image."""
    shapes = [
        {
            "label": box.label,
            "points": [[box.x1, box.y1], [box.x2, box.y2]],
            "shape_type": "rectangle",
            **box.attributes,
        }
        for box in boxes
    ]
    document = {"shapes": shapes, "imagePath": image.name, "imageWidth": 100, "imageHeight": 80, **more}
    image.with_suffix(".json").write_text(json.dumps(document))


def do_import(
    home: Path,
    source: Path,
    recipe: Recipe | None = None,
    *,
    author: str = "ann",
    format: str = "",
    skip_bad: bool = False,
) -> ImportReport:
    """Import a source into the data set `pets`."""
    reading = open_source(source, recipe, format=format)
    return import_source(Workspace(home), "pets", reading, author=author, skip_bad=skip_bad, jobs=1)


def ledger_of(home: Path) -> Ledger:
    return Ledger(Workspace(home).ledger("pets"))
