"""What a person edited in the window since it was written: found by comparing all of it with the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl
from bson import ObjectId

from .changes import changes_between, count_changes, counts_text
from .errors import LabelloopError
from .ledger import Ledger
from .ledger_rows import to_samples
from .merging import Conflict, merge_samples, same_labels
from .schema import Sample
from .window_documents import (
    CHUNK,
    EDITED,
    Document,
    Shape,
    documents,
    sample_id,
    take,
    with_group_sizes,
    without_collector,
)
from .window_edits import EditReader, Remark, is_untouched
from .window_fiftyone import answered
from .window_place import Window


@dataclass(frozen=True, slots=True)
class Edits:
    """What was edited in a window, relative to the version that it shows.

    `changed` has the samples as they are now, by key, ready for `Ledger.commit` with the
    window's version as base. `problems` are edits that cannot be taken; their samples are
    not in `changed`. `notes` say what was changed on the way, as a box clipped to its image.
    `removed` are images that were deleted in the window, which removes nothing from the
    ledger until somebody says so; `strangers` are samples (their files) that were added to the dataset
    and that no ledger knows. `behind` are images whose sample still shows an older version,
    since it was edited while the window was refreshed.
    """

    changed: Mapping[str, Sample]
    before: Mapping[str, Sample]
    problems: tuple[Remark, ...]
    notes: tuple[Remark, ...]
    removed: tuple[str, ...]
    strangers: tuple[str, ...]
    behind: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.problems or self.removed)

    def to_commit(self, *, remove: bool = False) -> dict[str, Sample | None]:
        """What `Ledger.commit` takes.

        Args:
            remove: images deleted in the window go from the ledger too.
        """
        return {**self.changed, **(dict.fromkeys(self.removed) if remove else {})}

    def summary(self) -> str:
        """The edits in a few words: how many of each kind."""
        said = [counts_text(count_changes(changes_between(self.before, self.changed)))]
        if self.removed:
            said.append(f"{len(self.removed)} {'image' if len(self.removed) == 1 else 'images'} deleted")
        if self.problems:
            said.append(f"{len(self.problems)} that cannot be taken")
        return ", ".join(filter(None, said)) or "none"


class UncommittedEdits(LabelloopError):
    """A window has edits that are not committed, so it was left as it is."""

    def __init__(self, window: Window, edits: str) -> None:
        super().__init__(
            f"the window of {window.ledger.folder.name} has edits that are not committed ({edits});"
            " commit or discard them first"
        )
        self.window = window


@dataclass(frozen=True, slots=True)
class Seen:
    """A sample of the window: its document, and its row with the document that it makes (None: there is no row)."""

    document: Document
    row: int | None = None
    shown: Document | None = None

    @property
    def key(self) -> str:
        """The key of the row; empty without one."""
        return self.shown["key"] if self.shown else ""

    def is_current(self) -> bool:
        """Whether the document was written from the row as it is."""
        return self.shown is not None and self.document.get("version") == self.shown["version"]


@answered()
@without_collector()
def find_edits(window: Window, *, new_classes: bool = False) -> Edits:
    """What was edited in the window since it was written, by comparing every sample with the ledger.

    Args:
        new_classes: take labels that the ledger's classes do not have; they become classes when committed.
    """
    rows = shown_rows(window.ledger, window.version, window.where)
    reader = EditReader(window.ledger.classes(window.version), new_classes=new_classes)
    past = Pasts(window, rows)
    changed: dict[str, Sample] = {}
    before: dict[str, Sample] = {}
    strangers: list[str] = []
    behind: list[str] = []
    there = bytearray(rows.height)

    def touched() -> Iterator[Seen]:
        for seen in scan(window.collection(), rows, past.shape, ("filepath", "version", *EDITED)):
            if seen.row is None or seen.shown is None:
                strangers.append(str(seen.document.get("filepath")))
                continue
            there[seen.row] = True
            if not (seen.is_current() and is_untouched(seen.shown, seen.document)):
                yield seen

    for some in batches(touched()):
        behind.extend(seen.key for seen in some if not seen.is_current())
        here = to_samples(take(rows, [seen.row for seen in some if seen.row is not None]))
        for seen, now, was in zip(some, here, past.of(some), strict=True):
            sample = was and reader.read(*was, seen.document)
            if was is None or sample is None or same_labels(sample, was[0]):
                continue
            merged = merge_samples(was[0], now, sample)
            reader.problems.extend(_contradiction(conflict) for conflict in merged.conflicts)
            if not merged.conflicts and merged.sample is not None and not same_labels(merged.sample, now):
                changed[seen.key], before[seen.key] = merged.sample, now
    removed = [rows.item(number, "key") for number, is_there in enumerate(there) if not is_there]
    return Edits(
        changed, before, tuple(reader.problems), tuple(reader.notes), tuple(removed), tuple(strangers), tuple(behind)
    )


def verify_window(window: Window) -> Edits:
    """What the window says differently from the version that it shows: nothing, right after it was written.

    The App writes what it had open back over a sample that was changed beneath it, so a box
    that a commit deleted can come back. It is found here, as an edit that is not committed.
    """
    return find_edits(window, new_classes=True)


def refuse_edits(window: Window) -> None:
    """Refuse where the window has edits.

    Raises:
        UncommittedEdits: it has.
    """
    edits = find_edits(window, new_classes=True)
    if edits:
        raise UncommittedEdits(window, edits.summary())


def shown_rows(ledger: Ledger, version: int, where: str) -> pl.DataFrame:
    """The rows that a window shows, with `group_size`: how many images are in an image's group, shown or not."""
    every = with_group_sizes(ledger.frame(version))
    if not where:
        return every
    sizes = every.select("key", "group_size")
    return ledger.frame(version, where=where).join(sizes, on="key", how="left", maintain_order="left")


