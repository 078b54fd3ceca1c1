"""What of the desk the ledger has already taken in, so that nothing is taken twice and nothing forgotten.

A pull merges three ways, and the past of the merge is what people had said at the last
pull. That is written into the details of the commit that takes it in, with the conflicts
that it found, so a pull that is killed has done both or neither. Where nothing was
committed it is kept in the desk's state file, which can be lost: then those few answers
are compared with the version that was pushed, and come out as conflicts at worst.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import orjson

from ..datasets.ledger import Ledger
from ..datasets.schema import NOTHING, Box, Json, Sample
from .conflicts import DeskConflict, format_conflicts, parse_conflicts

TOOL = "label-studio"
DETAIL = "desk"
CONFLICTS = "desk conflicts"
"""The names under which a commit's details have what was remembered with it, and the conflicts that it left."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What people had said about one turn of an image when it was last taken in.

    `answers` are digests by the answer's name. `changes` turns the labels of the pushed
    `version` into what they had agreed on: boxes by id, None for one that they deleted.
    `opinion` says whether they were compared with the labels instead of merged. `drawn` has
    boxes as people drew them that the ledger has a little otherwise, since somebody drew them
    here too: what they had agreed on has the ledger's.
    """

    version: int
    answers: Mapping[str, str]
    changes: Mapping[str, Box | None]
    label: str | None
    state: str
    opinion: bool = False
    drawn: Mapping[str, Box] = field(default_factory=dict[str, Box])

    def said(self, pushed: Sample) -> Sample:
        """What people had agreed on, as a sample."""
        kept = [self.changes.get(box.id, box) for box in pushed.boxes]
        ids = {box.id for box in pushed.boxes}
        boxes = [box for box in [*kept, *(self.changes[each] for each in self.changes if each not in ids)] if box]
        return replace(pushed, boxes=tuple(boxes), label=self.label, state=self.state)  # pyright: ignore[reportArgumentType]


def remember(
    version: int, answers: Mapping[str, str], pushed: Sample, said: Sample, *, opinion: bool = False,
    drawn: Mapping[str, Box] | None = None,
) -> Remembered:  # fmt: skip
    """What to remember of people who agreed on `said` where `pushed` was the start."""
    before = {box.id: box for box in pushed.boxes}
    after = {box.id: box for box in said.boxes}
    changes: dict[str, Box | None] = {box.id: box for box in said.boxes if before.get(box.id) != box}
    changes.update(dict.fromkeys(box_id for box_id in before if box_id not in after))
    return Remembered(version, dict(answers), changes, said.label, said.state, opinion, drawn or {})


Entry = list[Any]
"""What is remembered of a turn as JSON has it: 100,000 of them are read with every pull, and few are looked into."""


def format_entry(known: Remembered) -> Entry:
    """What is remembered of a turn, for JSON."""
    return [
        known.version, dict(known.answers), _format_boxes(known.changes), known.label, known.state, known.opinion,
        _format_boxes(known.drawn),
    ]  # fmt: skip


def parse_entry(entry: Entry) -> Remembered:
    """What `format_entry` was given."""
    version, answers, changes, label, state, *more = entry
    opinion, drawn = more or [False, dict[str, list[Any] | None]()]  # a ledger keeps what an earlier labelloop wrote
    seen = {name: box for name, box in _parse_boxes(drawn).items() if box is not None}
    return Remembered(version, answers, _parse_boxes(changes), label, state, opinion, seen)


def is_known(entry: Entry | None, version: int, answers: Mapping[str, str]) -> bool:
    """Whether exactly these answers, from that version, were taken in."""
    return entry is not None and entry[0] == version and dict(entry[1]) == dict(answers)


def commit_details(memory: Mapping[str, Remembered], conflicts: Sequence[DeskConflict]) -> dict[str, str]:
    """What a commit's details say of the turns that it takes in, and of the conflicts that they leave."""
    details = {DETAIL: orjson.dumps({turn: format_entry(known) for turn, known in memory.items()}).decode()}
    return {**details, CONFLICTS: format_conflicts(conflicts)} if conflicts else details


def read_memory(ledger: Ledger, since: int = -1) -> tuple[dict[str, Entry], list[DeskConflict]]:
    """What the ledger's commits after a version remember of the desk, the newest of each turn, and its conflicts."""
    memory: dict[str, Entry] = {}
    conflicts: dict[str, list[DeskConflict]] = {}
    for version in range(since + 1, ledger.version() + 1):
        commit = ledger.commit_of(version)
        if commit.tool != TOOL or DETAIL not in commit.details:
            continue
        taken = cast("dict[str, Entry]", orjson.loads(commit.details[DETAIL]))
        memory.update(taken)
        conflicts.update((turn, []) for turn in taken)
        for conflict in parse_conflicts(commit.details.get(CONFLICTS, "[]")):
            conflicts.setdefault(conflict.turn, []).append(conflict)
    return memory, [conflict for several in conflicts.values() for conflict in several]


def _format_boxes(boxes: Mapping[str, Box | None]) -> dict[str, Json]:
    return {
        name: None if box is None else [box.label, *box.corners, box.score, dict(box.attributes)]
        for name, box in boxes.items()
    }


def _parse_boxes(boxes: Mapping[str, list[Any] | None]) -> dict[str, Box | None]:
    found: dict[str, Box | None] = {}
    for name, box in boxes.items():
        label, x1, y1, x2, y2, score, attributes = box or ("", 0, 0, 0, 0, None, None)
        found[name] = Box(label, x1, y1, x2, y2, name, score, attributes or NOTHING) if box else None
    return found
