"""Pascal VOC: an XML for each image in `Annotations/`, the images in `JPEGImages/` or beside it (labelImg).

The classic has no class order, so an export adds `classes.txt`. What an XML element
cannot say by itself is said by its attribute `type`: `text` (exactly this text, outer
spaces and all), `bool`, or `json`; readers that do not know it lose nothing they could use.

Reference: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from math import isnan, pi
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from ..format import Export, Format, Holds, Placed, RawBox, RawSample, Source
from ..geometry import Corners, around_turned
from ..label_files import parse_json, text
from ..pairs import Pairs
from ..schema import NOTHING, Box, Json, Sample, Size
from ..tree import Tree, stem
from ..voc_layout import IMAGE_FOLDERS, element_text, image_named, read_classes, read_splits
from ..xml_files import read_xml

_OF_IMAGE = frozenset({"folder", "filename", "path", "size", "object", "attributes", "verified", "depth"})
_OF_OBJECT = frozenset({"name", "bndbox", "robndbox", "polygon", "part", "deleted", "attributes", "box_id", "score"})
_IMAGE_SILENT: Mapping[str, str] = {"segmented": "0"}
_OBJECT_SILENT: Mapping[str, str] = {"pose": "Unspecified", "truncated": "0", "difficult": "0"}
_ELEMENT_NAME = re.compile(r"(?![xX][mM][lL])[^\W\d][\w.-]*", re.ASCII)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def detect(tree: Tree) -> int:
    """How much a folder looks like VOC: 90 where one of the first XML files does, 75 for a `JPEGImages` folder."""
    for key in tree.with_suffix(".xml")[:5]:
        try:
            if _is_annotation(read_xml(tree.path(key))):
                return 90
        except ValueError:
            continue
    return 75 if any("JPEGImages" in key.split("/")[:-1] for key in tree.images) else 0


def read(source: Source) -> Iterator[RawSample]:
    """The raw samples in the order of the XML files, then the images without one."""
    pairs = Pairs(source, IMAGE_FOLDERS)
    splits = read_splits(source)
    folders = frozenset(key.rpartition("/")[0] for key in source.images.images)
    seen: set[str] = set()
    for key in source.tree.with_suffix(".xml"):
        try:
            root = read_xml(source.tree.others[key], source.recipe.encoding)
            if not _is_annotation(root):
                if pairs.twins(key):
                    raise ValueError(f"root must be an <annotation> of VOC, received <{root.tag[:40]}>")
                source.findings.add("ignored-file", key, "XML that is no VOC annotation, without an image beside it")
                continue
            image = pairs.find(key, image_named(key, root, pairs, source, folders))
            if image is None:
                continue
            frame, extra = _frame(root), _extra(root)
            boxes, sound = _boxes(key, root, source)
        except ValueError as error:
            source.findings.add("unreadable-label-file", key, str(error))
            pairs.give_up(key)
            continue
        seen.update(box.label for box in boxes)
        if sound:
            state = "labelled" if boxes else "negative"
            yield RawSample(image, key, state, frame, boxes, split=splits.get(image), extra=extra or NOTHING)
    for raw in pairs.without_labels():
        raw.split = splits.get(raw.image)
        yield raw
    source.declared.extend(read_classes(source, seen))


def image_place(sample: Sample) -> str:
    """`JPEGImages/KEY`, its folders kept."""
    return f"JPEGImages/{sample.key}"


def write(export: Export) -> None:
    """An XML for each image that is labelled or a looked-at negative, the lists of the splits, and `classes.txt`.

    Raises:
        ValueError: a class, a file name or a split that VOC has no way to say, or two
            images that would share one XML.
    """
    for name in export.classes:
        if name.splitlines() != [name] or _NOT_IN_XML.search(name):
            raise ValueError(f"class must be one line without control characters to be in XML, received {name!r}")
    lists: dict[str, list[str]] = {split: [] for split in export.splits()}
    for split in lists:
        if not re.fullmatch(r"[^/\0]+", split):
            raise ValueError(f"split must be a file's name for VOC, received {split!r}")
    taken: dict[str, str] = {}
    for placed in export.samples:
        name = stem(placed.image).removeprefix("JPEGImages/")
        if "\n" in name or "\r" in name or _NOT_IN_XML.search(placed.image):
            raise ValueError(f"image's path must be one line without control characters, received {placed.image!r}")
        if taken.setdefault(name, placed.image) != placed.image:
            raise ValueError(f"images must differ in more than the suffix, received {taken[name]} and {placed.image}")
        if placed.sample.split:
            lists[placed.sample.split].append(name)
        if placed.sample.state != "unlabelled":
            path = export.folder / f"Annotations/{name}.xml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(format_annotation(placed).encode())
    for split, names in lists.items():
        path = export.folder / f"ImageSets/Main/{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(f"{name}\n" for name in names).encode())
    (export.folder / "classes.txt").write_bytes("".join(f"{name}\n" for name in export.classes).encode())


def format_annotation(placed: Placed) -> str:
    """The XML text of one image, tabs before its elements and a newline at its end, as labelImg writes it."""
    sample, extra = placed.sample, dict(placed.sample.extra)
    folder, _, name = placed.image.rpartition("/")
    verified, depth = extra.pop("verified", None), extra.pop("depth", "3")
    mark = f" verified={quoteattr(verified)}" if isinstance(verified, str) and _plain(verified) else ""
    if verified is not None and not mark:
        extra["verified"] = verified
    lines = [
        f"<annotation{mark}>",
        f"\t<folder>{escape(folder)}</folder>",
        f"\t<filename>{escape(name)}</filename>",
        "\t<size>",
        f"\t\t<width>{sample.size.width}</width>",
        f"\t\t<height>{sample.size.height}</height>",
        *_format_value("depth", depth, "\t\t", {}),
        "\t</size>",
        *_format_values(extra, _OF_IMAGE, _IMAGE_SILENT, "\t"),
    ]
    for box in sample.boxes:
        lines += ["\t<object>", *_format_object(box), "\t</object>"]
    return "\n".join([*lines, "</annotation>\n"])


def _format_object(box: Box) -> Iterator[str]:
    yield from _format_value("name", box.label, "\t\t", {})
    if box.id:
        yield from _format_value("box_id", box.id, "\t\t", {})
    if box.score is not None:
        yield f"\t\t<score>{_shortest(box.score)}</score>"
    yield from _format_values(box.attributes, _OF_OBJECT, _OBJECT_SILENT, "\t\t")
    yield "\t\t<bndbox>"
    for side, value in zip(("xmin", "ymin", "xmax", "ymax"), box.corners, strict=True):
        yield f"\t\t\t<{side}>{_shortest(value)}</{side}>"
    yield "\t\t</bndbox>"


def _format_values(
    values: Mapping[str, Json], reserved: frozenset[str], silent: Mapping[str, str], tabs: str
) -> Iterator[str]:
    """The values as elements; names that cannot be an element's, or are taken, as CVAT writes attributes."""
    for key, value in {**silent, **values}.items():
        if key not in reserved and _ELEMENT_NAME.fullmatch(key):
            yield from _format_value(key, value, tabs, silent if key in values else {})
    others = {key: value for key, value in values.items() if key in reserved or not _ELEMENT_NAME.fullmatch(key)}
    if others:
        yield f"{tabs}<attributes>"
        for key, value in others.items():
            yield f"{tabs}\t<attribute>"
            yield from _format_value("name", key, f"{tabs}\t\t", {})
            yield from _format_value("value", value, f"{tabs}\t\t", {})
            yield f"{tabs}\t</attribute>"
        yield f"{tabs}</attributes>"


