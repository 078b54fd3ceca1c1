"""Rows as CSV text that reads back as it was, whatever a file name holds."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO


def format_csv(rows: Iterable[Sequence[str]]) -> str:
    r"""The rows as CSV, lines ended by a newline; cells are quoted where they must be.

    `csv` quotes a cell for what ends its own lines, and so leaves a lone `\r` bare, which
    its reader then refuses.
    """
    target = StringIO()
    writer = csv.writer(target, lineterminator="\n")
    quoting = csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        (quoting if any("\r" in cell for cell in row) else writer).writerow(row)
    return target.getvalue()
