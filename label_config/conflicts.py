"""What the desk and the ledger, or two people at the desk, do not agree on: kept until somebody settles it.

One JSON object a line in the workspace, each with an id made of what it says, so that the
same conflict found again is the same line. A conflict is over when a person settled it,
when the ledger's side has changed since, or when the people at the desk answered anew.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

import orjson

from ..datasets.merging import Conflict
from ..datasets.schema import NOTHING, Box, Json, Sample


@dataclass(frozen=True, slots=True)
class DeskConflict:
    """One thing that two sides say differently.

    `what` is as a merge has it: `label`, `corners`, `box`, `state`, ...; `box` is the box's
    id, "" for the image's own. `base`, `ours` and `theirs` are JSON: a box is an object.
    `ours` is the ledger's, or the first person's where `between` is `people`.
    """

    id: str
    key: str
    box: str
    what: str
    base: Json
    ours: Json
    theirs: Json
    between: str
    people: tuple[str, ...]
    turn: str
    task: int

    def __str__(self) -> str:
        where = f"{self.id} {self.key}: box {self.box}" if self.box else f"{self.id} {self.key}"
        here, there = ("the ledger", self.people[0]) if self.between == "ledger" else self.people[:2]
        return f"{where}: {self.what} was {_say(self.base)}; {here} has {_say(self.ours)}, {there} {_say(self.theirs)}"


def to_desk_conflict(
    conflict: Conflict, between: str, people: Sequence[str], turn: str, task: int
) -> DeskConflict:  # fmt: skip
    """A merge's conflict as it is kept, its id made of everything but the ledger's side."""
    base, ours, theirs = _to_json(conflict.base), _to_json(conflict.ours), _to_json(conflict.theirs)
    told = orjson.dumps([conflict.key, conflict.box, conflict.what, base, theirs, between, list(people), turn])
    made = blake2b(told, digest_size=6).hexdigest()
    return DeskConflict(
        made, conflict.key, conflict.box, conflict.what, base, ours, theirs, between, tuple(people), turn, task
    )


def read_conflicts(folder: Path) -> list[DeskConflict]:
    """The conflicts that are kept, in the order of their keys, boxes and ids; empty where there are none."""
    try:
        lines = (folder / "conflicts.jsonl").read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = [cast("dict[str, Any]", orjson.loads(line)) for line in lines]
    return [DeskConflict(**cast("Any", {**each, "people": tuple(each["people"])})) for each in found]


def write_conflicts(folder: Path, conflicts: Iterable[DeskConflict]) -> None:
    """Keep exactly these conflicts."""
    ordered = sorted(conflicts, key=lambda each: (each.key, each.box, each.id))
    write_whole(folder / "conflicts.jsonl", b"".join(orjson.dumps(asdict(each)) + b"\n" for each in ordered))


def read_settled(folder: Path) -> set[str]:
    """The ids of conflicts that a person settled."""
    try:
        return set((folder / "settled.txt").read_text(encoding="ascii").split())
    except FileNotFoundError:
        return set()


def write_settled(folder: Path, ids: Iterable[str]) -> None:
    """Remember which conflicts a person settled: one that is found again is over."""
    write_whole(folder / "settled.txt", "".join(f"{each}\n" for each in sorted(ids)).encode())


def joined(
    known: Iterable[DeskConflict], found: Iterable[DeskConflict], answered: Collection[str]
) -> list[DeskConflict]:
    """The known conflicts with those found now, without the known ones of turns that were answered anew."""
    kept = {each.id: each for each in known if each.turn not in answered}
    return list({**kept, **{each.id: each for each in found}}.values())


def still_open(conflicts: Iterable[DeskConflict], today: Mapping[str, Sample]) -> list[DeskConflict]:
    """The conflicts that the ledger as it is today has not settled.

    Args:
        today: the samples of at least the conflicts' keys.
    """
    return [each for each in conflicts if not _is_settled(each, today.get(each.key))]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file such that a reader finds the old one or the new one, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part-{os.getpid()}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _is_settled(conflict: DeskConflict, today: Sample | None) -> bool:
    if today is None:
        return True
    now = _side_today(conflict, today)
    if conflict.between == "people":
        return now != conflict.base
    return now != conflict.ours


def _side_today(conflict: DeskConflict, today: Sample) -> Json:
    """What the ledger says today of the thing that a conflict is about."""
    if not conflict.box:
        values: dict[str, object] = {"label": today.label, "state": today.state, "content": today.sha256}
        return _to_json(values.get(conflict.what, conflict.ours))
    box = next((box for box in today.boxes if box.id == conflict.box), None)
    side = conflict.base if conflict.between == "people" else conflict.ours
    if isinstance(side, dict) or side is None or side == "deleted" or conflict.what == "box":
        return _to_json(box) if box is not None else None if side is None else "deleted"
    if box is None:
        return "deleted"
    name = conflict.what.partition(".")
    fields: dict[str, object] = {"label": box.label, "corners": box.corners, "score": box.score}
    if name[0] == "attributes":
        return _to_json(box.attributes.get(name[2]))
    return _to_json(fields.get(conflict.what, side))


def _to_json(value: object) -> Json:
    if isinstance(value, Box):
        attributes = dict(value.attributes)
        return {"label": value.label, "corners": list(value.corners), "score": value.score, "attributes": attributes}
    if isinstance(value, tuple):
        return [_to_json(each) for each in cast("tuple[object, ...]", value)]
    if isinstance(value, Mapping):
        return {str(name): _to_json(each) for name, each in cast("Mapping[object, object]", value).items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def box_of(value: Json, box_id: str) -> Box | None:
    """The box that one side of a conflict is, None where that side has none."""
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, Any]", value)
    x1, y1, x2, y2 = fields["corners"]
    return Box(fields["label"], x1, y1, x2, y2, box_id, fields["score"], fields["attributes"] or NOTHING)


def _say(value: Json) -> str:
    if isinstance(value, dict):
        return f"{value.get('label')} at {_say(value.get('corners'))}"
    if isinstance(value, list):
        return "(" + ", ".join(f"{each:.6g}" if isinstance(each, float) else str(each) for each in value) + ")"
    return "nothing" if value is None else str(value)