def _format_value(key: str, value: Json, tabs: str, silent: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, dict) and value and all(map(_ELEMENT_NAME.fullmatch, value)):
        yield f"{tabs}<{key}>"
        for inner, each in value.items():
            yield from _format_value(inner, each, f"{tabs}\t", {})
        yield f"{tabs}</{key}>"
        return
    kind, shown = "json", ""
    if isinstance(value, str) and not _NOT_IN_XML.search(value):
        kind, shown = "" if _plain(value) and silent.get(key) != value else "text", value
    elif isinstance(value, bool):
        kind, shown = "bool", str(int(value))
    else:
        shown = json.dumps(value)
    mark = f' type="{kind}"' if kind else ""
    yield f"{tabs}<{key}{mark}>{escape(shown, {chr(13): '&#13;'})}</{key}>"


def _plain(value: str) -> bool:
    return value == value.strip() and not _NOT_IN_XML.search(value)


def _shortest(value: float) -> str:
    return str(int(value)) if value % 1 == 0 and abs(value) < 1e15 else repr(float(value))


def _is_annotation(root: Element) -> bool:
    return root.tag == "annotation" and any(
        root.find(name) is not None for name in ("filename", "size", "object", "path")
    )


def _value(element: Element) -> Json:
    kind, shown = element.get("type"), element_text(element)
    if kind == "bool":
        return shown == "1"
    if kind == "json":
        return parse_json(shown)
    return _children(element, frozenset(), {}) if len(element) else shown


