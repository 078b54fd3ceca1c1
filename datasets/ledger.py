"""The ledger: what the labels are and have been, one Delta Lake table for each data set.

Every change is a commit with author, tool, message and round. A commit goes exactly on
top of the version that it was made for: where somebody else was faster, the change is
merged three ways with theirs and tried again, or refused with what stands against it.
A row's `version` is that of its last change, so what changed since a version is one
filter, and the past of an image is found by stepping back from version to version.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from .changes import Change, count_changes, find_changes
from .errors import LabelloopError
from .ledger_commits import Commit, commit_details, commit_properties, read_classes, read_commit
from .ledger_rows import SCHEMA, Stamp, read_before, to_rows, to_samples
from .merging import Conflict, merge_samples
from .schema import Sample
from .workspace import has_ledger

FILE_BYTES = 500_000
"""The size that the table's files aim at: a commit rewrites the files that its images lie in.

Measured with 100,000 images of 3 boxes (20 MB): ten images from anywhere rewrite 4 MB with
files of this size and 18 MB with one large file; neighbours rewrite 0.3 MB.
"""

_CONFIGURATION: dict[str, str | None] = {
    "delta.targetFileSize": str(FILE_BYTES),
    # Delta forgets after 30 days by default; a ledger never does.
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
}
_NO_ADDRESS = re.compile(r"[\[\]^|\\\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}")
_TRIES = 50
_IN_PREDICATE = 2000
"""So many keys are named in a merge's predicate, which lets it skip files; more would cost more than that saves."""


