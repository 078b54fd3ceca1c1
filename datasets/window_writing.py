"""A window brought to another version of the ledger, without losing an edit.

Only samples that differ are written, each under the condition that nobody changed it
since it was read. FiftyOne's App notices that by the time of the last change, which
moves as it does when FiftyOne itself writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from .ledger_rows import to_samples
from .merging import merge_samples, same_labels
from .schema import Sample
from .window_building import dress, insert, splits_of
from .window_documents import CHUNK, EDITED, SHOWN, Document, complete, take, without_collector
from .window_edits import EditReader, is_untouched
from .window_fiftyone import answered, fiftyone, in_bulk
from .window_look import save_views
from .window_place import Window, locked, open_window, write_note
from .window_reading import Pasts, Seen, UncommittedEdits, batches, scan, shown_rows
from .window_schema import declare_fields, needed_shape

_READ = (*EDITED, *SHOWN, "metadata.width", "metadata.height", "last_modified_at")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A window after a refresh, and what was done: samples written, added and removed.

    `left` are the keys of samples that somebody edited in between: they stay as they are,
    and what was edited there is found as before.
    """

    window: Window
    written: int
    added: int
    removed: int
    left: tuple[str, ...]


@answered()
def refresh_window(window: Window, *, version: int | None = None, discard: bool = False) -> Refreshed:
    """Bring a window to another version of its ledger.

    An edit that the version has already, since it was committed, is no obstacle.

    Args:
        version: None is the last.
        discard: edits that are not committed are thrown away.

    Raises:
        UncommittedEdits: there are edits that the version does not have. Nothing was written.
        LabelloopError: there is no such version, or another labelloop is at it.
    """
    ledger = window.ledger
    target = ledger.version() if version is None else version
    with locked(ledger), without_collector():
        window = open_window(ledger) or window
        dataset = window.dataset()
        rows = shown_rows(ledger, target, window.where)
        known = window.shape()
        shape = needed_shape(rows, known)
        declare_fields(dataset, rows, shape)
        plan = _Plan(window, rows, dataset._doc.id)
        plan.read()
        if not discard:
            plan.refuse_edits()
        left = plan.write()
        if plan.missing:
            insert(dataset, take(rows, plan.missing), shape)
        if ledger.classes(target) != ledger.classes(window.version) or shape != known:
            dress(dataset, ledger, target, rows, shape)
        save_views(dataset, splits_of(rows))
        write_note(dataset, ledger, target, window.where)
        dataset._update_last_modified_at(_now())
        dataset.reload()
        fiftyone().Sample._reload_docs(dataset._sample_collection_name)
    return Refreshed(
        replace(window, version=target), len(plan.orders) - len(left), len(plan.missing), len(plan.gone), tuple(left)
    )


@dataclass(frozen=True, slots=True)
class _Order:
    """One sample to write: its key, the document as it was read, and what to set (None: unset)."""

    key: str
    was: Document
    changes: Document