def _children(element: Element, skipped: frozenset[str], silent: Mapping[str, str]) -> dict[str, Json]:
    """The values of an element's children by name, a name that stands several times as a list.

    Left out: those to be skipped, and those that say by a silent value that they say nothing.
    """
    found: dict[str, list[Json]] = {}
    for child in element:
        if child.tag not in skipped and (silent.get(child.tag) != element_text(child) or child.get("type")):
            found.setdefault(child.tag, []).append(_value(child))
    if "attributes" in skipped:
        for attribute in element.iterfind("attributes/attribute"):
            named, value = attribute.find("name"), attribute.find("value")
            name = "" if named is None else _value(named)
            found.setdefault(str(name), []).append(None if value is None else _value(value))
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def _extra(root: Element) -> dict[str, Json]:
    extra = _children(root, _OF_IMAGE, _IMAGE_SILENT)
    depth = root.find("size/depth")
    if depth is not None and (element_text(depth) != "3" or depth.get("type")):
        extra["depth"] = _value(depth)
    verified = root.get("verified")
    return extra if verified is None else {**extra, "verified": verified}


def _frame(root: Element) -> Size | None:
    width, height = element_text(root.find("size/width")), element_text(root.find("size/height"))
    if not width or not height or (width, height) == ("0", "0"):
        return None
    sides = _number(width, "width"), _number(height, "height")
    if not (sides[0] >= 1 and sides[1] >= 1 and sides[0].is_integer() and sides[1].is_integer()):
        raise ValueError(f"size must be whole numbers above 0, received {width[:40]} and {height[:40]}")
    return Size(int(sides[0]), int(sides[1]))


def _number(shown: str, name: str) -> float:
    try:
        if shown.isascii() and "_" not in shown:
            return float(shown)
    except ValueError:
        pass
    raise ValueError(f"{name} must be a number, received {shown[:40]!r}")


def _boxes(key: str, root: Element, source: Source) -> tuple[list[RawBox], bool]:
    boxes: list[RawBox] = []
    sound = True
    tags = [each.tag for each in root if len(each) and each.tag != "object"]
    odd = next((tag for tag in tags if tag.rpartition("}")[2].lower() == "object"), None)
    if odd is not None:
        raise ValueError(f"objects must be elements named object, received {odd[:80]}")
    for index, element in enumerate(root.iterfind("object")):
        place = f"object[{index}]"
        bare = element.find("bndbox") is None
        if element_text(element.find("deleted")) == "1":
            source.findings.add("not-kept", f"{key}:{place}", "object is marked as deleted")
            continue
        if element.find("part") is not None:
            source.findings.add("not-kept", f"{key}:{place}", "parts of an object have no place here")
        if not bare and any(element.find(shape) is not None for shape in ("polygon", "robndbox")):
            source.findings.add("not-kept", f"{key}:{place}", "an outline beside the bndbox has no place here")
        try:
            attributes = _children(element, _OF_OBJECT, _OBJECT_SILENT)
            corners = _corners(element, attributes, source, f"{key}:{place}")
            if corners is None:
                sound = False
                continue
            score = element_text(element.find("score"))
            x1, y1, x2, y2 = corners
            origin = source.recipe.voc_origin
            raw = RawBox(
                element_text(_only(element, "name")), x1 - origin, y1 - origin, x2, y2, place, attributes or NOTHING
            )
            box_id = element.find("box_id")
            said = "" if box_id is None else text(_value(box_id), "box_id")
            boxes.append(raw._replace(id=said, score=_number(score, "score") if score else None))
        except ValueError as error:
            source.findings.add("bad-box", f"{key}:{place}", str(error))
            sound = False
    return boxes, sound


