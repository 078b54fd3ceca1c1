"""Sources whose pictures show their own boxes: what is drawn where can be measured again in an export.

Each class has a color; a box is filled with its class's color, so that a label on the
wrong image, a shifted box or a swapped class is seen by looking at the pixels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image, ImageOps

from labelloop.datasets import formats
from labelloop.datasets.convert import convert
from labelloop.datasets.recipe import Recipe
from tests.datasets.complaints.plain_readers import READABLE

Corners = tuple[float, float, float, float]
Labels = list[tuple[str, Corners]]

WRITABLE = [name for name in formats.writable_names() if name in READABLE]
OF_BOXES = [name for name in WRITABLE if formats.load(name).holds.boxes]
WITH_NEGATIVES = [name for name in OF_BOXES if formats.load(name).holds.negatives]
COLORS = {0: (255, 0, 0), 1: (0, 255, 0), 2: (0, 0, 255)}
# What turns a stored picture into the one of each EXIF orientation, undone.
_STORED = {
    1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """An image to draw: `boxes` None means that nobody has labelled it, () that nothing is there."""

    key: str
    boxes: Sequence[tuple[str, Corners]] | None = ()
    size: tuple[int, int] = (80, 60)
    split: str = ""
    orientation: int = 1


def draw(root: Path, pictures: Iterable[Picture], classes: Sequence[str]) -> None:
    """Save the pictures under a folder, each box filled with the color of its class."""
    for number, picture in enumerate(pictures):
        image = Image.new("RGB", picture.size, (40 + number % 40, 40, 40))
        for label, corners in picture.boxes or ():
            image.paste(COLORS[list(classes).index(label) % 3], tuple(map(int, corners)))
        turn = _STORED[picture.orientation]
        exif = Image.Exif()
        exif[0x0112] = picture.orientation
        path = root / picture.key
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = image if turn is None else image.transpose(turn)
        kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
        stored.save(path, kind, exif=exif, **({} if kind == "PNG" else {"quality": 95, "subsampling": 0}))


def measure(path: Path, color: tuple[int, int, int]) -> Corners | None:
    """The box around all pixels of this color on the picture as it is displayed; None where there is none."""
    with Image.open(path) as stored:
        shown = ImageOps.exif_transpose(stored).convert("RGB")
    wanted = [
        channel.point(lambda v, c=c: 255 * (abs(v - c) < 100)) for channel, c in zip(shown.split(), color, strict=True)
    ]
    mask = Image.merge("RGB", wanted).convert("L").point(lambda v: 255 * (v > 250))
    return mask.getbbox()


def write_coco(root: Path, pictures: Sequence[Picture], classes: Sequence[str]) -> None:
    """`annotations/instances_SPLIT.json` as other tools write it, with what is optional left out."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for split in sorted({picture.split for picture in pictures}):
        listed = [each for each in pictures if each.split == split and each.boxes is not None]
        document = {
            "images": [
                {"id": number, "file_name": each.key, "width": each.size[0], "height": each.size[1]}
                for number, each in enumerate(listed)
            ],
            "annotations": [
                {"id": 1000 * number + index, "image_id": number, "category_id": list(classes).index(label) + 1,
                 "bbox": [x1, y1, x2 - x1, y2 - y1]}
                for number, each in enumerate(listed)
                for index, (label, (x1, y1, x2, y2)) in enumerate(each.boxes or ())
            ],
            "categories": [{"id": number, "name": name} for number, name in enumerate(classes, start=1)],
        }  # fmt: skip
        path = root / "annotations" / (f"instances_{split}.json" if split else "instances.json")
        path.write_text(json.dumps(document), encoding="utf-8")


def write_labelme(root: Path, pictures: Sequence[Picture]) -> None:
    """A json beside each image."""
    for each in pictures:
        if each.boxes is not None:
            shapes = [
                {
                    "label": label,
                    "points": [[x1, y1], [x2, y2]],
                    "shape_type": "rectangle",
                    "group_id": None,
                    "flags": {},
                }
                for label, (x1, y1, x2, y2) in each.boxes
            ]
            document = {
                "version": "5.0.1", "flags": {}, "shapes": shapes, "imagePath": Path(each.key).name, "imageData": None,
                "imageHeight": each.size[1], "imageWidth": each.size[0],
            }  # fmt: skip
            (root / each.key).with_suffix(".json").write_text(json.dumps(document), encoding="utf-8")


