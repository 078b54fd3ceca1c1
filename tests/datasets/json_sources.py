"""Sources with jsons of invented schemas, drawn small: what each schema writes for the same boxes."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from PIL import Image


class Truth(NamedTuple):
    """An image: its key, its size in pixels, and (label, x1, y1, x2, y2) of its boxes."""

    key: str
    width: int
    height: int
    boxes: list[tuple[str, float, float, float, float]]


def truths(count: int = 14, seed: int = 0, boxes: int = 3) -> list[Truth]:
    """Images with random boxes: wide and tall, labels cat, dog and owl."""
    rng = random.Random(seed)
    found: list[Truth] = []
    for number in range(count):
        width, height = rng.choice([(320, 240), (240, 320), (400, 300)])
        drawn: list[tuple[str, float, float, float, float]] = []
        for _ in range(rng.randint(1, boxes)):
            x1, y1 = rng.randint(0, width - 40), rng.randint(0, height - 40)
            x2, y2 = rng.randint(x1 + 10, width), rng.randint(y1 + 10, height)
            drawn.append((rng.choice(["cat", "dog", "owl"]), x1, y1, x2, y2))
        found.append(Truth(f"shot{number:03}.jpg", width, height, drawn))
    return found


def draw(folder: Path, images: list[Truth], document: Callable[[Truth], Any]) -> Path:
    """The folder, filled with a grey jpg and a json for each image."""
    for each in images:
        path = folder / each.key
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (each.width, each.height), (90, 90, 90)).save(path, quality=40)
        path.with_suffix(".json").write_bytes(orjson.dumps(document(each)))
    return folder


def nested(image: Truth) -> Any:
    """Lists deep inside, corners in one list, the size in a list."""
    return {
        "meta": {"tool": "drawer", "size": [image.width, image.height]},
        "result": {
            "objects": [
                {"id": n, "category": {"name": label, "color": "#f00"}, "bbox": [x1, y1, x2, y2]}
                for n, (label, x1, y1, x2, y2) in enumerate(image.boxes)
            ]
        },
    }


def sides(image: Truth) -> Any:
    """Corner and sides as text; no size anywhere."""
    return {
        "annotations": [
            {"class": label, "box": [str(x1), str(y1), str(x2 - x1), f"{y2 - y1:.1f}"], "iscrowd": 0}
            for label, x1, y1, x2, y2 in image.boxes
        ]
    }


def centred_fractions(image: Truth) -> Any:
    """Centre and sides as fractions of the image, in a list at the top."""
    w, h = image.width, image.height
    return [
        {"tag": label, "rect": [(x1 + x2) / 2 / w, (y1 + y2) / 2 / h, (x2 - x1) / w, (y2 - y1) / h]}
        for label, x1, y1, x2, y2 in image.boxes
    ]


def point_dicts(image: Truth) -> Any:
    """Two corners as objects, the photo four times larger."""
    return {
        "imageInfo": {"imageWidth": image.width * 4, "imageHeight": image.height * 4},
        "shapes_v2": [
            {"className": label, "vertices": [{"x": 4 * x2, "y": 4 * y2}, {"x": 4 * x1, "y": 4 * y1}]}
            for label, x1, y1, x2, y2 in image.boxes
        ],
    }


def named_corners(image: Truth) -> Any:
    """Named corners in an object of their own."""
    return {
        "width": image.width,
        "height": image.height,
        "items": [
            {"label": label, "rect": {"xmin": x1, "ymin": y1, "xmax": x2, "ymax": y2}, "score": 0.5}
            for label, x1, y1, x2, y2 in image.boxes
        ],
    }


def named_percent(image: Truth) -> Any:
    """Percent of the image, named, with the label in a list of one, as Label Studio exports it."""
    w, h = image.width / 100, image.height / 100
    return {
        "annotations": [
            {
                "result": [
                    {
                        "id": f"r{n}",
                        "type": "rectanglelabels",
                        "value": {
                            "x": x1 / w,
                            "y": y1 / h,
                            "width": (x2 - x1) / w,
                            "height": (y2 - y1) / h,
                            "rotation": 0,
                            "rectanglelabels": [label],
                        },
                    }
                    for n, (label, x1, y1, x2, y2) in enumerate(image.boxes)
                ]
            }
        ]
    }


def one_each(image: Truth) -> Any:
    """One object a file: the document itself."""
    label, x1, y1, x2, y2 = image.boxes[0]
    return {
        "filename": image.key,
        "class_name": label,
        "topLeft": {"x": x1, "y": y1},
        "bottomRight": {"x": x2, "y": y2},
    }


def bare_lists(image: Truth) -> Any:
    """Bare lists of numbers under one label for the whole file."""
    return {"scene": {"label": image.boxes[0][0]}, "boxes": [list(box[1:]) for box in image.boxes]}


def rows_first(image: Truth) -> Any:
    """Row before column: y1, x1, y2, x2 in a list."""
    return {"found": [{"label": label, "box": [y1, x1, y2, x2]} for label, x1, y1, x2, y2 in image.boxes]}


def four_corners(image: Truth) -> Any:
    """The four corners in turn, closed, as GeoJSON writes rings."""
    return {
        "features": [
            {"name": label, "ring": [[x1, y1], [x2, y1], [x2, y2], [x1, y2], [x1, y1]]}
            for label, x1, y1, x2, y2 in image.boxes
        ]
    }


SCHEMAS = [
    nested, sides, centred_fractions, point_dicts, named_corners, named_percent, one_each, bare_lists, four_corners, rows_first
]  # fmt: skip
