"""Which class is taken for which: every box and every prediction counted once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from .errors import Errors

_CLAIM = ("key", "truth", "truth_label", "score", "iou")


def count_confusion(errors: Errors, classes: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """A row for each class of the labels and one for no label, a column for each predicted class and one for no prediction.

    Rows add up to the boxes of a class, columns to its predictions. A box that nothing right has, but something
    of another class does, is taken for that: for the one with the best score, where there are several. All other
    wrong predictions are in the row of no label, badly placed ones and duplicates too.
    """
    place = {name: at for at, name in enumerate(classes)}
    nothing = len(classes)
    counts = np.zeros((nothing + 1, nothing + 1), int)
    predicted = errors.predictions
    taken = (
        errors.boxes.filter(pl.col("kind") == "class")
        .rename({"id": "truth", "label": "truth_label"})
        .with_row_index()
        .join(predicted.filter(pl.col("kind") == "class").select(*_CLAIM, predicted="label"), on=_CLAIM)
        .unique("index", keep="first", maintain_order=True)
    )
    for truth, label in taken.select("truth_label", "predicted").iter_rows():
        counts[place[truth], place[label]] += 1
        counts[nothing, place[label]] -= 1  # where all that is wrong is counted next
    for label, kind in predicted.select("label", "kind").iter_rows():
        counts[place[label] if kind == "correct" else nothing, place[label]] += 1
    for (label,) in errors.boxes.filter(~pl.col("kind").is_in(["correct", "class"])).select("label").iter_rows():
        counts[place[label], nothing] += 1
    return tuple(tuple(map(int, row)) for row in counts)
