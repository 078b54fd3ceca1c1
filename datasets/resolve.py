"""From what a label file says to a sample: scale, orientation, clipping, classes, groups.

Everything that can go wrong with geometry goes wrong here, in one place, for every format.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from sys import intern

from .findings import Findings
from .format import FRACTIONS, RawBox, RawSample
from .geometry import TRANSPOSED, describe_scale, same_shape, to_upright
from .images import Header
from .manifest import Row
from .recipe import Recipe
from .schema import NOTHING, Box, Sample, Size, why_not_a_box

_NOISE = 1e-6
"""Part of an image's side by which a box may reach over the edge without being called clipped:
fractions that were written with six digits do."""


def resolve(
    raw: RawSample, path: Path, header: Header, recipe: Recipe, findings: Findings, row: Row | None = None
) -> Sample | None:
    """The sample that a label file describes; None where a finding stops it.

    Args:
        raw: what the label file says.
        path: the file that holds the image's bytes.
        header: the image's, for its size and orientation.
        row: what an export's manifest says of the image; its key and split go before, and its group.
    """
    size = header.size
    boxes: tuple[Box, ...] = ()
    sound = True
    if raw.boxes:
        frame = _frame(raw, header, size, recipe, findings)
        if frame is None:
            return None
        boxes, sound = _boxes(raw, frame, header, size, recipe, findings)
    label = raw.label
    if label is not None:
        label = recipe.class_of(label)
        if label is None:
            findings.add("unknown-label", raw.place, _unknown(raw.label or "", recipe))
            sound = False
    if not sound:
        return None
    if recipe.agree:
        _compare_with_path(raw, boxes, label, recipe, findings)
    key, split, group = raw.image, raw.split, recipe.group_of(raw.image)
    if row is not None:
        key, split, group = row.key, row.split or None, row.group or group
    return Sample(
        key, path, size, header.orientation, raw.state, boxes, label, split, group, raw.extra, raw.embedded is not None
    )


def _frame(raw: RawSample, header: Header, size: Size, recipe: Recipe, findings: Findings) -> tuple[Size, bool] | None:
    """The size that the corners are for, and whether they are for the raw image."""
    frame = raw.frame
    if frame is None:
        frame = size
        if any(max(box.x2 - size[0], box.y2 - size[1]) > 0.01 * max(size) for box in raw.boxes):
            findings.add(
                "size-unknown", raw.place, f"labels reach beyond the image's {size} px and no image size is given"
            )
            return None
    elif frame[0] < 1 or frame[1] < 1:
        findings.add("size-unknown", raw.place, f"image size must be above 0, the label file says {frame}")
        return None
    turned = False
    if header.orientation != 1:
        turned = recipe.orientation == "raw"
        if frame is not FRACTIONS and header.orientation in TRANSPOSED and size[0] != size[1]:
            fits_upright, fits_raw = same_shape(frame, size), same_shape(frame, header.raw)
            turned = fits_raw and not fits_upright if fits_raw != fits_upright else turned
        elif recipe.orientation == "assume":
            findings.add(
                "orientation-assumed", raw.place,
                f"image has EXIF orientation {header.orientation} and the size cannot tell which way the labels were drawn;"
                " read as drawn on the upright image",
            )  # fmt: skip
        if turned:
            findings.add(
                "turned", raw.place, f"labels are for the raw photo; turned by EXIF orientation {header.orientation}"
            )
    target = header.raw if turned else size
    if frame != target and frame is not FRACTIONS:
        kind, message = _compare_sizes(frame, target)
        findings.add(kind, raw.place, message)
        if kind != "scaled":
            return None
    return frame, turned


@lru_cache(maxsize=1024)
def _compare_sizes(frame: Size, target: Size) -> tuple[str, str]:
    """The finding, kind and message, for a frame that is not the image's own size; a source has few such pairs."""
    said = f"image is {target} px, its label file says {frame}"
    if not same_shape(frame, target):
        return "aspect-differs", f"{said}: not the same shape"
    return "scaled", f"{said}: read at {describe_scale(frame, target)}"


