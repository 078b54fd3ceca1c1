"""VGG Image Annotator 2 (and 1): one json for many images, each known by file name and size in bytes.

VIA lists every image that was loaded, so an image without regions has been opened but
not necessarily looked at: it is not labelled yet, unless its file attribute
`labelloop_state` or the recipe says otherwise.

Reference: https://www.robots.ox.ac.uk/~vgg/software/via/, "VIA JSON format" 2.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import cos, inf, isfinite, isnan, nextafter, sin

import orjson

from ..format import Export, Format, Holds, Placed, RawBox, RawSample, Source
from ..geometry import Corners
from ..label_files import describe, number, read_json, text
from ..pairs import shorten
from ..schema import NOTHING, Box, Json, Sample, State
from ..tree import Tree
from ..via_images import Images

_LABEL, _STATE, _REST, _ORDER = "label", "labelloop_state", "labelloop_attributes", "labelloop_order"
_PARTS = ("_via_img_metadata", "_via_attributes", "regions")
_USUAL = ("class", "type", "name", "category")
_OUTLINES = frozenset({"polygon", "circle", "ellipse", "polyline"})


def detect(tree: Tree) -> int:
    """How much a folder looks like VIA: 90 where one of the first jsons does."""
    for key in tree.with_suffix(".json")[:5]:
        try:
            if _entries(read_json(tree.path(key))) is not None:
                return 90
        except ValueError:
            continue
    return 0


def read(source: Source) -> Iterator[RawSample]:
    """The raw samples in the order of the VIA files and their entries, then the images that none of them lists."""
    images = Images(source)
    for key in source.tree.with_suffix(".json"):
        try:
            document = read_json(source.tree.others[key], source.recipe.encoding, _PARTS)
            entries = _entries(document)
            if entries is None:
                source.findings.add("ignored-file", key, "json that is no VIA project or annotation")
                continue
            label = _label_attribute(entries, source.recipe.fields.get("label", ""))
        except ValueError as error:
            source.findings.add("unreadable-label-file", key, str(error))
            continue
        _declare(key, _class_order(document, label), source)
        for name, entry in entries.items():
            raw = _sample(key, name, entry, label, images, source)
            if raw is not None:
                yield raw
    for image in images.left():
        yield source.without_labels(image, "image is in no VIA file")


def image_place(sample: Sample) -> str:
    """The key itself: VIA has no folders for splits."""
    return sample.key


def write(export: Export) -> None:
    """`via.json`, a project that VIA 2 opens ("Load Project").

    VIA finds the images by their names where `via.html` lies beside `via.json`, or in the
    default path of its settings; "Add Files" matches file names without folders.
    """
    metadata = dict(_entry(export, placed) for placed in export.samples)
    order = list(export.classes)
    # JavaScript puts options that are whole numbers ('10', '50') first and sorts them, so the
    # order is written as a list too, which VIA hands through when it saves the project.
    label = {
        "type": "dropdown", "description": "class", "options": {name: name for name in order}, "default_options": {}, _ORDER: order,
    }  # fmt: skip
    state = {
        "type": "radio",
        "description": "an image without boxes",
        "options": {"negative": "looked at, nothing there", "unlabelled": "not labelled yet"},
        "default_options": {},
    }
    project: dict[str, object] = {
        "_via_settings": {
            "ui": {"image": {"region_label": _LABEL, "region_color": _LABEL}},
            "core": {"buffer_size": 18, "filepath": {}, "default_filepath": ""},
            "project": {"name": "labelloop"},
        },
        "_via_img_metadata": metadata,
        "_via_attributes": {"region": {_LABEL: label}, "file": {_STATE: state}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(metadata),
    }
    (export.folder / "via.json").write_bytes(orjson.dumps(project, option=orjson.OPT_INDENT_2))


def _sample(
    key: str, name: str, entry: dict[str, Json], label: str, images: Images, source: Source
) -> RawSample | None:
    shown = name if len(name) <= 80 else f"{name[:77]}..."
    place = f"{key}:{shown}"
    try:
        image = images.find(key.rpartition("/")[0], text(entry.get("filename"), "filename"), entry.get("size"), place)
        if image is None:
            return None
        regions = entry.get("regions")
        if isinstance(regions, dict):
            regions = list(regions.values())
        if not isinstance(regions, list):
            raise ValueError(f"regions must be a list, received {describe(regions)}")
        attributes = entry.get("file_attributes") or {}
        if not isinstance(attributes, dict):
            raise ValueError(f"file_attributes must be an object, received {describe(attributes)}")
    except ValueError as error:
        source.findings.add("unreadable-label-file", place, str(error))
        return None
    boxes: list[RawBox] = []
    for index, region in enumerate(regions):
        try:
            box = _box(region, label, place, f"regions[{index}]", source)
        except ValueError as error:
            source.findings.add("bad-box", f"{place}:regions[{index}]", str(error))
            box = None
        if box is not None:
            boxes.append(box)
    if len(boxes) < len(regions):
        return None
    state: State = "labelled"
    if not boxes:
        said = attributes.get(_STATE)
        state = "negative" if said == "negative" else "unlabelled" if said == "unlabelled" else source.recipe.missing
        if said not in ("negative", "unlabelled"):
            source.findings.add("orphan-image", image, f"image has no regions in {key}: {_meaning(state)}")
    extra = {name: value for name, value in attributes.items() if name != _STATE}
    return RawSample(image, place, state, None, boxes, extra=extra or NOTHING)


def _box(region: Json, label: str, entry: str, place: str, source: Source) -> RawBox | None:
    """The box of a region; None, with a finding, for a shape that may not be read as one.

    Raises:
        ValueError: no region, a shape without its numbers, or a class that is no text.
    """
    if not isinstance(region, dict):
        raise ValueError(f"region must be an object, received {describe(region)}")
    shape, attributes = region.get("shape_attributes"), region.get("region_attributes") or {}
    if not isinstance(shape, dict) or not isinstance(attributes, dict):
        raise ValueError("region must have shape_attributes and region_attributes, both objects")
    if not label:
        raise ValueError(f"region must have a class, received none in {shorten(str(sorted(attributes)))}")
    said = attributes.get(label)
    if isinstance(said, dict):
        raise ValueError(f"{label} must be one class, received the choice of several {shorten(str(said))}")
    name = text(said, label)
    kind = shape.get("name")
    if kind != "rect":
        shown, place_of = kind if isinstance(kind, str) else describe(kind), f"{entry}:{place}"
        if shown not in _OUTLINES:
            shown = shown[:40]
            source.findings.add("unsupported-shape", place_of, f"{shown} has no area and cannot be a box")
            return None
        if source.recipe.polygons != "boxes":
            message = f"{shown} is no upright rectangle; `polygons: boxes` reads the box around it"
            source.findings.add("unsupported-shape", place_of, message)
            return None
        source.findings.add("boxed-shape", place_of, f"{shown} is read as the box around it")
    rest = {key: value for key, value in attributes.items() if key not in (label, "box_id", _REST)}
    score = rest.pop("score", None)
    if score is not None and type(score) not in (int, float):
        rest["score"], score = score, None
    hidden = attributes.get(_REST)
    if isinstance(hidden, dict):
        rest.update(hidden)
    return RawBox(
        name, *_corners(shape), place, rest or NOTHING, text(attributes.get("box_id", ""), "box_id"),
        None if score is None else number(score, "score"),
    )  # fmt: skip


def _corners(shape: Mapping[str, Json]) -> Corners:
    kind = shape.get("name")
    if kind == "rect":
        x, y, width, height = (number(shape.get(name), name) for name in ("x", "y", "width", "height"))
        return x, y, x + width, y + height
    if kind == "circle":
        cx, cy, radius = (number(shape.get(name), name) for name in ("cx", "cy", "r"))
        return cx - radius, cy - radius, cx + radius, cy + radius
    if kind == "ellipse":
        cx, cy, rx, ry, theta = (
            number(shape.get(name, 0 if name == "theta" else None), name) for name in ("cx", "cy", "rx", "ry", "theta")
        )
        if not isfinite(theta):
            raise ValueError(f"theta must be finite, received {theta}")
        across, down = abs(complex(rx * cos(theta), ry * sin(theta))), abs(complex(rx * sin(theta), ry * cos(theta)))
        return cx - across, cy - down, cx + across, cy + down
    xs, ys = _points(shape, "all_points_x"), _points(shape, "all_points_y")
    if len(xs) != len(ys):
        raise ValueError(f"all_points_x and all_points_y must be as many, received {len(xs)} and {len(ys)}")
    return min(xs), min(ys), max(xs), max(ys)


def _points(shape: Mapping[str, Json], name: str) -> list[float]:
    values = shape.get(name)
    if not isinstance(values, list) or len(values) < 2:
        raise ValueError(f"{name} must be a list of at least two numbers")
    points = [number(value, name) for value in values]
    if any(map(isnan, points)):
        raise ValueError("box must have finite corners, received NaN")
    return points


def _entries(document: Mapping[str, Json]) -> dict[str, dict[str, Json]] | None:
    """The images of a VIA file by VIA's own id; None for a json that is none."""
    inside = document.get("_via_img_metadata", document)
    if not isinstance(inside, dict) or (not inside and inside is document):
        return None
    entries = {key: entry for key, entry in inside.items() if isinstance(entry, dict) and "regions" in entry}
    if len(entries) == len(inside):
        return entries
    if inside is document:
        return None
    broken = next(key for key in inside if key not in entries)
    raise ValueError(f"_via_img_metadata must hold images with regions, received {shorten(broken)} without")


