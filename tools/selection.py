"""Which images a command is about."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ..datasets.errors import LabelloopError
from ..datasets.label_files import read_text
from ..datasets.ledger import Ledger
from ..datasets.tree import to_key


def chosen_keys(
    ledger: Ledger,
    *,
    where: str = "",
    key_file: Path | None = None,
    unlabelled: bool = False,
    findings: bool = False,
    limit: int | None = None,
) -> list[str]:
    """The keys of the images that meet every condition, in order.

    Args:
        where: a SQL condition, as `Ledger.frame`.
        key_file: a text file with one key a line.
        unlabelled: only images that nobody has labelled yet.
        findings: only images with findings at their import.
        limit: so many at most, the first.

    Raises:
        LabelloopError: a condition that is none, a line that is no image, or no image that meets them.
    """
    rows = ledger.frame(where=where)
    if unlabelled:
        rows = rows.filter(pl.col("state") == "unlabelled")
    if findings:
        rows = rows.filter(pl.col("findings").list.len() > 0)
    keys = rows["key"].to_list()
    if key_file is not None:
        wanted = _read_keys(key_file, ledger.keys())
        keys = [key for key in keys if key in wanted]
    if not keys:
        raise LabelloopError(f"no image of {ledger.folder.name} meets these conditions")
    return keys[:limit]


def _read_keys(path: Path, known: set[str]) -> set[str]:
    try:
        lines = read_text(path).splitlines()
    except ValueError as error:
        raise LabelloopError(f"{path}: {error}") from error
    keys: set[str] = set()
    for number, line in enumerate(lines, start=1):
        key = to_key(line.strip())
        if key and key not in known:
            raise LabelloopError(f"{path}:{number}: {key[:120]!r} is no image of this data set")
        keys.add(key)
    return keys - {""}
