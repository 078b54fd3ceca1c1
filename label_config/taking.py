"""Answers taken into the ledger: merged three ways, committed for each person, remembered.

The past of the merge is what the person started from, or what people had said at the last
pull. A change on one side is taken, the same change on both is one, and two different
ones are a conflict: kept until somebody settles it, never decided here. While it is open
its past stays what it was, so that going on elsewhere neither repeats nor forgets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..datasets.ledger import Commit, CommitConflict, Ledger
from ..datasets.merging import IMAGE, merge_samples
from ..datasets.schema import Box, Sample
from .agreement import Consensus, find_consensus, same_corners, with_shared_ids
from .answers import digest_of
from .conflicts import CONTENT, LEDGER, DeskConflict, before, make_conflict, value_of
from .memory import TOOL, Entry, Remembered, commit_details, parse_entry, remember
from .opinion import compare_opinion
from .returned import Returned, rebased

CONFIRMED = "confirmed"
"""The tag of an image whose labels a person looked at and submitted as they were."""

UNTAKEN = (IMAGE, CONTENT)
"""Conflicts about an image that is not the one that people saw: what they said waits until it is that again."""

_TRIES = 5


@dataclass(slots=True)
class Taken:
    """What came of taking answers in: commits, what to remember, conflicts, and images counted."""

    commits: list[Commit] = field(default_factory=list[Commit])
    memory: dict[str, Remembered] = field(default_factory=dict[str, Remembered])
    conflicts: list[DeskConflict] = field(default_factory=list[DeskConflict])
    agreement: dict[str, float] = field(default_factory=dict[str, float])
    edited: int = 0
    confirmed: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    """An image with what people agree on, and what they had said before.

    `opinion` says whether that is compared with the labels; None where it is not known yet.
    `drawn` is as it is remembered.
    """

    image: Returned
    consensus: Consensus
    past: Sample
    opinion: bool | None
    drawn: Mapping[str, Box]


def take(
    ledger: Ledger, images: Sequence[Returned], memory: Mapping[str, Entry], conflicts: Iterable[DeskConflict], *,
    message: str, link: str, rounds: Mapping[str, str] | None = None,
) -> Taken:  # fmt: skip
    """Take the answers about these images into the ledger, one commit for each person and round.

    Args:
        memory: what was taken in before, by turn.
        conflicts: those that are open.
        message: what the commits say, before their counts.
        link: of the project, kept with the commits.
        rounds: the round of correction that images were sent for, by key.
    """
    taken = Taken()
    unmerged: dict[str, list[DeskConflict]] = {}
    for conflict in conflicts:
        if conflict.between == LEDGER and conflict.what not in UNTAKEN:
            unmerged.setdefault(conflict.turn, []).append(conflict)
    parts: dict[tuple[str, str], list[_Entry]] = {}
    for image in images:
        turn = str(image.turn)
        known = _of_these(parse_entry(memory[turn]), image) if turn in memory else None
        opinion = known.opinion if known else None
        past = _past(ledger, image, known)
        if not opinion:
            past = before(past, unmerged.get(turn, ()))
        consensus = find_consensus(image.pushed, past, image.answers)
        if len(consensus.answers) > 1:
            taken.agreement[image.key] = consensus.agreement
        entry = _Entry(image, consensus, past, opinion, known.drawn if known else {})
        parts.setdefault((_first_author(consensus, past), (rounds or {}).get(image.key, "")), []).append(entry)
    for (author, round_), entries in parts.items():
        _commit(ledger, author, entries, taken, message, link, round_)
    return taken


def _of_these(known: Remembered, image: Returned) -> Remembered | None:
    """What is remembered of a turn where one of its answers is still there: what others said who are gone is no past."""
    return known if set(known.answers) & set(image.digests) else None


def _past(ledger: Ledger, image: Returned, known: Remembered | None) -> Sample:
    if known is None:
        return image.pushed
    if known.version == image.version:
        return known.said(image.pushed)
    older = ledger.samples(known.version, keys=[image.key])
    return rebased(known.said(older[0]), older[0], image.pushed) if older else image.pushed


def _commit(
    ledger: Ledger, author: str, entries: Sequence[_Entry], taken: Taken, message: str, link: str, round_: str
) -> None:  # fmt: skip
    """One person's answers merged and committed; merged again where somebody else commits in between."""
    for attempt in range(_TRIES):
        base = ledger.version()
        work = _Merging({each.key: each for each in ledger.samples(base, keys={e.image.key for e in entries})})
        for entry in entries:
            work.merge(entry)
        changed = work.changed()
        try:
            commit = None
            if changed:
                details = {**commit_details(work.memory, work.conflicts), "project": link}
                commit = ledger.commit(
                    changed, base=base, author=author, tool=TOOL, message=f"{message}: {work.counted()}", round=round_,
                    details=details,
                )  # fmt: skip
        except CommitConflict:
            if attempt == _TRIES - 1:
                raise
            continue
        taken.commits += [commit] if commit else []
        taken.conflicts += work.conflicts
        taken.memory.update(work.memory)
        taken.edited += work.edited
        taken.confirmed += work.confirmed
        return


