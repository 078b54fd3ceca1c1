"""COCO detection: one json with images, annotations and categories, for each split.

`file_name` is the image's key, relative to `images/`. Annotation and image ids come from
the keys, so that they stay what they are when other images are added. Scores, attributes
and box ids travel in keys of their own, which COCO's readers pass over.

Reference: https://cocodataset.org/#format-data
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from math import nextafter

import orjson

from ..coco_images import ImageFinder
from ..format import Export, Format, Holds, RawBox, RawSample, Source
from ..label_files import number, read_json, text
from ..schema import NOTHING, Box, Json, Sample, Size
from ..tree import Tree

_OF_ANNOTATION = frozenset(
    {"id", "image_id", "category_id", "bbox", "area", "segmentation", "attributes", "box_id", "score"}
)
_OF_IMAGE = frozenset({"id", "width", "height", "file_name", "state"})
_SPLITS = (("train", "train"), ("valid", "val"), ("val", "val"), ("test", "test"))


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
            document = read_json(source.tree.others[key])
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
    return {"id": image_id, "file_name": name, "width": sample.size[0], "height": sample.size[1], **state, **rest}


def _annotation(
    box: Box, annotation_id: int, image_id: int, category_id: int, with_polygon: bool, size: Size
) -> dict[str, object]:
    width, height = _span(box.x1, box.x2, size[0]), _span(box.y1, box.y2, size[1])
    x2, y2 = box.x1 + width, box.y1 + height
    attributes = {key: value for key, value in box.attributes.items() if key != "iscrowd"}
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [box.x1, box.y1, width, height],
        "area": width * height,
        "iscrowd": 1 if box.attributes.get("iscrowd") == 1 else 0,
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


def _read_document(key: str, document: Mapping[str, Json], source: Source, finder: ImageFinder) -> Iterator[RawSample]:
    names = _categories(document.get("categories"), key, source)
    boxes, unsound = _annotations(document.get("annotations"), names, key, source)
    images = document.get("images")
    if not isinstance(images, list):
        raise ValueError("images must be a list")
    dropped = sorted(set(document) - {"images", "annotations", "categories"})
    if dropped:
        source.findings.add("not-kept", key, f"{', '.join(dropped)[:200]} has no place in labelloop")
    split = _split_of(key)
    known: set[int | str] = set()
    for index, image in enumerate(images):
        place = f"{key}:images[{index}]"
        try:
            if not isinstance(image, dict):
                raise ValueError(f"image must be an object, received {type(image).__name__}")
            image_id = _identifier(image.get("id"))
            if image_id in known:
                raise ValueError(f"image id {image_id} stands twice")
            known.add(image_id)
            found = finder.find(text(image.get("file_name"), "file_name"), key, place)
            if found is None or image_id in unsound:
                continue
            width, height = image.get("width"), image.get("height")
            frame = None
            if width is not None and height is not None:
                frame = Size(int(number(width, "width")), int(number(height, "height")))
                if frame[0] < 1 or frame[1] < 1:
                    frame = None
        except (ValueError, OverflowError) as error:
            source.findings.add("unreadable-label-file", place, str(error))
            continue
        own = boxes.get(image_id, [])
        state = "labelled" if own else "unlabelled" if image.get("state") == "unlabelled" else "negative"
        rest = {name: value for name, value in image.items() if name not in _OF_IMAGE}
        yield RawSample(found, place, state, frame, own, None, split, rest or NOTHING)
    for image_id in boxes.keys() - known:
        source.findings.add(
            "orphan-label", key, f"{len(boxes[image_id])} annotations are for image id {image_id}, which is not listed"
        )


def _annotations(
    value: Json, names: Mapping[int | str, str], key: str, source: Source
) -> tuple[dict[int | str, list[RawBox]], set[int | str]]:
    if not isinstance(value, list):
        raise ValueError("annotations must be a list")
    boxes: dict[int | str, list[RawBox]] = {}
    unsound: set[int | str] = set()
    for index, annotation in enumerate(value):
        place = f"annotations[{index}]"
        image_id: int | str | None = None
        try:
            if not isinstance(annotation, dict):
                raise ValueError(f"annotation must be an object, received {type(annotation).__name__}")
            image_id = _identifier(annotation.get("image_id"))
            boxes.setdefault(image_id, []).append(_box(annotation, names, key, place, source))
        except LookupError as error:
            source.findings.add("unknown-label", f"{key}:{place}", str(error.args[0]))
        except ValueError as error:
            source.findings.add("bad-box", f"{key}:{place}", str(error))
        else:
            continue
        if image_id is not None:
            unsound.add(image_id)
    return boxes, unsound


def _box(annotation: dict[str, Json], names: Mapping[int | str, str], key: str, place: str, source: Source) -> RawBox:
    category = _identifier(annotation.get("category_id"))
    if category not in names:
        raise LookupError(f"category id {category} is not listed")
    corners = _corners(annotation, f"{key}:{place}", source)
    given = annotation.get("attributes")
    attributes = {name: value for name, value in annotation.items() if name not in _OF_ANNOTATION}
    if attributes.get("iscrowd") == 0:
        del attributes["iscrowd"]
    elif attributes.get("iscrowd") == 1:
        source.findings.add("crowd", f"{key}:{place}", f"box around a crowd of {names[category]}")
    if isinstance(given, dict):
        attributes.update(given)
    score = annotation.get("score")
    return RawBox(
        names[category], *corners, place, attributes or NOTHING, text(annotation.get("box_id", ""), "box_id"),
        None if score is None else number(score, "score"),
    )  # fmt: skip


def _corners(annotation: dict[str, Json], place: str, source: Source) -> tuple[float, float, float, float]:
    box, outline = annotation.get("bbox"), annotation.get("segmentation")
    if isinstance(box, list) and len(box) == 4:
        x, y, width, height = (number(value, "bbox") for value in box)
        if not (width > 0 and height > 0):
            raise ValueError(f"bbox must have a width and a height above 0, received {width:g}x{height:g}")
        if outline and not _is_rectangle(outline, (x, y, x + width, y + height)):
            source.findings.add("not-kept", place, "mask or polygon beside the box is not kept")
        return x, y, x + width, y + height
    if box:
        raise ValueError("bbox must be four numbers [x, y, width, height]")
    if not isinstance(outline, list) or not outline or not all(isinstance(part, list) for part in outline):
        raise ValueError("annotation has neither a bbox nor a polygon")
    if source.recipe.polygons != "boxes":
        raise ValueError("annotation has a polygon and no bbox; `polygons: boxes` reads the box around it")
    xs = [number(value, "segmentation") for part in outline if isinstance(part, list) for value in part[0::2]]
    ys = [number(value, "segmentation") for part in outline if isinstance(part, list) for value in part[1::2]]
    if not xs or not ys:
        raise ValueError("annotation has an empty polygon and no bbox")
    source.findings.add("boxed-shape", place, "polygon is read as the box around it")
    return min(xs), min(ys), max(xs), max(ys)


def _is_rectangle(outline: Json, corners: tuple[float, float, float, float]) -> bool:
    """Whether an outline says no more than the box does."""
    if (
        not isinstance(outline, list)
        or len(outline) != 1
        or not isinstance(outline[0], list)
        or len(outline[0]) not in (8, 10)
    ):
        return False
    xs = [value for value in outline[0][0::2] if isinstance(value, (int, float))]
    ys = [value for value in outline[0][1::2] if isinstance(value, (int, float))]
    x1, y1, x2, y2 = corners
    return all(min(abs(x - x1), abs(x - x2)) < 1e-6 for x in xs) and all(
        min(abs(y - y1), abs(y - y2)) < 1e-6 for y in ys
    )


def _categories(value: Json, key: str, source: Source) -> dict[int | str, str]:
    """Class names by id; their order is that of the ids, as Detectron2 and torchvision number them."""
    if not isinstance(value, list):
        raise ValueError("categories must be a list")
    names: dict[int | str, str] = {}
    for index, category in enumerate(value):
        if not isinstance(category, dict):
            raise ValueError(f"categories[{index}] must be an object, received {type(category).__name__}")
        category_id, name = _identifier(category.get("id")), text(category.get("name"), "name")
        if category_id in names or name in names.values() or not name:
            source.findings.add(
                "classes-differ", f"{key}:categories[{index}]", f"category {category_id} {name!r} must be there once"
            )
        names[category_id] = name
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


def _identifier(value: Json) -> int | str:
    if type(value) is int or isinstance(value, str):
        return value
    if type(value) is float and value == value // 1:
        return int(value)
    raise ValueError(f"id must be a number, received {str(value)[:40]!r}")


def _split_of(key: str) -> str | None:
    """The split that a json's path names: `instances_val2017.json`, `train/_annotations.coco.json`."""
    name = key.lower()
    found = {split for word, split in _SPLITS if word in name.rpartition("/")[2]}
    if not found:
        found = {split for word, split in _SPLITS if word in name.split("/")[:-1]}
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
