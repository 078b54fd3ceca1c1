"""Where a json of any schema keeps its boxes: the `fields` of a recipe, and values found by their paths.

    fields:
      boxes: result.objects     # the list of objects
      label: class.name         # inside an object; `/scene.class` starts at the document
      geometry: bbox            # inside an object
      kind: xywh                # xyxy, xywh, cxcywh, points or named
      width: image.size.0       # of the image that the boxes are for
      height: image.size.1

A path is keys with dots between them; a number is a place in a list, `*` is every
one, a backslash before a dot makes it part of a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal, cast, get_args

from .geometry import Corners
from .label_files import decode, describe, number, parse_json, read_bytes
from .schema import Json

Steps = tuple[str, ...]
Kind = Literal["xyxy", "xywh", "cxcywh", "points"]
Units = Literal["pixels", "fractions", "percent"]

NAMED: dict[Kind, tuple[str, str, str, str]] = {
    "xyxy": ("x1", "y1", "x2", "y2"),
    "xywh": ("x", "y", "w", "h"),
    "cxcywh": ("cx", "cy", "w", "h"),
}
"""The lines that go with `kind: named`, by what the four numbers mean."""

_LINES = ("boxes", "label", "geometry", "kind", "units", "width", "height")
_KINDS = (*get_args(Kind), "named")
_NUMBERS = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class JsonFields:
    """The parsed `fields` of a recipe.

    `numbers` are the paths of the four numbers with `kind: named`, else empty; then
    `geometry` is one path. `size` are the paths of width and height, or None.
    """

    boxes: Steps
    label: Steps
    label_from_root: bool
    geometry: Steps
    kind: Kind
    numbers: tuple[Steps, ...] = ()
    units: Units = "pixels"
    size: tuple[Steps, Steps] | None = None

    def used_in_object(self) -> list[Steps]:
        """The paths inside an object that became the box."""
        label = [] if self.label_from_root else [self.label]
        return [*label, *(self.numbers or [self.geometry])]


def parse_fields(given: Mapping[str, str]) -> JsonFields:
    """The fields that a recipe's `fields` describe.

    Raises:
        ValueError: an unknown or missing line, or a value that breaks its rule.
    """
    kind, numbers = _kind(given)
    allowed = (*_LINES, *(NAMED[kind] if numbers else ()))
    unknown = sorted(given.keys() - set(allowed))
    if unknown:
        raise ValueError(f"fields must be only {', '.join(allowed)}, received {', '.join(unknown)}")
    if given.get("label", "") in ("", "/"):
        raise ValueError(f"fields must say where the label is (label: PATH), received only {', '.join(sorted(given))}")
    if ("geometry" in given) == bool(numbers):
        raise ValueError(
            "fields must name the four numbers by their own paths and no geometry, received both"
            if numbers
            else f"fields must say where the coordinates are (geometry: PATH), received only {', '.join(sorted(given))}"
        )
    units = given.get("units", "pixels")
    if units not in get_args(Units):
        raise ValueError(f"units must be one of {', '.join(get_args(Units))}, received {units!r}")
    if ("width" in given) != ("height" in given):
        raise ValueError("fields must have both width and height of the image or neither, received one")
    if "width" in given and units != "pixels":
        raise ValueError(f"width and height of the image are for units: pixels only, received units: {units}")
    return JsonFields(
        parse_path(given.get("boxes", "")),
        parse_path(given["label"].removeprefix("/")),
        given["label"].startswith("/"),
        parse_path(given.get("geometry", "")),
        kind,
        numbers,
        cast(Units, units),
        (parse_path(given["width"]), parse_path(given["height"])) if "width" in given else None,
    )


def parse_path(path: str) -> Steps:
    """The steps of a path; none for "", which is the value itself.

    Raises:
        ValueError: a step without a name.
    """
    if not path:
        return ()
    steps = [""]
    escaped = False
    for letter in path:
        if escaped or letter not in ".\\":
            steps[-1] += letter
        elif letter == ".":
            steps.append("")
        escaped = letter == "\\" and not escaped
    if "" in steps:
        raise ValueError(f"a path must be keys with dots between them, received {path!r}")
    return tuple(steps)


def format_path(steps: Steps) -> str:
    """The text of a path, which `parse_path` reads back."""
    return ".".join(re.sub(r"([.\\])", r"\\\1", step) for step in steps)


def read_document(path: Path | str, encoding: str = "") -> Json:
    """The value that a JSON file holds, object or list.

    Raises:
        ValueError: it cannot be read, is no JSON, or nests too deep.
    """
    data = read_bytes(path)
    return parse_json(decode(data, encoding) if encoding else data)


def find_value(value: Json, steps: Steps) -> Json:
    """What stands at a path.

    Raises:
        ValueError: nothing does.
    """
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and step.isascii() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            raise ValueError(f"`{format_path(steps)}` must be there, received {describe(value)} without {step[:40]!r}")
    return value


def find_objects(document: Json, steps: Steps, place: str = "") -> Iterator[tuple[str, Json]]:
    """The objects at a path with their places: each of a list, a single object, none for null.

    Raises:
        ValueError: nothing is there, or neither list nor object.
    """
    if steps and steps[0] == "*":
        for name, each in _each(document, place):
            yield from find_objects(each, steps[1:], name)
    elif steps:
        name = steps[0] if not place else f"{place}.{steps[0]}"
        yield from find_objects(find_value(document, steps[:1]), steps[1:], name)
    elif isinstance(document, list):
        yield from _each(document, place)
    elif isinstance(document, dict):
        yield place, document
    elif document is not None:
        raise ValueError(f"`{place}` must be a list of objects or an object, received {describe(document)}")


def to_number(value: Json, name: str) -> float:
    """The finite number that a value is or, as text, says.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str):
        try:
            found = float(value[:400]) if value.isascii() and "_" not in value else float("nan")
        except ValueError as error:
            raise ValueError(f"{name} must be a number, received {describe(value)}") from error
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = number(value, name)
    else:
        raise ValueError(f"{name} must be a number, received {describe(value)}")
    if not isfinite(found):
        raise ValueError(f"{name} must be a finite number, received {describe(value)}")
    return found


