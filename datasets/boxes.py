"""Ids for boxes, and how much two boxes overlap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from .geometry import Corners
from .schema import Box

SAME_OBJECT = 0.5
"""The overlap from which a box of a source that changed is taken for the same object as before."""


def iou(one: Corners, other: Corners) -> float:
    """The area that two boxes share by the area that they cover together, in [0, 1].

    Args:
        one, other: (x1, y1, x2, y2), x1 < x2 and y1 < y2.
    """
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    both = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return shared / (both - shared)


def with_ids(key: str, boxes: Sequence[Box], known: Iterable[Box] = (), now: Iterable[Box] = ()) -> tuple[Box, ...]:
    """The boxes, each with an id of 24 hex characters.

    A box that has an id of that kind keeps it, and one that is among those of now or the
    known ones as it is takes that id. Then one that overlaps a known one that is left takes
    its id, the greatest overlap first, the same label before another; then one that overlaps
    one of now with the same label. The rest get an id made of the key, what the box says, and
    how often it occurs: the same source gives the same ids again, so an import that was killed
    and is run again makes no box twice. No id of the known ones goes to any other box.

    Args:
        key: of the image.
        known: boxes with ids that the image had, as whoever has the boxes knew it.
        now: boxes with ids that it has now, where others have changed it since.
    """
    before, here = {box.id: box for box in known}, {box.id: box for box in now}
    if len(before) == len(boxes) and not here and all(map(_is_still, boxes, before.values())):
        return tuple(before.values())  # nothing changed, which is most of what an import sees
    given: list[Box | None] = [None] * len(boxes)
    used: set[str] = set()
    for index, box in enumerate(boxes):
        if _is_id(box.id) and box.id not in used:
            given[index] = box
            used.add(box.id)
    if before or here:
        _give_same(boxes, given, here, used)
        _give_same(boxes, given, before, used)
        _give_nearest(boxes, given, before, used)
        strangers = {box_id: box for box_id, box in here.items() if box_id not in before}
        _give_nearest(boxes, given, strangers, used, same_label=True)
    taken = {*used, *before, *here}
    return tuple(box or replace(boxes[index], id=_new_id(key, boxes[index], taken)) for index, box in enumerate(given))


def _is_still(box: Box, known: Box) -> bool:
    return (
        box.label == known.label
        and box.x1 == known.x1
        and box.y1 == known.y1
        and box.x2 == known.x2
        and box.y2 == known.y2
        and box.score == known.score
        and (not box.id or box.id == known.id)
        and box.attributes == known.attributes
    )


def _give_same(boxes: Sequence[Box], given: list[Box | None], known: Mapping[str, Box], used: set[str]) -> None:
    """Give each box that has none yet the id of a known one that says the same."""
    alike: dict[tuple[object, ...], list[Box]] = {}
    for each in known.values():
        if each.id not in used:
            alike.setdefault((each.label, each.corners, each.score), []).append(each)
    for index, box in enumerate(boxes):
        twins = alike.get((box.label, box.corners, box.score)) if given[index] is None else None
        same = next((each for each in twins or () if each.attributes == box.attributes), None)
        if twins and same is not None:
            twins.remove(same)
            given[index] = same
            used.add(same.id)


def _give_nearest(
    boxes: Sequence[Box], given: list[Box | None], known: Mapping[str, Box], used: set[str], same_label: bool = False
) -> None:
    """Give each box that has none yet the id of the known one that it overlaps most."""
    left = [each for each in known.values() if each.id not in used]
    pairs = sorted(
        (box.label != each.label, -overlap, index, each.id)
        for index, box in enumerate(boxes)
        if given[index] is None
        for each in left
        if (overlap := iou(box.corners, each.corners)) >= SAME_OBJECT and (box.label == each.label or not same_label)
    )
    for _, _, index, box_id in pairs:
        if given[index] is None and box_id not in used:
            given[index] = replace(boxes[index], id=box_id)
            used.add(box_id)


def _is_id(text: str) -> bool:
    return len(text) == 24 and all(character in "0123456789abcdef" for character in text)


def _new_id(key: str, box: Box, taken: set[str]) -> str:
    times = 0
    while True:
        told = f"{key}\0{box.label}\0{box.corners!r}\0{times}"
        made = blake2b(told.encode(), digest_size=12).hexdigest()
        if made not in taken:
            taken.add(made)
            return made
        times += 1
