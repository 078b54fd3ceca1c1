"""What people say about one image: how far they agree, and what they agree on.

Each person counts once, with the newest answer. What all say is taken, thing by thing: the
class of a box, its corners, what is remarked of it. Where they differ it stays as it was,
and that is a conflict. Who answered first does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

from ..datasets.boxes import SAME_OBJECT, iou
from ..datasets.geometry import Corners
from ..datasets.schema import NOTHING, Box, Sample, State
from .answers import Answer

T = TypeVar("T")

SAME_CORNERS = 0.75
"""Two people's corners for one object that overlap at least so much agree; careful people reach 0.8 and more."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which people differ: what it was, and what each says, in the order of the answers.

    `what` is `label`, `corners` or `attributes` of a box, `box` where not all have it or it
    is new, or `label` of the image, whose `box` is "". None is a box that is not there.
    """

    box: str
    what: str
    base: object
    said: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Consensus:
    """What people agree on about one image, and on what they do not.

    `answers` are the newest of each person, the earliest first, their boxes under the ids that
    they have for all. `agreement` in [0, 1] is
    the mean over all pairs of people of the share of boxes that both have with the same
    class (twice the pairs by the sum of both counts), and of the same class for the image;
    1.0 for one person.
    """

    said: Sample
    answers: tuple[Answer, ...]
    agreement: float
    differences: tuple[Difference, ...] = ()


def find_consensus(pushed: Sample, past: Sample, answers: Iterable[Answer]) -> Consensus:
    """What the people who answered about an image agree on.

    A new box that is the same object as one of the past that its answer lacks is that box,
    and so are two people's new boxes for one object.

    Args:
        pushed: the image as it was shown to them.
        past: what they had agreed on before, for what stays where they differ now.
        answers: at least one.
    """
    by_time = sorted(answers, key=lambda answer: (answer.updated, answer.id))
    newest = tuple(sorted({answer.author: answer for answer in by_time}.values(), key=_id))
    return _Agreeing(pushed, past, newest).consensus()


def agreement(one: Sample, other: Sample) -> float:
    """How far two people say the same of one image, in [0, 1]; 1.0 where both say that nothing is there."""
    total = len(one.boxes) + len(other.boxes)
    shares = [2 * len(_pairs(one.boxes, other.boxes, same_label=True)) / total] if total else []
    if one.label is not None or other.label is not None:
        shares.append(float(one.label == other.label))
    return sum(shares) / len(shares) if shares else 1.0


def with_shared_ids(boxes: Sequence[Box], known: Sequence[Box]) -> tuple[Box, ...]:
    """The boxes, each new one that is the same object as a known one under that one's id.

    A box whose id is among the known ones keeps it. Greatest overlap first.
    """
    ids = {box.id for box in known}
    taken = {box.id for box in boxes if box.id in ids}
    free = [box for box in known if box.id not in taken]
    new = [box for box in boxes if box.id not in ids]
    shared = {mine.id: other.id for mine, other in _pairs(new, free, same_label=False)}
    return tuple(replace(box, id=shared[box.id]) if box.id in shared else box for box in boxes)


def same_corners(boxes: Sequence[Box]) -> bool:
    """Whether people drew one object alike: every two of them overlap by `SAME_CORNERS` at least."""
    return all(iou(one.corners, other.corners) >= SAME_CORNERS for one, other in combinations(boxes, 2))


@dataclass(frozen=True, slots=True)
class _Said:
    """A box as one person has it: under the id that it has for all, and as it was shown to that person."""

    box: Box
    shown: Box | None

    @property
    def moved(self) -> bool:
        return self.shown is None or self.shown.corners != self.box.corners

    @property
    def changed(self) -> bool:
        return self.moved or (self.shown is not None and self.shown.label != self.box.label)

    @property
    def remarked(self) -> bool:
        return self.box.attributes != (self.shown.attributes if self.shown else NOTHING)


class _Agreeing:
    """The comparison of answers, of which there is at least one."""

    def __init__(self, pushed: Sample, past: Sample, answers: tuple[Answer, ...]) -> None:
        self._pushed, self._past, self._answers = pushed, past, answers
        self._differences: list[Difference] = []

    def consensus(self) -> Consensus:
        past = self._past
        sides = self._sides()
        before = {box.id: box for box in past.boxes}
        agreed = [
            self._box(box_id, before.get(box_id), [side.get(box_id) for side in sides])
            for box_id in dict.fromkeys([*before, *(box_id for side in sides for box_id in side)])
        ]
        boxes = tuple(box for box in agreed if box is not None)
        label = self._label()
        said = replace(past, boxes=boxes, label=label, state=self._state(bool(boxes) or label is not None))
        pairs = list(combinations([answer.said for answer in self._answers], 2))
        mean = sum(agreement(one, other) for one, other in pairs) / len(pairs) if pairs else 1.0
        answers = tuple(
            replace(answer, said=replace(answer.said, boxes=tuple(each.box for each in side.values())))
            for answer, side in zip(self._answers, sides, strict=True)
        )
        return Consensus(said, answers, mean, tuple(self._differences))

    def _sides(self) -> list[dict[str, _Said]]:
        """Each person's boxes by the id that a box has for all of them."""
        known = list(self._past.boxes)
        shown = {box.id: box for box in self._pushed.boxes}
        sides: list[dict[str, _Said]] = []
        for answer in self._answers:
            boxes = answer.said.boxes
            shared = with_shared_ids(boxes, known)
            sides.append(
                {box.id: _Said(box, shown.get(own.id)) for own, box in zip(boxes, shared, strict=True)}
            )  # fmt: skip
            ids = {box.id for box in known}
            known += [box for box in shared if box.id not in ids]
        return sides

    def _state(self, labelled: bool) -> State:
        if labelled:
            return "labelled"
        states: set[State] = {answer.said.state for answer in self._answers}
        if len(states) == 1 and "labelled" not in states:
            return states.pop()
        return "negative" if self._past.state == "labelled" else self._past.state

    def _box(self, box_id: str, past: Box | None, said: Sequence[_Said | None]) -> Box | None:
        there = [each for each in said if each is not None]
        if len(there) < len(said):
            if there:
                self._differ(box_id, "box", past, [each and each.box for each in said])
            return past if there else None
        label = self._one([each.box.label for each in there])
        corners = self._corners(there)
        remarks = [each.box.attributes for each in there if each.remarked] or [there[0].box.attributes]
        attributes = self._one(remarks)
        if past is None and (label is None or corners is None):
            self._differ(box_id, "box", None, [each.box for each in there])
            return None
        for what, agreed in (("label", label), ("corners", corners), ("attributes", attributes)):
            if agreed is None:
                say = _FIELDS[what]
                self._differ(box_id, what, past and say(past), [say(each.box) for each in there])
        first = there[0].box
        x1, y1, x2, y2 = corners or (past or first).corners
        words = attributes if attributes is not None else past.attributes if past else NOTHING
        score = None if any(each.changed for each in there) else first.score
        box = Box(label or (past or first).label, x1, y1, x2, y2, box_id, score, words)
        same = past is not None and (past.label, past.corners) == (box.label, box.corners)
        return replace(box, score=past.score) if past is not None and same else box

    def _corners(self, there: Sequence[_Said]) -> Corners | None:
        """The first's who moved the box, or as it was shown; None where people do not agree."""
        if not same_corners([each.box for each in there]):
            return None
        return next((each.box.corners for each in there if each.moved), there[0].box.corners)

    def _one(self, values: Sequence[T]) -> T | None:
        """The one value that all of these are, None where they are not."""
        return values[0] if all(value == values[0] for value in values) else None

    def _label(self) -> str | None:
        labels = [answer.said.label for answer in self._answers]
        if any(label != labels[0] for label in labels):
            self._differ("", "label", self._past.label, labels)
            return self._past.label
        return labels[0]

    def _differ(self, box_id: str, what: str, base: object, said: Sequence[object]) -> None:
        self._differences.append(Difference(box_id, what, base, tuple(said)))


_FIELDS: Mapping[str, Callable[[Box], object]] = {
    "label": lambda box: box.label, "corners": lambda box: box.corners, "attributes": lambda box: box.attributes
}  # fmt: skip


def _pairs(one: Sequence[Box], other: Sequence[Box], *, same_label: bool) -> list[tuple[Box, Box]]:
    """Boxes that are the same object: each at most once, the greatest overlap first."""
    overlaps = sorted(
        (-overlap, mine, theirs)
        for mine, box in enumerate(one)
        for theirs, each in enumerate(other)
        if (not same_label or box.label == each.label) and (overlap := iou(box.corners, each.corners)) >= SAME_OBJECT
    )
    used_one: set[int] = set()
    used_other: set[int] = set()
    found: list[tuple[Box, Box]] = []
    for _, mine, theirs in overlaps:
        if mine not in used_one and theirs not in used_other:
            used_one.add(mine)
            used_other.add(theirs)
            found.append((one[mine], other[theirs]))
    return found


def _id(answer: Answer) -> int:
    return answer.id