def _label_attribute(entries: Mapping[str, dict[str, Json]], asked: str) -> str:
    """The region attribute that holds the class: the recipe's, `label`, a usual name, or the only text; "" for none.

    Raises:
        ValueError: several could be meant.
    """
    if asked:
        return asked
    occurring: dict[str, bool] = {}
    for entry in entries.values():
        regions = entry.get("regions")
        for region in regions.values() if isinstance(regions, dict) else regions if isinstance(regions, list) else ():
            attributes = region.get("region_attributes") if isinstance(region, dict) else None
            if isinstance(attributes, dict):
                for name, value in attributes.items():
                    occurring[name] = occurring.get(name, True) and isinstance(value, str)
    usual = [name for name in _USUAL if name in occurring]
    found = [_LABEL] if _LABEL in occurring else usual or [name for name, is_text in occurring.items() if is_text]
    if len(found) > 1:
        raise ValueError(
            f"one region attribute must hold the class, received {', '.join(found)}; a recipe says which (fields: {{label: {found[0]}}})"
        )
    return found[0] if found else ""


def _class_order(document: Mapping[str, Json], label: str) -> list[str]:
    """The classes in the order of the options that the project gives the annotator; empty where it gives none."""
    inside: Json = document.get("_via_attributes")
    for name in ("region", label or _LABEL):
        inside = inside.get(name) if isinstance(inside, dict) else None
    if not isinstance(inside, dict):
        return []
    order, options = inside.get(_ORDER), inside.get("options")
    if isinstance(options, dict):
        listed = (
            [name for name in order if isinstance(name, str) and name in options] if isinstance(order, list) else []
        )
        return list(dict.fromkeys([*listed, *options]))
    return []


