"""Blind answers about the test split: what people said who were shown no labels, and how it becomes the labels.

Such an answer changes no label by itself, whether a round sent the image or somebody else did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from ..datasets.boxes import iou
from ..datasets.ledger import Ledger
from ..datasets.workspace import Workspace
from ..label_config.conflicts import DESK, LEDGER, DeskConflict
from ..label_config.desk import desk_folder
from ..label_config.pull import open_conflicts
from ..label_config.round_marks import read_rounds
from ..label_config.settling import settle
from ..training.rounds.corrections import SAME_PLACE
from ..training.rounds.round import BLIND, TEST, Round, add_blind_commit, folder_of, list_rounds


@dataclass(frozen=True, slots=True)
class Taken:
    """How many differences became labels, how many were none but for a hair, and the images about which somebody has to decide."""

    taken: int
    as_good_as_same: int
    left: tuple[str, ...]


def blind_differences(workspace: Workspace, ledger: Ledger, round: Round | None = None) -> list[DeskConflict]:
    """Where labels of the test split and what people say differ who did not see them, and nobody has settled that.

    Args:
        round: only on images that it sent; None is all, whichever way they were sent.
    """
    return those_blind(workspace, ledger, _open(workspace, ledger), round)


def those_blind(
    workspace: Workspace, ledger: Ledger, conflicts: Iterable[DeskConflict], round: Round | None = None
) -> list[DeskConflict]:
    """Those of the open conflicts that are blind answers about the test split; `round` as in `blind_differences`."""
    keys = _blind_keys(workspace, ledger, round)
    return [each for each in conflicts if each.key in keys and each.is_opinion]


def settle_blind(workspace: Workspace, ledger: Ledger, round: Round | None = None) -> Taken:
    """Take what people said of the test split who did not see its labels.

    Boxes that overlap so far that two people draw no closer stay as they are; where several people differ among each other,
    somebody has to decide. Commits are each person's, and the round's that sent the image.

    Args:
        round: only of images that it sent; None is all, whichever way they were sent.

    Raises:
        LabelloopError: somebody changed the same labels meanwhile.
    """
    folder = desk_folder(workspace, ledger.folder.name)
    found = blind_differences(workspace, ledger, round)
    rounds = {each.id: each for each in list_rounds(workspace, ledger.folder.name)}
    sent_by = read_rounds(folder)
    parts: dict[tuple[str, str], dict[str, str]] = {}
    for each in found:
        part = parts.setdefault((each.people[0], sent_by.get(each.key, "")), {})
        part[each.id] = DESK if _is_error(each) else LEDGER
    taken = 0
    for (author, name), sides in sorted(parts.items()):
        message = f"{name}: blind answers about {TEST}" if name else f"blind answers about {TEST}"
        done = settle(ledger, folder, sides, author=author, message=message, more={BLIND: TEST})
        count = sum(side == DESK for side in sides.values()) if done.commits else 0
        taken += count
        for commit in done.commits:
            if commit.round in rounds:
                add_blind_commit(folder_of(workspace, rounds[commit.round]), commit.version, count)
    keys = _blind_keys(workspace, ledger, round)
    left = {each.key for each in _open(workspace, ledger) if each.key in keys}
    return Taken(taken, len(found) - taken, tuple(sorted(left)))


def _open(workspace: Workspace, ledger: Ledger) -> list[DeskConflict]:
    folder = desk_folder(workspace, ledger.folder.name)
    return open_conflicts(ledger, folder) if folder.is_dir() else []


def _blind_keys(workspace: Workspace, ledger: Ledger, round: Round | None) -> set[str]:
    """The images that a round showed without labels; without one, those of all rounds and of the split test."""
    rounds = [round] if round else list_rounds(workspace, ledger.folder.name)
    keys = {each.key for one in rounds for each in one.images if each.blind}
    if round:
        return keys
    return keys | set(ledger.frame().filter(pl.col("split") == TEST)["key"].to_list())


def _is_error(conflict: DeskConflict) -> bool:
    """Whether a blind answer contradicts a label, and does not only draw it a little otherwise."""
    if conflict.what != "corners":
        return conflict.what in ("label", "box", "state")
    ours, said = conflict.ours, conflict.sides[DESK]
    if not (isinstance(ours, list | tuple) and isinstance(said, list | tuple)):
        return True
    one, other = ([float(str(value)) for value in side] for side in (ours, said))
    return iou((one[0], one[1], one[2], one[3]), (other[0], other[1], other[2], other[3])) < SAME_PLACE
