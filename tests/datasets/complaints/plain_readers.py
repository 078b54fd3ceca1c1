"""What is in an export for a tool that knows the format and not labelloop: plain JSON, XML and text.

Nothing here uses labelloop, so that a mistake which writing and reading share is seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import yaml
from PIL import Image

Corners = tuple[float, float, float, float]


@dataclass
class Seen:
    """An image as a tool sees it: the size that its label file says, and its labels; None where nobody labelled it."""

    labels: list[tuple[str, Corners]] | None
    size: tuple[int, int] | None = None


def read_export(folder: Path, name: str) -> dict[str, Seen]:
    """Every image of an export, by its path in the export."""
    return _READERS[name](folder)


def class_order(folder: Path, name: str) -> list[str] | None:
    """The classes in the order of their ids; None for LabelMe, which has no order."""
    if name == "yolo":
        names = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))["names"]
        return [names[number] for number in sorted(names)]
    if name == "coco":
        found = [json.loads(path.read_text(encoding="utf-8"))["categories"] for path in _cocos(folder)]
        assert all(categories == found[0] for categories in found)
        return [each["name"] for each in sorted(found[0], key=lambda each: each["id"])]
    if name == "via":
        return json.loads((folder / "via.json").read_text(encoding="utf-8"))["_via_attributes"]["region"]["label"][
            "labelloop_order"
        ]
    if name in ("voc", "folders"):
        return (folder / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1]
    return None


def images_of(folder: Path) -> list[str]:
    """The paths of all image files of an export, in order."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    )


def upright_size(path: Path) -> tuple[int, int]:
    """The size of a picture as it is displayed, by its header alone."""
    with Image.open(path) as image:
        width, height = image.size
        return (height, width) if image.getexif().get(0x0112, 1) in (5, 6, 7, 8) else (width, height)


def _yolo(folder: Path) -> dict[str, Seen]:
    names = class_order(folder, "yolo") or []
    seen: dict[str, Seen] = {}
    for image in images_of(folder):
        # As Ultralytics: the last /images/ of the path, and the suffix.
        head, _, tail = f"/{image}".rpartition("/images/")
        path = Path(f"{folder}{head}/labels/{tail}").with_suffix(".txt")
        if not path.exists():
            seen[image] = Seen(None)
            continue
        width, height = upright_size(folder / image)
        labels: list[tuple[str, Corners]] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            number, cx, cy, w, h = line.split()
            x, y, half_w, half_h = float(cx), float(cy), float(w) / 2, float(h) / 2
            corners = ((x - half_w) * width, (y - half_h) * height, (x + half_w) * width, (y + half_h) * height)
            labels.append((names[int(number)], corners))
        seen[image] = Seen(labels)
    return seen


def _coco(folder: Path) -> dict[str, Seen]:
    seen: dict[str, Seen] = {image: Seen(None) for image in images_of(folder)}
    for path in _cocos(folder):
        document = json.loads(path.read_text(encoding="utf-8"))
        names = {each["id"]: each["name"] for each in document["categories"]}
        by_id = {each["id"]: f"images/{each['file_name']}" for each in document["images"]}
        for each in document["images"]:
            assert by_id[each["id"]] in seen, f"{each['file_name']} is listed and not there"
            labels = None if each.get("state") == "unlabelled" else []
            seen[by_id[each["id"]]] = Seen(labels, (each["width"], each["height"]))
        for each in document["annotations"]:
            x, y, w, h = each["bbox"]
            labels = seen[by_id[each["image_id"]]].labels
            assert labels is not None
            labels.append((names[each["category_id"]], (x, y, x + w, y + h)))
    return seen


def _voc(folder: Path) -> dict[str, Seen]:
    seen: dict[str, Seen] = {}
    for image in images_of(folder):
        path = (folder / image.replace("JPEGImages/", "Annotations/", 1)).with_suffix(".xml")
        if not path.exists():
            seen[image] = Seen(None)
            continue
        root = ElementTree.parse(path).getroot()
        assert root.findtext("filename") == Path(image).name
        labels = [
            (
                str(each.findtext("name")),
                tuple(float(str(each.findtext(f"bndbox/{side}"))) for side in ("xmin", "ymin", "xmax", "ymax")),
            )
            for each in root.iterfind("object")
        ]
        size = int(str(root.findtext("size/width"))), int(str(root.findtext("size/height")))
        seen[image] = Seen(labels, size)  # pyright: ignore
    return seen


def _labelme(folder: Path) -> dict[str, Seen]:
    seen: dict[str, Seen] = {}
    for image in images_of(folder):
        path = (folder / image).with_suffix(".json")
        if not path.exists():
            seen[image] = Seen(None)
            continue
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["imagePath"] == Path(image).name
        labels = [
            (
                each["label"],
                (*map(min, zip(*each["points"], strict=True)), *map(max, zip(*each["points"], strict=True))),
            )
            for each in document["shapes"]
        ]
        seen[image] = Seen(labels, (document["imageWidth"], document["imageHeight"]))
    return seen


def _via(folder: Path) -> dict[str, Seen]:
    project = json.loads((folder / "via.json").read_text(encoding="utf-8"))
    seen: dict[str, Seen] = {}
    for key in project["_via_image_id_list"]:
        entry = project["_via_img_metadata"][key]
        assert key == f"{entry['filename']}{(folder / entry['filename']).stat().st_size}"
        labels: list[tuple[str, Corners]] | None = []
        for each in entry["regions"]:
            shape = each["shape_attributes"]
            corners = (shape["x"], shape["y"], shape["x"] + shape["width"], shape["y"] + shape["height"])
            labels.append((each["region_attributes"]["label"], corners))
        if entry["file_attributes"].get("labelloop_state") == "unlabelled":
            labels = None
        seen[entry["filename"]] = Seen(labels)
    return seen


def _folders(folder: Path) -> dict[str, Seen]:
    classes = class_order(folder, "folders") or []
    seen: dict[str, Seen] = {}
    for image in images_of(folder):
        top, second, *_ = [*image.split("/"), ""]
        label = second if top in ("train", "validation", "test") else top
        assert label in classes
        seen[image] = Seen([(label, (0, 0, *upright_size(folder / image)))])
    return seen


def _cocos(folder: Path) -> list[Path]:
    return sorted((folder / "annotations").glob("instances*.json"))


_READERS: dict[str, Callable[[Path], dict[str, Seen]]] = {
    "yolo": _yolo, "coco": _coco, "voc": _voc, "labelme": _labelme, "via": _via, "folders": _folders,
}  # fmt: skip
READABLE = frozenset(_READERS)
"""The formats that can be read here; the complaints are reproduced in these."""