class _Merging:
    """Merges on top of one version of the ledger."""

    def __init__(self, today: dict[str, Sample]) -> None:
        self._before, self._now = today, dict(today)
        self.conflicts: list[DeskConflict] = []
        self.memory: dict[str, Remembered] = {}
        self.edited = self.confirmed = 0

    def merge(self, entry: _Entry) -> None:
        """Merge one image."""
        image, said = entry.image, entry.consensus.said
        ours = self._now.get(image.key)
        gone = IMAGE if ours is None else CONTENT if ours.sha256 != image.pushed.sha256 else ""
        if gone and not says_the_same(said, entry.past):
            base = "there" if gone == IMAGE else image.pushed.sha256
            self._conflict(entry, ours, "", gone, base, "changed", digest_of(said))
            return
        opinion, drawn = False, dict[str, Box]()
        if ours is not None and not gone:
            opinion = _is_opinion(entry, ours)
            if opinion:
                merged = compare_opinion(ours, said, boxes=image.boxes)
            else:
                said, drawn = _as_here(entry, ours)
                merged = merge_samples(entry.past, ours, said)
            doubted = bool(merged.conflicts or entry.consensus.differences)
            self._now[image.key] = self._tagged(merged.sample or ours, ours, said, doubted=doubted)
            for found in merged.conflicts:
                theirs = None if found.what == "box" and not isinstance(found.theirs, Box) else found.theirs
                base = None if found.what == "box" and not isinstance(found.base, Box) else found.base
                self._conflict(entry, ours, found.box, found.what, base, theirs)
            for each in entry.consensus.differences:
                people = [answer.author for answer in entry.consensus.answers]
                self._add(entry, ours, each.box, each.what, each.base, dict(zip(people, each.said, strict=True)))
        self.memory[str(image.turn)] = remember(
            image.version, image.digests, image.pushed, said, opinion=opinion, drawn=drawn
        )

    def changed(self) -> dict[str, Sample | None]:
        """The images that are to be committed."""
        return {key: sample for key, sample in self._now.items() if sample != self._before[key]}

    def counted(self) -> str:
        """How many images are edited and how many confirmed, in words."""
        parts = ((self.edited, "edited"), (self.confirmed, "confirmed as they were"))
        return ", ".join(f"{count} {what}" for count, what in parts if count) or "nothing new"

    def _conflict(
        self, entry: _Entry, ours: Sample | None, box: str, what: str, base: object, theirs: object, told: str = ""
    ) -> None:  # fmt: skip
        """A conflict of the ledger with all who answered."""
        people = [answer.author for answer in entry.consensus.answers]
        self._add(entry, ours, box, what, base, dict.fromkeys(people, theirs), told)

    def _add(
        self, entry: _Entry, ours: Sample | None, box: str, what: str, base: object, said: Mapping[str, object],
        told: str = "",
    ) -> None:  # fmt: skip
        image, value = entry.image, value_of(ours, box, what)
        self.conflicts.append(make_conflict(image.key, box, what, base, value, said, str(image.turn), image.task, told))

    def _tagged(self, merged: Sample, ours: Sample, said: Sample, *, doubted: bool) -> Sample:
        if not says_the_same(merged, ours):
            self.edited += 1
            return replace(merged, tags=tuple(tag for tag in merged.tags if tag != CONFIRMED))
        if says_the_same(said, ours) and not doubted:
            self.confirmed += 1
            return replace(ours, tags=tuple(sorted({*ours.tags, CONFIRMED})))
        return ours


def says_the_same(one: Sample, other: Sample) -> bool:
    """Whether two samples have the same labels, in whatever order their boxes are."""
    mine, theirs = {box.id: box for box in one.boxes}, {box.id: box for box in other.boxes}
    return one.state == other.state and one.label == other.label and mine == theirs


def _is_opinion(entry: _Entry, ours: Sample) -> bool:
    """Whether people's answers are compared with the labels, which they never saw, and change none of them."""
    if entry.opinion is not None:
        return entry.opinion
    if ours.state == "unlabelled":
        return False
    return entry.image.blind or entry.image.pushed.state == "unlabelled"


def _as_here(entry: _Entry, ours: Sample) -> tuple[Sample, dict[str, Box]]:
    """What people said, with the ledger's ids and corners for boxes that were drawn on both sides, and those as drawn.

    A new box is the ledger's where both are the same object, and has its corners where they
    are nearly the same, now and for as long as people leave it.
    """
    said, past = entry.consensus.said, {box.id: box for box in entry.past.boxes}
    here = {box.id: box for box in ours.boxes if box.id not in past}
    shared = iter(with_shared_ids([box for box in said.boxes if box.id not in past], list(here.values())))
    drawn: dict[str, Box] = {}
    boxes: list[Box] = []
    for box in (each if each.id in past else next(shared) for each in said.boxes):
        before = entry.drawn.get(box.id)
        if box.id in here:
            known = here[box.id] if same_corners([here[box.id], box]) else box
        else:
            known = past[box.id] if before and before.corners == box.corners and box.id in past else box
        if known.corners != box.corners:
            drawn[box.id] = box
        x1, y1, x2, y2 = known.corners
        boxes.append(replace(box, x1=x1, y1=y1, x2=x2, y2=y2))
    return replace(said, boxes=tuple(boxes)), drawn


def _first_author(consensus: Consensus, past: Sample) -> str:
    """Whose name a commit gets: the first person's who changed something, else the first's."""
    changed = (answer.author for answer in consensus.answers if not says_the_same(answer.said, past))
    return next(changed, consensus.answers[0].author)