def _corners(element: Element, attributes: Mapping[str, Json], source: Source, place: str) -> Corners | None:
    """The corners that an object says; None, with a finding, for an outline that may not be read as a box."""
    turned, bndbox, polygon = (_only(element, name) for name in ("robndbox", "bndbox", "polygon"))
    if bndbox is not None:
        x1, y1, x2, y2 = (_side(bndbox, name) for name in ("xmin", "ymin", "xmax", "ymax"))
        degrees = _rotation(element, attributes)
        if not degrees:
            return x1, y1, x2, y2
        kind, corners = "rotated box", around_turned((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, degrees * pi / 180)
    elif turned is not None:
        cx, cy, width, height, angle = (_side(turned, name) for name in ("cx", "cy", "w", "h", "angle"))
        kind, corners = "rotated box", around_turned(cx, cy, width, height, angle)
    elif polygon is not None:
        kind, corners = "polygon", _extent(polygon)
    else:
        raise ValueError("object must have a bndbox, received none")
    if source.recipe.polygons == "boxes":
        source.findings.add("boxed-shape", place, f"{kind} is read as the box around it")
        return corners
    source.findings.add(
        "unsupported-shape", place, f"{kind} is no upright rectangle; `polygons: boxes` reads the box around it"
    )
    return None


def _side(parent: Element, name: str) -> float:
    return _number(element_text(_only(parent, name)), f"{parent.tag}.{name}")


def _only(parent: Element, name: str) -> Element | None:
    """The child of this name; a ValueError where there are two, of which nothing says which is meant."""
    found = parent.findall(name)
    if len(found) > 1:
        raise ValueError(f"{parent.tag} must have one {name}, received {len(found)}")
    return found[0] if found else None


def _rotation(element: Element, attributes: Mapping[str, Json]) -> float:
    """The degrees by which CVAT has turned a bndbox, 0 where it stands upright."""
    shown = attributes.get("rotation")
    if element.find("rotation") is not None or not isinstance(shown, str):
        return 0.0
    try:
        return float(shown) % 180
    except ValueError:
        return 0.0


def _extent(polygon: Element) -> Corners:
    """The box around a polygon, its corners as `x1 y1 x2 y2 ...` or as `pt` elements with x and y."""
    named = [(child.tag[:1], child) for child in polygon if re.fullmatch(r"[xy]\d+", child.tag)]
    named += [(child.tag, child) for point in polygon.iterfind("pt") for child in point if child.tag in ("x", "y")]
    xs, ys = ([_number(element_text(child), axis) for axis, child in named if axis == which] for which in "xy")
    if len(xs) < 3 or len(xs) != len(ys) or any(map(isnan, xs + ys)):
        raise ValueError(
            f"polygon must have three corners or more of two numbers each, received {len(xs)} and {len(ys)}"
        )
    return min(xs), min(ys), max(xs), max(ys)


FORMAT = Format(
    title="Pascal VOC: an XML for each image, as labelImg writes too",
    holds=Holds(scores=True, attributes=True, ids=True, image_extra=True),
    detect=detect,
    read=read,
    image_place=image_place,
    write=write,
)