class _Plan:
    """What a refresh would write, and the edits that it would lose."""

    def __init__(self, window: Window, rows: pl.DataFrame, dataset: Any) -> None:
        self.window, self.rows, self.dataset = window, rows, dataset
        self.orders: list[_Order] = []
        self.gone: list[Document] = []
        self.missing: list[int] = []
        self._lost: list[str] = []
        self._removed: list[str] = []
        self._reader = EditReader((), new_classes=True)

    def read(self) -> None:
        """Work it out, from every sample of the window."""
        old = shown_rows(self.window.ledger, self.window.version, self.window.where)
        past = Pasts(self.window, old)
        known = set(old["key"])
        there = bytearray(self.rows.height)
        for some in batches(self._differing(there, known, past)):
            new = iter(to_samples(take(self.rows, [seen.row for seen in some if seen.row is not None])))
            for seen, was in zip(some, past.of(some), strict=True):
                now = None if seen.row is None else next(new)
                if was is not None:
                    self._find_lost(seen, *was, now)
                if seen.shown is None:
                    self.gone.append(_condition(seen.document, ()))
                else:
                    changes = _changes(seen.shown, seen.document)
                    if "metadata" in changes:
                        changes["metadata"] = complete(dict(seen.shown), self.dataset, _now())["metadata"]
                    self.orders.append(_Order(seen.key, _condition(seen.document, changes), changes))
        self.missing = [number for number, is_there in enumerate(there) if not is_there]
        self._removed = [key for key in take(self.rows, self.missing)["key"] if key in known]

    def refuse_edits(self) -> None:
        """Refuse where a sample has an edit that the new rows do not have.

        Raises:
            UncommittedEdits: one has.
        """
        said = [f"{len(self._lost)} samples, {self._lost[0]} among them"] if self._lost else []
        said += [f"{len(self._removed)} images deleted, {self._removed[0]} among them"] if self._removed else []
        said += [str(self._reader.problems[0])] if self._reader.problems else []
        if said:
            raise UncommittedEdits(self.window, "; ".join(said))

    def write(self) -> list[str]:
        """Write and remove, each sample only if it is still as it was read; the keys of those written to meanwhile."""
        from pymongo import DeleteOne, UpdateOne

        collection = in_bulk(self.window.collection())
        left: list[str] = []
        for start in range(0, len(self.orders), CHUNK):
            some = self.orders[start : start + CHUNK]
            now = _now()
            done = collection.bulk_write(
                [UpdateOne(each.was, _update(each.changes, now)) for each in some], ordered=False
            )
            if done.matched_count < len(some):
                ids = [each.was["_id"] for each in some]
                others = collection.find({"_id": {"$in": ids}, "last_modified_at": {"$ne": now}}, {"_id": True})
                untouched = {each["_id"] for each in others}
                left.extend(each.key for each in some if each.was["_id"] in untouched)
        if self.gone:
            collection.bulk_write([DeleteOne(each) for each in self.gone], ordered=False)
        return left

    def _differing(self, there: bytearray, known: set[str], past: Pasts) -> Iterator[Seen]:
        """The samples that say something else than their new rows, and those that have none any more."""
        for seen in scan(self.window.collection(), self.rows, past.shape, _READ):
            if seen.row is None or seen.shown is None:
                if seen.document.get("key") in known:  # the rest are somebody else's
                    yield seen
                continue
            there[seen.row] = True
            if _changes(seen.shown, seen.document):
                yield seen

    def _find_lost(self, seen: Seen, base: Sample, shown: Document, now: Sample | None) -> None:
        if is_untouched(shown, seen.document) or (seen.shown and is_untouched(seen.shown, seen.document)):
            return
        edited = self._reader.read(base, shown, seen.document)
        if edited is None or same_labels(edited, base):
            return
        merged = merge_samples(base, now, edited)
        if now is None or merged.conflicts or merged.sample is None or not same_labels(merged.sample, now):
            self._lost.append(base.key)


def _changes(shown: Document, document: Document) -> Document:
    """What must be set (None: unset) so that a document says what it should."""
    changes: Document = {
        name: shown.get(name) for name in (*EDITED, *SHOWN) if (shown.get(name) or None) != (document.get(name) or None)
    }
    size: Document = document.get("metadata") or {}
    if "filepath" in changes or any(size.get(name) != shown["metadata"][name] for name in ("width", "height")):
        changes["metadata"] = shown["metadata"]
    return changes


def _condition(document: Document, changes: Mapping[str, Any] | Sequence[str]) -> Document:
    """The document's id, the time of its last change, and what is there now of what would be overwritten."""
    edited = {name: document.get(name) for name in EDITED if name in changes}
    return {"_id": document["_id"], "last_modified_at": document.get("last_modified_at"), **edited}


def _update(changes: Document, now: datetime) -> Document:
    update: Document = {
        "$set": {**{name: value for name, value in changes.items() if value is not None}, "last_modified_at": now}
    }
    empty = {name: "" for name, value in changes.items() if value is None}
    return {**update, "$unset": empty} if empty else update


def _now() -> datetime:
    """The time to the millisecond, as MongoDB keeps it and FiftyOne gives it: UTC, without saying so."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
