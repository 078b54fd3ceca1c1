"""manifest.csv: what every export says of its images that its format has no place for.

One row an image: its path in the export, its key, split, group and state, and its size in
bytes. With it, an export that is read again gives the keys and groups it was made from.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from .csv_text import format_csv
from .findings import Findings
from .format import Placed
from .images import is_image_name
from .label_files import read_text

MANIFEST = "manifest.csv"
COLUMNS = ("image", "key", "split", "group", "state")


class Row(NamedTuple):
    """One image of an export, in the order of `COLUMNS`; split and group are "" for none."""

    image: str
    key: str
    split: str
    group: str
    state: str


def format_manifest(samples: Iterable[Placed]) -> str:
    """The CSV text, one row for each sample in their order, lines ended by a newline."""
    rows = (
        (placed.image, sample.key, sample.split or "", sample.group or "", sample.state)
        for placed in samples
        for sample in (placed.sample,)
    )
    return format_csv((COLUMNS, *rows))


def read_manifest(path: Path, findings: Findings) -> dict[str, Row]:
    """The rows by the image's path; empty where there is no manifest, or a CSV of another kind.

    A manifest whose rows are broken is a finding.
    """
    if not path.is_file():
        return {}
    rows: dict[str, Row] = {}
    try:
        lines = csv.reader(StringIO(read_text(path), newline=""))
        if next(lines, None) != list(COLUMNS):
            return {}
        for number, line in enumerate(lines, start=2):
            if len(line) != len(COLUMNS):
                raise ValueError(f"line {number} must have {len(COLUMNS)} fields, received {len(line)}")
            row = Row(*line)
            if not is_below(row.key):
                raise ValueError(
                    f"line {number} must have a path below the source as its key, received {row.key[:120]!r}"
                )
            if not is_image_name(row.key):
                raise ValueError(f"line {number} must have an image's name as its key, received {row.key[-120:]!r}")
            if rows.setdefault(row.image, row) is not row:
                raise ValueError(f"line {number} must have an image of its own, received {row.image[:120]!r} again")
    except (ValueError, csv.Error) as error:
        findings.add("unreadable-label-file", path.name, str(error))
        return {}
    return rows


def is_below(path: str) -> bool:
    """Whether a POSIX path names a file below its folder that a walk finds: not absolute, no part `..` or hidden."""
    return "\0" not in path and not any(part.startswith(".") or not part for part in path.split("/"))
