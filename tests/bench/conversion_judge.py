"""Whether a converted folder says what is true: read here by hand, with no labelloop in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

import yaml
from conversion_data import CLASSES, SIZE, Box, Truth

TOLERANCE = 1e-6 * (1 + 1e-9)
"""How far a corner may be off, as a part of the image's side: what six digits cost."""

Said = Mapping[str, list[Box]]


def judge(target: Path, source: Path, truth: Truth) -> str:
    """`right`, or what is wrong with the COCO file or YOLO folder that a tool has written."""
    jsons = sorted([*target.parent.glob(f"{target.name}.json"), *target.rglob("*.json")])
    names, said = _read_coco(jsons[0], source) if jsons else _read_yolo(target, source, truth)
    right = missing = moved = extra = 0
    furthest = 0.0
    for key, boxes in truth.items():
        left = list(said.get(key, ()))
        lost: list[Box] = []
        for box in boxes:
            other = _nearest(box, left)
            if other is None or _distance(box, other) > TOLERANCE:
                lost.append(box)
            else:
                left.remove(other)
                right += 1
        for box in lost:
            other = _nearest(box, left)
            if other is None:
                missing += 1
            else:
                left.remove(other)
                moved += 1
                furthest = max(furthest, _distance(box, other))
        extra += len(left)
    extra += sum(len(boxes) for key, boxes in said.items() if key not in truth)
    unlisted = sum(key not in said for key in truth) if jsons else 0
    faults = [
        f"{moved:,} moved by up to {furthest:.2g} of a side" if moved else "",
        f"{missing:,} missing" if missing else "",
        f"{extra:,} too many" if extra else "",
        f"{unlisted:,} images missing" if unlisted else "",
        "class order" if names != CLASSES else "",
    ]
    found = ", ".join(fault for fault in faults if fault)
    return f"wrong: {moved + missing:,} of {right + moved + missing:,} boxes ({found})" if found else "right"


def _nearest(box: Box, others: list[Box]) -> Box | None:
    """The box of the same class whose corners are nearest, None where there is none of that class."""
    alike = (other for other in others if other[0] == box[0])
    return min(alike, key=lambda other: _distance(box, other), default=None)


def _distance(box: Box, other: Box) -> float:
    return max(abs(mine - its) for mine, its in zip(box[1:], other[1:], strict=True))


def _read_coco(path: Path, source: Path) -> tuple[tuple[str, ...], Said]:
    """Class names in the order of their ids, and boxes by image; fractions are of the jpg, whatever size is written."""
    document = json.loads(path.read_text())
    categories = {each["id"]: each["name"] for each in document["categories"]}
    keys = {each["id"]: _key(each["file_name"].removeprefix(f"{source}/")) for each in document["images"]}
    said: dict[str, list[Box]] = {key: [] for key in keys.values()}
    for each in document["annotations"]:
        x, y, width, height = each["bbox"]
        corners = (x / SIZE[0], y / SIZE[1], (x + width) / SIZE[0], (y + height) / SIZE[1])
        said[keys[each["image_id"]]].append((categories[each["category_id"]], *corners))
    return tuple(str(categories[number]) for number in sorted(categories)), said


def _read_yolo(folder: Path, source: Path, truth: Truth) -> tuple[tuple[str, ...], Said]:
    names = _names(folder)
    said: dict[str, list[Box]] = {}
    for path in folder.rglob("*.txt"):
        if path.parent != folder or not (folder / "obj.data").exists():
            key = _image_of(path, folder, source, truth)
            said.setdefault(key, [])
            for line in path.read_text().splitlines():
                number, cx, cy, width, height = (float(field) for field in line.split())
                corners = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
                said[key].append((names[int(number)], *corners))
    return names, said


def _names(folder: Path) -> tuple[str, ...]:
    """The class names that lie beside the labels; where a tool writes none, it was told the ids."""
    for path in folder.rglob("*.yaml"):
        names = yaml.safe_load(path.read_text())["names"]
        return tuple(str(name) for name in (names.values() if isinstance(names, dict) else names))
    darknet = folder / "obj.names"
    return tuple(darknet.read_text().split()) if darknet.exists() else CLASSES


def _image_of(path: Path, folder: Path, source: Path, truth: Truth) -> str:
    """The image that a label file is for: by the end of its path, else by the bytes of the image copied for it."""
    parts = _key(str(path.relative_to(folder))).split("/")
    for start in range(len(parts)):
        if "/".join(parts[start:]) in truth:
            return "/".join(parts[start:])
    beside = Path(str(path).replace("/labels/", "/images/")).with_suffix(".jpg")
    return _by_bytes(source)[_digest(beside)] if beside.exists() else str(path)


@cache
def _by_bytes(source: Path) -> dict[bytes, str]:
    return {_digest(path): _key(str(path.relative_to(source))) for path in source.rglob("*.jpg")}


def _digest(path: Path) -> bytes:
    return sha256(path.read_bytes()).digest()


def _key(name: str) -> str:
    return name.removesuffix(".jpg").removesuffix(".txt")