class CommitConflict(LabelloopError):
    """A commit against which another one stands; nothing was written."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        shown = "\n".join(f"  {conflict}" for conflict in conflicts[:10])
        more = f"\n  and {len(conflicts) - 10} more" if len(conflicts) > 10 else ""
        super().__init__(
            f"somebody else changed the same labels in the meantime, so nothing was committed:\n{shown}{more}"
        )
        self.conflicts = tuple(conflicts)


class Ledger:
    """The ledger of one data set, read and written at its folder.

    Raises:
        LabelloopError: there is no ledger in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _refuse_path(folder)
        if not has_ledger(folder):
            raise LabelloopError(
                f"no data set of the name {folder.name} in {folder.parent.parent};"
                f" labelloop import SOURCE --name {folder.name} makes one"
            )

    @classmethod
    def create(cls, folder: Path, author: str, classes: Sequence[str] = ()) -> Ledger:
        """The ledger in this folder; made with an empty version 0 where there is none yet."""
        _refuse_path(folder)
        if not has_ledger(folder):
            folder.mkdir(parents=True, exist_ok=True)
            empty = pl.DataFrame(schema=SCHEMA)
            details = commit_details(author, "labelloop", "made", "", classes, {}, {})
            try:
                write_deltalake(
                    folder,
                    empty,
                    mode="error",
                    configuration=_CONFIGURATION,
                    commit_properties=commit_properties(details),
                )
            except DeltaError as error:  # another process may have made it first
                if not has_ledger(folder):
                    raise LabelloopError(f"cannot make a ledger in {folder}: {error}") from error
        return cls(folder)

    def version(self) -> int:
        """The version of the last commit."""
        return self._table().version()

    def commits(self) -> list[Commit]:
        """The history, the oldest commit first."""
        return [read_commit(self.folder, version) for version in range(self.version() + 1)]

    def commit_of(self, version: int) -> Commit:
        """What is said of the commit that made a version.

        Raises:
            LabelloopError: no such version.
        """
        try:
            return read_commit(self.folder, version)
        except FileNotFoundError as error:
            raise self._no_version(version) from error

    def classes(self, version: int | None = None) -> tuple[str, ...]:
        """The class names in their declared order, at a version; None is the last."""
        chosen = self.version() if version is None else version
        try:
            return read_classes(self.folder, chosen)
        except FileNotFoundError as error:
            raise self._no_version(chosen) from error

    def frame(
        self,
        version: int | None = None,
        *,
        keys: Iterable[str] | None = None,
        where: str = "",
        since: int | None = None,
    ) -> pl.DataFrame:
        """The rows at a version, in the order of their keys.

        Args:
            version: None is the last.
            keys: only these images.
            where: only rows for which this SQL expression is true. Besides the columns it
                knows `labels`, the classes on an image, and `count`, its number of boxes.
            since: only rows that changed after this version.

        Raises:
            LabelloopError: no such version, or an expression that is none.
        """
        rows = _scan(self.folder, self._table(version), keys)
        if since is not None:
            rows = rows.filter(pl.col("version") > since)
        if where:
            rows = _where(rows, where)
        return rows.sort("key").collect()

    def samples(
        self, version: int | None = None, *, keys: Iterable[str] | None = None, where: str = ""
    ) -> list[Sample]:
        """The samples at a version, in the order of their keys; arguments and errors as `frame`."""
        return to_samples(self.frame(version, keys=keys, where=where))

    def keys(self, version: int | None = None) -> set[str]:
        """The keys of all images at a version."""
        return set(_scan(self.folder, self._table(version)).select("key").collect()["key"].to_list())

    def changes(self, before: int, after: int | None = None) -> list[Change]:
        """What changed from one version to another, in the order of the keys; either may be the later one."""
        latest = self.version() if after is None else after
        low, high = sorted((before, latest))
        new = {sample.key: sample for sample in to_samples(self.frame(high, since=low))}
        gone = self.keys(low) - self.keys(high)
        old = {sample.key: sample for sample in self.samples(low, keys=[*new, *gone])}
        if before > latest:
            old, new = new, old
        return [change for key in sorted({*old, *new}) for change in find_changes(old.get(key), new.get(key))]

    def commit(
        self,
        changed: Mapping[str, Sample | None],
        *,
        base: int,
        author: str,
        tool: str,
        message: str,
        round: str = "",
        classes: Sequence[str] | None = None,
        roots: Mapping[str, str] | None = None,
        findings: Mapping[str, Sequence[str]] | None = None,
        said: Mapping[str, str | None] | None = None,
        details: Mapping[str, str] | None = None,
    ) -> Commit | None:
        """The commit that makes these images what is given; None where they are that already.

        What others committed after `base` is kept: changes to other images or boxes go in
        beside theirs.

        Args:
            changed: samples by key; None removes an image. Boxes have ids.
            base: the version that the changes were made on.
            classes: the class order from now on; None keeps it.
            roots, findings, said: as `to_rows`. What a source says newly is a commit of its own.
            details: further words about the commit, kept with it.

        Raises:
            CommitConflict: others changed the same since `base`. Nothing is written.
            LabelloopError: the ledger could not be written.
            ValueError: a sample under another key than its own, boxes without ids or with
                the same, or attributes that JSON cannot hold.
        """
        _refuse_unusable(changed)
        wanted, first = dict(changed), base
        for attempt in range(_TRIES):
            table = self._table()
            head = table.version()
            if head != base:
                wanted = self._rebased(wanted, base, head)
                base = head
            now = _scan(self.folder, table, wanted).collect()
            stamp = Stamp(author, tool, _now(), head + 1)
            rows, seen = _rows_to_write(wanted, now, stamp, roots, findings, said)
            known = read_classes(self.folder, head)
            order = known if classes is None else tuple(classes)
            if head != first:  # others may have added classes in the meantime
                order = (*order, *(name for name in known if name not in order))
            order = _with_used(order, wanted.values())
            if rows.is_empty() and order == known:
                return None
            told = commit_details(author, tool, message, round, order, count_changes(seen), details or {})
            try:
                _write(table, rows, told, all_new=now.is_empty())
            except CommitFailedError:
                time.sleep(random.uniform(0, 0.02 * min(attempt + 1, 10)))
                continue
            except (DeltaError, OSError) as error:
                raise LabelloopError(f"cannot write to the ledger in {self.folder}: {error}") from error
            return self.commit_of(head + 1)
        raise LabelloopError(f"others commit to {self.folder.name} without a pause; {_TRIES} tries failed: try again")

    def _rebased(self, wanted: dict[str, Sample | None], base: int, head: int) -> dict[str, Sample | None]:
        """The wanted samples on top of a later version.

        Raises:
            CommitConflict: a later version changed the same.
        """
        now = {sample.key: sample for sample in self.samples(head, keys=wanted)}
        past = {sample.key: sample for sample in self.samples(base, keys=wanted)}
        merged = {key: merge_samples(past.get(key), now.get(key), sample) for key, sample in wanted.items()}
        conflicts = [conflict for each in merged.values() for conflict in each.conflicts]
        if conflicts:
            raise CommitConflict(conflicts)
        return {key: each.sample for key, each in merged.items()}

    def _table(self, version: int | None = None) -> DeltaTable:
        try:
            if version is not None and version < 0:
                raise DeltaError("versions start at 0")
            return DeltaTable(self.folder, version=version)
        except TableNotFoundError as error:
            raise LabelloopError(f"ledger cannot be read in {self.folder}: {error}") from error
        except DeltaError as error:
            if version is None:
                raise LabelloopError(f"ledger cannot be read in {self.folder}: {error}") from error
            raise self._no_version(version) from error

    def _no_version(self, version: int) -> LabelloopError:
        return LabelloopError(f"version must be one of 0 to {self.version()} of {self.folder.name}, received {version}")


def _scan(folder: Path, table: DeltaTable, keys: Iterable[str] | None = None) -> pl.LazyFrame:
    """The rows of a table in a folder.

    Its files are read by their names: polars' own reader of Delta tables takes the percent
    signs of an address for the folder's name, and finds nothing below a folder with a space.
    """
    files = [folder / uri.rpartition("/")[2] for uri in table.file_uris()]
    rows = pl.scan_parquet(files, schema=SCHEMA, glob=False) if files else pl.LazyFrame(schema=SCHEMA)
    return rows if keys is None else rows.filter(pl.col("key").is_in(list(keys)))


