"""Answers taken into the ledger: merged three ways, committed for each person, remembered.

The past of the merge is what the person started from, or what people had said at the last
pull. A change on one side is taken, the same change on both is one, and two different
ones are a conflict: kept until somebody settles it, never decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..datasets.ledger import Commit, CommitConflict, Ledger
from ..datasets.merging import Conflict, Merged, merge_samples
from ..datasets.schema import Box, Sample
from .agreement import Consensus, find_consensus, same_corners, with_shared_ids
from .conflicts import DeskConflict, to_desk_conflict
from .memory import DETAIL, TOOL, Remembered, format_memory, remember
from .opinion import compare_opinion
from .returned import Returned
from .tasks import LABELS

CONFIRMED = "confirmed"
"""The tag of an image whose labels a person looked at and submitted as they were."""

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
    """An image with what people agree on, and what they had said before."""

    image: Returned
    consensus: Consensus
    past: Sample


def take(
    ledger: Ledger, images: Sequence[Returned], memory: Mapping[str, Remembered], *, message: str, link: str,
    keep: Callable[[Sequence[DeskConflict]], None],
) -> Taken:  # fmt: skip
    """Take the answers about these images into the ledger, one commit for each person.

    Args:
        memory: what was taken in before, by turn.
        message: what the commits say, before their counts.
        link: of the project, kept with the commits.
        keep: is called with the conflicts before each commit, so that a crash loses none.
    """
    taken = Taken()
    by_author: dict[str, list[_Entry]] = {}
    for image in images:
        known = memory.get(str(image.turn))
        past = known.said(image.pushed) if known and known.version == image.version else image.pushed
        consensus = find_consensus(past, image.answers)
        if len(consensus.answers) > 1:
            taken.agreement[image.key] = consensus.agreement
        taken.conflicts += _desk_conflicts(image, consensus, consensus.conflicts, "people")
        by_author.setdefault(_first_author(consensus, past), []).append(_Entry(image, consensus, past))
    for author, entries in by_author.items():
        _commit(ledger, author, entries, taken, message, link, keep)
    return taken


def _commit(
    ledger: Ledger, author: str, entries: Sequence[_Entry], taken: Taken, message: str, link: str,
    keep: Callable[[Sequence[DeskConflict]], None],
) -> None:  # fmt: skip
    """One person's answers merged and committed; merged again where somebody else commits in between."""
    for attempt in range(_TRIES):
        base = ledger.version()
        work = _Merging({each.key: each for each in ledger.samples(base, keys={e.image.key for e in entries})})
        for entry in entries:
            work.merge(entry)
        keep([*taken.conflicts, *work.conflicts])
        changed = work.changed()
        try:
            commit = None
            if changed:
                commit = ledger.commit(
                    changed, base=base, author=author, tool=TOOL, message=f"{message}: {work.counted()}",
                    details={DETAIL: format_memory(work.clean), "project": link},
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
        self.clean: dict[str, Remembered] = {}
        self.edited = self.confirmed = 0

    def merge(self, entry: _Entry) -> None:
        """Merge one image."""
        image, said = entry.image, entry.consensus.said
        ours = self._now.get(image.key)
        merged = _merged(image, entry.past, ours, said)
        if merged.sample is not None and ours is not None:
            self._now[image.key] = self._tagged(merged.sample, ours, said)
        remembered = remember(image.version, image.digests, image.pushed, said)
        self.memory[str(image.turn)] = remembered
        self.conflicts += _desk_conflicts(image, entry.consensus, merged.conflicts, "ledger")
        if not merged.conflicts and not entry.consensus.conflicts:
            self.clean[str(image.turn)] = remembered

    def changed(self) -> dict[str, Sample | None]:
        """The images that are to be committed."""
        return {key: sample for key, sample in self._now.items() if sample != self._before[key]}

    def counted(self) -> str:
        """How many images are edited and how many confirmed, in words."""
        parts = ((self.edited, "edited"), (self.confirmed, "confirmed as they were"))
        return ", ".join(f"{count} {what}" for count, what in parts if count) or "nothing new"

    def _tagged(self, merged: Sample, ours: Sample, said: Sample) -> Sample:
        if not says_the_same(merged, ours):
            self.edited += 1
            return replace(merged, tags=tuple(tag for tag in merged.tags if tag != CONFIRMED))
        if says_the_same(said, ours):
            self.confirmed += 1
            return replace(ours, tags=tuple(sorted({*ours.tags, CONFIRMED})))
        return ours


def says_the_same(one: Sample, other: Sample) -> bool:
    """Whether two samples have the same labels, in whatever order their boxes are."""
    mine, theirs = {box.id: box for box in one.boxes}, {box.id: box for box in other.boxes}
    return one.state == other.state and one.label == other.label and mine == theirs


def _merged(image: Returned, past: Sample, ours: Sample | None, said: Sample) -> Merged:
    """What comes out of the ledger's image of today and what people said.

    Whoever did not start from the labels never saw them: that is an opinion of its own,
    and what it says otherwise is a conflict, not an edit.
    """
    if ours is None:
        return merge_samples(past, ours, said)
    if ours.sha256 != image.pushed.sha256:
        content = Conflict(image.key, "", "content", image.pushed.sha256, ours.sha256, image.pushed.sha256)
        return Merged(ours, (content,))
    if image.pushed.state == "unlabelled":
        if past.state == "unlabelled" and ours.state != "unlabelled":
            return compare_opinion(ours, said)
    elif image.start != LABELS:
        return compare_opinion(ours, said)
    return merge_samples(past, ours, _without_doubles(past, ours, said))


def _without_doubles(past: Sample, ours: Sample, said: Sample) -> Sample:
    """What people said, with ids and corners from the ledger for new boxes that somebody drew there too."""
    known = {box.id for box in past.boxes}
    new_here = {box.id: box for box in ours.boxes if box.id not in known}
    new_there = [box for box in said.boxes if box.id not in known and box.id not in new_here]
    if not new_here or not new_there:
        return said
    shared = with_shared_ids(new_there, list(new_here.values()))
    ids = {other.id: each.id for other, each in zip(new_there, shared, strict=True)}
    return replace(said, boxes=tuple(_as_here(box, new_here.get(ids.get(box.id, ""))) for box in said.boxes))


def _as_here(box: Box, here: Box | None) -> Box:
    """Somebody's new box as the ledger has it where that is the same; under its id where only the object is."""
    if here is None:
        return box
    return here if here.label == box.label and same_corners([here, box]) else replace(box, id=here.id)


def _first_author(consensus: Consensus, past: Sample) -> str:
    """Whose name a commit gets: the first person's who changed something, else the first's."""
    changed = (answer.author for answer in consensus.answers if not says_the_same(answer.said, past))
    return next(changed, consensus.answers[0].author)


def _desk_conflicts(
    image: Returned, consensus: Consensus, conflicts: Iterable[Conflict], between: str
) -> list[DeskConflict]:
    people = [answer.author for answer in consensus.answers]
    return [to_desk_conflict(each, between, people, str(image.turn), image.task) for each in conflicts]
