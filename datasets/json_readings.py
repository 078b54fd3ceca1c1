"""The ways to read what stands in a json's objects as boxes, and how well each fits the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeAlias, TypeVar

from .geometry import Corners
from .json_fields import (
    NAMED,
    Kind,
    Steps,
    find_value,
    format_path,
    is_upright_rectangle,
    to_corners,
    to_four,
    to_number,
    to_points,
)
from .json_names import named_numbers, plain
from .schema import Json, Size

ENOUGH = 0.8
"""Least share of the boxes that must fit their images."""

ALMOST_ALL = 0.95
"""Least share of the objects that must have a value where it is looked for."""

LAST = 9
"""The rank of readings that are only tried for want of a better one."""

_T = TypeVar("_T")
_Four: TypeAlias = tuple[float, float, float, float]


@dataclass(slots=True)
class Container:
    """The objects at one path, with the number of the file that each is in."""

    path: Steps
    objects: list[tuple[int, Json]] = field(default_factory=list["tuple[int, Json]"])
    files: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the objects of one container as boxes.

    `corners` holds for each object the number of its file and its corners, None where
    this way finds none. Of two that fit alike the lower `rank` wins.
    """

    container: Steps
    lines: dict[str, str]
    corners: list[tuple[int, Corners | None]]
    rank: int
    units: str = "pixels"
    fit: float = 0.0

    @property
    def name(self) -> str:
        """What this way is called in a sentence."""
        kind = self.lines["kind"]
        if kind == "named":
            kind = next(kind for kind, lines in NAMED.items() if all(line in self.lines for line in lines))
        return f"{kind} in {self.units}"


def fields_of(value: dict[str, Json]) -> list[tuple[str, Json]]:
    """The first 200 fields of an object, without those whose names no path can say: none, `*`, broken Unicode."""
    return [(key, each) for key, each in islice(value.items(), 200) if key not in ("", "*") and is_sound(key)]


