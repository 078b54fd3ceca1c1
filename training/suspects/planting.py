"""Mistakes planted into the data's own labels, to learn what a mistake looks like to this detector.

Each label is also shown with another class, moved, and on a place where nothing is labelled; and each that the detector
found is also taken away. Which of the labels as they are are wrong is not known and not needed: only few are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .features import LABEL_FEATURES, ON, Boxes, Ids, Numbers, find_objects, label_rows, object_rows, overlap
from .geometry import Geometry, find_geometry

PLANTED = ("class", "location", "spurious")
TIMES = 2
"""So many of each kind are planted for each label."""
ENOUGH = 2500
"""Of more labels than these only some are spoilt: there is enough to learn from."""
_SHIFT = (0.25, 0.75)
"""The IoU that a moved label has with itself: those below are spurious, those above are as people draw."""

_ODD = 0.3
"""By so much is a side of an extra label longer or shorter than that of the label it is taken from, as a logarithm."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image: its labels and predictions, its width and height in pixels."""

    labels: Boxes
    found: Boxes
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of features: `kinds` is 0 for what is labelled (or predicted and not labelled) today, above 0 for what was planted.

    `images` and `places` are the numbers of the image, and of the label or the prediction in it; `proposed` is the number of
    the prediction that speaks against a label, -1 where none does.
    """

    values: Numbers
    kinds: Ids
    images: Ids
    places: Ids
    proposed: Ids


def plant(pictures: list[Picture], class_count: int, seed: int) -> tuple[Rows, Rows]:
    """The rows of labels (kinds 1, 2, 3 as in `PLANTED`), and of objects that are predicted and not labelled (kind 1: the label was taken away)."""
    draw = np.random.default_rng(seed)
    pool = [(picture, at) for picture in pictures for at in range(len(picture.labels))]
    frequency = np.bincount(
        np.concatenate([picture.labels.classes for picture in pictures]) if pictures else np.zeros(0, np.int64),
        minlength=class_count,
    ).astype(np.float64)
    geometry = geometry_of(pictures, class_count)
    enough = min(1.0, ENOUGH / max(len(pool), 1))
    label_parts: list[tuple[Numbers, Ids, Ids, Ids, Ids]] = []
    object_parts: list[tuple[Numbers, Ids, Ids, Ids, Ids]] = []
    for number, picture in enumerate(pictures):
        label_parts.append(_labels(picture, number, pool, frequency, enough, draw, geometry))
        object_parts.append(_objects(picture, number, geometry))
    return _with_sizes(_joined(label_parts), draw), _joined(object_parts)


def geometry_of(pictures: list[Picture], class_count: int) -> Geometry:
    """What the labels of each class are like in width and height."""
    corners = np.concatenate([np.zeros((0, 4)), *(each.labels.corners for each in pictures)])
    classes = np.concatenate([np.zeros(0, np.int64), *(each.labels.classes for each in pictures)])
    sizes = np.concatenate([np.zeros((0, 2)), *(np.tile(each.size, (len(each.labels), 1)) for each in pictures)])
    return find_geometry(corners, classes, sizes, class_count)


def _labels(
    picture: Picture, number: int, pool: list[tuple[Picture, int]], frequency: Numbers, enough: float,
    draw: np.random.Generator, geometry: Geometry,
) -> tuple[Numbers, Ids, Ids, Ids, Ids]:  # fmt: skip
    labels = picture.labels
    count = len(labels)
    own = np.arange(count, dtype=np.int64)
    corners: list[Numbers] = [labels.corners]
    classes: list[Ids] = [labels.classes]
    kinds: list[Ids] = [np.zeros(count, np.int64)]
    places: list[Ids] = [own]
    for _ in range(TIMES):
        chosen = draw.random(count) < enough
        other = np.array([_other_class(int(each), frequency, draw) for each in labels.classes], np.int64).reshape(-1)
        moved = np.array([_moved(each, draw) for each in labels.corners], np.float64).reshape(-1, 4)
        for corner, label, kind in ((labels.corners, other, 1), (moved, labels.classes, 2)):
            usable = (label >= 0) & chosen
            corners.append(corner[usable])
            classes.append(label[usable])
            kinds.append(np.full(int(usable.sum()), kind, np.int64))
            places.append(own[usable])
    # As many as there are labels, in the mean: images without any get some as well.
    tried = [_extra(picture, pool, draw) for _ in range(TIMES * max(count, 1)) if pool and draw.random() < enough]
    kept = [each for each in tried if each is not None]
    corners.append(np.array([corner for corner, _ in kept], np.float64).reshape(-1, 4))
    classes.append(np.array([label for _, label in kept], np.int64))
    kinds.append(np.full(len(kept), 3, np.int64))
    places.append(np.full(len(kept), -1, np.int64))
    wanted = Boxes(np.concatenate(corners), np.concatenate(classes), np.zeros(0))
    area = float(picture.size[0] * picture.size[1])
    place = np.concatenate(places)
    # A spoilt label stands in the place of the true one; an extra one stands beside all.
    unlike = geometry.unlike(wanted.corners, wanted.classes, picture.size)
    values, proposed = label_rows(wanted, place, labels, picture.found, area, unlike)
    kind_of = np.concatenate(kinds)
    return values, kind_of, np.full(len(kind_of), number, np.int64), place, proposed


def _objects(picture: Picture, number: int, geometry: Geometry) -> tuple[Numbers, Ids, Ids, Ids, Ids]:
    found, labels = picture.found, picture.labels
    objects = find_objects(found)
    iou, _ = overlap(found.corners[objects.best], labels.corners)
    on = iou.max(axis=1) if len(labels) else np.zeros(len(objects.best))
    label = iou.argmax(axis=1) if len(labels) else np.zeros(len(objects.best), np.int64)
    free, taken = np.flatnonzero(on < ON), np.flatnonzero(on >= ON)
    # The surest object on a label is the one that is found when the label goes; objects come the surest first.
    _, first = np.unique(label[taken], return_index=True)
    taken = taken[first]
    wanted = np.concatenate([free, taken])
    without = np.concatenate([np.full(len(free), -1, np.int64), label[taken].astype(np.int64)])
    area = float(picture.size[0] * picture.size[1])
    unlike = geometry.unlike(found.corners, found.classes, picture.size)
    values = object_rows(objects, wanted, without, labels, found, area, unlike)
    kinds = (without >= 0).astype(np.int64)
    best = objects.best[wanted]
    return values, kinds, np.full(len(kinds), number, np.int64), best, best


def _other_class(label: int, frequency: Numbers, draw: np.random.Generator) -> int:
    """Another class, frequent ones more often; -1 where there is only one."""
    weights = np.sqrt(frequency)
    weights[label] = 0.0
    total = weights.sum()
    return int(draw.choice(len(weights), p=weights / total)) if total else -1


def _moved(corners: Numbers, draw: np.random.Generator) -> Numbers:
    """The box moved, or made larger or smaller, or both, until its IoU with itself is as drawn."""
    wanted = draw.uniform(*_SHIFT)
    sides = np.tile(corners[2:] - corners[:2], 2)
    direction = draw.normal(size=2)
    way = np.tile(direction, 2)
    if draw.random() < 0.5:  # each side by itself
        way = draw.normal(size=4)
    way /= np.abs(way).max()
    low, high = 0.0, 1.0
    moved = corners
    for _ in range(12):
        middle = (low + high) / 2
        tried = corners + way * middle * sides
        good = tried[0] < tried[2] and tried[1] < tried[3]
        if good and overlap(corners[None], tried[None])[0][0, 0] > wanted:
            low, moved = middle, tried
        else:
            high = middle
    return moved


def _extra(picture: Picture, pool: list[tuple[Picture, int]], draw: np.random.Generator) -> tuple[Numbers, int] | None:
    """A box of another image, moved to where nothing is labelled here; None where there is no room for it."""
    other, at = pool[int(draw.integers(len(pool)))]
    scale = np.tile(np.array(picture.size, float) / np.array(other.size, float), 2)
    box = other.labels.corners[at] * scale
    sides = (box[2:] - box[:2]) * np.exp(draw.normal(0, _ODD, 2))
    room = np.maximum(np.array(picture.size, float) - sides, 0.0)
    for _ in range(6):
        start = draw.uniform(0, 1, 2) * room
        corners = np.concatenate([start, start + sides])
        if not len(picture.labels) or overlap(corners[None], picture.labels.corners)[0].max() < 0.25:
            return corners, int(other.labels.classes[at])
    return None


def _joined(parts: list[tuple[Numbers, Ids, Ids, Ids, Ids]]) -> Rows:
    if not parts:
        none = np.zeros(0, np.int64)
        return Rows(np.zeros((0, 1)), none, none, none, none)
    values, kinds, images, places, proposed = zip(*parts, strict=True)
    return Rows(
        np.concatenate(values), np.concatenate(kinds), np.concatenate(images), np.concatenate(places),
        np.concatenate(proposed),
    )  # fmt: skip


_AREA = LABEL_FEATURES.index("area")
_SIZES = 6


def _with_sizes(rows: Rows, draw: np.random.Generator) -> Rows:
    """The rows, with those of spurious boxes drawn again such that they are as large as labels are.

    Large ones find no room as often: a small label would look spurious for its size alone.
    """
    area, today, extra = rows.values[:, _AREA] if len(rows.kinds) else np.zeros(0), rows.kinds == 0, rows.kinds == 3
    if today.sum() < 20 or not extra.any():
        return rows
    limits = np.quantile(area[today], np.linspace(0, 1, _SIZES + 1)[1:-1])
    size = np.searchsorted(limits, area)
    kept = [np.flatnonzero(~extra)]
    for number in range(_SIZES):
        there = np.flatnonzero(extra & (size == number))
        if len(there):
            kept.append(draw.choice(there, TIMES * int((today & (size == number)).sum())))
    chosen = np.concatenate(kept).astype(np.int64)
    return Rows(
        rows.values[chosen], rows.kinds[chosen], rows.images[chosen], rows.places[chosen], rows.proposed[chosen]
    )
