"""What people corrected in a round: read from the ledger's commits, error by error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...datasets.boxes import iou
from ...datasets.changes import Change, find_changes
from ...datasets.ledger import Ledger
from ...datasets.ledger_rows import to_samples
from ...datasets.schema import Box, Sample
from ..detection_problem import NEAR, ON

KINDS = ("missing", "spurious", "class", "location", "image-label")
"""What can be wrong with labels, by the names that suspects have."""

SAME_PLACE = 0.9
"""A box that overlaps its former self by so much was nudged, not corrected: two people draw no closer."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One error that somebody mended: its kind, on which image, the class before and after ("" for none), who, and where it is."""

    kind: str
    key: str
    before: str
    after: str
    author: str
    version: int
    boxes: tuple[Box | None, Box | None] = (None, None)

    @property
    def label(self) -> str:
        """The class that the error counts for: what it is now, else what it was."""
        return self.after or self.before


@dataclass(frozen=True, slots=True)
class Corrected:
    """What commits did to images.

    `changed` are all images that they touched, and `corrections` the errors among what they changed. `labelled` are
    images that nobody had labelled before: what was drawn there corrects nothing. `nudged` counts boxes that were moved by less than what
    counts as an error.
    """

    changed: frozenset[str]
    corrections: tuple[Correction, ...]
    labelled: frozenset[str]
    nudged: int

    @property
    def wrong(self) -> frozenset[str]:
        """The images on which something was wrong."""
        return frozenset(each.key for each in self.corrections)

    def counted(self, what: str) -> dict[str, int]:
        """How many corrections there are by `kind`, `label` or `author`, the most first; kinds in their order."""
        counts = Counter(str(getattr(each, what)) for each in self.corrections)
        if what == "kind":
            return {kind: counts[kind] for kind in KINDS if counts[kind]}
        return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def read_corrections(ledger: Ledger, versions: Iterable[int], keys: Collection[str] | None = None) -> Corrected:
    """What the commits that made these versions corrected.

    Args:
        keys: only on these images; None is all.
    """
    changed: set[str] = set()
    labelled: set[str] = set()
    corrections: list[Correction] = []
    nudged = 0
    for version in sorted(set(versions)):
        author = ledger.commit_of(version).author
        for before, after in changed_images(ledger, version):
            key = after.key if after else before.key if before else ""
            if keys is not None and key not in keys:
                continue
            changed.add(key)
            if before is None or after is None:
                continue
            if before.state == "unlabelled":
                labelled.add(key)
                continue
            found, small = find_corrections(before, after, author, version)
            corrections += found
            nudged += small
    return Corrected(frozenset(changed), tuple(corrections), frozenset(labelled), nudged)


def changed_images(ledger: Ledger, version: int) -> Iterator[tuple[Sample | None, Sample | None]]:
    """The images that a version's commit touched, before and after it, in the order of their keys."""
    after = {sample.key: sample for sample in to_samples(ledger.frame(version, since=version - 1))}
    before = {sample.key: sample for sample in ledger.samples(version - 1, keys=after)}
    for key in sorted(after):
        yield before.get(key), after[key]


def find_corrections(before: Sample, after: Sample, author: str, version: int) -> tuple[list[Correction], int]:
    """The errors that were mended between two states of an image, and how many boxes were only nudged."""
    changes = list(find_changes(before, after))
    gone = [change.before for change in changes if change.kind == "box-deleted" and isinstance(change.before, Box)]
    new = [change.after for change in changes if change.kind == "box-added" and isinstance(change.after, Box)]
    pairs = [*_redrawn(gone, new), *_same_box(changes)]
    found: list[Correction] = []
    nudged = 0

    def add(kind: str, old: Box | None, now: Box | None) -> None:
        named = (old.label if old else "", now.label if now else "")
        found.append(Correction(kind, before.key, *named, author, version, (old, now)))

    for old, now in pairs:
        if old.label != now.label:
            add("class", old, now)
        if iou(old.corners, now.corners) < SAME_PLACE:
            add("location", old, now)
        elif old.corners != now.corners:
            nudged += 1
    redrawn = {id(box) for pair in pairs for box in pair}
    for box in gone:
        if id(box) not in redrawn:
            add("spurious", box, None)
    for box in new:
        if id(box) not in redrawn:
            add("missing", None, box)
    if before.label != after.label:
        found.append(
            Correction("image-label", before.key, before.label or "", after.label or "", author, version)
        )  # fmt: skip
    return found, nudged


def _redrawn(gone: Sequence[Box], new: Sequence[Box]) -> list[tuple[Box, Box]]:
    """Deleted boxes with the new ones that stand in their place, the best overlap first.

    By the same overlaps as kinds of errors: of another class on it, as a wrong class is; of the same class near it, as a wrong place is.
    """
    overlaps = sorted(
        ((iou(old.corners, now.corners), at, to) for at, old in enumerate(gone) for to, now in enumerate(new)),
        key=lambda each: (-each[0], each[1], each[2]),
    )
    pairs: list[tuple[Box, Box]] = []
    used: tuple[set[int], set[int]] = (set(), set())
    for overlap, at, to in overlaps:
        alike = gone[at].label == new[to].label
        if overlap >= (NEAR if alike else ON) and at not in used[0] and to not in used[1]:
            used[0].add(at)
            used[1].add(to)
            pairs.append((gone[at], new[to]))
    return pairs


def _same_box(changes: Sequence[Change]) -> list[tuple[Box, Box]]:
    """Boxes that were moved or renamed, each once, before and after."""
    pairs: Mapping[str, tuple[Box, Box]] = {
        change.box: (change.before, change.after)
        for change in changes
        if change.kind in ("box-moved", "box-renamed")
        and isinstance(change.before, Box)
        and isinstance(change.after, Box)
    }
    return list(pairs.values())
