"""Conflicts settled by a person: one side is taken, and the ledger says so from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Commit, Ledger
from ..datasets.schema import Box, Json, Sample
from .conflicts import DeskConflict, box_of, read_settled, write_settled
from .desk import only_one
from .memory import TOOL
from .pull import open_conflicts
from .taking import CONFIRMED

LEDGER = "ledger"
DESK = "desk"
"""The sides of a conflict; one between people has those two people's names as well, and no `desk`."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What was settled: the commit, None where the ledger was right each time, how many, and what is still open."""

    commit: Commit | None
    count: int
    open: tuple[DeskConflict, ...]


def settle(ledger: Ledger, folder: Path, sides: Mapping[str, str], *, author: str, message: str = "") -> Settled:
    """Take a side of conflicts, all of them or none.

    Args:
        folder: where the workspace keeps what it knows of this desk (`desk_folder`).
        sides: by the conflict's id: `ledger`, `desk`, or the name of one of two people.

    Raises:
        LabelloopError: no open conflict of that id, no such side, or one that cannot be
            taken without seeing the image again.
    """
    with only_one(folder):
        base = ledger.version()
        conflicts = {each.id: each for each in open_conflicts(ledger, folder)}
        now = {sample.key: sample for sample in ledger.samples(base, keys={each.key for each in conflicts.values()})}
        changed: dict[str, Sample | None] = {}
        for name, side in sides.items():
            conflict = conflicts.get(name)
            if conflict is None:
                known = ", ".join(list(conflicts)[:10]) or "none"
                raise LabelloopError(f"no open conflict {name!r}; there are: {known}")
            value = _value(conflict, side)
            if side != LEDGER:
                now[conflict.key] = changed[conflict.key] = _with(now[conflict.key], conflict, value)
        text = message or f"conflicts settled: {len(sides)}"
        commit = None
        if changed:
            details = {"settled": ", ".join(f"{name}={side}" for name, side in sides.items())}
            commit = ledger.commit(changed, base=base, author=author, tool=TOOL, message=text, details=details)
        write_settled(folder, {*read_settled(folder), *sides})
        return Settled(commit, len(sides), tuple(open_conflicts(ledger, folder)))


def _value(conflict: DeskConflict, side: str) -> Json:
    """What a side says."""
    if side == LEDGER:
        return conflict.ours
    if conflict.between == "people":
        if len(conflict.people) > 2:
            raise LabelloopError(
                f"{conflict.id}: {len(conflict.people)} people differ; settle it in the window or anew"
            )
        values = dict(zip(conflict.people, (conflict.ours, conflict.theirs), strict=True))
    else:
        values = {DESK: conflict.theirs, **dict.fromkeys(conflict.people, conflict.theirs)}
    if side not in values:
        raise LabelloopError(f"{conflict.id} has the sides {', '.join([LEDGER, *values])}, received {side!r}")
    return values[side]


def _with(sample: Sample, conflict: DeskConflict, value: Json) -> Sample:
    """The sample with one side's value for the thing that a conflict is about."""
    if not conflict.box:
        if conflict.what != "label":
            raise LabelloopError(
                f"{conflict.id}: a conflict about the image's {conflict.what} cannot be settled by a side; look at"
                " the image in the window, or ask again with --push"
            )
        return _labelled(sample, sample.boxes, None if value is None else str(value))
    known = {box.id: box for box in sample.boxes}
    box = _box(known.get(conflict.box), conflict, value)
    if box is None:
        known.pop(conflict.box, None)
    else:
        known[conflict.box] = box
    return _labelled(sample, tuple(known.values()), sample.label)


def _box(box: Box | None, conflict: DeskConflict, value: Json) -> Box | None:
    """The box as a side has it, None where that side has none."""
    whole = box_of(value, conflict.box)
    if conflict.what == "box" or box is None:
        return whole
    if conflict.what == "label":
        return replace(box, label=whole.label if whole else str(value), score=None)
    if conflict.what == "corners":
        x1, y1, x2, y2 = whole.corners if whole else cast("list[float]", value)
        return replace(box, x1=x1, y1=y1, x2=x2, y2=y2, score=None)
    if conflict.what == "attributes":
        return replace(box, attributes=whole.attributes if whole else cast("dict[str, Json]", value))
    if conflict.what.startswith("attributes."):
        attributes: dict[str, Json] = {**box.attributes, conflict.what.partition(".")[2]: value}
        return replace(box, attributes={name: each for name, each in attributes.items() if each is not None})
    return replace(box, **cast("Any", {conflict.what: value}))


def _labelled(sample: Sample, boxes: tuple[Box, ...], label: str | None) -> Sample:
    there = bool(boxes) or label is not None
    state = "labelled" if there else "negative" if sample.state == "labelled" else sample.state
    tags = tuple(tag for tag in sample.tags if tag != CONFIRMED)
    return replace(sample, boxes=boxes, label=label, state=state, tags=tags)
