"""Two people's changes to one image, put together three ways.

A label has one past (`base`) and two presents (`ours`, the ledger's, and `theirs`). A
change on one side wins, the same change on both is one, and two different changes to
the same thing are a conflict: it is listed and the ledger's side stays. Nothing is
decided by chance or by the order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from .schema import Box, Json, Sample, State

T = TypeVar("T")

DELETED = "deleted"
IMAGE = "image"
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two different changes to one thing: the image's (`box` is "") or a box's, by its id.

    `what` is the thing: `label`, `corners`, `state`, `split`, ..., `box` where one side
    deleted what the other changed, `image` where one side removed the whole image.
    """

    key: str
    box: str
    what: str
    base: object
    ours: object
    theirs: object

    def __str__(self) -> str:
        where = f"{self.key}: box {self.box}" if self.box else self.key
        return f"{where}: {self.what} was {_say(self.base)}; here {_say(self.ours)}, there {_say(self.theirs)}"


@dataclass(frozen=True, slots=True)
class Merged:
    """What came out of a merge: the sample (None: the image is gone) and what could not be merged."""

    sample: Sample | None
    conflicts: tuple[Conflict, ...] = ()


def merge_samples(base: Sample | None, ours: Sample | None, theirs: Sample | None) -> Merged:
    """One image from its past and two presents; None is an image that is not there.

    The boxes keep our order, and theirs that are new follow. Boxes are the same by their
    id alone. In a conflict our side stays.
    """
    present = ours or theirs or base
    if present is None or ours == theirs:
        return Merged(ours)
    key = present.key
    if ours is None or theirs is None:
        side = theirs if ours is None else ours
        if base is None:
            return Merged(side)
        if side is not None and not (same_labels(side, base) and side.sha256 == base.sha256):
            return Merged(ours, (Conflict(key, "", IMAGE, "there", _there(ours), _there(theirs)),))
        return Merged(None)
    return _Merge(key, base, ours, theirs).merged()


def same_labels(one: Sample, other: Sample) -> bool:
    """Whether two samples say the same of their image, whatever file it lies in and in whatever order its boxes are."""
    return (
        one.state == other.state
        and (one.boxes == other.boxes or _by_id(one) == _by_id(other))
        and one.label == other.label
        and one.split == other.split
        and one.group == other.group
        and one.tags == other.tags
        and one.extra == other.extra
    )


def _by_id(sample: Sample) -> dict[str, Box]:
    return {box.id: box for box in sample.boxes}