def _refuse_path(folder: Path) -> None:
    """Return when the library that writes the table can write to this folder.

    Raises:
        LabelloopError: it cannot: it takes paths for addresses and fails on these characters.
    """
    path = os.path.abspath(folder)
    if _NO_ADDRESS.search(path):
        raise LabelloopError(
            f"a workspace's path must be without [ ] ^ | \\, %41 and control characters, received {path!r}; --home names another"
        )


def _rows_to_write(
    wanted: Mapping[str, Sample | None],
    now: pl.DataFrame,
    stamp: Stamp,
    roots: Mapping[str, str] | None,
    findings: Mapping[str, Sequence[str]] | None,
    said: Mapping[str, str | None] | None,
) -> tuple[pl.DataFrame, list[Change]]:
    """The rows to write without those that would not change, a column `deleted` beside; and the changes."""
    there = to_samples(now)
    old, before = {sample.key: sample for sample in there}, read_before(now, there)
    seen: list[Change] = []
    written: list[Sample] = []
    removed: list[str] = []
    for key, sample in sorted(wanted.items()):
        changes = list(find_changes(old.get(key), sample))
        seen.extend(changes)
        if sample is None:
            removed.append(key)
        elif changes or (said and key in said and said[key] != before[key].said):
            written.append(sample)
    rows = to_rows(written, stamp, roots, before, findings, said).with_columns(deleted=pl.lit(False))
    gone = now.filter(pl.col("key").is_in(removed)).with_columns(deleted=pl.lit(True))
    return pl.concat([rows, gone]), seen


def _write(table: DeltaTable, rows: pl.DataFrame, details: dict[str, str], *, all_new: bool) -> None:
    """Put the rows in the place of those of their keys, as the version after the table's.

    Raises:
        CommitFailedError: another commit has made that version.
    """
    properties = commit_properties(details)
    writer = WriterProperties(compression="ZSTD", compression_level=3)
    if all_new or rows.is_empty():
        write_deltalake(
            table, rows.drop("deleted"), mode="append", target_file_size=FILE_BYTES,
            writer_properties=writer, commit_properties=properties,
        )  # fmt: skip
        return
    predicate = "t.key = s.key"
    if rows.height <= _IN_PREDICATE:
        named = ", ".join("'" + key.replace("'", "''") + "'" for key in rows["key"])
        predicate += f" AND t.key IN ({named})"
    columns = {name: f"s.`{name}`" for name in SCHEMA}
    merge = table.merge(
        rows, predicate, source_alias="s", target_alias="t", writer_properties=writer, commit_properties=properties
    )
    (
        merge.when_matched_delete("s.deleted")
        .when_matched_update(columns, "NOT s.deleted")
        .when_not_matched_insert(columns, "NOT s.deleted")
        .execute()
    )


def _refuse_unusable(changed: Mapping[str, Sample | None]) -> None:
    """Return when the samples can be told apart by key, and their boxes by id.

    Raises:
        ValueError: they cannot.
    """
    for key, sample in changed.items():
        if sample is None:
            continue
        if sample.key != key:
            raise ValueError(f"samples must be given by their keys, received {sample.key} as {key}")
        ids = {box.id for box in sample.boxes}
        if "" in ids or len(ids) < len(sample.boxes):
            raise ValueError(
                f"boxes must have ids of their own, received {', '.join(repr(box.id) for box in sample.boxes)} of {key}"
            )


def _where(rows: pl.LazyFrame, expression: str) -> pl.LazyFrame:
    """The rows for which a SQL expression is true.

    Raises:
        LabelloopError: it is no expression, or names a column that there is not.
    """
    names = rows.collect_schema().names()
    labels = pl.concat_list(
        pl.col("boxes").list.eval(pl.element().struct.field("label")).list.unique(maintain_order=True),
        pl.when(pl.col("label").is_null())
        .then(pl.lit([], dtype=pl.List(pl.String)))
        .otherwise(pl.concat_list("label")),
    )
    more = rows.with_columns(labels=labels, count=pl.col("boxes").list.len().cast(pl.Int64))
    try:
        return more.filter(pl.sql_expr(expression)).select(names).collect().lazy()
    except (Exception, pl.exceptions.PanicException) as error:
        columns = ", ".join([*names, "labels", "count"])
        raise LabelloopError(
            f'--where must be a SQL condition over {columns} ("group" in double quotes, since SQL has a word of that name);'
            f" received {expression!r} ({error})"
        ) from error


def _with_used(order: tuple[str, ...], samples: Iterable[Sample | None]) -> tuple[str, ...]:
    """The class order, with the classes at its end that samples use and that it does not name."""
    used = {box.label for sample in samples if sample is not None for box in sample.boxes}
    used |= {sample.label for sample in samples if sample is not None and sample.label is not None}
    return (*order, *sorted(used - set(order)))


def _now() -> datetime:
    return datetime.now(UTC)
