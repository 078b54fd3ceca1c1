"""A LabelMe folder with the ordinary traps of a real one, what is true of it, and the same in COCO and in YOLO.

The traps: label files made for a photo of four times the size, a second folder that repeats
file names, corners in another order, images without boxes, and classes whose order is not
that of the alphabet.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("10", "50", "100", "500", "1000", "5000", "10000", "50000")
SIZE = (640, 480)
FRAME = (2560, 1920)
AGAIN = "again/"

Box = tuple[str, float, float, float, float]
Truth = Mapping[str, list[Box]]
"""Boxes (class, then corners as fractions of the image's sides) by the image's path without its suffix."""


def draw(folder: Path, count: int) -> Truth:
    """Pairs of a jpg (noise of its own) and a LabelMe json, none to 5 boxes each; what is true of them comes back."""
    (folder / AGAIN).mkdir(parents=True)
    rng = random.Random(0)
    noise = np.random.default_rng(0)
    truth: dict[str, list[Box]] = {}
    for number in range(count):
        key = f"{AGAIN}img_{number - 99:06d}" if number % 100 == 99 else f"img_{number:06d}"
        small = Image.fromarray(noise.integers(0, 255, (15, 20, 3), dtype=np.uint8))
        small.resize(SIZE).save(folder / f"{key}.jpg", quality=80)
        boxes = [_box(rng) for _ in range(rng.randint(1, 5) if number % 50 != 25 else 0)]
        document = {
            "version": "4.5.7",
            "flags": {},
            "shapes": [_shape(box, rng) for box in boxes],
            "imagePath": f"{key.removeprefix(AGAIN)}.jpg",
            "imageData": None,
            "imageHeight": FRAME[1],
            "imageWidth": FRAME[0],
        }
        (folder / f"{key}.json").write_text(json.dumps(document))
        truth[key] = [
            (name, x1 / FRAME[0], y1 / FRAME[1], x2 / FRAME[0], y2 / FRAME[1]) for name, x1, y1, x2, y2 in boxes
        ]
    return truth


def without_repeated_names(truth: Truth) -> Truth:
    """The images of the first folder, for tools that refuse two images of one name."""
    return {key: boxes for key, boxes in truth.items() if not key.startswith(AGAIN)}


def write_coco(folder: Path, source: Path, truth: Truth) -> None:
    """`annotations/instances_train.json`, and hard links to the images in `images/train`."""
    (folder / "annotations").mkdir(parents=True)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for image_id, (key, boxes) in enumerate(truth.items(), start=1):
        images.append({"id": image_id, "file_name": f"{key}.jpg", "width": SIZE[0], "height": SIZE[1]})
        _link(source / f"{key}.jpg", folder / "images" / "train" / f"{key}.jpg")
        for name, x1, y1, x2, y2 in boxes:
            width, height = (x2 - x1) * SIZE[0], (y2 - y1) * SIZE[1]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": CLASSES.index(name) + 1,
                    "bbox": [x1 * SIZE[0], y1 * SIZE[1], width, height],
                    "area": width * height,
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
    categories = [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(CLASSES, start=1)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations" / "instances_train.json").write_text(json.dumps(document))


def write_yolo(folder: Path, source: Path, truth: Truth) -> None:
    """`labels` with data.yaml and Darknet's obj.data beside it: `labels` is read as either; images are hard links."""
    folder.mkdir(parents=True)
    labels = folder / "obj_train_data"
    for key, boxes in truth.items():
        path = labels / f"{key}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(_line(box) for box in boxes))
        _link(source / f"{key}.jpg", labels / f"{key}.jpg")
    (labels / "data.yaml").write_text(f"nc: {len(CLASSES)}\nnames: {json.dumps(CLASSES)}\n")
    (folder / "obj.names").write_text("\n".join(CLASSES))
    (folder / "obj.data").write_text(
        f"classes = {len(CLASSES)}\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n"
    )
    (folder / "train.txt").write_text("".join(f"data/obj_train_data/{key}.jpg\n" for key in truth))


def _box(rng: random.Random) -> Box:
    x, y = rng.random() * 2000, rng.random() * 1500
    return rng.choice(CLASSES), x, y, x + rng.random() * 500 + 10, y + rng.random() * 400 + 10


def _shape(box: Box, rng: random.Random) -> dict[str, object]:
    name, x1, y1, x2, y2 = box
    points = [[x1, y1], [x2, y2]]
    drawn = rng.random()
    if drawn < 0.1:
        points = [[x2, y2], [x1, y1]]
    elif drawn < 0.15:
        points = [[x1, y2], [x2, y1]]
    return {
        "line_color": None,
        "fill_color": None,
        "label": name,
        "points": points,
        "group_id": None,
        "shape_type": "rectangle",
        "flags": {},
    }


def _line(box: Box) -> str:
    name, x1, y1, x2, y2 = box
    return f"{CLASSES.index(name)} {(x1 + x2) / 2:.9f} {(y1 + y2) / 2:.9f} {x2 - x1:.9f} {y2 - y1:.9f}\n"


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)  # datumaro refuses symbolic links that lead out of its folder
