"""A line in a ledger's history that changes nothing: what a round came to."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from ...datasets.errors import LabelloopError
from ...datasets.ledger import Commit, Ledger
from ...datasets.ledger_commits import commit_details, commit_properties
from ...datasets.ledger_rows import SCHEMA

_TRIES = 50


def note(
    ledger: Ledger, *, author: str, message: str, round: str = "", details: Mapping[str, str] | None = None
) -> Commit:
    """The commit that says this and changes no image.

    `Ledger.commit` makes none where nothing changes, so that importing twice leaves one line; a report is a line in any
    case. It has no row, so blame, diff and revert see nothing in it.

    Raises:
        LabelloopError: the ledger could not be written.
    """
    for attempt in range(_TRIES):
        table = DeltaTable(ledger.folder)
        head = table.version()
        told = commit_details(author, "round", message, round, ledger.classes(head), {}, details or {})
        try:
            write_deltalake(
                table, pl.DataFrame(schema=SCHEMA), mode="append", commit_properties=commit_properties(told)
            )  # fmt: skip
        except CommitFailedError:  # somebody else was faster
            time.sleep(random.uniform(0, 0.02 * min(attempt + 1, 10)))
            continue
        except (DeltaError, OSError) as error:
            raise LabelloopError(f"cannot write to the ledger in {ledger.folder}: {error}") from error
        return ledger.commit_of(head + 1)
    raise LabelloopError(f"others commit to {ledger.folder.name} without a pause; {_TRIES} tries failed: try again")
