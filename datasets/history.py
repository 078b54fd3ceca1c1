"""What a ledger's past says, and how a part of it is undone: blame, revert and restore."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from .changes import Change, find_changes
from .errors import LabelloopError
from .ledger import Commit, Ledger
from .ledger_rows import to_samples
from .merging import Conflict, merge_samples
from .schema import Sample


@dataclass(frozen=True, slots=True)
class Step:
    """One commit that changed an image, and what it changed there."""

    version: int
    time: datetime
    author: str
    tool: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undoing did: the commit (None where nothing was left to do), what it undid, and what it could not.

    `undone` are the versions that were undone, the newest first; `kept` says for each
    change that later ones build upon what stands in the way.
    """

    commit: Commit | None
    undone: tuple[int, ...]
    kept: tuple[Conflict, ...]


def blame(ledger: Ledger, key: str, box: str = "") -> list[Step]:
    """Every commit that changed an image, the newest first, with the changes that it made there.

    Args:
        box: only the changes to the box of this id.

    Raises:
        LabelloopError: the ledger has never had such an image, or the image such a box.
    """
    steps: list[Step] = []
    rows = ledger.frame(keys=[key])
    version = ledger.version() if rows.is_empty() else 0
    while not rows.is_empty() or version > 0:
        if rows.is_empty():
            removed = _last_removal(ledger, key, version)
            if removed is None:
                break
            rows = ledger.frame(removed.version - 1, keys=[key])
            steps += _step(removed.version, removed.time, removed.author, removed.tool, rows, rows.clear())
        author, tool, time, made = rows.select("author", "tool", "time", "version").row(0)
        version = made - 1
        before = ledger.frame(version, keys=[key])
        steps += _step(made, time, author, tool, before, rows)
        rows = before
    if not steps:
        raise LabelloopError(f"{ledger.folder.name} has never had an image {key}")
    if not box:
        return steps
    found = [
        Step(step.version, step.time, step.author, step.tool, changes)
        for step in steps
        if (changes := tuple(change for change in step.changes if change.box == box))
    ]
    if not found:
        raise LabelloopError(f"{key} has never had a box of the id {box}")
    return found


def revert(
    ledger: Ledger,
    *,
    author: str,
    commits: Iterable[int] = (),
    by: str = "",
    round: str = "",
    message: str = "",
) -> Undone:
    """A new commit that undoes others, and nothing that was done since and does not build upon them.

    Each commit is undone by a three-way merge with the state after it as the past, the
    ledger of today on one side and the state before it on the other. What later changes
    touched stays, and is listed.

    Args:
        author: who reverts.
        commits: the versions to undo.
        by: undo every commit of this author.
        round: undo every commit of this round.

    Raises:
        LabelloopError: nothing is named, no such commit, or one that made the data set.
        CommitConflict: somebody changed the same while this was worked out.
    """
    chosen = _chosen(ledger, commits, by, round)
    base = ledger.version()
    state: dict[str, Sample | None] = {}
    kept: list[Conflict] = []
    for version in chosen:
        after, before = _both_sides(ledger, version)
        keys = sorted({*after, *before})
        missing = [key for key in keys if key not in state]
        today = {sample.key: sample for sample in ledger.samples(base, keys=missing)}
        state.update({key: today.get(key) for key in missing})
        for key in keys:
            now = state[key]
            past, wanted = _where_it_lies(after.get(key), now), _where_it_lies(before.get(key), now)
            merged = merge_samples(past, now, wanted)
            state[key] = merged.sample
            kept.extend(merged.conflicts)
    names = ", ".join(str(version) for version in chosen)
    commit = ledger.commit(
        state, base=base, author=author, tool="revert", message=message or f"revert of {names}",
        details={"reverts": names},
    )  # fmt: skip
    return Undone(commit, tuple(chosen), tuple(kept))


def restore(ledger: Ledger, version: int, *, author: str, message: str = "") -> Commit | None:
    """A new commit after which the ledger says again what it said at a version; None where it does already.

    The history stays: this too can be reverted.

    Raises:
        LabelloopError: no such version.
        CommitConflict: somebody changed the same while this was worked out.
    """
    base = ledger.version()
    keys = {change.key for change in ledger.changes(version, base)}
    then = {sample.key: sample for sample in ledger.samples(version, keys=keys)}
    now = {sample.key: sample for sample in ledger.samples(base, keys=keys)}
    return ledger.commit(
        {key: _where_it_lies(then.get(key), now.get(key)) for key in sorted(keys)},
        base=base,
        author=author,
        tool="restore",
        message=message or f"back to version {version}",
        classes=ledger.classes(version),
    )


def _chosen(ledger: Ledger, versions: Iterable[int], by: str, round: str) -> Sequence[int]:
    """The versions to undo, the newest first."""
    history = ledger.commits()
    wanted = set(versions)
    if not (wanted or by or round):
        raise LabelloopError("a revert must name a commit, an author or a round")
    strangers = sorted(wanted - {commit.version for commit in history if commit.version > 0})
    if strangers:
        raise LabelloopError(
            f"a commit to revert must be one of 1 to {history[-1].version}, received {', '.join(map(str, strangers))}"
        )
    for commit in history[1:]:
        if (by and commit.author == by) or (round and commit.round == round):
            wanted.add(commit.version)
    if not wanted:
        what = f"of author {by}" if by else f"of round {round}"
        known = sorted({commit.author if by else commit.round for commit in history[1:]} - {""})
        raise LabelloopError(f"no commit {what} in {ledger.folder.name}; there are {', '.join(known) or 'none'}")
    return sorted(wanted, reverse=True)


def _both_sides(ledger: Ledger, version: int) -> tuple[dict[str, Sample], dict[str, Sample]]:
    """What a commit changed: the images after it and before it, by key."""
    after = {sample.key: sample for sample in to_samples(ledger.frame(version, since=version - 1))}
    gone = ledger.keys(version - 1) - ledger.keys(version)
    before = {sample.key: sample for sample in ledger.samples(version - 1, keys=[*after, *gone])}
    return after, before


def _last_removal(ledger: Ledger, key: str, until: int) -> Commit | None:
    """The last commit up to a version that removed an image; None where none did."""
    for commit in reversed(ledger.commits()[: until + 1]):
        if commit.counts.get("image-removed") and not ledger.frame(commit.version - 1, keys=[key]).is_empty():
            return commit
    return None


def _step(
    version: int, time: datetime, author: str, tool: str, before: pl.DataFrame, after: pl.DataFrame
) -> list[Step]:
    """What a commit did to one image, from its row before and after, or no row; empty where it changed no label."""
    old, new = next(iter(to_samples(before)), None), next(iter(to_samples(after)), None)
    changes = tuple(find_changes(old, new))
    return [Step(version, time, author, tool, changes)] if changes else []


def _where_it_lies(sample: Sample | None, today: Sample | None) -> Sample | None:
    """A past state of an image, with the place of today for its file: labels go back, files do not."""
    if sample is None or today is None or sample.sha256 != today.sha256:
        return sample
    return replace(sample, path=today.path)