def is_sound(text: str) -> bool:
    """Whether a text can be written into a file."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def leaves(value: Json, depth: int = 5) -> Iterator[tuple[Steps, Json]]:
    """The paths of what is no object inside an object, lists as a whole and, up to four, one by one."""
    if isinstance(value, dict) and depth:
        for key, each in fields_of(value):
            for steps, leaf in leaves(each, depth - 1):
                yield (key, *steps), leaf
    elif not isinstance(value, dict):
        yield (), value
        if isinstance(value, list) and len(value) <= 4 and depth:
            for index, each in enumerate(value):
                if not isinstance(each, dict | list):
                    yield (str(index),), each


def readings_of(container: Container) -> Iterator[Reading]:
    """Every way to read these objects as boxes that most of them allow."""
    scalars: Counter[Steps] = Counter()
    lists: Counter[Steps] = Counter()
    for _, each in container.objects:
        for steps, leaf in leaves(each):
            (lists if isinstance(leaf, list) or (isinstance(leaf, str) and "," in leaf) else scalars)[steps] += 1
    enough = ALMOST_ALL * len(container.objects)
    for steps, count in sorted(lists.items()):
        if count < enough:
            continue
        fours = _values(container, lambda each, steps=steps: to_four(find_value(each, steps)))
        if _mostly(fours):
            name = plain(steps[-1] if steps else "")
            yield from _four_kinds(container, {"geometry": format_path(steps)}, fours, name)
            if all(isinstance(find_value(each, steps), list) for _, each in container.objects[:1]):
                yield _rows_first(container, steps, fours, name)
            continue
        points = _values(container, lambda each, steps=steps: to_points(find_value(each, steps)))
        if _mostly(points):
            upright = all(points is None or is_upright_rectangle(points) for _, points in points)
            corners = [(number, _around(each) if each else None) for number, each in points]
            lines = {"geometry": format_path(steps), "kind": "points"}
            yield Reading(container.path, lines, corners, 0 if upright else 6)
    numeric = [steps for steps, count in scalars.items() if count >= enough and _is_numeric(container, steps)]
    for rank, kind, paths in named_numbers(numeric):
        fours = _values(container, lambda each, paths=paths: _four(each, paths))
        lines = {"kind": "named", **dict(zip(NAMED[kind], map(format_path, paths), strict=True))}
        yield Reading(container.path, lines, _corners(fours, kind), rank)


def _four_kinds(
    container: Container,
    lines: dict[str, str],
    fours: list[tuple[int, _Four | None]],
    name: str,
) -> Iterator[Reading]:
    fractions = all(four is None or max(map(abs, four)) <= 1.01 for _, four in fours)
    order: list[Kind] = ["xyxy", "cxcywh", "xywh"] if fractions else ["xyxy", "xywh", "cxcywh"]
    for rank, kind in enumerate(order, 1):
        hinted = name.endswith(kind) and not (kind == "xywh" and name.endswith("cxcywh"))
        yield Reading(container.path, {**lines, "kind": kind}, _corners(fours, kind), 0 if hinted else rank)


def _rows_first(container: Container, steps: Steps, fours: list[tuple[int, _Four | None]], name: str) -> Reading:
    """The four numbers as y1, x1, y2, x2, which some models answer: the last choice, unless the name says it."""
    paths = ((*steps, index) for index in ("1", "0", "3", "2"))
    lines = {"kind": "named", **dict(zip(NAMED["xyxy"], map(format_path, paths), strict=True))}
    corners = [(number, (four[1], four[0], four[3], four[2]) if four else None) for number, four in fours]
    return Reading(container.path, lines, corners, 0 if name in ("box2d", "yxyx", "boxyxyx", "bboxyxyx") else LAST)


def judge(reading: Reading, frames: Sequence[Size] | None, images: Sequence[Size]) -> list[Reading]:
    """The reading in each unit that its numbers allow, with the share of boxes that fit."""
    known = [corners for _, corners in reading.corners if corners is not None]
    if not known:
        return []
    highest = max(max(corners) for corners in known)
    longest = max(max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in known)
    if highest <= 2.02 and longest <= 1.01:
        return [replace(reading, units="fractions", fit=_fit(reading, [Size(1, 1)] * len(images)))]
    pixels = replace(reading, fit=_fit(reading, frames or images))
    # Boxes in pixels that never leave the first 100 of large images would be a strange set.
    if 60 <= highest <= 101 and len(known) >= 3 and min(min(size) for size in frames or images) > 200:
        percent = replace(reading, units="percent", fit=_fit(reading, [Size(100, 100)] * len(images)))
        return [percent, replace(pixels, rank=pixels.rank + 10)]
    return [pixels]


def _fit(reading: Reading, frames: Sequence[Size]) -> float:
    good = 0
    for number, corners in reading.corners:
        if corners is not None:
            x1, y1, x2, y2 = corners
            width, height = frames[number]
            over_x, over_y = 0.01 * width, 0.01 * height
            good += -over_x <= x1 < x2 <= width + over_x and -over_y <= y1 < y2 <= height + over_y
    return good / len(reading.corners)


def why(best: Reading, others: list[Reading]) -> list[str]:
    """Sentences that say how well a reading fits, and which others of the same numbers fit as well."""
    count = len(best.corners)
    where = f"`{best.lines['geometry']}` " if best.lines.get("geometry") else ""
    if best.lines["kind"] == "named":
        where = "".join(f"`{path}` " for line, path in best.lines.items() if line != "kind")
    reasons = [f"geometry: {where}read as {best.name} fits the image in {round(best.fit * count)} of {count} boxes"]
    rivals = [each for each in others if each is not best and each.lines.get("geometry") == best.lines.get("geometry")]
    rivals.sort(key=lambda each: (-each.fit, each.rank))
    alike = [each for each in rivals if each.fit >= best.fit - 0.02 and each.rank != LAST]
    if rivals:
        reasons[0] += "; " + ", ".join(f"as {each.name} in {round(each.fit * count)}" for each in rivals[:4])
    if alike:
        reasons.append(
            f"AMBIGUOUS: {' and '.join(each.name for each in [best, *alike])} fit alike; {best.name} is taken, by a"
            " fixed order. Look at the preview, and say `kind` and `units` yourself where it is wrong"
        )
    return reasons


def fits_image_as_well(best: Reading, frames: Sequence[Size] | None, images: Sequence[Size]) -> bool:
    """Whether boxes said to be for a photo twice as large or more all lie inside the small image."""
    if (
        frames is None
        or len(best.corners) < 5
        or any(frame[0] < 2 * image[0] for frame, image in zip(frames, images, strict=True))
    ):
        return False
    return _fit(best, images) == 1.0


def _values(container: Container, read: Callable[[Json], _T]) -> list[tuple[int, _T | None]]:
    found: list[tuple[int, _T | None]] = []
    for number, each in container.objects:
        try:
            found.append((number, read(each)))
        except ValueError:
            found.append((number, None))
    return found


def _mostly(values: Sequence[tuple[int, object]]) -> bool:
    return sum(value is not None for _, value in values) >= ENOUGH * len(values)


def _four(each: Json, paths: Sequence[Steps]) -> tuple[float, float, float, float]:
    a, b, c, d = (to_number(find_value(each, path), "coordinate") for path in paths)
    return a, b, c, d


def _corners(fours: list[tuple[int, _Four | None]], kind: Kind) -> list[tuple[int, Corners | None]]:
    return [(number, to_corners(four, kind) if four else None) for number, four in fours]


def _around(points: list[tuple[float, float]]) -> Corners:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _is_numeric(container: Container, steps: Steps) -> bool:
    return _mostly(_values(container, lambda each: to_number(find_value(each, steps), "coordinate")))