def write_yolo(root: Path, pictures: Sequence[Picture], classes: Sequence[str]) -> None:
    """`data.yaml`, and the label files in `labels/` of images that lie in `images/`."""
    names = "".join(f"  {number}: {json.dumps(name)}\n" for number, name in enumerate(classes))
    (root / "data.yaml").write_text(f"train: images\nnames:\n{names}", encoding="utf-8")
    for each in pictures:
        if each.boxes is not None:
            width, height = each.size
            lines = [
                f"{list(classes).index(label)} {(x1 + x2) / 2 / width} {(y1 + y2) / 2 / height}"
                f" {(x2 - x1) / width} {(y2 - y1) / height}\n"
                for label, (x1, y1, x2, y2) in each.boxes
            ]
            path = (root / each.key.replace("images/", "labels/", 1)).with_suffix(".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(lines), encoding="utf-8")


def write_voc(root: Path, pictures: Sequence[Picture]) -> None:
    """An XML in `Annotations/` for each image that lies in `JPEGImages/`."""
    for each in pictures:
        if each.boxes is not None:
            objects = "".join(
                f"<object><name>{escape(label)}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax>"
                f"<ymax>{y2}</ymax></bndbox></object>"
                for label, (x1, y1, x2, y2) in each.boxes
            )
            path = (root / each.key.replace("JPEGImages/", "Annotations/", 1)).with_suffix(".xml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                f"<annotation><filename>{escape(Path(each.key).name)}</filename><size><width>{each.size[0]}</width>"
                f"<height>{each.size[1]}</height><depth>3</depth></size>{objects}</annotation>",
                encoding="utf-8",
            )


def write_via(root: Path, pictures: Sequence[Picture]) -> None:
    """`via.json`, its entries in the order of the pictures."""
    entries: dict[str, object] = {}
    for each in pictures:
        if each.boxes is not None:
            size = (root / each.key).stat().st_size
            regions = [
                {"shape_attributes": {"name": "rect", "x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1},
                 "region_attributes": {"label": label}}
                for label, (x1, y1, x2, y2) in each.boxes
            ]  # fmt: skip
            state = {} if regions else {"labelloop_state": "negative"}
            entries[f"{each.key}{size}"] = {
                "filename": each.key,
                "size": size,
                "regions": regions,
                "file_attributes": state,
            }
    (root / "via.json").write_text(json.dumps(entries), encoding="utf-8")


def make_source(name: str, root: Path, pictures: Sequence[Picture], classes: Sequence[str]) -> Recipe:
    """Draw a source that a format of this name can hold, and the recipe that pins its classes.

    Sources for formats of boxes are COCO. For class folders, an image lies in the folder of its first box's class.
    """
    if formats.load(name).holds.boxes:
        draw(root, pictures, classes)
        write_coco(root, pictures, classes)
        return Recipe(format="coco", classes=tuple(classes))
    placed = [
        Picture("/".join([*([each.split] if each.split else []), each.boxes[0][0], each.key]), each.boxes, each.size)
        for each in pictures
        if each.boxes
    ]
    draw(root, placed, classes)
    return Recipe(format="folders", classes=tuple(classes))


def exported(name: str, folder: Path, pictures: Sequence[Picture], classes: Sequence[str], **options: object) -> Path:
    """The export in this format of a source with these pictures."""
    recipe = make_source(name, folder / "source", pictures, classes)
    convert(folder / "source", folder / "target", name, recipe=recipe, **options)  # pyright: ignore
    return folder / "target"


def colors_of(classes: Sequence[str]) -> Mapping[str, tuple[int, int, int]]:
    """The color of each class."""
    return {label: COLORS[number % 3] for number, label in enumerate(classes)}
