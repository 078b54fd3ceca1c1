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

from .findings import Findings
from .format import Placed
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
    target = StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(COLUMNS)
    for placed in samples:
        sample = placed.sample
        writer.writerow((placed.image, sample.key, sample.split or "", sample.group or "", sample.state))
    return target.getvalue()


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
            rows[row.image] = row
    except (ValueError, csv.Error) as error:
        findings.add("unreadable-label-file", path.name, str(error))
        return {}
    return rows
