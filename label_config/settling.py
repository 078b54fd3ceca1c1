"""Conflicts settled by a person: one side is taken, and the ledger says so from then on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Commit, Ledger
from ..datasets.schema import Json, Sample
from .conflicts import LEDGER, DeskConflict, with_value
from .desk import add_settled, only_one
from .memory import TOOL
from .pull import open_conflicts
from .round_marks import read_rounds
from .taking import CONFIRMED, UNTAKEN

SETTLED = "settled"
"""The name under which a commit's details have the conflicts that it settled, and which side of each it took."""

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Settled:
    """What was settled: the commits, one for each round, none where the ledger was right each time, how many, and what is still open."""

    commits: tuple[Commit, ...]
    count: int
    open: tuple[DeskConflict, ...]


def settle(
    ledger: Ledger, folder: Path, sides: Mapping[str, str], *, author: str, message: str = "",
    more: Mapping[str, str] | None = None,
) -> Settled:  # fmt: skip
    """Take a side of conflicts, all of them or none.

    Images that a round of correction sent are committed apart, as that round's, so that undoing the round undoes this too.

    Args:
        folder: where the workspace keeps what it knows of this desk (`desk_folder`).
        sides: by the conflict's id: `ledger`, `desk`, or the name of one of the people.
        more: what is kept with the commits besides.

    Raises:
        LabelloopError: no open conflict of that id, no such side, two different values for
            one thing, one that cannot be taken without seeing the image again, or somebody
            changed the same label meanwhile.
    """
    with only_one(folder):
        base = ledger.version()
        known = {each.id: each for each in open_conflicts(ledger, folder)}
        chosen = [(_known(known, name), side) for name, side in sides.items()]
        values = [(conflict, side, _value(conflict, side)) for conflict, side in chosen]
        _refuse_contradiction(values)
        now = {sample.key: sample for sample in ledger.samples(base, keys={each.key for each, _ in chosen})}
        changed: dict[str, Sample | None] = {}
        for conflict, side, value in values:
            if side != LEDGER:
                now[conflict.key] = changed[conflict.key] = _settled(now[conflict.key], conflict, value)
        round_of = read_rounds(folder)
        commits: list[Commit] = []
        for name in sorted({round_of.get(key, "") for key in changed}):
            mine = {each.id: side for each, side in chosen if round_of.get(each.key, "") == name}
            commit = ledger.commit(
                {key: sample for key, sample in changed.items() if round_of.get(key, "") == name},
                base=base, author=author, tool=TOOL, message=message or f"conflicts settled: {len(mine)}", round=name,
                details={**(more or {}), SETTLED: ", ".join(f"{each}={side}" for each, side in mine.items())},
            )  # fmt: skip
            commits += [commit] if commit else []
        add_settled(folder, sides)
        return Settled(tuple(commits), len(sides), tuple(open_conflicts(ledger, folder)))


def _known(conflicts: Mapping[str, DeskConflict], name: str) -> DeskConflict:
    if name not in conflicts:
        shown = ", ".join(list(conflicts)[:_SHOWN]) or "none"
        more = f" and {len(conflicts) - _SHOWN} more" if len(conflicts) > _SHOWN else ""
        raise LabelloopError(f"no open conflict {name!r}; there are: {shown}{more}")
    return conflicts[name]


def _value(conflict: DeskConflict, side: str) -> Json:
    """What a side says."""
    if side not in conflict.sides:
        raise LabelloopError(f"{conflict.id} has the sides {', '.join(conflict.sides)}, received {side!r}")
    if side != LEDGER and conflict.what in UNTAKEN:
        raise LabelloopError(
            f"{conflict.id} is about an image that is not the one that was sent, so only its ledger side can be taken;"
            " once the image is that again, the next pull takes the answer"
        )
    return conflict.sides[side]


def _refuse_contradiction(values: Sequence[tuple[DeskConflict, str, Json]]) -> None:
    """Return when no two of these say different things of one."""
    taken: dict[tuple[str, str], list[tuple[DeskConflict, Json]]] = {}
    for conflict, _, value in values:
        others = taken.setdefault((conflict.key, conflict.box), [])
        for other, said in others:
            same = conflict.what == other.what
            if (same and value != said) or (not same and conflict.box and "box" in (conflict.what, other.what)):
                raise LabelloopError(
                    f"{other.id} and {conflict.id} are about the same thing and cannot both be taken so: leave one out"
                )
        others.append((conflict, value))


def _settled(sample: Sample, conflict: DeskConflict, value: Json) -> Sample:
    """The sample with a side's value; what a person chose is no model's guess and no confirmation of the rest."""
    taken = with_value(sample, conflict.box, conflict.what, value)
    boxes = tuple(
        replace(box, score=None) if box.id == conflict.box and conflict.what in ("label", "corners") else box
        for box in taken.boxes
    )
    return replace(taken, boxes=boxes, tags=tuple(tag for tag in taken.tags if tag != CONFIRMED))