def _declare(key: str, order: list[str], source: Source) -> None:
    if source.declared and order and order != source.declared:
        source.findings.add(
            "classes-differ", key, f"classes are {', '.join(order)} here and {', '.join(source.declared)} before"
        )
    source.declared.extend(name for name in order if name not in source.declared)


def _entry(export: Export, placed: Placed) -> tuple[str, dict[str, object]]:
    sample, path = placed.sample, export.folder / placed.image
    size = path.stat().st_size if path.is_file() else -1
    attributes: dict[str, object] = dict(sample.extra)
    if sample.state != "labelled":
        attributes[_STATE] = sample.state
    regions = [_region(box) for box in sample.boxes]
    entry: dict[str, object] = {
        "filename": placed.image,
        "size": size,
        "regions": regions,
        "file_attributes": attributes,
    }
    return f"{placed.image}{size}", entry


def _region(box: Box) -> dict[str, object]:
    taken = (_LABEL, "box_id", "score", _REST)
    hidden = {key: value for key, value in box.attributes.items() if key in taken}
    return {
        "shape_attributes": {
            "name": "rect",
            "x": _whole(box.x1),
            "y": _whole(box.y1),
            "width": _whole(_length(box.x1, box.x2)),
            "height": _whole(_length(box.y1, box.y2)),
        },
        "region_attributes": {
            _LABEL: box.label,
            **({"box_id": box.id} if box.id else {}),
            **({"score": box.score} if box.score is not None else {}),
            **{key: value for key, value in box.attributes.items() if key not in taken},
            **({_REST: hidden} if hidden else {}),
        },
    }


def _length(low: float, high: float) -> float:
    """The length that gives `high` to the last bit when it is added to `low`; the nearest where none does."""
    length = high - low
    for near in (length, nextafter(length, 0.0), nextafter(length, inf)):
        if low + near == high:
            return near
    return length


def _whole(value: float) -> int | float:
    return int(value) if value % 1 == 0 and abs(value) < 2**53 else float(value)


def _meaning(state: State) -> str:
    return "a looked-at negative, as the recipe says" if state == "negative" else "not labelled yet"


FORMAT = Format(
    title="VGG Image Annotator: one json for many images",
    holds=Holds(scores=True, attributes=True, ids=True, image_extra=True),
    detect=detect,
    read=read,
    image_place=image_place,
    write=write,
    pairs_by_stem=False,
)
