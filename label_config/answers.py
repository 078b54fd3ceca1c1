"""What a person said about an image: a Label Studio annotation as boxes, with what cannot be read as findings.

Whatever cannot be read leaves the box that it was made from as it was: a rotated
rectangle or an unknown label is no deletion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, cast

from ..datasets.findings import Finding
from ..datasets.schema import NOTHING, Box, Json, Sample
from .config import COMMENT, UNSURE, Config
from .percent import Percent, is_over_the_edge, is_untouched, to_corners
from .tasks import CHOSEN, META, Pushed, Task
from .tasks import NOTHING as NO_START

_ID = re.compile("[0-9a-f]{24}")

Result = Mapping[str, Any]
"""One entry of an annotation's `result`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person submitted for one image.

    `said` is the image with the person's labels on it, all else as it was when it was
    pushed; its boxes are those of the past that are left, in their order, then the new ones.
    `digest` is the same for the same labels, and only then. `made` and `updated` are Label
    Studio's times.
    """

    id: int
    author: str
    made: str
    updated: str
    said: Sample
    digest: str
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from all others: Label Studio may give the id of a deleted one again."""
        return f"{self.id} {self.made}"


def push_of(annotation: Mapping[str, Any], task: Task, head: int) -> Pushed:
    """The push that a person started from.

    A region that is left says its version, so the task did not start with nothing. When the
    person began says which of the pushes it was, and the version too where no region is left.

    Args:
        head: the last version of the ledger.
    """
    begun = _begun(annotation)
    seen = [each for each in task.pushed if begun is None or datetime.fromisoformat(each.time) <= begun]
    last = seen[-1] if seen else task.pushed[0]
    marked = [found for region in _results(annotation) if (found := _version(region, head)) is not None]
    if not marked:
        return last
    shown = [each for each in task.pushed if each.start != NO_START]
    # A region that somebody pasted says the version of the task that it is from.
    version = next((each for each in marked if each in {push.version for push in shown}), marked[0])
    same = [each for each in shown if each.version == version]
    if not same:  # a push was killed halfway
        return replace(shown[-1] if shown else last, version=version)
    return next((each for each in reversed(same) if each in seen), same[0])


def read_answer(
    annotation: Mapping[str, Any], past: Sample, config: Config, author: str, place: str, *, tags: str | None = None
) -> Answer:
    """What a person says about an image.

    Args:
        annotation: submitted, as Label Studio's API gives it.
        past: the image as it was when the person began.
        place: of the annotation, for findings: `tasks[7].annotations[0]`.
        tags: of the labeling config that the person's start was made for; None is this one's.
    """
    reader = _Reader(past, config, place, config.shown(config.tags if tags is None else tags))
    for index, region in enumerate(_results(annotation)):
        reader.read(region, f"{place}.result[{index}]")
    said = reader.said()
    made, updated = (_iso(annotation.get(name)) for name in ("created_at", "updated_at"))
    return Answer(int(annotation["id"]), author, made, updated, said, digest_of(said), tuple(reader.findings))


def digest_of(sample: Sample) -> str:
    """A short text that is the same for the same labels."""
    boxes = sorted((box.id, box.label, box.corners, sorted(map(repr, box.attributes.items()))) for box in sample.boxes)
    return blake2b(repr((sample.state, sample.label, boxes)).encode(), digest_size=8).hexdigest()


