"""Which class is taken for which: every box and every prediction once, whatever lies on whatever."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings

from labelloop.datasets.schema import Box, Sample
from labelloop.training.inspection.confusion import count_confusion
from labelloop.training.inspection.errors import find_errors
from labelloop.training.predictions import from_boxes
from tests.training.inspection.test_errors import CLASSES, LABEL, image, problems

NOTHING = len(CLASSES)


def confusion(*found: Box) -> tuple[tuple[int, ...], ...]:
    return count_confusion(find_errors([image("a.jpg", LABEL)], from_boxes({"a.jpg": found}), CLASSES), CLASSES)


def entries(table: tuple[tuple[int, ...], ...]) -> dict[tuple[int, int], int]:
    return {(row, column): count for row, counts in enumerate(table) for column, count in enumerate(counts) if count}


def on_it(label: str, score: float) -> Box:
    return Box(label, 20, 20, 60, 58, score=score)


def test_the_surest_of_the_wrong_ones_has_the_box() -> None:
    assert entries(confusion(on_it("50", 0.5), on_it("100", 0.8))) == {(0, 2): 1, (NOTHING, 1): 1}


def test_a_right_one_has_the_box_whatever_else_is_on_it() -> None:
    assert entries(confusion(on_it("50", 0.9), on_it("10", 0.3), on_it("10", 0.2))) == {
        (0, 0): 1,
        (NOTHING, 0): 1,
        (NOTHING, 1): 1,
    }


def test_a_badly_placed_one_does_not_have_it() -> None:
    assert entries(confusion(Box("10", 40, 20, 80, 60, score=0.9))) == {(0, NOTHING): 1, (NOTHING, 0): 1}


@settings(max_examples=100, deadline=None)
@given(problems())
def test_rows_add_up_to_boxes_and_columns_to_predictions(problem: tuple[list[Sample], pl.DataFrame]) -> None:
    samples, rows = problem
    errors = find_errors(samples, rows, CLASSES)
    table = np.array(count_confusion(errors, CLASSES))
    assert table.min() >= 0
    for at, name in enumerate(CLASSES):
        assert table[at].sum() == errors.boxes.filter(pl.col("label") == name).height
        assert table[:, at].sum() == errors.predictions.filter(pl.col("label") == name).height
    assert table[NOTHING, NOTHING] == 0
