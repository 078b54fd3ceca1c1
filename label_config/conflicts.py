"""What the desk and the ledger, or two people at the desk, do not agree on: kept until somebody settles it.

Each has an id made of what it says, so that the same conflict found again is the same one.
A conflict is over when a person settled it, when the ledger's side has changed since, or
when the people at the desk say something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import reduce
from hashlib import blake2b
from typing import Any, cast

import orjson

from ..datasets.merging import IMAGE
from ..datasets.schema import NOTHING, Box, Json, Sample

LEDGER = "ledger"
DESK = "desk"
"""The sides that every conflict has, and that one has on which the people at the desk agree."""

CONTENT = "content"
"""What a conflict is about where the image's file changed after it was shown, as `IMAGE` is where the image is gone."""


@dataclass(frozen=True, slots=True)
class DeskConflict:
    """One thing that two sides say differently.

    `what` is `label`, `corners`, `attributes`, `attributes.NAME`, `score`, or `box` of the box
    whose id is `box`; or `label`, `state`, `content` or `image` of the image, with `box` "".
    `base` is what it was, `ours` what the ledger says, and `said` what each person at the
    desk says, all as JSON: a box is an object, null a box that is not there.
    """

    id: str
    key: str
    box: str
    what: str
    base: Json
    ours: Json
    said: Mapping[str, Json]
    turn: str
    task: int

    @property
    def people(self) -> tuple[str, ...]:
        """Who answered, the earliest first."""
        return tuple(self.said)

    @property
    def between(self) -> str:
        """`people` where they differ among each other, else `ledger`."""
        first = next(iter(self.said.values()))
        return LEDGER if all(each == first for each in self.said.values()) else "people"

    @property
    def is_opinion(self) -> bool:
        """Whether people said otherwise who were not shown the labels: then the ledger is as it was, and nobody changed it."""
        return self.between == LEDGER and self.base == self.ours

    @property
    def sides(self) -> dict[str, Json]:
        """What each side says, by the name under which it can be taken."""
        desk = {DESK: next(iter(self.said.values()))} if self.between == LEDGER else {}
        return {**self.said, **desk, LEDGER: self.ours}

    def __str__(self) -> str:
        who = " and ".join(self.said)
        if self.what == IMAGE:
            return f"{self.id} {self.key}: the image is not in the ledger any more, and {who} changed its labels"
        if self.what == CONTENT:
            return (
                f"{self.id} {self.key}: the image's file is another one since it was sent, and {who} changed its labels"
            )
        where = f"{self.id} {self.key}: box {self.box}" if self.box else f"{self.id} {self.key}"
        told = {who: next(iter(self.said.values()))} if self.between == LEDGER else self.said
        there = ", ".join(f"{name} {_say(value)}" for name, value in told.items())
        return f"{where}: {self.what} was {_say(self.base)}; the ledger has {_say(self.ours)}, {there}"


def make_conflict(
    key: str, box: str, what: str, base: object, ours: object, said: Mapping[str, object], turn: str, task: int,
    told: str = "",
) -> DeskConflict:  # fmt: skip
    """A conflict, its id made of everything but the ledger's side.

    Args:
        told: what else makes it another one.
    """
    past, people = _to_json(base), {name: _to_json(each) for name, each in said.items()}
    made = orjson.dumps([key, box, what, past, people, turn, told])
    name = blake2b(made, digest_size=6).hexdigest()
    return DeskConflict(name, key, box, what, past, _to_json(ours), people, turn, task)


def format_conflicts(conflicts: Iterable[DeskConflict]) -> str:
    """The conflicts as JSON on one line."""
    return orjson.dumps([asdict(each) for each in conflicts]).decode()


def parse_conflicts(text: str | bytes) -> list[DeskConflict]:
    """What `format_conflicts` was given."""
    return [DeskConflict(**cast("Any", each)) for each in cast("list[object]", orjson.loads(text))]


def still_open(conflicts: Iterable[DeskConflict], today: Mapping[str, Sample]) -> list[DeskConflict]:
    """The conflicts that the ledger as it is today has not settled.

    Args:
        today: the samples of at least the conflicts' keys.
    """
    return [each for each in conflicts if _is_open(each, today.get(each.key))]


