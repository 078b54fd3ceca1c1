"""What a person changed in one sample of the window: its document beside the one that the ledger's row makes.

Values are compared as the window holds them, so a number that only went there and back
is no edit; a box counts as moved when a corner is off by more than a millionth of a pixel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from .boxes import with_ids
from .geometry import Corners
from .schema import Box, Sample, Size, State
from .window_attributes import ADDED, BUILT_IN, UNKNOWN_TO_US, from_fields
from .window_documents import EDITED, GROUND_TRUTH, LABEL, Document

_PIXEL = 1e-6


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about an edit: on which image, and on which box where it is about one."""

    key: str
    box: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: box {self.box}: {self.text}" if self.box else f"{self.key}: {self.text}"


class EditReader:
    """Reads edited documents back into samples; what cannot be taken is a problem, what is changed on the way a note.

    Args:
        classes: the labels that there are.
        new_classes: take labels that are not among them.
    """

    def __init__(self, classes: Collection[str], *, new_classes: bool = False) -> None:
        self.classes, self.new_classes = classes, new_classes
        self.problems: list[Remark] = []
        self.notes: list[Remark] = []

    def read(self, base: Sample, shown: Document, document: Document) -> Sample | None:
        """The sample that an edited document says; None where something in it cannot be taken.

        Args:
            base: the sample that the window shows.
            shown: the document that it became.
            document: the one that is there now.
        """
        before = len(self.problems)
        boxes = self._boxes(base, shown, document)
        label = self._label(base, document)
        state = self._state(base, shown, document, bool(boxes) or label is not None)
        if len(self.problems) > before:
            return None
        return replace(
            base,
            state=state,
            boxes=boxes,
            label=label,
            tags=tuple(sorted(set(_texts(document.get("tags"))))),
            split=_text(document.get("split")),
            group=_text(document.get("group")),
        )

    def _problem(self, base: Sample, box: str, text: str) -> None:
        self.problems.append(Remark(base.key, box, text))

    def _note(self, base: Sample, box: str, text: str) -> None:
        self.notes.append(Remark(base.key, box, text))

    def _boxes(self, base: Sample, shown: Document, document: Document) -> tuple[Box, ...]:
        known = {box.id: box for box in base.boxes}
        was = {str(each["_id"]): each for each in detections(shown)}
        kept: dict[str, Box] = {}
        new: list[Box] = []
        for detection in detections(document):
            box_id = str(detection.get("_id") or "")
            if box_id in kept or any(box_id == each.id for each in new):
                box_id = ""  # a copy on the same image is a box of its own
            if box_id in known:
                box = self._changed(base, known[box_id], was.get(box_id, {}), detection)
                if box is not None:
                    kept[box_id] = box
            else:
                box = self._new(base, box_id, detection)
                if box is not None:
                    new.append(box)
        ordered = [kept[box.id] for box in base.boxes if box.id in kept]
        return with_ids(base.key, [*ordered, *new]) if new else tuple(ordered)

    def _changed(self, base: Sample, box: Box, was: Mapping[str, Any], now: Mapping[str, Any]) -> Box | None:
        if was == now:
            return box
        corners = box.corners
        if now.get("bounding_box") != was.get("bounding_box"):
            moved = self._corners(base, box.id, now)
            if moved is None:
                return None
            corners = cast(
                "Corners", tuple(b if abs(a - b) <= _PIXEL else a for a, b in zip(moved, corners, strict=True))
            )
        return self._made(base, box, now, corners)

    def _new(self, base: Sample, box_id: str, now: Mapping[str, Any]) -> Box | None:
        corners = self._corners(base, box_id, now)
        if corners is None:
            return None
        return self._made(base, None, now, corners, box_id)

    def _made(
        self, base: Sample, box: Box | None, now: Mapping[str, Any], corners: Corners, box_id: str = ""
    ) -> Box | None:
        own = box.id if box else box_id
        label = self._checked_label(base, own, now.get("label"), box.label if box else None)
        fields = {
            name: value
            for name, value in now.items()
            if name not in BUILT_IN and name not in ADDED and name not in UNKNOWN_TO_US and name != "confidence"
        }
        unknown = [name for name in UNKNOWN_TO_US if now.get(name) is not None]
        if unknown:
            self._note(base, own, f"{', '.join(unknown)} of a box cannot be kept")
        score = now.get("confidence")
        try:
            attributes = from_fields(fields, box.attributes if box else {})
            if label is None:
                return None
            return Box(label, *corners, own, None if score is None else float(score), attributes)
        except (TypeError, ValueError) as error:
            self._problem(base, own, str(error))
            return None

    def _corners(self, base: Sample, box_id: str, now: Mapping[str, Any]) -> Corners | None:
        """The corners in pixels, within the image."""
        given = now.get("bounding_box")
        try:
            x, y, w, h = (float(value) for value in cast("Sequence[float]", given))
        except (TypeError, ValueError):
            self._problem(base, box_id, f"bounding_box must be four numbers, received {given!r}")
            return None
        corners = to_corners((x, y, w, h), base.size)
        clipped = _clipped(corners, base.size)
        if not (clipped[0] < clipped[2] and clipped[1] < clipped[3]):
            where = ", ".join(f"{value:.6g}" for value in corners)
            x1, y1, x2, y2 = corners
            what = f"is outside the image of {base.size}" if x1 < x2 and y1 < y2 else "has no area"
            self._problem(base, box_id, f"box ({where}) {what}")
            return None
        if any(abs(a - b) > _PIXEL for a, b in zip(corners, clipped, strict=True)):
            self._note(base, box_id, f"box reached over the edge of the image of {base.size} and was clipped")
        return clipped

    def _checked_label(self, base: Sample, box: str, label: object, known: str | None) -> str | None:
        if isinstance(label, str) and label and (label == known or label in self.classes or self.new_classes):
            return label
        received = repr(label) if label else "none"
        self._problem(base, box, f"label must be one of {_list(self.classes)}; received {received}")
        return None

    def _label(self, base: Sample, document: Document) -> str | None:
        given = document.get(LABEL)
        if not isinstance(given, Mapping):
            return None
        classification = cast("Mapping[str, object]", given)
        if classification.get("tags"):
            self._note(base, "", "tags of an image's label cannot be kept; tag the image")
        label = classification.get("label")
        return None if label in (None, "") else self._checked_label(base, "", label, base.label)

    def _state(self, base: Sample, shown: Document, document: Document, labelled: bool) -> State:
        said = document.get("state")
        touched = said != shown.get("state")
        if labelled:
            if touched and said in ("negative", "unlabelled"):
                self._problem(base, "", f"state is set to {said}, but the image has labels: delete them or set it back")
            return "labelled"
        if touched and said not in get_args(State):
            self._problem(base, "", f"state must be one of {_list(get_args(State))}; received {said!r}")
        elif touched and said == "labelled":
            self._problem(base, "", "state is set to labelled, but the image has neither a box nor a label")
        elif touched:
            return cast("State", said)
        return "negative" if base.state == "labelled" else base.state


