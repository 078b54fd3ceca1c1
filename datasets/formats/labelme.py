"""LabelMe: a json beside each image (versions 3 to 5), the image sometimes embedded in it.

Reference: https://github.com/wkentaro/labelme, `labelme/label_file.py`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from math import hypot
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias

import orjson

from ..findings import Findings
from ..format import Export, Format, Holds, Placed, RawBox, RawSample, Source
from ..geometry import Corners
from ..images import embedded_suffix
from ..label_files import number, read_json, text
from ..pairs import Pairs
from ..schema import NOTHING, Json, Sample, Size
from ..tree import Tree, stem

_OF_IMAGE = frozenset({"shapes", "imagePath", "imageData", "imageHeight", "imageWidth"})
_OF_SHAPE = frozenset({"label", "points", "shape_type", "box_id", "score"})
_OUTLINES = frozenset({"polygon", "circle", "mask", "linestrip", "rotation", "oriented_rectangle"})
_EXACT = 1 << 53
"""Integers below this are the same as floats."""

_PLACES = tuple(f"shapes[{number}]" for number in range(64))


def detect(tree: Tree) -> int:
    """How much a folder looks like LabelMe: 90 where the first jsons do, 5 for bare images in the root."""
    jsons = tree.with_suffix(".json")
    for key in jsons[:5]:
        try:
            if isinstance(read_json(tree.path(key)).get("shapes"), list):
                return 90
        except ValueError:
            continue
    return 5 if not tree.others and any("/" not in key for key in tree.images) else 0


def read(source: Source) -> Iterator[RawSample]:
    """The raw samples of a folder of images and jsons: labelled ones first, then images without a json."""
    pairs = Pairs(source)
    rests = _Rests()
    for key in source.tree.with_suffix(".json"):
        try:
            document = read_json(source.tree.others[key], source.recipe.encoding, ("shapes",))
            shapes = document.get("shapes")
            if not isinstance(shapes, list):
                if pairs.twins(key):
                    raise ValueError(f"shapes must be a list, received {type(shapes).__name__}")
                source.findings.add("ignored-file", key, "json without shapes and without an image beside it")
                continue
            embedded = _embedded(document)
            embedded_key = f"{stem(key)}{embedded_suffix(embedded)}" if embedded else ""
            image = pairs.find(key, _image_path(document), embedded_key)
            if image is None:
                continue
            boxes, sound = _boxes(key, shapes, source, rests)
            frame = _frame(document)
        except ValueError as error:
            source.findings.add("unreadable-label-file", key, str(error))
            pairs.give_up(key)
            continue
        if sound:
            yield RawSample(
                image, key, "labelled" if boxes else "negative", frame, boxes, None, None, _rest(document, _OF_IMAGE),
                embedded if image == embedded_key and image not in source.images.images else None,
            )  # fmt: skip
    yield from pairs.without_labels()


def embedded_image(path: Path) -> bytes:
    """The image that a json carries, whatever encoding its texts have.

    Raises:
        ValueError: it carries none, or is broken.
    """
    try:
        document = read_json(path)
    except ValueError:
        document = read_json(path, "latin-1")  # takes any byte; the image is ASCII
    data = _embedded(document)
    if data is None:
        raise ValueError(f"{path}: json carries no image")
    return data


def image_place(sample: Sample) -> str:
    """The key itself: LabelMe has no folders for splits."""
    return sample.key


def write(export: Export) -> None:
    """One json beside each image; none beside an image that nobody has labelled."""
    for placed in export.samples:
        if placed.sample.state != "unlabelled":
            path = export.folder / f"{stem(placed.image)}.json"
            path.write_bytes(orjson.dumps(_document(placed), option=orjson.OPT_INDENT_2))


def _document(placed: Placed) -> dict[str, object]:
    sample = placed.sample
    rest = dict(sample.extra)
    version, flags = rest.pop("version", "5.0.0"), rest.pop("flags", {})
    shapes = [
        {
            "label": box.label,
            "points": [[box.x1, box.y1], [box.x2, box.y2]],
            "shape_type": "rectangle",
            **({"box_id": box.id} if box.id else {}),
            **({"score": box.score} if box.score is not None else {}),
            **({} if box.attributes else {"group_id": None, "flags": {}}),
            **_free(box.attributes, _OF_SHAPE),
        }
        for box in sample.boxes
    ]
    return {
        "version": version,
        "flags": flags,
        "shapes": shapes,
        "imagePath": Path(placed.image).name,
        "imageData": None,
        "imageHeight": sample.size.height,
        "imageWidth": sample.size.width,
        **_free(rest, _OF_IMAGE),
    }


def _free(attributes: Mapping[str, Json], taken: frozenset[str]) -> Mapping[str, Json]:
    """The attributes themselves; a ValueError where one has a name that LabelMe uses for something else."""
    for key in attributes:
        if key in taken:
            raise ValueError(f"attributes must not have the names that LabelMe itself uses, received {key!r}")
    return attributes


def _image_path(document: Mapping[str, Json]) -> str:
    named = document.get("imagePath")
    return text(named, "imagePath") if named is not None else ""


def _embedded(document: Mapping[str, Json]) -> bytes | None:
    data = document.get("imageData")
    if data is None or data == "":
        return None
    try:
        return base64.b64decode(text(data, "imageData"), validate=False)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"imageData must be base64: {error}") from error


def _frame(document: Mapping[str, Json]) -> Size | None:
    width, height = document.get("imageWidth"), document.get("imageHeight")
    if width is None or height is None:
        return None
    if type(width) is int and type(height) is int and 0 < width < _EXACT and 0 < height < _EXACT:
        return Size(width, height)
    size = number(width, "imageWidth"), number(height, "imageHeight")
    if not (size[0] >= 1 and size[1] >= 1 and size[0] == size[0] // 1 and size[1] == size[1] // 1):
        raise ValueError(f"imageWidth and imageHeight must be whole numbers above 0, received {width} and {height}")
    return Size(int(size[0]), int(size[1]))


def _rest(values: Mapping[str, Json], known: frozenset[str]) -> Mapping[str, Json]:
    rest = {key: value for key, value in values.items() if key not in known}
    return rest or NOTHING


_Rest: TypeAlias = Mapping[str, Json]


class _Rests:
    """What shapes say besides their boxes; one mapping for all that say nothing under the same keys.

    Most shapes of a source are such (`group_id: null`, `flags: {}`), and a dict for each is
    a quarter of the memory that their boxes take.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], tuple[Callable[[Mapping[str, Json]], object], object, _Rest]] = {}

    def of(self, shape: _Rest) -> _Rest:
        """The values of a shape that are not of its box."""
        keys = tuple(shape)
        known = self._known.get(keys)
        if known is not None:
            pick, empty, shared = known
            if pick(shape) == empty:
                return shared
        rest = _rest(shape, _OF_SHAPE)
        # Only None and {}, which nothing else equals; 0, 0.0 and False would not be told apart.
        if rest and known is None and all(value is None or value == {} for value in rest.values()):
            pick = itemgetter(*rest)
            self._known[keys] = pick, pick(shape), rest
        return rest


