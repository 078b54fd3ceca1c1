"""What of the desk the ledger has already taken in, so that nothing is taken twice and nothing forgotten.

A pull merges three ways, and the past of the merge is what people had said at the last
pull. That is written into the details of the commit that takes it in, so a pull that is
killed has done both or neither. Where nothing was committed it is kept in the desk's
state file, which can be lost: then those few answers are compared with the version that
was pushed, and come out as conflicts at worst.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson

from ..datasets.ledger import Ledger
from ..datasets.ledger_commits import Commit
from ..datasets.schema import NOTHING, Box, Json, Sample

TOOL = "label-studio"
DETAIL = "desk"
"""The name under which a commit's details have what was remembered with it."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What people had said about one turn of an image when it was last taken in.

    `answers` are digests by the annotation's id. `changes` turns the labels of the pushed
    `version` into what they had agreed on: boxes by id, None for one that they deleted.
    """

    version: int
    answers: Mapping[str, str]
    changes: Mapping[str, Box | None]
    label: str | None
    state: str

    def has(self, answers: Mapping[str, str]) -> bool:
        """Whether exactly these answers were taken in."""
        return dict(self.answers) == dict(answers)

    def said(self, pushed: Sample) -> Sample:
        """What people had agreed on, as a sample."""
        kept = [self.changes.get(box.id, box) for box in pushed.boxes]
        ids = {box.id for box in pushed.boxes}
        boxes = [box for box in [*kept, *(self.changes[each] for each in self.changes if each not in ids)] if box]
        return replace(pushed, boxes=tuple(boxes), label=self.label, state=self.state)  # pyright: ignore[reportArgumentType]


def remember(version: int, answers: Mapping[str, str], pushed: Sample, said: Sample) -> Remembered:
    """What to remember of people who agreed on `said` where `pushed` was the start."""
    before = {box.id: box for box in pushed.boxes}
    after = {box.id: box for box in said.boxes}
    changes: dict[str, Box | None] = {box.id: box for box in said.boxes if before.get(box.id) != box}
    changes.update(dict.fromkeys(box_id for box_id in before if box_id not in after))
    return Remembered(version, dict(answers), changes, said.label, said.state)


def format_memory(memory: Mapping[str, Remembered]) -> str:
    """What is remembered, by turn, as JSON on one line."""
    entries: dict[str, Json] = {
        turn: [each.version, dict(each.answers), {box_id: _format_box(box) for box_id, box in each.changes.items()},
               each.label, each.state]
        for turn, each in memory.items()
    }  # fmt: skip
    return orjson.dumps(entries).decode()


def parse_memory(text: str) -> dict[str, Remembered]:
    """What `format_memory` was given."""
    entries = cast("dict[str, list[Any]]", orjson.loads(text))
    return {
        turn: Remembered(
            version, answers, {box_id: _parse_box(box_id, box) for box_id, box in changes.items()}, label, state
        )
        for turn, (version, answers, changes, label, state) in entries.items()
    }


def read_memory(ledger: Ledger, since: int = -1) -> dict[str, Remembered]:
    """What the ledger's commits after a version remember of the desk, the newest of each turn."""
    head = ledger.version()
    if since >= head:
        return {}
    few = head - since <= _ONE_BY_ONE
    commits: Iterable[Commit] = (
        (ledger.commit_of(version) for version in range(max(since, -1) + 1, head + 1)) if few else ledger.commits()
    )
    memory: dict[str, Remembered] = {}
    for commit in commits:
        if commit.version > since and commit.tool == TOOL and DETAIL in commit.details:
            memory.update(parse_memory(commit.details[DETAIL]))
    return memory


_ONE_BY_ONE = 20
"""So many commits are asked for one at a time; for more the whole history is read."""


def _format_box(box: Box | None) -> list[Json] | None:
    return None if box is None else [box.label, *box.corners, box.score, dict(box.attributes)]


def _parse_box(box_id: str, box: list[Any] | None) -> Box | None:
    if box is None:
        return None
    label, x1, y1, x2, y2, score, attributes = box
    return Box(label, x1, y1, x2, y2, box_id, score, attributes or NOTHING)
