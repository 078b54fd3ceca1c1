"""YOLO detection: `images/`, `labels/` with one text file an image, and `data.yaml` with the classes.

A label file that is empty means "looked at, nothing there"; no label file means that
nobody has looked. Ultralytics trains on both as background, so images without labels
are left out of an export unless they are asked for.

Reference: https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from ..format import FRACTIONS, Export, Format, Holds, RawBox, RawSample, Source
from ..label_files import read_text
from ..schema import Box, Sample, Size
from ..tree import Tree, stem
from ..yolo_layout import Layout, find_data_yamls, read_layout

_UNIT = 1_000_000
_ULTRALYTICS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""The suffixes of images that Ultralytics reads, of those that labelloop does."""
_LINES = tuple(f"{number}" for number in range(1, 65))


def detect(tree: Tree) -> int:
    """How much a folder looks like YOLO: 95 with a data.yaml, 80 with a label file in a `labels` folder."""
    texts = tree.with_suffix(".txt")
    if find_data_yamls(tree):
        return 95 if texts or tree.images else 0
    if any("labels" in key.split("/")[:-1] for key in texts):
        return 80
    stems = {stem(key) for key in tree.images}
    return 60 if any(stem(key) in stems for key in texts) else 0


def read(source: Source) -> Iterator[RawSample]:
    """The raw samples in the order of the images' keys; label files without an image are found."""
    layout = read_layout(source)
    source.declared.extend(layout.names)
    highest = -1
    for key in source.images.images:
        label_key = layout.label_of(key)
        split = layout.split_of(key)
        if label_key is None:
            yield source.without_labels(key, "image has no label file", split)
            continue
        claims = layout.claims(label_key)
        if len(claims) > 1:
            if claims[0] == key:
                what = f"labels are for {' and for '.join(claims)}: which is meant?"
                source.findings.add("pair-conflict", label_key, what)
            continue
        try:
            content = read_text(source.tree.others[label_key], source.recipe.encoding)
        except ValueError as error:
            source.findings.add("unreadable-label-file", label_key, str(error))
            continue
        boxes = _boxes(content, label_key, layout, source)
        if boxes is None:
            continue
        if not layout.names and boxes:
            highest = max(highest, *(int(box.label) for box in boxes))
        yield RawSample(key, label_key, "labelled" if boxes else "negative", FRACTIONS, boxes, split=split)
    if highest >= 0:
        source.findings.add("class-order-assumed", "", "no class names are declared; the ids are taken as names")
        source.declared.extend(str(number) for number in range(highest + 1))
    for key, holds_labels in layout.unclaimed():
        if holds_labels:
            source.findings.add("orphan-label", key, "labels without an image")
        else:
            source.findings.add("ignored-file", key, "text file among labels that holds none")


def parse_line(line: str, names: Sequence[str]) -> tuple[str, float, float, float, float, float | None]:
    """The label, corners (x1, y1, x2, y2) as fractions, and score of one label line.

    Args:
        line: `class cx cy w h`, fractions of the image's size; a sixth field is a score.
        names: class names by id; empty takes the id as the name.

    Raises:
        ValueError: not five or six fields, an outline, no class id, an unknown class, values that
            are no fractions, or a box without area.

    Reference: https://docs.ultralytics.com/datasets/detect/
    """
    if not line.isascii() or "_" in line:
        raise ValueError(f"line must be numbers in plain digits, received {line[:40]!r}")
    fields = line.split()
    if len(fields) not in (5, 6):
        raise ValueError(f"line must have 5 fields (class cx cy w h), received {_what(fields)}")
    label = _label(fields[0], names)
    cx, cy, width, height = (_fraction(field) for field in fields[1:5])
    score = _fraction(fields[5]) if len(fields) == 6 else None
    if width <= 0 or height <= 0:
        raise ValueError(f"box must have a width and a height above 0, received {fields[3]} {fields[4]}")
    return label, cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2, score


def format_line(box: Box, class_id: int, size: Size) -> str:
    """The label line of a box: `class cx cy w h` with six digits.

    Centre and sides are rounded together: the corners they give are never outside [0, 1]
    and never further than 1e-6 from the true ones.
    """
    cx, width = _round_span(box.x1 / size[0], box.x2 / size[0])
    cy, height = _round_span(box.y1 / size[1], box.y2 / size[1])
    return f"{class_id} {cx / _UNIT:.6f} {cy / _UNIT:.6f} {width / _UNIT:.6f} {height / _UNIT:.6f}"


def image_place(sample: Sample) -> str:
    """`images/SPLIT/KEY`, `images/all/KEY` without a split; folders in the key that Ultralytics would take for its own are renamed.

    Raises:
        ValueError: a split that Ultralytics would take for such a folder.
    """
    if sample.split in ("images", "labels"):
        raise ValueError(f"split must not be named images or labels, received {sample.split} for {sample.key}")
    parts = sample.key.split("/")
    # Ultralytics finds labels by replacing the LAST /images/ of the path, wherever it stands.
    folders = [f"{part}_" if part in ("images", "labels") else part for part in parts[:-1]]
    return "/".join(["images", sample.split or "all", *folders, parts[-1]])


def write(export: Export) -> None:
    """The label files and data.yaml; an empty file for a looked-at negative, none for an image not labelled yet."""
    ids = {name: number for number, name in enumerate(export.classes)}
    made: set[str] = set()
    for placed in export.samples:
        if placed.sample.state == "unlabelled":
            continue
        name = f"labels/{stem(placed.image).removeprefix('images/')}.txt"
        folder = name.rpartition("/")[0]
        if folder not in made:
            (export.folder / folder).mkdir(parents=True, exist_ok=True)
            made.add(folder)
        lines = [format_line(box, ids[box.label], placed.sample.size) for box in placed.sample.boxes]
        with open(f"{export.folder}/{name}", "wb") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
    (export.folder / "data.yaml").write_text(_data_yaml(export), encoding="utf-8")