class _Reader:
    """The regions of one annotation, put together."""

    def __init__(self, past: Sample, config: Config, place: str, shown: frozenset[str]) -> None:
        self._past, self._config, self._place, self._shown = past, config, place, shown
        self._known = {box.id: box for box in past.boxes}
        self._boxes: dict[str, Box] = {}
        self._held: set[str] = set()
        self._unsure: set[str] = set()
        self._comments: dict[str, str] = {}
        self._label: str | None = None
        self.findings: list[Finding] = []

    def read(self, region: Result, place: str) -> None:
        """Take one entry of a result."""
        kind, name, value = region.get("type"), region.get("from_name"), region.get("value")
        config, region_id = self._config, str(region.get("id", ""))
        inner = cast("Mapping[str, Any]", value if isinstance(value, Mapping) else {})
        if kind == "rectanglelabels" and config.label and name == config.label:
            self._read_box(region, inner, region_id, place)
        elif kind == "choices" and config.unsure and name == config.unsure:
            if UNSURE in _texts(inner, "choices"):
                self._unsure.add(self._own_id(region_id))
        elif kind == "textarea" and config.comment and name == config.comment:
            self._comments[self._own_id(region_id)] = "\n".join(_texts(inner, "text"))
        elif kind == "choices" and config.choice and name == config.choice:
            self._read_choice(inner, place)
        elif kind == "relation":
            self._find("not-kept", place, "a relation between boxes, which labelloop has no place for")
        elif kind in ("choices", "textarea", "rectanglelabels"):
            self._hold(region_id)
            self._find("not-kept", place, f"{kind} in the field {name!r}, which the labeling config does not have")
        else:
            self._hold(region_id)
            self._find("unsupported-shape", place, f"{kind} is no box with a class")

    def said(self) -> Sample:
        """The image with these labels on it."""
        past, config = self._past, self._config
        boxes, label = past.boxes, past.label
        if config.label:
            kept = [self._kept(box) for box in past.boxes]
            new = [box for box_id, box in self._boxes.items() if box_id not in self._known]
            boxes = tuple(self._with_words(box) for box in [*(box for box in kept if box is not None), *new])
        if config.choice:
            label = self._label
            if label is None and (config.kind == "image-labels" or "choice" not in self._shown):
                # A config that asks for nothing else has a class wherever it could be read.
                label = past.label
        state = "labelled" if boxes or label is not None else "negative"
        if config.kind == "image-labels" and state == "negative":
            state = past.state
        return replace(past, boxes=boxes, label=label, state=state)

    def _kept(self, box: Box) -> Box | None:
        return self._boxes.get(box.id) or (box if box.id in self._held else None)

    def _read_box(self, region: Result, value: Mapping[str, Any], region_id: str, place: str) -> None:
        box_id = self._own_id(region_id)
        past = self._known.get(box_id)
        try:
            box = self._box(region, value, box_id, past, place)
        except (KeyError, TypeError, ValueError) as error:
            self._hold(region_id)
            text = f"a rectangle without {error}" if isinstance(error, KeyError) else str(error)
            self._find("bad-box", place, text)
            return
        if box is None:
            self._hold(region_id)
        elif box_id in self._boxes:
            self._find("bad-box", place, f"a second box with the id {region_id}; the first is kept")
        else:
            self._boxes[box_id] = box

    def _box(self, region: Result, value: Mapping[str, Any], box_id: str, past: Box | None, place: str) -> Box | None:
        labels = _texts(value, "rectanglelabels")
        if len(labels) != 1:
            self._find("unknown-label", place, f"a box must have one class, received {len(labels)}")
            return None
        label = labels[0]
        if label not in self._config.classes and (past is None or past.label != label):
            self._find("unknown-label", place, f"{label!r} is no class of the data set")
            return None
        if abs(float(value.get("rotation") or 0)) > 1e-6 or region.get("image_rotation"):
            self._find("unsupported-shape", place, "a rotated rectangle, which no box can hold")
            return None
        size = self._past.size
        shown = (region.get("original_width", size.width), region.get("original_height", size.height))
        if shown != (size.width, size.height):
            self._find("bad-box", place, f"drawn on an image of {shown[0]}x{shown[1]} px, this one has {size}")
            return None
        percent = Percent(*(float(value[name]) for name in ("x", "y", "width", "height")))
        if past is not None and is_untouched(percent, past.corners, size):
            return past if past.label == label else replace(past, label=label, score=None)
        x1, y1, x2, y2 = to_corners(percent, size)
        if is_over_the_edge(percent):
            self._find("box-outside", place, "a box reaches over the edge of its image and is cut there")
        attributes = past.attributes if past is not None else NOTHING
        return Box(label, x1, y1, x2, y2, box_id, None, attributes)

    def _read_choice(self, value: Mapping[str, Any], place: str) -> None:
        chosen = _texts(value, "choices")
        if len(chosen) != 1:
            self._find("unknown-label", place, f"an image must have one class, received {len(chosen)}")
            self._label = self._past.label
            return
        label = chosen[0]
        if label not in self._config.classes and label != self._past.label:
            self._find("unknown-label", place, f"{label!r} is no class of the data set")
            self._label = self._past.label
            return
        self._label = label

    def _with_words(self, box: Box) -> Box:
        """The box with what was ticked and written; as it is where that is what it had."""
        attributes: dict[str, Json] = dict(box.attributes)
        ticked, text = box.id in self._unsure, self._comments.get(box.id, "").strip()
        if box.id in self._held and box.id not in self._boxes:
            return box
        known = box.id in self._known
        asked = self._config.unsure and (ticked or not known or UNSURE in self._shown)
        if asked and ticked != (attributes.get(UNSURE) is True):
            attributes.pop(UNSURE, None)
            if ticked:
                attributes[UNSURE] = True
        was = attributes.get(COMMENT)
        asked = self._config.comment and (text or not known or COMMENT in self._shown)
        if asked and text != (was.strip() if isinstance(was, str) else ""):
            attributes.pop(COMMENT, None)
            if text:
                attributes[COMMENT] = text
        return box if attributes == box.attributes else replace(box, attributes=attributes)

    def _own_id(self, region_id: str) -> str:
        """The id for life of a region: its own where it was pushed with one, else one made of Label Studio's."""
        if region_id in self._known or _ID.fullmatch(region_id):
            return region_id
        return blake2b(f"{self._past.key}\0{region_id}".encode(), digest_size=12).hexdigest()

    def _hold(self, region_id: str) -> None:
        self._held.add(region_id)

    def _find(self, kind: str, place: str, message: str) -> None:
        self.findings.append(Finding(kind, place, f"{message} ({self._past.key})"))