def _boxes(key: str, shapes: list[Json], source: Source, rests: _Rests) -> tuple[list[RawBox], bool]:
    boxes: list[RawBox] = []
    sound = True
    for index, shape in enumerate(shapes):
        place = _PLACES[index] if index < len(_PLACES) else f"shapes[{index}]"
        try:
            if not isinstance(shape, dict):
                raise ValueError(f"shape must be an object, received {type(shape).__name__}")
            kind = shape.get("shape_type") or "polygon"
            corners = _two_corners(shape.get("points")) if kind == "rectangle" else None
            points = [] if corners else _points(shape.get("points"))
            label = text(shape.get("label"), "label")
            if corners is None:
                upright = kind == "rectangle" and _is_upright_rectangle(points)
                if not upright and not _may_box(kind, source, f"{key}:{place}"):
                    sound = False
                    continue
                corners = _extent(kind, points)
            x1, y1, x2, y2 = corners
            box_id, score = text(shape.get("box_id", ""), "box_id"), shape.get("score")
            said = None if score is None else number(score, "score")
            boxes.append(RawBox(label, x1, y1, x2, y2, place, rests.of(shape), box_id, said))
        except ValueError as error:
            source.findings.add("bad-box", f"{key}:{place}", str(error))
            sound = False
    return boxes, sound


def _two_corners(value: Json) -> Corners | None:
    """The corners of two points in any order, where that is all they are: two pairs of floats that span an area.

    None for everything else, which `_points` looks at more closely: this is the road that
    nearly every shape of a real source takes.
    """
    if type(value) is not list or len(value) != 2:
        return None
    first, second = value
    if type(first) is not list or type(second) is not list or len(first) != 2 or len(second) != 2:
        return None
    (x1, y1), (x2, y2) = first, second
    if type(x1) is not float or type(y1) is not float or type(x2) is not float or type(y2) is not float:
        return None
    if x2 < x1:
        x1, x2 = x2, x1
    if y2 < y1:
        y1, y2 = y2, y1
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def _points(value: Json) -> list[tuple[float, float]]:
    if not isinstance(value, list) or len(value) < 2:
        raise ValueError("points must be a list of at least two points")
    points: list[tuple[float, float]] = []
    for point in value:
        if not isinstance(point, list) or len(point) != 2:
            raise ValueError("points must each be two numbers")
        x, y = point
        if type(x) is not float or type(y) is not float:
            x, y = number(x, "point"), number(y, "point")
        if x != x or y != y:
            raise ValueError("box must have finite corners, received NaN")
        points.append((x, y))
    return points


def _is_upright_rectangle(points: list[tuple[float, float]]) -> bool:
    if len(points) == 2:
        return True
    return len(points) == 4 and len({x for x, _ in points}) == 2 and len({y for _, y in points}) == 2


def _may_box(kind: Json, source: Source, place: str) -> bool:
    """Whether a shape that is no upright rectangle may be read as the box around it; notes either answer."""
    findings: Findings = source.findings
    if isinstance(kind, str) and (kind in _OUTLINES or kind == "rectangle"):
        if source.recipe.polygons == "boxes":
            findings.add("boxed-shape", place, f"{kind} is read as the box around it")
            return True
        findings.add(
            "unsupported-shape", place, f"{kind} is no upright rectangle; `polygons: boxes` reads the box around it"
        )
    else:
        # What `json` reads may hold halves of characters, which no report could print.
        shown = str(kind)[:40].encode(errors="backslashreplace").decode()
        findings.add("unsupported-shape", place, f"{shown} has no area and cannot be a box")
    return False


def _extent(kind: Json, points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    if kind == "circle":
        if len(points) != 2:
            raise ValueError(f"circle must have two points, received {len(points)}")
        (x, y), (edge_x, edge_y) = points
        radius = hypot(edge_x - x, edge_y - y)
        return x - radius, y - radius, x + radius, y + radius
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


FORMAT = Format(
    title="LabelMe: a json beside each image",
    holds=Holds(scores=True, attributes=True, ids=True, image_extra=True, class_order=False),
    detect=detect,
    read=read,
    image_place=image_place,
    write=write,
)