def _data_yaml(export: Export) -> str:
    found = export.splits()
    splits = {split: split for split in found} or {"train": "all"}
    rest = sum(not placed.sample.split for placed in export.samples)
    places = "".join(f"{_key(split)}: {_quoted(f'images/{folder}')}\n" for split, folder in splits.items())
    names = "".join(f"  {number}: {_quoted(name)}\n" for number, name in enumerate(export.classes))
    head = "# Paths are relative to this file's folder; class ids are in this order.\n"
    if not found:
        head += "# No image has a split yet. Ultralytics asks for `val` too; `labelloop split` makes one.\n"
    elif rest:
        head += f"# Images without a split: {rest}, in images/all. No line here names them, so nobody trains on them.\n"
    return f"{head}{places}nc: {len(export.classes)}\nnames:\n{names}" if names else f"{head}{places}nc: 0\nnames: []\n"


def _boxes(content: str, key: str, layout: Layout, source: Source) -> list[RawBox] | None:
    boxes: list[RawBox] = []
    sound = True
    if "\r" in content:
        content = content.replace("\r\n", "\n").replace("\r", "\n")
    for index, line in enumerate(content.split("\n")):
        if not line or line.isspace():
            continue
        place = _LINES[index] if index < len(_LINES) else f"{index + 1}"
        try:
            label, x1, y1, x2, y2, score = parse_line(line, layout.names)
            boxes.append(RawBox(label, x1, y1, x2, y2, place, score=score))
        except UnknownClass as error:
            source.findings.add("unknown-label", f"{key}:{place}", str(error))
            sound = False
        except ValueError as error:
            outline = _outline(line, layout.names) if source.recipe.polygons == "boxes" else None
            if outline is not None:
                source.findings.add("boxed-shape", f"{key}:{place}", "outline is read as the box around it")
                boxes.append(RawBox(*outline, place))
                continue
            source.findings.add("unsupported-shape" if _is_outline(line) else "bad-box", f"{key}:{place}", str(error))
            sound = False
    return boxes if sound else None


class UnknownClass(ValueError):
    """A class id that the list of names does not reach."""


def _label(field: str, names: Sequence[str]) -> str:
    try:
        value = float(field)
        number = int(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"class must be a whole number, received {field[:40]!r}") from error
    if number != value or number < 0:
        raise ValueError(f"class must be a whole number from 0, received {field[:40]!r}")
    if names and number >= len(names):
        raise UnknownClass(f"class {number} is not among the {len(names)} names")
    if number > 100_000:
        raise UnknownClass(f"class {field[:40]} is not declared and too large to be one")
    return names[number] if names else str(number)


def _fraction(field: str) -> float:
    try:
        value = float(field)
    except ValueError as error:
        raise ValueError(f"value must be a number, received {field[:40]!r}") from error
    if not isfinite(value):
        raise ValueError(f"value must be finite, received {field[:40]}")
    if not -0.5 <= value <= 1.5:
        raise ValueError(f"value must be a fraction of the image's side, received {field[:40]} (pixels?)")
    return value


def _what(fields: list[str]) -> str:
    if len(fields) == 9:
        return "9: an oriented box (OBB) or a four-cornered outline"
    if len(fields) >= 7 and len(fields) % 2 == 1:
        return f"{len(fields)}: an outline (segmentation)"
    return str(len(fields))


def _is_outline(line: str) -> bool:
    fields = line.split()
    return line.isascii() and "_" not in line and len(fields) >= 7 and len(fields) % 2 == 1


def _outline(line: str, names: Sequence[str]) -> tuple[str, float, float, float, float] | None:
    fields = line.split()
    if not _is_outline(line):
        return None
    try:
        label = _label(fields[0], names)
        values = [_fraction(field) for field in fields[1:]]
    except ValueError:
        return None
    xs, ys = values[0::2], values[1::2]
    return label, min(xs), min(ys), max(xs), max(ys)


def _round_span(low: float, high: float) -> tuple[int, int]:
    """Centre and length in millionths, rounded so that both ends stay inside and move least."""
    centre, length = (low + high) / 2 * _UNIT, (high - low) * _UNIT
    best = (round(centre), round(length))
    if best[1] >= 1 and 2 * best[0] - best[1] >= 0 and 2 * best[0] + best[1] <= 2 * _UNIT:
        return best
    choices = [
        (abs(c - l / 2 - low * _UNIT) + abs(c + l / 2 - high * _UNIT), c, l)
        for c in (int(centre), int(centre) + 1)
        for l in {max(1, int(length)), int(length) + 1}  # noqa: E741  # c and l, as in the formula
        if 2 * c - l >= 0 and 2 * c + l <= 2 * _UNIT
    ]
    _, c, l = min(choices)  # noqa: E741
    return c, l


def _key(split: str) -> str:
    return split if split in ("train", "val", "test") else _quoted(split)


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'" if name.isprintable() else _escaped(name)


def _escaped(name: str) -> str:
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in name) + '"'


FORMAT = Format(
    title="YOLO detection: a text file for each image, and data.yaml",
    holds=Holds(suffixes=_ULTRALYTICS),
    detect=detect,
    read=read,
    image_place=image_place,
    write=write,
)