def value_of(sample: Sample | None, box_id: str, what: str) -> Json:
    """What a sample says of the thing that a conflict is about; None of a box that it has not."""
    if sample is None:
        return None
    if not box_id:
        values: dict[str, Json] = {"label": sample.label, "state": sample.state, CONTENT: sample.sha256, IMAGE: "there"}
        return values[what]
    box = next((box for box in sample.boxes if box.id == box_id), None)
    if box is None:
        return None
    name, _, inner = what.partition(".")
    if inner:
        return _to_json(box.attributes.get(inner))
    return _to_json(box if name == "box" else getattr(box, name))


def with_value(sample: Sample, box_id: str, what: str, value: Json) -> Sample:
    """The sample with what one side says of the thing that a conflict is about, as `value_of` gives it.

    Raises:
        ValueError: a thing that cannot be said of a sample alone, which is its file and whether it is there.
    """
    if not box_id:
        if what == "label":
            return _stated(sample, sample.boxes, None if value is None else str(value))
        if what == "state":
            return replace(sample, state=cast("Any", value)) if sample.state != "labelled" else sample
        raise ValueError(f"what must be label or state of an image, received {what!r}")
    boxes = {box.id: box for box in sample.boxes}
    box = _with_value(boxes.get(box_id), box_id, what, value)
    if box is None:
        boxes.pop(box_id, None)
    else:
        boxes[box_id] = box
    return _stated(sample, tuple(boxes.values()), sample.label)


def before(past: Sample, conflicts: Iterable[DeskConflict]) -> Sample:
    """The past of a merge where conflicts are open: what is in conflict is not merged yet, so it is what it was."""
    return reduce(lambda sample, each: with_value(sample, each.box, each.what, each.base), conflicts, past)


def _with_value(box: Box | None, box_id: str, what: str, value: Json) -> Box | None:
    name, _, inner = what.partition(".")
    if name == "box":
        return _to_box(value, box_id)
    if box is None or (value is None and name in ("label", "corners")):
        return None
    if inner:
        rest = {each: said for each, said in box.attributes.items() if each != inner}
        return replace(box, attributes=rest if value is None else {**box.attributes, inner: value})
    if name == "corners":
        x1, y1, x2, y2 = cast("list[float]", value)
        return replace(box, x1=x1, y1=y1, x2=x2, y2=y2)
    return replace(box, **cast("Any", {name: value if value is not None or name == "score" else {}}))


def _stated(sample: Sample, boxes: tuple[Box, ...], label: str | None) -> Sample:
    """The sample with these labels, and the state that goes with them."""
    there = bool(boxes) or label is not None
    state = "labelled" if there else "negative" if sample.state == "labelled" else sample.state
    return replace(sample, boxes=boxes, label=label, state=state)


def _is_open(conflict: DeskConflict, today: Sample | None) -> bool:
    if today is None and conflict.what != IMAGE:
        return False
    return value_of(today, conflict.box, conflict.what) == conflict.ours


def _to_json(value: object) -> Json:
    if isinstance(value, Box):
        attributes = _to_json(value.attributes)
        return {"label": value.label, "corners": list(value.corners), "score": value.score, "attributes": attributes}
    if isinstance(value, (tuple, list)):
        return [_to_json(each) for each in cast("Iterable[object]", value)]
    if isinstance(value, Mapping):
        return {str(name): _to_json(each) for name, each in cast("Mapping[object, object]", value).items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _to_box(value: Json, box_id: str) -> Box | None:
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, Any]", value)
    x1, y1, x2, y2 = fields["corners"]
    return Box(fields["label"], x1, y1, x2, y2, box_id, fields["score"], fields["attributes"] or NOTHING)


def _say(value: Json) -> str:
    if isinstance(value, dict):
        if "corners" in value:
            return f"{value.get('label')} at {_say(value['corners'])}"
        return ", ".join(f"{name}: {_say(each)}" for name, each in value.items()) or "nothing"
    if isinstance(value, list):
        return "(" + ", ".join(f"{each:.6g}" if isinstance(each, float) else str(each) for each in value) + ")"
    return "nothing" if value is None else str(value)
