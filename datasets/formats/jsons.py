"""A json of any schema beside each image: a recipe's `fields` say where it keeps boxes, labels and sizes.

`labelloop recipe` finds the fields out; docs/recipes.md explains them. The format is
only read, and never recognised by itself, since nothing in a folder says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..errors import LabelloopError
from ..format import FRACTIONS, Format, Holds, RawBox, RawSample, Source
from ..geometry import Corners
from ..json_fields import (
    JsonFields,
    find_objects,
    find_value,
    format_path,
    is_upright_rectangle,
    parse_fields,
    read_document,
    to_corners,
    to_four,
    to_number,
    to_points,
    without,
)  # fmt: skip
from ..label_files import text
from ..pairs import Pairs
from ..schema import NOTHING, Json, Sample, Size
from ..tree import Tree

IMAGE_FOLDERS = (("labels", "images"), ("annotations", "images"), ("json", "images"), ("jsons", "images"))
"""For jsons in a folder of their own: its name, and that of the folder with the images beside it."""


def detect(_tree: Tree) -> int:
    """0: without a recipe, nothing says how to read such a folder."""
    return 0


def read(source: Source) -> Iterator[RawSample]:
    """The raw samples: images with a json first, in the order of the jsons, then images without one.

    Raises:
        LabelloopError: the recipe's fields do not say where boxes and labels are.
    """
    try:
        fields = parse_fields(source.recipe.fields)
    except ValueError as error:
        raise LabelloopError(f"format jsons needs `fields` in its recipe: {error}") from error
    pairs = Pairs(source, IMAGE_FOLDERS)
    for key in source.tree.with_suffix(".json"):
        try:
            document = read_document(source.tree.others[key], source.recipe.encoding)
            try:
                objects = list(find_objects(document, fields.boxes))
            except ValueError:
                if pairs.twins(key):
                    raise
                source.findings.add(
                    "ignored-file", key, "json without the recipe's boxes and without an image beside it"
                )
                continue
            image = pairs.find(key)
            if image is None:
                continue
            frame = _frame(document, fields)
        except ValueError as error:
            source.findings.add("unreadable-label-file", key, str(error))
            pairs.give_up(key)
            continue
        boxes, sound = _boxes(key, document, objects, fields, source)
        if sound:
            yield RawSample(
                image, key, "labelled" if boxes else "negative", frame, boxes, extra=_extra(document, fields)
            )
    yield from pairs.without_labels()


def image_place(sample: Sample) -> str:
    """The key itself."""
    return sample.key


def _frame(document: Json, fields: JsonFields) -> Size | None:
    if fields.units != "pixels":
        return FRACTIONS
    if fields.size is None:
        return None
    width, height = (to_number(find_value(document, path), f"`{format_path(path)}`") for path in fields.size)
    if width < 1 or height < 1 or width % 1 or height % 1:
        raise ValueError(f"image size must be whole numbers above 0, received {width:g} and {height:g}")
    return Size(int(width), int(height))


def _boxes(
    key: str, document: Json, objects: list[tuple[str, Json]], fields: JsonFields, source: Source
) -> tuple[list[RawBox], bool]:
    boxes: list[RawBox] = []
    sound = True
    for place, each in objects:
        where = f"{key}:{place}" if place else key
        try:
            label = text(find_value(document if fields.label_from_root else each, fields.label), "label")
            corners = _corners(each, fields, source, where)
            if corners is None:
                sound = False
                continue
            boxes.append(RawBox(label, *corners, place, _attributes(each, fields)))
        except ValueError as error:
            source.findings.add("bad-box", where, str(error))
            sound = False
    return boxes, sound


def _corners(each: Json, fields: JsonFields, source: Source, place: str) -> Corners | None:
    """The corners of an object as its file counts them, percent as fractions; None, with a finding, for an outline."""
    if fields.numbers:
        a, b, c, d = (to_number(find_value(each, path), f"`{format_path(path)}`") for path in fields.numbers)
        corners = to_corners((a, b, c, d), fields.kind)
    elif fields.kind == "points":
        points = to_points(find_value(each, fields.geometry))
        if not is_upright_rectangle(points):
            if source.recipe.polygons != "boxes":
                source.findings.add(
                    "unsupported-shape", place,
                    f"outline of {len(points)} points is no upright rectangle; `polygons: boxes` reads the box around it",
                )  # fmt: skip
                return None
            source.findings.add("boxed-shape", place, "outline is read as the box around it")
        xs, ys = [x for x, _ in points], [y for _, y in points]
        corners = (min(xs), min(ys), max(xs), max(ys))
    else:
        corners = to_corners(to_four(find_value(each, fields.geometry)), fields.kind)
    if fields.units == "percent":
        x1, y1, x2, y2 = corners
        return x1 / 100, y1 / 100, x2 / 100, y2 / 100
    return corners


def _attributes(each: Json, fields: JsonFields) -> Mapping[str, Json]:
    """What else an object says; nothing where the document itself is the object, or the object a bare list."""
    rest = without(each, [*fields.used_in_object(), *(fields.size or () if not fields.boxes else ())])
    return rest or NOTHING if isinstance(rest, dict) else NOTHING


def _extra(document: Json, fields: JsonFields) -> Mapping[str, Json]:
    if not fields.boxes:
        return NOTHING
    rest = without(document, [fields.boxes, *(fields.size or ()), *([fields.label] if fields.label_from_root else [])])
    return rest or NOTHING if isinstance(rest, dict) else NOTHING


FORMAT = Format(
    title="a json of any schema beside each image, read by a recipe's `fields`",
    holds=Holds(attributes=True, image_extra=True, class_order=False),
    detect=detect,
    read=read,
    image_place=image_place,
    write=None,
)
