"""What was sent to a trainer against what it says that it used: every image and box that is lost, with the reason.

Ultralytics leaves out an image with one bad label with no more than a warning, rewrites a JPEG
that it holds to be broken, and drops a box that is there twice; a training that
silently lost a tenth of its data looks like any other.

Reference: `verify_image_label` in ultralytics/data/utils.py
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ..datasets.format import Placed
from ..datasets.formats.yolo import format_line
from ..datasets.schema import Json, Sample

What = Literal["image", "box", "repaired", "turned"]

READ_BY_ULTRALYTICS = frozenset(
    {"avif", "bmp", "dng", "heic", "heif", "jp2", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp"}
)
"""Suffixes that Ultralytics takes for images. Reference: IMG_FORMATS in ultralytics/data/utils.py"""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_DROPPED = " ignoring corrupt image/label: "
_REPAIRED = " corrupt JPEG restored and saved"


@dataclass(frozen=True, slots=True)
class Lost:
    """One thing that the trainer did not use as it was sent.

    `what` is image (left out with all of its boxes), box (some of its boxes are left out),
    repaired (the trainer wrote its copy of the file anew, and used that) or turned (it read the image
    in another size than the ledger's, so that labels and picture do not fit). `boxes` counts those lost.
    """

    key: str
    what: What
    boxes: int
    reason: str

    def __str__(self) -> str:
        boxes = f" ({self.boxes} box{'es' if self.boxes != 1 else ''})" if self.boxes else ""
        return f"{self.key}: {self.what}{boxes}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The images and boxes of one split: sent, used, and lost, in the order of the keys."""

    images_sent: int
    images_used: int
    boxes_sent: int
    boxes_used: int
    lost: tuple[Lost, ...]

    def with_kept_back(self, samples: Sequence[Sample], reasons: Mapping[str, str]) -> Reconciliation:
        """The same, with images that were never given to the trainer, for reasons by their keys."""
        lost = [Lost(sample.key, "image", len(sample.boxes), reasons[sample.key]) for sample in samples]
        return replace(
            self,
            images_sent=self.images_sent + len(samples),
            boxes_sent=self.boxes_sent + sum(len(sample.boxes) for sample in samples),
            lost=tuple(sorted((*self.lost, *lost), key=lambda each: each.key)),
        )

    def to_json(self) -> dict[str, Json]:
        """As it stands in a run's result."""
        return {**asdict(self), "lost": [asdict(each) for each in self.lost]}


def reconcile(
    sent: Iterable[Placed], classes: Sequence[str], read: Mapping[str, Any], fraction: Json
) -> Reconciliation:
    """What became of the images of one split.

    Args:
        sent: with their places in the export.
        classes: the class names, in the order of their ids.
        read: what the trainer read: `images`, by place, with `size` (width, height) and `boxes` (id, cx, cy, w, h as
            fractions), and `said`, the lines that it logged about single images.
        fraction: the trainer's own setting, by which it can be asked to leave images out.
    """
    ids = {name: number for number, name in enumerate(classes)}
    said = _by_place(read.get("said", ()))
    lost: list[Lost] = []
    images_sent = images_used = boxes_sent = boxes_used = 0
    for placed in sorted(sent, key=lambda each: each.sample.key):
        sample = placed.sample
        images_sent += 1
        boxes_sent += len(sample.boxes)
        found = read["images"].get(placed.image)
        message = said.get(placed.image, "")
        if found is None:
            lost.append(Lost(sample.key, "image", len(sample.boxes), message or _why(placed.image, fraction)))
            continue
        images_used += 1
        meant = Counter(_numbers(format_line(box, ids[box.label], sample.size).split()) for box in sample.boxes)
        used = Counter(map(_numbers, found["boxes"]))
        missing = (meant - used).total()
        boxes_used += len(sample.boxes) - missing
        if missing:
            lost.append(Lost(sample.key, "box", missing, message or "the trainer does not say why"))
        elif message:
            lost.append(Lost(sample.key, "repaired", 0, message))
        if tuple(found["size"]) != tuple(sample.size):
            width, height = found["size"]
            lost.append(
                Lost(sample.key, "turned", 0, f"read as {width}x{height}, and its labels are for {sample.size}")
            )
    return Reconciliation(images_sent, images_used, boxes_sent, boxes_used, tuple(lost))


def _by_place(said: Iterable[str]) -> dict[str, str]:
    """What was said of images, by their place in the export (`images/...`)."""
    found: dict[str, str] = {}
    for line in said:
        text = _COLOURS.sub("", line)
        for mark in (_DROPPED, _REPAIRED, " duplicate labels removed"):
            head, is_there, rest = text.partition(f":{mark}" if mark != " duplicate labels removed" else mark)
            if not is_there:
                continue
            if mark == " duplicate labels removed":
                head, _, count = head.rpartition(": ")
                rest = f"{count} boxes that are there twice"
            at = head.rfind("/data/images/")
            found[head[at + len("/data/") :]] = (rest or mark).strip()
            break
    return found


def _numbers(fields: Sequence[Any]) -> tuple[int, ...]:
    """A label line as whole numbers: the class, and millionths. In 32 bits, six digits stay what they are."""
    return (int(fields[0]), *(round(float(value) * 1_000_000) for value in fields[1:5]))


def _why(place: str, fraction: Json) -> str:
    suffix = place.rpartition(".")[2].lower()
    if suffix not in READ_BY_ULTRALYTICS:
        return f"Ultralytics does not read .{suffix} files"
    if fraction not in (1, 1.0, None):
        return f"left out by fraction={fraction}"
    return "the trainer does not say why"