def scan(collection: Any, rows: pl.DataFrame, shape: Shape, fields: Sequence[str]) -> Iterator[Seen]:
    """Every sample of a collection, beside its row where it has one."""
    numbers = _numbers(rows)
    cursor: Iterator[Document] = collection.find({}, dict.fromkeys(fields, True), batch_size=CHUNK)
    while batch := list(islice(cursor, CHUNK)):
        known = [(numbers[each["_id"]], each) for each in batch if each["_id"] in numbers]
        yield from (Seen(each) for each in batch if each["_id"] not in numbers)
        made = documents(take(rows, [number for number, _ in known]), shape)
        for (number, document), shown in zip(known, made, strict=True):
            yield Seen(document, number, shown)


class Pasts:
    """What samples of a window were written from.

    Args:
        rows: those of the version that the window shows, which most were written from.
    """

    def __init__(self, window: Window, rows: pl.DataFrame) -> None:
        self.window, self.rows = window, rows
        self.shape = window.shape()
        self._numbers = _numbers(rows)
        self._last = window.ledger.version()

    def of(self, seen: Sequence[Seen]) -> list[tuple[Sample, Document] | None]:
        """Of each, the sample and its document; None for one that no version of the ledger made."""
        found: dict[tuple[object, object], tuple[Sample, Document]] = {}
        keys = [(each.document["_id"], each.document.get("version")) for each in seen]
        self._add(found, self.rows, self._numbers, [own for own, _ in keys])
        others: dict[int, list[ObjectId]] = {}
        for own, version in keys:
            if (own, version) not in found and isinstance(version, int) and 0 <= version <= self._last:
                others.setdefault(version, []).append(own)
        for version, some in others.items():
            rows = with_group_sizes(self.window.ledger.frame(version))
            self._add(found, rows, _numbers(rows), some)
        return [found.get(key) for key in keys]

    def _add(
        self,
        found: dict[tuple[object, object], tuple[Sample, Document]],
        rows: pl.DataFrame,
        numbers: dict[ObjectId, int],
        wanted: Sequence[ObjectId],
    ) -> None:
        some = take(rows, [numbers[own] for own in wanted if own in numbers])
        for sample, document in zip(to_samples(some), documents(some, self.shape), strict=True):
            found[document["_id"], document["version"]] = (sample, document)


def batches(seen: Iterable[Seen]) -> Iterator[list[Seen]]:
    """The same, some at a time."""
    stream = iter(seen)
    while some := list(islice(stream, CHUNK)):
        yield some


def _numbers(rows: pl.DataFrame) -> dict[ObjectId, int]:
    """The number of each row, by the id of its sample."""
    return {sample_id(key): number for number, key in enumerate(rows["key"])}


def _contradiction(conflict: Conflict) -> Remark:
    text = f"{conflict.what} was edited in the window, and differently in the ledger since: {conflict}"
    return Remark(conflict.key, conflict.box, text)