def _version(region: Result, head: int) -> int | None:
    """The version of the ledger that a region was pushed with, None where it does not say a possible one."""
    meta, name = region.get("meta"), str(region.get("id", ""))
    if region.get("type") == "choices" and name.startswith(CHOSEN) and name.removeprefix(CHOSEN).isdecimal():
        version: object = int(name.removeprefix(CHOSEN))
    else:
        version = cast("Mapping[str, object]", meta).get(META) if isinstance(meta, Mapping) else None
    return version if isinstance(version, int) and 0 <= version <= head else None


def _results(annotation: Mapping[str, Any]) -> Sequence[Result]:
    result = annotation.get("result")
    if not isinstance(result, list):
        return ()
    return [cast(Result, each) for each in cast("list[object]", result) if isinstance(each, Mapping)]


def _texts(value: Mapping[str, Any], name: str) -> list[str]:
    """The texts under a name of a result's value; Label Studio gives a list, or one text."""
    found = cast(object, value.get(name))
    if isinstance(found, str):
        return [found]
    return [str(each) for each in cast("list[object]", found)] if isinstance(found, list) else []


def _begun(annotation: Mapping[str, Any]) -> datetime | None:
    """When a person began to work on an annotation, None where nothing says so."""
    draft, made = annotation.get("draft_created_at"), annotation.get("created_at")
    if draft:
        return to_time(draft)
    if not made:
        return None
    return to_time(made) - timedelta(seconds=float(annotation.get("lead_time") or 0))


def _iso(value: object) -> str:
    return to_time(value).isoformat() if value else ""


def to_time(value: object) -> datetime:
    """A time of Label Studio's, which is text or a datetime."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
