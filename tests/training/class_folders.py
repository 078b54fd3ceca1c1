"""Pictures in class folders, imported and split, for a classifier to be trained on in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from labelloop.datasets.importing import import_source
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Sample
from labelloop.datasets.workspace import Workspace


def draw_stripes(path: Path, across: bool, seed: int, size: tuple[int, int] = (48, 40)) -> None:
    """A picture of stripes: a network can tell those that go across from those that go down."""
    draw = np.random.default_rng(seed)
    width, height = size
    along = np.arange(height)[:, None] if across else np.arange(width)[None, :]
    wave = np.sin(along * draw.uniform(0.7, 1.1) + draw.uniform(0, 6)) * 60
    pixels = 128 + wave[..., None] + draw.normal(0, 25, (height, width, 3)) + draw.uniform(-30, 30, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


def draw_folders(folder: Path, counts: Mapping[str, int]) -> Path:
    """A folder for each class; `across` has stripes that go across, all others such that go down."""
    for place, (name, count) in enumerate(counts.items()):
        for number in range(count):
            suffix = ("jpg", "png")[number % 2]
            draw_stripes(folder / name / f"{name} {number}.{suffix}", name == "across", place * 1000 + number)
    return folder


def imported(home: Path, source: Path, *, name: str = "stripes", recipe: Recipe | None = None) -> Ledger:
    """A data set made of a source, of the classes in it."""
    import_source(Workspace(home), name, open_source(source, recipe or Recipe()), author="ann", jobs=1)
    return Ledger(Workspace(home).ledger(name))


def put_into(ledger: Ledger, splits: Mapping[str, str | None], *, together: int = 0) -> Ledger:
    """The ledger, with each image in the split of the first word that its key has in it.

    Args:
        together: so many images of a class, in the order of their keys, are a group; 0 leaves groups as they are.
    """
    changed: dict[str, Sample | None] = {}
    for number, sample in enumerate(ledger.samples()):
        group = f"{sample.label} {number // together}" if together else sample.group
        split = next((split for word, split in splits.items() if word in sample.key), sample.split)
        changed[sample.key] = replace(sample, split=split, group=group)
    ledger.commit(changed, base=ledger.version(), author="ann", tool="split", message="by name")
    return ledger


def split_by_number(ledger: Ledger) -> Ledger:
    """The ledger, with every fifth image in val, the next in test, and the others in train."""
    return put_into(ledger, {f"{n}.": {0: "val", 1: "test"}.get(n % 5, "train") for n in range(9, -1, -1)})
