"""What changed between two states of the labels: per image and per box, by id, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from .boxes import iou
from .schema import Box, Sample

Kind = Literal[
    "image-added",
    "image-removed",
    "image-replaced",
    "image-moved",
    "state",
    "label",
    "split",
    "group",
    "tags",
    "extra",
    "box-added",
    "box-deleted",
    "box-moved",
    "box-renamed",
    "box-changed",
]

_WORDS = {
    "image-added": ("image added", "images added"),
    "image-removed": ("image removed", "images removed"),
    "image-replaced": ("image replaced", "images replaced"),
    "image-moved": ("image in another place", "images in another place"),
    "state": ("state changed", "states changed"),
    "label": ("image label changed", "image labels changed"),
    "split": ("split changed", "splits changed"),
    "group": ("image in another group", "images in another group"),
    "tags": ("image's tags changed", "images' tags changed"),
    "extra": ("extra changed", "extras changed"),
    "box-added": ("box added", "boxes added"),
    "box-deleted": ("box deleted", "boxes deleted"),
    "box-moved": ("box moved", "boxes moved"),
    "box-renamed": ("box renamed", "boxes renamed"),
    "box-changed": ("box changed otherwise", "boxes changed otherwise"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: what kind, on which image, on which box (its id, "" for the image's own), before and after.

    `iou` is the overlap of the old and the new corners of a box that moved, in [0, 1].
    """

    kind: Kind
    key: str
    box: str = ""
    before: object = None
    after: object = None
    iou: float | None = None


@dataclass(frozen=True, slots=True)
class ClassChange:
    """How the boxes of one class changed: counts. A renamed box counts under its old and its new class."""

    name: str
    added: int
    deleted: int
    moved: int
    renamed_from: int
    renamed_to: int


def find_changes(before: Sample | None, after: Sample | None) -> Iterator[Change]:
    """The differences between two states of one image; None is an image that is not there.

    The order of an image's boxes is none. `image-moved` says that its file lies elsewhere.
    """
    if before is None or after is None:
        side = before or after
        if side is not None:
            yield Change("image-removed" if after is None else "image-added", side.key, before=before, after=after)
            for box in side.boxes:
                if after is None:
                    yield Change("box-deleted", side.key, box.id, before=box)
                else:
                    yield Change("box-added", side.key, box.id, after=box)
        return
    key = after.key
    if before.sha256 != after.sha256:
        yield Change("image-replaced", key, before=before.sha256, after=after.sha256)
    if before.path != after.path:
        yield Change("image-moved", key, before=str(before.path), after=str(after.path))
    pairs: tuple[tuple[Kind, object, object], ...] = (
        ("state", before.state, after.state),
        ("label", before.label, after.label),
        ("split", before.split, after.split),
        ("group", before.group, after.group),
        ("tags", before.tags, after.tags),
        ("extra", before.extra, after.extra),
    )
    for kind, old, new in pairs:
        if old != new:
            yield Change(kind, key, before=old, after=new)
    if before.boxes != after.boxes:
        yield from _box_changes(key, before.boxes, after.boxes)


def _box_changes(key: str, before: Iterable[Box], after: Iterable[Box]) -> Iterator[Change]:
    old = {box.id: box for box in before}
    new = {box.id: box for box in after}
    for box in old.values():
        now = new.get(box.id)
        if now is None:
            yield Change("box-deleted", key, box.id, before=box)
            continue
        if box.corners != now.corners:
            yield Change("box-moved", key, box.id, box, now, iou(box.corners, now.corners))
        if box.label != now.label:
            yield Change("box-renamed", key, box.id, box, now)
        if box.score != now.score or box.attributes != now.attributes:
            yield Change("box-changed", key, box.id, box, now)
    for box in new.values():
        if box.id not in old:
            yield Change("box-added", key, box.id, after=box)


def count_changes(changes: Iterable[Change]) -> dict[str, int]:
    """How many changes there are of each kind, in the order of `Kind`, zeros left out."""
    counts = Counter(change.kind for change in changes)
    return {kind: counts[kind] for kind in Kind.__args__ if counts[kind]}  # type: ignore[attr-defined]


def counts_text(counts: Mapping[str, int]) -> str:
    """Counts of changes in words, such as "1 box added, 2 boxes moved"; empty where there are none."""
    said = ((count, *_WORDS[kind]) if kind in _WORDS else (count, kind, kind) for kind, count in counts.items())
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in said)


def count_classes(changes: Iterable[Change], classes: Iterable[str]) -> tuple[ClassChange, ...]:
    """How the boxes of each class changed, in the order of the classes; classes without a change left out."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in classes}
    for change in changes:
        for what, box in _by_class(change):
            counts.setdefault(box.label, Counter())[what] += 1
    return tuple(
        ClassChange(name, seen["added"], seen["deleted"], seen["moved"], seen["from"], seen["to"])
        for name, seen in counts.items()
        if seen
    )


def _by_class(change: Change) -> Iterator[tuple[str, Box]]:
    before, after = change.before, change.after
    if change.kind == "box-added" and isinstance(after, Box):
        yield "added", after
    elif change.kind == "box-deleted" and isinstance(before, Box):
        yield "deleted", before
    elif change.kind == "box-moved" and isinstance(before, Box):
        yield "moved", before
    elif change.kind == "box-renamed" and isinstance(before, Box) and isinstance(after, Box):
        yield "from", before
        yield "to", after


def changes_between(before: Mapping[str, Sample], after: Mapping[str, Sample]) -> list[Change]:
    """All differences between two sets of samples by key, in the order of the keys."""
    return [change for key in sorted({**before, **after}) for change in find_changes(before.get(key), after.get(key))]
