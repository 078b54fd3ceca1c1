"""Pictures of one bright object each, as people have them: turned by the camera, and under any name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from tests.browser.desk_pages import BACKGROUND, OBJECT

CLASSES = ("1000", "50", "앞면")
SIZE = (800, 600)
BOX = (80, 120, 280, 320)
SECOND = (440, 240, 680, 480)
COUNT = 7
_LARGE = {3: (4032, 3024), 6: (3024, 4032), 8: (3024, 4032)}
"""The upright sizes of photos of 12 megapixels, by EXIF orientation."""
_TO_RAW = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}

TURNED: dict[str, tuple[int, int, int, int]] = {
    "turned 3.jpg": (2400, 300, 3300, 1500),
    "turned 6.jpg": (300, 2400, 1500, 3300),
    "turned 8.jpg": (1500, 600, 2700, 1200),
    "한글 이름/사진 #1%&+.jpg": (100, 50, 300, 350),
    "one/same.jpg": (500, 100, 700, 200),
    "two/same.jpg": (50, 400, 350, 550),
}
"""Where the object is in upright pixels, by key; they have no boxes yet."""


def plain(number: int) -> str:
    return f"{number:02}.jpg"


PHOTOS = (*map(plain, range(COUNT)), *TURNED)


def draw_source(folder: Path) -> None:
    """A COCO folder: every second plain picture, the first among them, has two boxes, the others one."""
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number in range(COUNT):
        objects = [BOX, SECOND][: 1 if number % 2 else 2]
        image = len(images) + 1
        images.append(_draw(folder, image, plain(number), objects))
        for x1, y1, x2, y2 in objects:
            one = {"id": len(boxes) + 1, "image_id": image, "category_id": number % len(CLASSES) + 1, "iscrowd": 0}
            boxes.append({**one, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)})
    images += [_draw(folder, len(images) + 1 + extra, key, [TURNED[key]]) for extra, key in enumerate(TURNED)]
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    text = json.dumps({"images": images, "annotations": boxes, "categories": categories})
    (folder / "annotations.json").write_text(text, encoding="utf-8")


def _draw(folder: Path, number: int, key: str, objects: list[tuple[int, int, int, int]]) -> dict[str, Any]:
    turned = int(key[7]) if key.startswith("turned") else 1
    size = _LARGE.get(turned, SIZE)
    picture = Image.new("RGB", size, BACKGROUND)
    for x1, y1, x2, y2 in objects:
        ImageDraw.Draw(picture).rectangle((x1, y1, x2 - 1, y2 - 1), fill=OBJECT)
    exif = Image.Exif()
    if turned > 1:
        picture = picture.transpose(_TO_RAW[turned])
        exif[0x0112] = turned
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=92, subsampling=0, exif=exif)
    return {"id": number, "file_name": key, "width": size[0], "height": size[1]}
