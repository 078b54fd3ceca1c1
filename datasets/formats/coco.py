"""COCO detection: one json with images, annotations and categories, for each split.

`file_name` is the image's key, relative to `images/`. Annotation and image ids come from
the keys, so that they stay what they are when other images are added. Scores, attributes
and box ids travel in keys of their own, which COCO's readers pass over.

Reference: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import nextafter, radians

import orjson

from ..coco_images import ImageFinder
from ..coco_outlines import is_rectangle, parse_outline, pop_turn
from ..format import Export, Format, Holds, RawBox, RawSample, Source
from ..geometry import Corners, around_turned
from ..label_files import describe, number, read_json, text
from ..schema import NOTHING, Box, Json, Sample, Size
from ..tree import Tree

_OF_ANNOTATION = frozenset(
    {"id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation", "attributes", "box_id", "score"}
)
_BESIDE = "labelloop_extra"
"""Where an image's extras go whose names are COCO's own."""
_OF_IMAGE = frozenset({"id", "width", "height", "file_name", "state", _BESIDE})
_LISTS = ("images", "annotations", "categories")
_SPLIT = re.compile(r"(?<![a-z])(train|val|test)(?:ing|id|idation)?(?![a-z])")


def detect(tree: Tree) -> int:
    """How much a folder looks like COCO: 90 where a json has images, annotations and categories."""
    for key in _jsons(tree)[:10]:
        try:
            document = read_json(tree.path(key))
        except ValueError:
            continue
        if isinstance(document.get("images"), list) and isinstance(document.get("categories"), list):
            return 92
    return 0


def read(source: Source) -> Iterator[RawSample]:
    """The raw samples of all COCO jsons of a folder, then the images that none of them lists."""
    finder = ImageFinder(source.images.images, source.findings)
    for key in _jsons(source.tree):
        try:
            document = read_json(source.tree.others[key], source.recipe.encoding, _LISTS)
            if "images" in document and "annotations" in document:
                yield from _read_document(key, document, source, finder)
            else:
                source.findings.add("ignored-file", key, "json without images and annotations")
        except ValueError as error:
            source.findings.add("unreadable-label-file", key, str(error))
    for image in finder.unlisted():
        yield source.without_labels(image, "image is listed in no json")


def image_place(sample: Sample) -> str:
    """`images/KEY`: the splits are in the jsons, so that no image moves when they change."""
    return f"images/{sample.key}"


def write(export: Export) -> None:
    """`annotations/instances_SPLIT.json` for each split, `instances.json` for images without one."""
    folder = export.folder / "annotations"
    folder.mkdir()
    for split in [*export.splits(), None]:
        chosen = [placed for placed in export.samples if placed.sample.split == split]
        if not chosen and (split is not None or export.samples):
            continue
        name = f"instances_{split}.json" if split else "instances.json"
        images: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        category = {label: number for number, label in enumerate(export.classes, start=1)}
        taken: set[int] = set()
        for placed in chosen:
            sample = placed.sample
            image_id = _id(sample.key, taken)
            images.append(_image(sample, placed.image.removeprefix("images/"), image_id))
            for index, box in enumerate(sample.boxes):
                annotation_id = _id(f"{sample.key}#{box.id or index}", taken)
                annotations.append(
                    _annotation(box, annotation_id, image_id, category[box.label], export.with_polygons, sample.size)
                )
        document = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": number, "name": label, "supercategory": ""} for label, number in category.items()],
        }
        (folder / name).write_bytes(orjson.dumps(document) + b"\n")


def _image(sample: Sample, name: str, image_id: int) -> dict[str, object]:
    state = {"state": "unlabelled"} if sample.state == "unlabelled" else {}
    rest = {key: value for key, value in sample.extra.items() if key not in _OF_IMAGE}
    beside = {key: value for key, value in sample.extra.items() if key in _OF_IMAGE}
    return {
        "id": image_id,
        "file_name": name,
        "width": sample.size[0],
        "height": sample.size[1],
        **state,
        **rest,
        **({_BESIDE: beside} if beside else {}),
    }


def _annotation(
    box: Box, annotation_id: int, image_id: int, category_id: int, with_polygon: bool, size: Size
) -> dict[str, object]:
    width, height = _span(box.x1, box.x2, size[0]), _span(box.y1, box.y2, size[1])
    x2, y2 = box.x1 + width, box.y1 + height
    crowd = box.attributes.get("iscrowd") == 1
    attributes = box.attributes
    if crowd:
        attributes = {key: value for key, value in attributes.items() if key != "iscrowd"}
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [box.x1, box.y1, width, height],
        "area": width * height,
        "iscrowd": int(crowd),
        **({"segmentation": [[box.x1, box.y1, x2, box.y1, x2, y2, box.x1, y2]]} if with_polygon else {}),
        **({"attributes": attributes} if attributes else {}),
        **({"box_id": box.id} if box.id else {}),
        **({"score": box.score} if box.score is not None else {}),
    }


def _span(low: float, high: float, side: int) -> float:
    """The length from low to high, one step less where adding it would lead over the side."""
    length = high - low
    return length if low + length <= side else nextafter(length, 0.0)


def _id(name: str, taken: set[int]) -> int:
    """A number from 1 to 2**40 that depends on the name alone, or the next one that is free."""
    number = int.from_bytes(blake2b(name.encode(), digest_size=5).digest(), "big") or 1
    while number in taken:
        number += 1
    taken.add(number)
    return number


def _jsons(tree: Tree) -> list[str]:
    """The json files, without those that stand beside an image of their own name."""
    stems = {key.rpartition(".")[0] for key in tree.images}
    return [key for key in tree.with_suffix(".json") if key.rpartition(".")[0] not in stems]


@dataclass(slots=True)
class _Labels:
    """The boxes of one json by image id, the images whose labels are not sound, and what size their masks are for."""

    boxes: dict[int | str, list[RawBox]] = field(default_factory=dict["int | str", "list[RawBox]"])
    unsound: set[int | str] = field(default_factory=set["int | str"])
    masks: dict[int | str, set[Size]] = field(default_factory=dict["int | str", "set[Size]"])


def _read_document(key: str, document: Mapping[str, Json], source: Source, finder: ImageFinder) -> Iterator[RawSample]:
    names = _categories(document.get("categories"), key, source)
    labels = _annotations(document.get("annotations"), names, key, source)
    images = document.get("images")
    if not isinstance(images, list):
        raise ValueError("images must be a list")
    dropped = sorted(set(document) - {*_LISTS})
    if dropped:
        source.findings.add("not-kept", key, f"{', '.join(dropped)[:200]} has no place in labelloop")
    split = _split_of(key)
    known = _image_ids(images)
    for index, image in enumerate(images):
        place = f"{key}:images[{index}]"
        try:
            if not isinstance(image, dict):
                raise ValueError(f"image must be an object, received {describe(image)}")
            image_id = _identifier(image.get("id"))
            if known[image_id] > 1:
                raise ValueError(
                    f"image id {image_id} stands {known[image_id]} times, so nothing says whose labels are whose"
                )
            found = finder.find(text(image.get("file_name"), "file_name"), key, place)
            if found is None or image_id in labels.unsound:
                continue
            frame = _frame(image, labels.masks.get(image_id, set()))
        except ValueError as error:
            source.findings.add("unreadable-label-file", place, str(error))
            continue
        own = labels.boxes.get(image_id, [])
        state = "labelled" if own else "unlabelled" if image.get("state") == "unlabelled" else "negative"
        rest = {name: value for name, value in image.items() if name not in _OF_IMAGE}
        beside = image.get(_BESIDE)
        if beside is not None:
            rest.update(beside if isinstance(beside, dict) else {_BESIDE: beside})
        yield RawSample(found, place, state, frame, own, None, split, rest or NOTHING)
    for image_id, own in labels.boxes.items():
        if image_id not in known:
            what = f"{len(own)} annotations are for image id {image_id!r}, which is not listed"
            source.findings.add("orphan-label", f"{key}:{own[0].place}", what)


def _image_ids(images: list[Json]) -> Counter[int | str]:
    known: Counter[int | str] = Counter()
    for image in images:
        try:
            known[_identifier(image.get("id") if isinstance(image, dict) else None)] += 1
        except ValueError:
            continue  # said where the image is read
    return known


def _frame(image: Mapping[str, Json], masks: set[Size]) -> Size | None:
    """The size that an image's labels are for, as the image or its masks say it; None where neither does.

    Raises:
        ValueError: a size that is none, or masks that are for another.
    """
    width, height = image.get("width"), image.get("height")
    said = set(masks)
    if not (width in (None, 0) and height in (None, 0)):
        sides = number(width, "width"), number(height, "height")
        if not (sides[0] >= 1 and sides[1] >= 1 and sides[0].is_integer() and sides[1].is_integer()):
            raise ValueError(f"width and height must be whole numbers above 0, received {width} and {height}")
        said.add(Size(int(sides[0]), int(sides[1])))
    if len(said) > 1:
        raise ValueError(f"image and masks must be of one size, received {' and '.join(map(str, sorted(said)))}")
    return next(iter(said), None)


def _annotations(value: Json, names: Mapping[int | str, str], key: str, source: Source) -> _Labels:
    if not isinstance(value, list):
        raise ValueError("annotations must be a list")
    labels = _Labels()
    for index, annotation in enumerate(value):
        value[index] = None  # a box says it all now; the parsed texts of a million boxes need not stay beside them
        place = f"annotations[{index}]"
        image_id: int | str | None = None
        try:
            if not isinstance(annotation, dict):
                raise ValueError(f"annotation must be an object, received {describe(annotation)}")
            image_id = _identifier(annotation.get("image_id"))
            box = _box(annotation, image_id, names, key, place, source, labels)
            if box is not None:
                labels.boxes.setdefault(image_id, []).append(box)
                continue
        except LookupError as error:
            source.findings.add("unknown-label", f"{key}:{place}", str(error.args[0]))
        except ValueError as error:
            source.findings.add("bad-box", f"{key}:{place}", str(error))
        if image_id is not None:
            labels.unsound.add(image_id)
    return labels


def _box(
    annotation: dict[str, Json], image_id: int | str, names: Mapping[int | str, str], key: str, place: str, source: Source,
    labels: _Labels,
) -> RawBox | None:  # fmt: skip
    """The box of an annotation; None, with a finding, for an outline that may not be read as one."""
    category = _identifier(annotation.get("category_id"))
    if category not in names:
        raise LookupError(f"category id {category!r} is not listed")
    attributes: dict[str, Json] = {}
    if not _OF_ANNOTATION.issuperset(annotation):
        attributes = {name: value for name, value in annotation.items() if name not in _OF_ANNOTATION}
    given = annotation.get("attributes")
    if isinstance(given, dict):
        attributes.update(given)
    elif given is not None:
        attributes["attributes"] = given
    crowd = annotation.get("iscrowd")
    if crowd not in (None, 0, 1):
        raise ValueError(f"iscrowd must be 0 or 1, received {describe(crowd)}")
    if crowd:
        attributes["iscrowd"] = 1
        source.findings.add("crowd", f"{key}:{place}", f"box around a crowd of {names[category]}")
    corners = _corners(annotation, image_id, f"{key}:{place}", source, labels)
    if corners is not None and (angle := pop_turn(attributes)):
        if source.recipe.polygons != "boxes":
            what = f"box is turned by {angle:g} degrees; `polygons: boxes` reads the upright box around it"
            source.findings.add("unsupported-shape", f"{key}:{place}", what)
            return None
        what = f"box turned by {angle:g} degrees is read as the upright box around it"
        source.findings.add("boxed-shape", f"{key}:{place}", what)
        x1, y1, x2, y2 = corners
        corners = around_turned((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, radians(angle))
    if corners is None:
        return None
    score = annotation.get("score")
    return RawBox(
        names[category], *corners, place, attributes or NOTHING, text(annotation.get("box_id", ""), "box_id"),
        None if score is None else number(score, "score"),
    )  # fmt: skip


def _corners(
    annotation: dict[str, Json], image_id: int | str, place: str, source: Source, labels: _Labels
) -> Corners | None:
    box, outline = annotation.get("bbox"), annotation.get("segmentation")
    if isinstance(box, list) and len(box) == 4:
        x, y, width, height = box
        if type(x) is not float or type(y) is not float or type(width) is not float or type(height) is not float:
            x, y, width, height = (number(value, "bbox") for value in box)
        if not (width > 0 and height > 0):
            raise ValueError(f"bbox must have a width and a height above 0, received {width:g}x{height:g}")
        if outline and not is_rectangle(outline, (x, y, x + width, y + height)):
            source.findings.add("not-kept", place, "mask or polygon beside the box is not kept")
        return x, y, x + width, y + height
    if box:
        raise ValueError("bbox must be four numbers [x, y, width, height]")
    kind, corners, size = parse_outline(outline)
    if source.recipe.polygons != "boxes":
        source.findings.add(
            "unsupported-shape",
            place,
            f"annotation has a {kind} and no bbox; `polygons: boxes` reads the box around it",
        )
        return None
    source.findings.add("boxed-shape", place, f"{kind} is read as the box around it")
    if size is not None:
        labels.masks.setdefault(image_id, set()).add(size)
    return corners


def _categories(value: Json, key: str, source: Source) -> dict[int | str, str]:
    """Class names by id; their order is that of the ids, as Detectron2 and torchvision number them."""
    if not isinstance(value, list):
        raise ValueError("categories must be a list")
    names: dict[int | str, str] = {}
    taken: set[str] = set()
    for index, category in enumerate(value):
        if not isinstance(category, dict):
            raise ValueError(f"categories[{index}] must be an object, received {describe(category)}")
        category_id = _identifier(category.get("id"), f"categories[{index}].id")
        name = text(category.get("name"), f"categories[{index}].name")
        if category_id in names or name in taken or not name:
            source.findings.add(
                "classes-differ", f"{key}:categories[{index}]", f"category {category_id} {name!r} must be there once"
            )
        names[category_id] = name
        taken.add(name)
    ids = [number for number in names if isinstance(number, int)]
    order = sorted(ids) if len(ids) == len(names) else list(names)
    if order != list(names):
        source.findings.add(
            "class-order-assumed", key, "categories are not listed in the order of their ids; the ids decide"
        )
    ordered = [names[number] for number in order]
    if source.declared and source.declared != ordered:
        source.findings.add(
            "classes-differ", key, f"classes {ordered} differ from those of another json, {source.declared}"
        )
    elif not source.declared:
        source.declared.extend(ordered)
    return names


def _identifier(value: Json, name: str = "id") -> int | str:
    if type(value) is int or isinstance(value, str):
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise ValueError(f"{name} must be a whole number or text, received {describe(value)}")


def _split_of(key: str) -> str | None:
    """The split that a json's path names: `instances_val2017.json`, `train/_annotations.coco.json`."""
    *folders, name = key.lower().split("/")
    found = set(_SPLIT.findall(name)) or {split for folder in folders for split in _SPLIT.findall(folder)}
    return found.pop() if len(found) == 1 else None


FORMAT = Format(
    title="COCO detection: a json for each split",
    holds=Holds(scores=True, attributes=True, ids=True, image_extra=True),
    detect=detect,
    read=read,
    image_place=image_place,
    write=write,
    pairs_by_stem=False,
)
