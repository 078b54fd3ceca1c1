"""What must come out of a desk, said plainly: the rule of merging and of agreeing, on labels and corners alone.

An image has boxes by id, each a label and corners. Its ledger, what people at the desk were
shown and say, and what they had said at the last pull are all that decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from labelloop.datasets.schema import Sample

Box = tuple[str, tuple[float, ...]]
Boxes = dict[str, Box]
Thing = tuple[str, str]
"""A box's id and `label`, `corners`, or `box` for all of it."""


@dataclass(frozen=True)
class Answer:
    """What one person submitted; `name` tells it from others, `order` says which was made first, `time` when it changed."""

    name: str
    person: str
    order: int
    time: int
    boxes: Boxes


@dataclass(frozen=True)
class Clash:
    """A conflict: what it was, what the ledger had, and what each person says."""

    base: Any
    ours: Any
    said: tuple[tuple[str, Any], ...]

    @property
    def among_people(self) -> bool:
        return len({repr(value) for _, value in self.said}) > 1


@dataclass
class World:
    """One image as it may be: a pull that was killed leaves two."""

    ledger: Boxes
    taken: Boxes = field(default_factory=dict)
    seen: dict[str, Boxes] = field(default_factory=dict)
    open: dict[Thing, Clash] = field(default_factory=dict)
    over: list[tuple[Thing, Any, Any]] = field(default_factory=list)
    drawn: Boxes = field(default_factory=dict)

    def now(self, thing: Thing) -> Any:
        return value_of(self.ledger.get(thing[0]), thing[1])

    def really_open(self) -> dict[Thing, Clash]:
        return {thing: clash for thing, clash in self.open.items() if self.now(thing) == clash.ours}

    def close(self) -> World:
        """The start of a pull: what the ledger has settled since is over, and between people for good."""
        world = deepcopy(self)
        for thing, clash in self.open.items():
            if self.now(thing) != clash.ours:
                del world.open[thing]
                if clash.among_people:
                    world.over.append((thing, clash.base, clash.said))
        return world

    def settle(self, thing: Thing, side: str) -> None:
        clash = self.open.pop(thing)
        self.over.append((thing, clash.base, clash.said))
        if side != "ledger":
            value = dict(clash.said).get(side, clash.said[0][1])
            put(self.ledger, thing, value)

    def pull(self, start: Boxes, answers: Sequence[Answer], needed: int) -> World:
        """What a pull makes of it."""
        world = self.close()
        if not answers or len({each.person for each in answers}) < needed:
            return world
        said_now = {each.name: each.boxes for each in answers}
        if said_now == self.seen:
            return world
        # What people had said is the past as long as one of them is still there; what is in conflict is not merged yet.
        same = set(self.seen) & set(said_now)
        past = dict(self.taken if same else start)
        world.drawn = world.drawn if same else {}
        for thing, clash in world.open.items():
            if not clash.among_people:
                put(past, thing, clash.base)
        newest: dict[str, Answer] = {}
        for each in sorted(answers, key=lambda each: each.time):
            newest[each.person] = each
        people = sorted(newest.values(), key=lambda each: each.order)
        said, clashes = agree(start, past, people)
        names = [each.person for each in people]
        world.open = {}
        for thing, values in clashes.items():
            base = value_of(past.get(thing[0]), thing[1])
            world._note(thing, base, tuple(zip(names, values, strict=True)))
        drawn = shared(said, past, world.ledger)
        said = {box: world._placed(box, value, past) for box, value in drawn.items()}
        world.drawn = {box: value for box, value in drawn.items() if said[box] != value}
        world._merge(past, said, names)
        world.taken, world.seen = said, said_now
        return world

    def _placed(self, box: str, drawn: Box, past: Boxes) -> Box:
        """A box that was drawn here as well has the ledger's corners, until somebody at the desk moves it."""
        here = self.ledger.get(box)
        if box not in past:
            return (drawn[0], here[1]) if here and overlap(here, drawn) >= 0.75 else drawn
        return (drawn[0], past[box][1]) if box in self.drawn and self.drawn[box][1] == drawn[1] else drawn

    def _merge(self, past: Boxes, said: Boxes, names: Sequence[str]) -> None:
        ledger = dict(self.ledger)
        for box in list(dict.fromkeys([*past, *ledger, *said])):
            base, ours, theirs = past.get(box), self.ledger.get(box), said.get(box)
            if theirs in (base, ours):
                continue
            if ours == base:
                _set(ledger, box, theirs)
            elif ours is None or theirs is None:
                self._note((box, "box"), base, tuple((name, theirs) for name in names))
            else:
                fields = list(ours)
                for place, what in enumerate(("label", "corners")):
                    old = base[place] if base else None
                    if theirs[place] in (old, ours[place]):
                        continue
                    if ours[place] == old:
                        fields[place] = theirs[place]
                    else:
                        self._note((box, what), old, tuple((name, theirs[place]) for name in names))
                ledger[box] = (fields[0], fields[1])  # type: ignore[assignment]
        self.ledger = ledger

    def _note(self, thing: Thing, base: Any, said: tuple[tuple[str, Any], ...]) -> None:
        if (thing, base, said) not in self.over:
            self.open[thing] = Clash(base, self.now(thing), said)


