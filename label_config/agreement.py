"""Several people's answers about one image: how far they agree, and what they agree on.

Each person counts once, with the newest answer. What all say is taken; what they do not
agree on stays as it was and is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ..datasets.boxes import SAME_OBJECT, iou
from ..datasets.merging import DELETED, Conflict
from ..datasets.schema import Box, Sample, State
from .answers import Answer

SAME_CORNERS = 0.75
"""Two people's corners for one object that overlap at least so much agree; careful people reach 0.8 and more."""


@dataclass(frozen=True, slots=True)
class Consensus:
    """What people agree on about one image, and on what they do not.

    `answers` are the newest of each person, the earliest first. `agreement` in [0, 1] is
    the mean over all pairs of people of the share of boxes that both have with the same
    class (twice the pairs by the sum of both counts), and of the same class for the image;
    1.0 for one person.
    """

    said: Sample
    answers: tuple[Answer, ...]
    agreement: float
    conflicts: tuple[Conflict, ...] = ()


def find_consensus(past: Sample, answers: Iterable[Answer]) -> Consensus:
    """What the people who answered about an image agree on.

    Args:
        past: the image before they answered, for what stays where they do not agree.
        answers: at least one.
    """
    by_time = sorted(answers, key=lambda answer: (answer.updated, answer.id))
    newest = tuple(sorted({answer.author: answer for answer in by_time}.values(), key=_id))
    if len(newest) == 1:
        return Consensus(newest[0].said, newest, 1.0)
    return _Agreeing(past, newest).consensus()


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


class _Agreeing:
    """The comparison of at least two answers."""

    def __init__(self, past: Sample, answers: tuple[Answer, ...]) -> None:
        self._past, self._answers = past, answers
        self._conflicts: list[Conflict] = []

    def consensus(self) -> Consensus:
        past = self._past
        known = list(past.boxes)
        sides: list[dict[str, Box]] = []
        for answer in self._answers:
            boxes = with_shared_ids(answer.said.boxes, known)
            sides.append({box.id: box for box in boxes})
            known += [box for box in boxes if box.id not in {each.id for each in known}]
        before = {box.id: box for box in past.boxes}
        agreed = [self._box(box_id, before.get(box_id), sides) for box_id in dict.fromkeys(box.id for box in known)]
        boxes = tuple(box for box in agreed if box is not None)
        label = self._label()
        said = replace(past, boxes=boxes, label=label, state=self._state(bool(boxes) or label is not None))
        pairs = list(combinations([answer.said for answer in self._answers], 2))
        mean = sum(agreement(one, other) for one, other in pairs) / len(pairs)
        return Consensus(said, self._answers, mean, tuple(self._conflicts))

    def _state(self, labelled: bool) -> State:
        if labelled:
            return "labelled"
        states: set[State] = {answer.said.state for answer in self._answers}
        if len(states) == 1:
            return states.pop()
        return "negative" if self._past.state == "labelled" else self._past.state

    def _box(self, box_id: str, past: Box | None, sides: Sequence[Mapping[str, Box]]) -> Box | None:
        said = [side.get(box_id) for side in sides]
        there = [box for box in said if box is not None]
        if not there:
            return None
        if len(there) < len(said):
            other = next(box or DELETED for box in said if box is None or box != there[0])
            self._differ(box_id, "box", past, there[0], other)
            return past
        if any(box.label != there[0].label for box in there):
            self._differ(box_id, "label", past, there[0], next(box for box in there if box.label != there[0].label))
            return past
        if not same_corners(there):
            self._differ(box_id, "corners", past, there[0], next(b for b in there if not same_corners([b, there[0]])))
            return past
        if past is None:
            return there[0]
        # Of those who agree, the first who changed something; whoever left the box as it was agrees with that.
        changed = [box for box in there if box != past]
        words = [box.attributes for box in there if box.attributes != past.attributes]
        drawn = next((box for box in changed if box.corners != past.corners), changed[0] if changed else past)
        if words and any(each != words[0] for each in words):
            self._differ(box_id, "attributes", past, there[0], next(b for b in there if b.attributes != words[0]))
            return replace(drawn, attributes=past.attributes)
        return replace(drawn, attributes=words[0]) if words else drawn

    def _label(self) -> str | None:
        labels = [answer.said.label for answer in self._answers]
        if any(label != labels[0] for label in labels):
            other = next(label for label in labels if label != labels[0])
            self._conflicts.append(Conflict(self._past.key, "", "label", self._past.label, labels[0], other))
            return self._past.label
        return labels[0]

    def _differ(self, box_id: str, what: str, past: Box | None, one: object, other: object) -> None:
        self._conflicts.append(Conflict(self._past.key, box_id, what, past, one, other))


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
