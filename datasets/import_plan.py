"""What an import changes in a ledger, worked out image by image."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import polars as pl

from .boxes import with_ids
from .findings import Findings
from .ledger import Ledger
from .ledger_rows import to_samples
from .merging import merge_samples, same_labels
from .said import format_said, parse_said
from .schema import NOTHING, Box, Sample

TOOL = "import"

Outcome = Literal["added", "updated", "moved", "kept", "unchanged"]


class _Made(NamedTuple):
    """How a row came about: by which tool and in which version, and what it remembers of its source."""

    tool: str
    version: int
    said: str | None


class ImportPlan:
    """The images of a source against a ledger as it is.

    After construction `changed` has what is to be committed, `said` what the source said of
    images where the ledger's row will say something else, `outcomes` what becomes of each
    image, by its key in the source, and `renamed` the ledger's keys of images that have
    another key there.
    """

    def __init__(self, ledger: Ledger, base: int, samples: Sequence[Sample], findings: Findings) -> None:
        self.changed: dict[str, Sample | None] = {}
        self.said: dict[str, str | None] = {}
        self.outcomes: dict[str, Outcome] = {}
        self._ledger, self._findings = ledger, findings
        rows = ledger.frame(base)
        self._now = {sample.key: sample for sample in to_samples(rows)}
        self._roots: dict[str, str] = dict(rows.select("key", "root").iter_rows())
        self._made = _rows_made(rows)
        in_source = {sample.key for sample in samples}
        self._lost: dict[str, list[str]] = {}
        for key, sample in self._now.items():
            if key not in in_source:
                self._lost.setdefault(sample.sha256, []).append(key)
        self.renamed: dict[str, str] = {}
        self._moved: list[str] = []
        differing = [pair for sample in samples if (pair := self._compared(sample)) is not None]
        self._merge(differing)

    def find_gone(self, root: str, keys: Collection[str]) -> list[str]:
        """The keys of the images that came from a folder and are there no longer, in order.

        Args:
            root: the folder.
            keys: of all images that are in it.
        """
        known = {*keys, *self.renamed.values()}
        roots = {root, *(self._roots[key] for key in self._moved)}
        return sorted(
            key
            for key, sample in self._now.items()
            if key not in known and self._roots[key] in roots and not sample.path.exists()
        )

    def _compared(self, sample: Sample) -> tuple[Sample, Sample] | None:
        """The ledger's and the source's sample where they have to be merged; None where all is decided."""
        key = sample.key
        now = self._now.get(key) or self._under_another_name(sample)
        if now is None:
            self.outcomes[key] = "added"
            self.changed[key] = replace(sample, boxes=with_ids(key, sample.boxes))
            return None
        if now.sha256 != sample.sha256:
            self.outcomes[key] = "kept"
            self._findings.add(
                "content-changed",
                key,
                f"image has other bytes than the ledger's, which stays with {now.path}; give the new one another name",
            )
            return None
        self.outcomes[key] = "unchanged"
        if now.path != sample.path and not now.path.exists():
            self.outcomes[key] = "moved"
            self._moved.append(now.key)
            now = self.changed[now.key] = replace(now, path=sample.path)
        made = self._made[now.key]
        as_said = made.tool == TOOL and made.said is None
        return None if as_said and same_labels(_said_of(sample, now, now.boxes), now) else (now, sample)

    def _under_another_name(self, sample: Sample) -> Sample | None:
        """The ledger's image of the same bytes that lies in this very file, or whose own file is gone: it was renamed."""
        lost = self._lost.get(sample.sha256, [])
        here = next((key for key in lost if self._now[key].path == sample.path), None)
        key = here or next((key for key in lost if not self._now[key].path.exists()), None)
        if key is None:
            return None
        lost.remove(key)
        self.renamed[sample.key] = key
        self._findings.add("renamed", sample.key, f"image is {key} in the ledger and keeps that name there")
        return self._now[key]

    def _merge(self, differing: Sequence[tuple[Sample, Sample]]) -> None:
        """Merge the images that the ledger changed, or whose source says something else than before."""
        pasts = self._last_said([now for now, _ in differing])
        for now, sample in differing:
            past = replace(pasts.get(now.key) or _nothing_said(now), path=now.path)
            if not same_labels(_said_of(sample, past, past.boxes), past):
                self._merge_one(sample.key, past, now, _said_of(sample, past, past.boxes, now.boxes))
            elif now.key in self.changed:
                self.said[now.key] = _said_unless(past, now)

    def _merge_one(self, key: str, past: Sample, now: Sample, theirs: Sample) -> None:
        merged = merge_samples(past, now, theirs)
        sample = merged.sample or now
        for conflict in merged.conflicts:
            self._findings.add("labels-differ", key, f"the ledger's stays: {conflict}")
        if not same_labels(sample, now):
            self.changed[now.key] = sample
            self.outcomes[key] = "updated"
        if merged.conflicts:
            self.outcomes[key] = "kept"
            if now.key in self.changed:  # the next import finds the same conflicts
                self.said[now.key] = format_said(past)
        elif now.key in self.changed:
            self.said[now.key] = _said_unless(theirs, sample)
        else:  # the source says by now what the ledger says, and that is the past of what it says next
            self.changed[now.key] = now
            self.said[now.key] = format_said(theirs)

    def _last_said(self, samples: Sequence[Sample]) -> dict[str, Sample]:
        """What the source said of each image when it was last imported; images that never were are left out."""
        now = {sample.key: sample for sample in samples}
        found: dict[str, Sample] = {}
        at: dict[str, _Made] = {key: self._made[key] for key in now}
        while at:
            version = max(made.version for made in at.values())
            here = {key: made for key, made in at.items() if made.version == version}
            found.update({key: parse_said(made.said, now[key]) for key, made in here.items() if made.said is not None})
            imported = [key for key, made in here.items() if made.tool == TOOL and key not in found]
            found.update({sample.key: sample for sample in self._ledger.samples(version, keys=imported)})
            at = {key: made for key, made in at.items() if key not in here}
            at.update(self._made_before(version, [key for key in here if key not in found]))
        return found

    def _made_before(self, version: int, keys: Sequence[str]) -> dict[str, _Made]:
        """How the row came about that each image had before a version, or before it was removed before that."""
        if not keys:
            return {}
        found = _rows_made(self._ledger.frame(version - 1, keys=keys))
        missing = [key for key in keys if key not in found]
        for commit in reversed(self._ledger.commits()[:version] if missing else []):
            if commit.counts.get("image-removed"):
                found.update(_rows_made(self._ledger.frame(commit.version - 1, keys=missing)))
                missing = [key for key in missing if key not in found]
        return found


def _rows_made(rows: pl.DataFrame) -> dict[str, _Made]:
    """How each row came about, by key."""
    about = rows.select("key", "tool", "version", "said").iter_rows()
    return {key: _Made(tool, version, said) for key, tool, version, said in about}


def _said_of(sample: Sample, past: Sample, boxes: Sequence[Box], now: Sequence[Box] = ()) -> Sample:
    """What a source says of an image that is known: its boxes with the known ones' ids, where they are the same."""
    return replace(
        sample,
        key=past.key,
        path=past.path,
        boxes=with_ids(past.key, sample.boxes, boxes, now),
        tags=past.tags,
        split=sample.split or past.split,
        group=sample.group or past.group,
    )


def _said_unless(said: Sample, row: Sample) -> str | None:
    """What a source said, None where the row that an import is about to write says that itself."""
    return None if same_labels(said, row) else format_said(said)


def _nothing_said(now: Sample) -> Sample:
    """The past of an image that no import has ever touched."""
    return replace(now, state="unlabelled", boxes=(), label=None, split=None, group=None, extra=NOTHING)