def agree(start: Boxes, past: Boxes, people: Sequence[Answer]) -> tuple[Boxes, dict[Thing, list[Any]]]:
    """What all say, thing by thing, and what they say where they differ; there it is as in the past."""
    known = dict(past)
    sides: list[dict[str, tuple[Box, bool]]] = []
    for answer in people:
        new = {box: said for box, said in answer.boxes.items() if box not in known}
        free = {box: said for box, said in known.items() if box not in answer.boxes}
        same = pairs(new, free)
        side: dict[str, tuple[Box, bool]] = {}
        for box, said in answer.boxes.items():
            side[same.get(box, box)] = (said, box not in start or start[box][1] != said[1])
        sides.append(side)
        for box, (value, _) in side.items():
            known.setdefault(box, value)
    said: Boxes = {}
    clashes: dict[Thing, list[Any]] = {}
    for box in known:
        there = [side.get(box) for side in sides]
        boxes = [each[0] if each else None for each in there]
        full = [each for each in there if each is not None]
        if not full:
            continue
        if len(full) < len(there):
            clashes[box, "box"] = boxes
            _set(said, box, past.get(box))
            continue
        labels = [each[0][0] for each in full]
        one_label = len(set(labels)) == 1
        one_place = all(overlap(one[0], other[0]) >= 0.75 for one in full for other in full)
        if not (one_label and one_place) and box not in past:
            clashes[box, "box"] = boxes
            continue
        if not one_label:
            clashes[box, "label"] = labels
        if not one_place:
            clashes[box, "corners"] = [each[0][1] for each in full]
        moved = [each[0][1] for each in full if each[1]]
        corners = (moved or [full[0][0][1]])[0] if one_place else past[box][1]
        said[box] = (labels[0] if one_label else past[box][0], corners)
    return said, clashes


def shared(said: Boxes, past: Boxes, ledger: Boxes) -> Boxes:
    """New boxes under the id of a new one in the ledger that is the same object."""
    here = {box: value for box, value in ledger.items() if box not in past and box not in said}
    same = pairs({box: value for box, value in said.items() if box not in past and box not in ledger}, here)
    return {same.get(box, box): value for box, value in said.items()}


def pairs(new: Boxes, known: Boxes) -> dict[str, str]:
    """New boxes with the known one that is the same object, the greatest overlap first."""
    left = sorted(
        ((-overlap(one, other), mine, theirs) for mine, one in enumerate(new.values()) for theirs, other in enumerate(known.values()))
    )  # fmt: skip
    found: dict[str, str] = {}
    for share, mine, theirs in left:
        one, other = list(new)[mine], list(known)[theirs]
        if -share >= 0.5 and one not in found and other not in found.values():
            found[one] = other
    return found


def overlap(one: Box, other: Box) -> float:
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = one[1], other[1]
    both = max(0, min(ax2, bx2) - max(ax1, bx1)) * max(0, min(ay2, by2) - max(ay1, by1))
    return both / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - both)


def value_of(box: Box | None, what: str) -> Any:
    return None if box is None else box if what == "box" else box[0] if what == "label" else box[1]


def put(boxes: Boxes, thing: Thing, value: Any) -> None:
    """One value of a box; none at all is no box."""
    box, what = thing
    if value is None or (what != "box" and box not in boxes):
        boxes.pop(box, None)
    elif what == "box":
        boxes[box] = value
    else:
        label, corners = boxes[box]
        boxes[box] = (value, corners) if what == "label" else (label, value)


def boxes_of(sample: Sample) -> Boxes:
    return {box.id: (box.label, _rounded(box.corners)) for box in sample.boxes}


def boxes_in(result: Sequence[Mapping[str, Any]], size: tuple[int, int] = (64, 48)) -> Boxes:
    """What the regions of a result say."""
    found: Boxes = {}
    for region in result:
        value = region["value"]
        x, y = value["x"] * size[0] / 100, value["y"] * size[1] / 100
        corners = (x, y, x + value["width"] * size[0] / 100, y + value["height"] * size[1] / 100)
        found[region["id"]] = (value["rectanglelabels"][0], _rounded(corners))
    return found


def plain(value: Any, what: str) -> Any:
    """What a conflict of the real thing says, as the model says it."""
    if value is None or what == "label":
        return value
    return (value["label"], _rounded(value["corners"])) if what == "box" else _rounded(value)


def _set(boxes: Boxes, box: str, value: Box | None) -> None:
    if value is None:
        boxes.pop(box, None)
    else:
        boxes[box] = value


def _rounded(corners: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(each, 6) for each in corners)