def is_untouched(shown: Document, document: Document) -> bool:
    """Whether a document says, in every field that can be edited, exactly what was written there."""
    for name in EDITED:
        ours, theirs = shown.get(name), document.get(name)
        if ours != theirs and (ours or None) != (theirs or None):  # FiftyOne takes None, "" and [] for nothing
            return False
    return True


def detections(document: Document) -> list[dict[str, Any]]:
    """The Detections of a document, none where it has no such field."""
    field = document.get(GROUND_TRUTH)
    found = cast("Mapping[str, Any]", field).get("detections") if isinstance(field, Mapping) else None
    return cast("list[dict[str, Any]]", found or [])


def to_corners(relative: tuple[float, float, float, float], size: Size) -> Corners:
    """The corners in pixels, to a millionth, of a box (x, y, width, height) in fractions of the image's size."""
    x, y, w, h = relative
    width, height = size
    return (
        round(x * width, 6),
        round(y * height, 6),
        round((x + w) * width, 6),
        round((y + h) * height, 6),
    )


def _clipped(corners: Corners, size: Size) -> Corners:
    x1, y1, x2, y2 = corners
    return (
        min(max(x1, 0.0), float(size.width)),
        min(max(y1, 0.0), float(size.height)),
        min(max(x2, 0.0), float(size.width)),
        min(max(y2, 0.0), float(size.height)),
    )


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _texts(value: object) -> list[str]:
    return [str(each) for each in cast("list[object]", value)] if isinstance(value, list) else []


def _list(names: Collection[str]) -> str:
    shown = [*names][:20]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
