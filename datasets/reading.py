"""A source, read: its folder walked, its format found, its labels turned into samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from . import formats
from .errors import LabelloopError
from .findings import Findings
from .format import RawSample, Source
from .images import MAX_PIXELS, Header, ImageProblem, find_header_notes, read_embedded_header, read_header
from .manifest import MANIFEST, Row, read_manifest
from .recipe import Recipe
from .resolve import resolve
from .schema import Sample
from .tree import walk

Progress = Callable[[int, int], None]
"""Called with how many images are done and how many there are."""


@dataclass(slots=True)
class Reading:
    """A source that is open for reading.

    `samples()` streams; what is wrong collects in `findings`, and `places` fills with the key
    of the image that each place in the label files is about. `dataset()` reads it all.
    """

    root: Path
    recipe: Recipe
    format: str
    source: Source
    findings: Findings
    max_pixels: int = MAX_PIXELS
    headers: Mapping[str, Header] | None = None
    header_of: Callable[[str, Header], None] | None = None
    places: dict[str, str] = field(default_factory=dict[str, str])
    _read: set[str] = field(default_factory=set[str])

    def samples(self, progress: Progress | None = None) -> Iterator[Sample]:
        """The samples that can be read, as the files come; what cannot is in `findings` and `left_out()`."""
        manifest = read_manifest(self.root / MANIFEST, self.findings)
        total, done = len(self.source.images.images), 0
        for raw in formats.load(self.format).read(self.source):
            sample = self._sample(raw, manifest.get(raw.image))
            if sample is not None:
                self._read.add(raw.image)
                self.places[raw.place] = sample.key
                yield sample
            done += 1
            if progress is not None and done % 100 == 0:
                progress(done, max(done, total))
        if progress is not None:
            progress(done, done)

    def left_out(self) -> list[str]:
        """The keys of the images that a finding kept from being read, in order; known once `samples()` has ended."""
        return [key for key in self.source.images.images if key not in self._read]

    def dataset(self, progress: Progress | None = None) -> Dataset:
        """All samples in the order of their keys, and the classes in their order."""
        samples = sorted(self.samples(progress), key=lambda sample: sample.key)
        for before, after in pairwise(samples):
            if before.key == after.key:
                self.findings.add("same-key", after.key, f"{before.path} and {after.path} have the same key")
        return Dataset(tuple(samples), self._classes(samples))

    def _sample(self, raw: RawSample, row: Row | None) -> Sample | None:
        path = self.source.images.images.get(raw.image)
        notes: list[tuple[str, str]] = []
        try:
            if raw.embedded is not None:
                path = str(self.source.tree.path(raw.place))
                header = read_embedded_header(raw.embedded, self.max_pixels)
                notes = find_header_notes(raw.image, header)
            elif path is None:
                raise ImageProblem("unreadable-image", "image is not in the source")
            else:
                header = self.headers.get(raw.image) if self.headers is not None else None
                if header is None:
                    header = read_header(path, self.max_pixels)
                    notes = find_header_notes(raw.image, header)
        except ImageProblem as problem:
            self.findings.add(problem.kind, raw.image, str(problem))
            return None
        for kind, message in notes:
            self.findings.add(kind, raw.image, message)
        if self.header_of is not None:
            self.header_of(raw.image, header)
        return resolve(raw, Path(path), header, self.recipe, self.findings, row)

    def _classes(self, samples: list[Sample]) -> tuple[str, ...]:
        if self.recipe.classes:
            return self.recipe.classes
        named = [self.recipe.class_of(name) or name for name in self.source.declared if name]
        if not named and self.recipe.labels:
            named = list(self.recipe.labels.values())
        order = dict.fromkeys(named)
        seen = {box.label for sample in samples for box in sample.boxes}
        seen |= {sample.label for sample in samples if sample.label is not None}
        missing = sorted(seen - order.keys(), key=natural)
        if missing and not order:
            self.findings.add(
                "class-order-assumed", "", f"no class order is declared; taken: {', '.join(missing)} (a recipe pins it)"
            )
        elif missing:
            self.findings.add("classes-differ", "", f"labels without a place in the class order: {', '.join(missing)}")
        return (*order, *missing)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples in the order of their keys, and class names in the order of their ids."""

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]


def open_source(
    root: Path,
    recipe: Recipe | None = None,
    *,
    format: str = "",
    images: Path | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Reading:
    """A source, walked and ready to be read; nothing in it is ever written to.

    Args:
        root: the folder with the labels, and with the images unless `images` says otherwise.
        recipe: how to read it; none reads the format as it is.
        format: the format's name; "" takes the recipe's, or finds it out.
        images: the folder with the images.
        max_pixels: larger images are refused.

    Raises:
        LabelloopError: no such folder, or no format that can be recognised.
    """
    recipe = recipe or Recipe()
    findings = Findings(recipe.accept)
    tree = walk(root, findings)
    if not tree.images and not tree.others:
        raise LabelloopError(f"source must hold images and labels, received an empty folder: {root}")
    image_tree = walk(images, findings) if images is not None else tree
    name = format or recipe.format or formats.detect(tree)
    formats.load(name)
    return Reading(root, recipe, name, Source(tree, image_tree, recipe, findings), findings, max_pixels)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts 2 before 10: the text cut into runs of digits and the rest."""
    return tuple(
        (0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part)
        for part in re.split(r"(\d+)", name[:1000])
        if part
    )