class _Merge:
    """The merge of one image that is there on both sides."""

    def __init__(self, key: str, base: Sample | None, ours: Sample, theirs: Sample) -> None:
        self.key, self.base, self.ours, self.theirs = key, base, ours, theirs
        self.conflicts: list[Conflict] = []

    def merged(self) -> Merged:
        base, ours, theirs = self.base, self.ours, self.theirs
        if ours.sha256 != theirs.sha256 and (base is None or base.sha256 not in (ours.sha256, theirs.sha256)):
            self.conflicts.append(Conflict(self.key, "", "content", None, ours.sha256, theirs.sha256))
            return Merged(ours, tuple(self.conflicts))
        contradiction = self._contradiction()
        if contradiction is not None:
            return Merged(ours, (contradiction,))
        file = theirs if base is not None and self._is_theirs_the_file(base) else ours
        label = self._pick("label", base and base.label, ours.label, theirs.label)
        boxes = self._boxes()
        sample = replace(
            file,
            key=self.key,
            state=self._state(bool(boxes) or label is not None),
            boxes=boxes,
            label=label,
            split=self._pick("split", base and base.split, ours.split, theirs.split),
            group=self._pick("group", base and base.group, ours.group, theirs.group),
            extra=self._mapping("extra", "", base.extra if base else {}, ours.extra, theirs.extra),
            tags=self._tags(),
        )
        return Merged(sample, tuple(self.conflicts))

    def _is_theirs_the_file(self, base: Sample) -> bool:
        """Whether the image's bytes, or else the place where they lie, changed on their side alone."""
        if self.ours.sha256 != self.theirs.sha256:
            return self.ours.sha256 == base.sha256
        return self.ours.path == base.path

    def _contradiction(self) -> Conflict | None:
        """One side says that nothing is on the image, the other put something there where there was nothing."""
        states = {self.ours.state, self.theirs.state}
        if states == {"negative", "labelled"} and (self.base is None or self.base.state == "unlabelled"):
            before = self.base.state if self.base else None
            return Conflict(self.key, "", "state", before, self.ours.state, self.theirs.state)
        return None

    def _state(self, labelled: bool) -> State:
        if labelled:
            return "labelled"
        past: State | None = self.base.state if self.base else None
        picked: State = self._pick("state", past, self.ours.state, self.theirs.state)
        # Labelled on both sides and yet nothing left: each side deleted what the other kept.
        return "negative" if picked == "labelled" else picked

    def _tags(self) -> tuple[str, ...]:
        """Tags added on either side, without those that either side took away."""
        past = set(self.base.tags) if self.base else set[str]()
        ours, theirs = set(self.ours.tags), set(self.theirs.tags)
        return tuple(sorted((ours & theirs) | (ours - past) | (theirs - past)))

    def _boxes(self) -> tuple[Box, ...]:
        past = _by_id(self.base) if self.base else {}
        ours, theirs = _by_id(self.ours), _by_id(self.theirs)
        merged = (self._box(each, past.get(each), ours.get(each), theirs.get(each)) for each in {**ours, **theirs})
        return tuple(box for box in merged if box is not None)

    def _box(self, box_id: str, base: Box | None, ours: Box | None, theirs: Box | None) -> Box | None:
        if ours == theirs:
            return ours
        if ours is None or theirs is None:
            side = theirs if ours is None else ours
            if base is None:
                return side
            if side == base:
                return None
            self.conflicts.append(Conflict(self.key, box_id, "box", base, ours or DELETED, theirs or DELETED))
            return ours
        x1, y1, x2, y2 = self._pick("corners", base and base.corners, ours.corners, theirs.corners, box_id)
        return replace(
            ours,
            label=self._pick("label", base and base.label, ours.label, theirs.label, box_id),
            x1=x1,
            y1=y1,
            x2=x2,
            y2=y2,
            score=self._pick("score", base and base.score, ours.score, theirs.score, box_id),
            attributes=self._mapping(
                "attributes", box_id, base.attributes if base else {}, ours.attributes, theirs.attributes
            ),
        )

    def _pick(self, what: str, base: object, ours: T, theirs: T, box_id: str = "") -> T:
        if ours == theirs or theirs == base:
            return ours
        if ours == base:
            return theirs
        said = (None if side is _MISSING else side for side in (base, ours, theirs))
        self.conflicts.append(Conflict(self.key, box_id, what, *said))
        return ours

    def _mapping(
        self, what: str, box_id: str, base: Mapping[str, Json], ours: Mapping[str, Json], theirs: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        if ours == theirs or theirs == base:
            return ours
        merged: dict[str, Json] = {}
        for name in {**ours, **theirs}:
            sides = [side.get(name, _MISSING) for side in (base, ours, theirs)]
            value = self._pick(f"{what}.{name}", *sides, box_id=box_id)
            if value is not _MISSING:
                merged[name] = value  # type: ignore[assignment]
        return merged


def _there(sample: Sample | None) -> str:
    return "removed" if sample is None else "changed"


def _say(value: object) -> str:
    if isinstance(value, Box):
        return f"{value.label} at {_say(value.corners)}"
    if isinstance(value, tuple):
        return "(" + ", ".join(f"{each:.6g}" if isinstance(each, float) else str(each) for each in value) + ")"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return "nothing" if value is None else str(value)