def _boxes(
    raw: RawSample, frame: tuple[Size, bool], header: Header, size: Size, recipe: Recipe, findings: Findings
) -> tuple[tuple[Box, ...], bool]:
    (frame_width, frame_height), turned = frame
    width, height = size
    # Multiplying before dividing keeps a whole number whole where the scale is 1/n.
    target_width, target_height = header.raw if turned else size
    same = (frame_width, frame_height) == (target_width, target_height)
    boxes: list[Box] = []
    sound = True
    for box in raw.boxes:
        label = recipe.class_of(box.label)
        if label is None:
            findings.add("unknown-label", _place(raw, box), _unknown(box.label, recipe))
            sound = False
            continue
        x1, y1, x2, y2 = box.x1, box.y1, box.x2, box.y2
        if not same:
            x1, x2 = x1 * target_width / frame_width, x2 * target_width / frame_width
            y1, y2 = y1 * target_height / frame_height, y2 * target_height / frame_height
        if turned:
            x1, y1, x2, y2 = to_upright((x1, y1, x2, y2), header.raw, header.orientation)
        if not (x1 < x2 and y1 < y2 and x2 - x1 < float("inf") and y2 - y1 < float("inf")):
            findings.add("bad-box", _place(raw, box), why_not_a_box((box.x1, box.y1, box.x2, box.y2)))
            sound = False
            continue
        if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
            if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
                findings.add(
                    "box-outside",
                    _place(raw, box),
                    f"box {_shown(x1, y1, x2, y2)} is outside its {size} px image",
                )
                sound = False
                continue
            over = max(-x1 / width, -y1 / height, x2 / width - 1, y2 / height - 1)
            if over > _NOISE:
                findings.add(
                    "clipped",
                    _place(raw, box),
                    f"box {_shown(x1, y1, x2, y2)} is clipped to its {size} px image",
                )
            x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
        try:
            # One text for all boxes of a class: a parser makes a new one for each.
            boxes.append(Box(intern(label), x1, y1, x2, y2, box.id, box.score, box.attributes or NOTHING))
        except ValueError as error:
            findings.add("bad-box", _place(raw, box), str(error))
            sound = False
    if sound and len(boxes) > 1:
        _find_twins(raw, boxes, findings)
    return tuple(boxes), sound


def _find_twins(raw: RawSample, boxes: list[Box], findings: Findings) -> None:
    if len({(box.label, box.x1, box.y1, box.x2, box.y2) for box in boxes}) == len(boxes):
        return
    seen: set[tuple[str, float, float, float, float]] = set()
    for number, box in enumerate(boxes):
        known = (box.label, box.x1, box.y1, box.x2, box.y2)
        if known in seen and box.score is None:
            findings.add("duplicate-box", _place(raw, raw.boxes[number]), f"the same {box.label} stands here already")
        seen.add(known)


def _compare_with_path(
    raw: RawSample, boxes: tuple[Box, ...], label: str | None, recipe: Recipe, findings: Findings
) -> None:
    said = list(dict.fromkeys(recipe.said_by_path(raw.image)))
    if len(said) > 1:
        findings.add("label-disagrees", raw.image, f"folder and file name disagree: {' and '.join(said)}")
    for name in said:
        if label is not None and label != name:
            findings.add("label-disagrees", raw.place, f"image is labelled {label}, its path says {name}")
        for number, box in enumerate(boxes):
            if box.label != name:
                place = _place(raw, raw.boxes[number])
                findings.add("label-disagrees", place, f"box is labelled {box.label}, its path says {name}")


def _place(raw: RawSample, box: RawBox) -> str:
    if not box.place:
        return raw.place
    return f"{raw.place}:{box.place}"


def _unknown(label: str, recipe: Recipe) -> str:
    known = ", ".join(recipe.classes[:20]) + (", ..." if len(recipe.classes) > 20 else "")
    return f"label {label[:100]!r} is none of the classes {known}"


def _shown(x1: float, y1: float, x2: float, y2: float) -> str:
    return f"({x1:g}, {y1:g}, {x2:g}, {y2:g})"
