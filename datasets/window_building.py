"""A window from the ledger: documents made in bulk and inserted as they are, complete or not there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from .ledger import Ledger
from .window_documents import Shape, chunks, complete, documents, without_collector
from .window_fiftyone import answered, database, fiftyone, in_bulk
from .window_look import save_views, set_look
from .window_place import (
    Window,
    dataset_name,
    delete_dataset,
    locked,
    open_window,
    partial_name,
    write_note,
)
from .window_reading import refuse_edits, shown_rows
from .window_schema import declare_fields, declare_label_schemas, needed_shape


@answered()
def build_window(ledger: Ledger, *, version: int | None = None, where: str = "", discard: bool = False) -> Window:
    """A new window on a version of the ledger, in the place of the one that was there.

    It is built under another name and takes the old one's place when it is complete: a
    build that is killed leaves the old window as it was, and the next build starts afresh.

    Args:
        version: None is the last.
        where: only rows for which this SQL expression is true, as `Ledger.frame`.
        discard: edits in the old window that are not committed are thrown away.

    Raises:
        LabelloopError: the old window has edits that are not committed, the dataset of
            that name is not ours, or there is no such version.
    """
    shown = ledger.version() if version is None else version
    rows = shown_rows(ledger, shown, where)
    with locked(ledger), without_collector():
        old = open_window(ledger)
        if old is not None and not discard:
            refuse_edits(old)
        delete_dataset(partial_name(ledger))
        dataset = fiftyone().Dataset(partial_name(ledger), persistent=True)
        dataset.media_type = "image"
        shape = needed_shape(rows)
        declare_fields(dataset, rows, shape)
        insert(dataset, rows, shape)
        dress(dataset, ledger, shown, rows, shape)
        write_note(dataset, ledger, shown, where)
        delete_dataset(dataset_name(ledger))
        dataset.name = dataset_name(ledger)
    return Window(ledger, dataset_name(ledger), shown, where)


def dress(dataset: Any, ledger: Ledger, version: int, rows: pl.DataFrame, shape: Shape) -> None:
    """Give the dataset what depends on classes and splits: editing in the App, colours, sidebar and views."""
    classes = ledger.classes(version)
    declare_label_schemas(dataset, classes, shape)
    set_look(dataset, classes, shape)
    save_views(dataset, splits_of(rows))


def insert(dataset: Any, rows: pl.DataFrame, shape: Shape) -> None:
    """Put a sample for each row into the dataset."""
    collection = in_bulk(database()[dataset._doc.sample_collection_name])
    own = dataset._doc.id
    for numbers in chunks(rows.height):
        now = datetime.now(UTC).replace(tzinfo=None)
        made = documents(rows[numbers[0] : numbers[-1] + 1], shape)
        collection.insert_many([complete(each, own, now) for each in made])
    dataset._update_last_modified_at(datetime.now(UTC).replace(tzinfo=None))


def splits_of(rows: pl.DataFrame) -> Sequence[str]:
    """The splits that these rows have, in alphabetical order."""
    return sorted(rows["split"].drop_nulls().unique().to_list())