def to_four(value: Json) -> tuple[float, float, float, float]:
    """The four numbers of a list, or of one text such as `12, 30, 50, 60`.

    Raises:
        ValueError: not four, or not numbers.
    """
    if isinstance(value, str):
        value = cast("list[Json]", _NUMBERS.split(value[:400].strip(" \t()[]")))
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(f"box must be a list of four numbers, received {describe(value)}")
    a, b, c, d = (to_number(each, "coordinate") for each in value)
    return a, b, c, d


def to_points(value: Json) -> list[tuple[float, float]]:
    """The points of a list of [x, y], of {x, y}, or of numbers in turn; a last one that repeats the first is left out.

    Raises:
        ValueError: fewer than two points, or something that is none.
    """
    if not isinstance(value, list):
        raise ValueError(f"points must be a list, received {describe(value)}")
    if len(value) >= 4 and len(value) % 2 == 0 and not isinstance(value[0], list | dict):
        flat = [to_number(each, "coordinate") for each in value]
        points = list(zip(flat[0::2], flat[1::2], strict=True))
    else:
        points = [_point(each) for each in value]
    if len(points) > 3 and points[0] == points[-1]:
        del points[-1]
    if len(points) < 2:
        raise ValueError(f"points must be at least two, received {len(points)}")
    return points


def to_corners(four: tuple[float, float, float, float], kind: Kind) -> Corners:
    """The corners (x1, y1, x2, y2) that four numbers of this kind mean, in their own unit."""
    a, b, c, d = four
    if kind == "xywh":
        return a, b, a + c, b + d
    if kind == "cxcywh":
        return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return four


def is_upright_rectangle(points: list[tuple[float, float]]) -> bool:
    """Whether points are two opposite corners, or the four of a rectangle whose sides are upright."""
    if len(points) == 2:
        return True
    xs, ys = {x for x, _ in points}, {y for _, y in points}
    return len(points) == 4 and len(set(points)) == 4 and len(xs) == 2 and len(ys) == 2


def without(value: Json, paths: Iterable[Steps]) -> Json:
    """The value without what stands at these paths; objects that this leaves empty go too."""
    steps = [path for path in paths if path]
    if isinstance(value, dict):
        kept: dict[str, Json] = {}
        for key, each in value.items():
            below = [path[1:] for path in steps if path[0] in (key, "*")]
            if () in below:
                continue
            rest = without(each, below) if below else each
            if not below or rest not in ({}, []):
                kept[key] = rest
        return kept
    if isinstance(value, list):
        taken = {path[0] for path in steps if len(path) == 1}
        if value and all(str(index) in taken for index in range(len(value))):
            return []
        # A place in a list stays, or those behind it would move up.
        rests = [without(each, [path[1:] for path in steps if path[0] == "*"]) for each in value]
        return [rest for rest in rests if rest != {}]
    return value


def _kind(given: Mapping[str, str]) -> tuple[Kind, tuple[Steps, ...]]:
    kind = given.get("kind", "")
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(_KINDS)}, received {kind!r}")
    if kind != "named":
        return cast(Kind, kind), ()
    for meaning, names in NAMED.items():
        if all(name in given for name in names):
            return meaning, tuple(parse_path(given[name]) for name in names)
    choices = " or ".join(", ".join(names) for names in NAMED.values())
    raise ValueError(f"kind: named must come with the paths {choices}, received {', '.join(sorted(given))}")


def _each(value: Json, place: str) -> Iterator[tuple[str, Json]]:
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield f"{place}[{index}]", each
    elif isinstance(value, dict):
        for key, each in value.items():
            yield f"{place}.{key[:40]}" if place else key[:40], each
    elif value is not None:
        raise ValueError(f"`{place}` must be a list or an object, received {describe(value)}")


def _point(value: Json) -> tuple[float, float]:
    if isinstance(value, dict) and "x" in value and "y" in value:
        return to_number(value["x"], "x"), to_number(value["y"], "y")
    if isinstance(value, list) and len(value) == 2:
        return to_number(value[0], "x"), to_number(value[1], "y")
    raise ValueError(f"a point must be two numbers or an object with x and y, received {describe(value)}")
