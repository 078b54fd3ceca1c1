"""What an export cannot carry: counted before it is written, and said.

A format that holds less than the data is not an error; losing it silently would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from .errors import LabelloopError
from .format import Holds
from .json_values import storable
from .schema import NOTHING, Box, Json, Sample, meaningful


@dataclass(frozen=True, slots=True)
class Loss:
    """One kind of thing that a target cannot hold: what, how many, and where first."""

    what: str
    count: int
    first: str

    def __str__(self) -> str:
        return f"{self.what}: {self.count} (first: {self.first})"


class Losses:
    """Losses by kind, counted."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def add(self, what: str, place: str, count: int = 1) -> None:
        """Count a loss; the first place of each kind is kept."""
        self._counts[what] = self._counts.get(what, 0) + count
        self._first.setdefault(what, place)

    def all(self) -> tuple[Loss, ...]:
        """The losses, by kind in alphabetical order."""
        return tuple(Loss(what, self._counts[what], self._first[what]) for what in sorted(self._counts))


def project(
    samples: Iterable[Sample], holds: Holds, format: str, unlabelled: bool
) -> tuple[list[Sample], tuple[Loss, ...]]:
    """The samples as a format can say them, and what is lost by it.

    Samples that the format could only say wrongly are left out and counted: an image with a
    class of its own and no boxes would be a negative in a format of boxes.

    Args:
        holds: what the format can say.
        format: its name, for the sentence.
        unlabelled: whether images that nobody has labelled go along.

    Raises:
        LabelloopError: nothing would be left, or some images have a split and some have none,
            and the format cannot say so.
    """
    losses = Losses()
    given = list(samples)
    kept = [said for sample in given if (said := _project(sample, holds, unlabelled, losses)) is not None]
    if not kept:
        reasons = "; ".join(str(loss) for loss in losses.all()) or "no images"
        raise LabelloopError(f"nothing to write as {format}: {reasons}")
    for sample in kept if holds.suffixes else ():
        suffix = sample.key[sample.key.rfind(".") :].lower()
        if suffix not in holds.suffixes:
            losses.add(f"images that readers of {format} pass over for their suffix {suffix}", sample.key)
    without = [sample.key for sample in kept if not sample.split]
    if not holds.some_splits and 0 < len(without) < len(kept):
        raise LabelloopError(
            f"{format} must have a split for every image or for none, received {len(without)} images without one"
            f" (first: {without[0]}) beside {len(kept) - len(without)} with; `labelloop split` gives every image one"
        )
    return kept, losses.all()


def _project(sample: Sample, holds: Holds, unlabelled: bool, losses: Losses) -> Sample | None:
    key = sample.key
    if sample.tags:
        losses.add("tags of images", key)
        sample = replace(sample, tags=())
    if sample.state == "unlabelled":
        if not unlabelled:
            losses.add("images left out that nobody has labelled yet", key)
            return None
        if not holds.unlabelled:
            losses.add("images left out: the format cannot say 'not labelled yet'", key)
            return None
    elif sample.state == "negative" and not holds.negatives:
        losses.add("looked-at negatives left out: the format has no place for them", key)
        return None
    label, boxes = sample.label, sample.boxes
    if label is not None and not holds.image_labels:
        losses.add("image labels", key)
        label = None
        if not boxes:
            losses.add("images left out that have a label and no boxes", key)
            return None
    if boxes and not holds.boxes:
        losses.add("boxes", key, len(boxes))
        boxes = ()
        if label is None:
            losses.add("images left out that have boxes and no label", key)
            return None
    if boxes and not (holds.attributes and holds.ids and holds.scores):
        boxes = tuple(box for each in boxes if (box := _project_box(each, key, holds, losses)) is not None)
        if not boxes and label is None:
            losses.add("images left out whose only boxes are around crowds", key)
            return None
    if any(box.attributes for box in boxes):
        boxes = _with_storable(boxes, key, losses)
    extra = _project_extra(sample.extra, key, holds, losses)
    if label is sample.label and boxes is sample.boxes and extra is sample.extra:
        return sample
    return replace(sample, label=label, boxes=boxes, extra=extra)


def _project_extra(extra: Mapping[str, Json], key: str, holds: Holds, losses: Losses) -> Mapping[str, Json]:
    if holds.image_extra or not extra:
        return _storable(extra, key, losses)
    if meaningful({name: value for name, value in extra.items() if name not in ("version", "lineColor", "fillColor")}):
        losses.add("what the source said of images besides", key)
    return NOTHING


def _with_storable(boxes: tuple[Box, ...], key: str, losses: Losses) -> tuple[Box, ...]:
    stored = [_storable(box.attributes, key, losses) for box in boxes]
    if all(each is box.attributes for each, box in zip(stored, boxes, strict=True)):
        return boxes
    return tuple(replace(box, attributes=each) for each, box in zip(stored, boxes, strict=True))


def _storable(words: Mapping[str, Json], key: str, losses: Losses) -> Mapping[str, Json]:
    stored = storable(words)
    if stored is not words:
        losses.add("attributes that are NaN, infinite or nest too deep, written as null", key)
    return stored


def _project_box(box: Box, key: str, holds: Holds, losses: Losses) -> Box | None:
    said = meaningful(box.attributes)
    if said and not holds.attributes:
        if said.get("iscrowd") == 1:
            losses.add("boxes left out that are around crowds", key)
            return None
        losses.add("attributes of boxes", key)
    if box.id and not holds.ids:
        losses.add("ids of boxes", key)
    if box.score is not None and not holds.scores:
        losses.add("scores of boxes", key)
    return replace(
        box,
        attributes=box.attributes if holds.attributes else NOTHING,
        id=box.id if holds.ids else "",
        score=box.score if holds.scores else None,
    )
