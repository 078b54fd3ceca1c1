"""Splits on disk: a CSV with key, split and group, and plain lists of keys.

The file is the memory that keeps every image on its side when data is added.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from .csv_text import format_csv
from .errors import LabelloopError
from .label_files import read_text
from .schema import Sample
from .splits import Splits
from .tree import to_key

COLUMNS = ("key", "split", "group")


class Assigned(NamedTuple):
    """The split and group of an image as its file says; "" for none."""

    split: str
    group: str


def format_splits(splits: Splits) -> str:
    """The CSV text, in the order of the keys."""
    rows = ((key, split or "", splits.group_of[key]) for key, split in splits.split_of.items())
    return format_csv((COLUMNS, *rows))


def write_splits(splits: Splits, path: Path) -> None:
    """Write the CSV beside its place and rename it, so that it is never half there.

    Raises:
        LabelloopError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(format_splits(splits), encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise LabelloopError(f"splits cannot be written to {path}: {error.strerror}") from error


def read_splits(path: Path) -> dict[str, Assigned]:
    """Split and group by key.

    Raises:
        LabelloopError: no such file, another header, a broken line, or a key that stands twice.
    """
    rows: dict[str, Assigned] = {}
    try:
        lines = csv.reader(StringIO(read_text(path), newline=""))
        header = next(lines, None)
        if header not in (list(COLUMNS), list(COLUMNS[:2])):
            raise ValueError(f"first line must be {','.join(COLUMNS)}")
        for number, line in enumerate(lines, start=2):
            if len(line) != len(header):
                raise ValueError(f"line {number} must have {len(header)} fields, received {len(line)}")
            key = to_key(line[0])
            if key in rows:
                raise ValueError(f"line {number} has the key {key}, which stands above already")
            rows[key] = Assigned(line[1], line[2] if len(line) > 2 else "")
    except (ValueError, csv.Error) as error:
        raise LabelloopError(f"{path}: {error}") from error
    return rows


def assigned(splits: Splits) -> dict[str, Assigned]:
    """Split and group by key, as `read_splits` of the file would give them."""
    return {key: Assigned(split or "", splits.group_of[key]) for key, split in splits.split_of.items()}


def read_lists(lists: Mapping[str, Path], known: Sequence[str]) -> dict[str, str]:
    """The split by key that lists of images give: one key a line, a list for each split.

    Args:
        lists: split -> text file.
        known: all keys of the data set.

    Raises:
        LabelloopError: a line that is no key, or a key in two lists.
    """
    keys = set(known)
    split_of: dict[str, str] = {}
    for split, path in lists.items():
        try:
            lines = read_text(path).splitlines()
        except ValueError as error:
            raise LabelloopError(f"{path}: {error}") from error
        for number, line in enumerate(lines, start=1):
            key = to_key(line.strip())
            if not key:
                continue
            if key not in keys:
                raise LabelloopError(f"{path}:{number}: {key[:120]!r} is no image of this source")
            if split_of.setdefault(key, split) != split:
                raise LabelloopError(f"{path}:{number}: {key} is in the list for {split_of[key]} too")
    return split_of


def apply_splits(samples: Sequence[Sample], rows: Mapping[str, Assigned]) -> list[Sample]:
    """The samples with split and group as the file says; images that it does not name are in no split."""
    nothing = Assigned("", "")
    return [
        replace(sample, split=(row := rows.get(sample.key, nothing)).split or None, group=row.group or sample.group)
        for sample in samples
    ]
