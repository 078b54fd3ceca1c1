"""Exports: written beside their place, read back, compared box by box, and only then put there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from . import formats
from .augment_baking import Baking, as_copy, bake, plan_copies
from .copying import copy_images
from .errors import LabelloopError
from .fidelity import compare, summary
from .findings import Findings
from .format import Export, Format, Placed, Source
from .images import Header
from .losses import Loss, project
from .manifest import MANIFEST, format_manifest, is_below
from .partial import written_beside
from .reading import Dataset, Progress, Reading
from .recipe import Recipe
from .schema import Sample
from .tree import Tree, stem, walk

LOSSES = "losses.txt"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote and what it could not.

    `images` and `boxes` count what was written, `splits` the images of each split ("" for
    none); `moved` is the largest movement of a corner found by reading back, as a part of
    the image's side. `augmented` of the images are copies that were baked in.
    """

    target: Path
    format: str
    images: int
    boxes: int
    splits: Mapping[str, int]
    losses: tuple[Loss, ...]
    moved: float
    augmented: int = 0


def export(
    dataset: Dataset,
    target: Path,
    format: str,
    *,
    leave_images: bool = False,
    unlabelled: bool = False,
    with_polygons: bool = False,
    allow_leak: bool = False,
    baking: Baking | None = None,
    jobs: int = 2,
    progress: Progress | None = None,
) -> ExportReport:
    """Write a dataset in a format to a folder that does not exist yet; says what was written.

    The same dataset gives the same bytes. The folder appears when all of it is written, has
    been read back and says the same; a failure or a kill before leaves nothing in its place.

    Args:
        leave_images: write labels only. The images stay where they are.
        unlabelled: take along images that nobody has labelled yet.
        with_polygons: write each box as an outline too, where the format has one.
        allow_leak: write even where a group of images lies in two splits.
        baking: augmented copies to put beside the images of the split train.
        jobs: threads that copy.

    Raises:
        LabelloopError: the target exists, the disk is full, a group lies in two splits, or
            there is nothing that the format can say.
        FidelityError: what was written does not say what was meant.
    """
    kind = formats.load(format)
    if kind.write is None:
        raise LabelloopError(
            f"format must be one that is written ({', '.join(formats.writable_names())}), received {format}"
        )
    if not allow_leak:
        refuse_leaks(dataset.samples)
    if baking is not None and leave_images:
        raise LabelloopError("augmented copies are images, and an export that leaves images out has no place for them")
    samples, losses = project(dataset.samples, kind.holds, format, unlabelled)
    planned = plan_copies(samples, baking) if baking is not None else {}
    if planned:
        copies = [as_copy(key, original) for key, (original, _) in planned.items()]
        samples = sorted([*samples, *copies], key=lambda sample: sample.key)
    try:
        placed = place(samples, kind)
    except ValueError as error:
        raise LabelloopError(f"cannot be written as {format}: {error}") from error
    with written_beside(target) as folder:
        if not leave_images:
            copy_images(
                [each for each in placed if each.sample.key not in planned], folder, jobs=jobs, progress=progress
            )
        if baking is not None:
            placed, left_out = bake(placed, planned, folder, baking, jobs=jobs, progress=progress)
            samples = [each.sample for each in placed]
            losses = (*losses, *left_out)
        try:
            kind.write(Export(folder, dataset.classes, placed, with_polygons))
        except (ValueError, orjson.JSONEncodeError) as error:
            raise LabelloopError(f"cannot be written as {format}: {error}") from error
        (folder / MANIFEST).write_text(format_manifest(placed), encoding="utf-8")
        if losses:
            (folder / LOSSES).write_text("".join(f"{loss}\n" for loss in losses), encoding="utf-8")
        reading = _reading(folder, dataset.classes, format, placed, leave_images)
        moved = compare(samples, reading.samples(), reading.findings)
    splits: dict[str, int] = {}
    for sample in samples:
        splits[sample.split or ""] = splits.get(sample.split or "", 0) + 1
    boxes = sum(len(sample.boxes) for sample in samples)
    augmented = sum(sample.key in planned for sample in samples)
    return ExportReport(target, format, len(samples), boxes, splits, losses, moved, augmented)


def place(samples: Sequence[Sample], kind: Format) -> list[Placed]:
    """Where each sample's image goes; names that would meet are told apart by a number.

    Names meet when they differ only in upper and lower case, or, in formats that pair
    by stem, only in the suffix.

    Raises:
        ValueError: a key or a split that would lead out of the export's folder, or that the
            format has no place for.
    """
    taken: set[str] = set()
    placed: list[Placed] = []
    for sample in samples:
        # Keys and splits may come from a file: they must not choose where on the disk is written.
        if sample.split and (not is_below(sample.split) or "/" in sample.split):
            raise ValueError(f"split must be one name, not hidden, received {sample.split[:120]!r} for {sample.key}")
        name = kind.image_place(sample)
        if not is_below(name):
            raise ValueError(f"image's place must be below the export's folder, not hidden, received {name[:300]!r}")
        folded = (stem(name) if kind.pairs_by_stem else name).casefold()
        number = 2
        while folded in taken:
            suffix = name[len(stem(name)) :]
            candidate = f"{stem(name)}_{number}{suffix}"
            folded = (stem(candidate) if kind.pairs_by_stem else candidate).casefold()
            number += 1
            if folded not in taken:
                name = candidate
        taken.add(folded)
        placed.append(Placed(sample, name))
    return placed


def refuse_leaks(samples: Sequence[Sample]) -> None:
    """Return when every group of images lies in one split.

    Raises:
        LabelloopError: a group lies in two; the text names the first ten with their images.
    """
    first: dict[str, Sample] = {}
    leaks: list[str] = []
    for sample in samples:
        if sample.group is None or sample.split is None:
            continue
        other = first.setdefault(sample.group, sample)
        if other.split != sample.split:
            leaks.append(
                f"{other.key} is in {other.split}, {sample.key} of the same group ({sample.group}) in {sample.split}"
            )
    if leaks:
        raise LabelloopError(summary("groups lie in two splits, so a test would see what was trained on", leaks))


def _reading(folder: Path, classes: tuple[str, ...], format: str, placed: list[Placed], virtual: bool) -> Reading:
    recipe = Recipe(format=format, classes=classes)
    findings = Findings()
    tree = walk(folder, findings)
    images, headers = tree, None
    if virtual:
        images = Tree(
            folder, {each.image: str(each.sample.path) for each in sorted(placed, key=lambda each: each.image)}
        )
        of_size = {size: Header(size, 1, "", "RGB") for size in {each.sample.size for each in placed}}
        headers = {each.image: of_size[each.sample.size] for each in placed}
    return Reading(folder, recipe, format, Source(tree, images, recipe, findings), findings, headers=headers)
