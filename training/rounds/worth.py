"""What mending each kind of a detector's errors would gain, before a round and after it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ...datasets.schema import Sample
from ..inspection.errors import find_gains
from ..predictions import read_predictions
from ..runs import Run
from .frozen_split import shared_test
from .round import TEST

_SUMS = {"false_positive": "if no prediction were wrong", "false_negative": "if no box were left unfound"}


def kind_in_words(kind: str) -> str:
    """What a reader is shown for a kind of error: its own name, or for the two sums over kinds what they mean."""
    return _SUMS.get(kind, kind)


def kinds_of_errors(
    old: Run, new: Run | None, before: Sequence[Sample], after: Sequence[Sample]
) -> dict[str, tuple[float, float | None]]:
    """By error kind, what AP50 on test would gain if all errors of it were mended: in the old run and the new one, by the new labels.

    None for the new one where there is none; empty for classifiers, whose errors have no kinds.
    """
    if old.plan.kind != "detector":
        return {}
    _, now = shared_test([old, new] if new else [old], before, after)
    first = _worth(old, now)
    second = _worth(new, now) if new else {}
    return {kind: (value, second.get(kind)) for kind, value in first.items()}


def _worth(run: Run, truth: Sequence[Sample]) -> dict[str, float]:
    rows = read_predictions(run.folder / "predictions", TEST)
    mine = rows.filter(pl.col("key").is_in([sample.key for sample in truth]))
    return dict(find_gains(truth, mine, run.plan.classes).worth)
