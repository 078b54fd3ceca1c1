"""Which prediction gets which box: as hotcoco matches them, prediction by prediction, whatever is on the images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.box_pairs import Pairs
from labelloop.training.detection_metrics import Curves
from labelloop.training.detection_problem import EVERYTHING, ON, judge, to_problem
from labelloop.training.predictions import from_boxes
from tests.bench import bench_errors
from tests.training.test_detection_metrics import CLASSES, problems


class Matched:
    """Hotcoco's matches at IoU .5, read from the dictionary that it makes for each image and class."""

    def __init__(self, samples: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str]) -> None:
        evaluator: Any = judge(to_problem(samples, rows, classes), (("all", 0.0, EVERYTHING),), thresholds=(ON,))
        self.rows = sorted(
            (each["category_id"], score, matched > 0)
            for each in evaluator.eval_imgs if each is not None
            for matched, ignored, score in zip(each["dtMatches"][0], each["dtIgnore"][0], each["dtScores"], strict=True)
            if not ignored
        )  # fmt: skip

    def counts(self, count: int, *, right: bool) -> np.ndarray[Any, Any]:
        """How many are found at each confidence, or right, by class."""
        kept = [(number, score) for number, score, is_right in self.rows if is_right or not right]
        grid = np.linspace(0.0, 1.0, 1001)
        ids, scores = np.array([each for each, _ in kept], int), np.array([each for _, each in kept], float)
        return np.stack([(scores[ids == at + 1][None] >= grid[:, None]).sum(axis=1) for at in range(count)], axis=1)


def same_as_hotcoco(samples: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str]) -> None:
    curves, theirs = Curves(to_problem(samples, rows, classes)), Matched(samples, rows, classes)
    assert np.array_equal(curves.found, theirs.counts(len(classes), right=False))
    assert np.array_equal(curves.right, theirs.counts(len(classes), right=True))


@settings(max_examples=300, deadline=None)
@given(problems())
def test_right_are_those_that_hotcoco_matches(problem: tuple[list[Sample], dict[str, tuple[Box, ...]]]) -> None:
    samples, found = problem
    same_as_hotcoco(samples, from_boxes(found), CLASSES)


def test_the_same_on_many() -> None:
    samples, rows = bench_errors.problem(300, seed=7)
    same_as_hotcoco(samples, rows, bench_errors.CLASSES)


def test_a_hundred_of_each_class_count_on_an_image() -> None:
    labels = tuple(Box(label, 0, 0, 50, 50) for label in ("10", "50"))
    sample = Sample("a.jpg", Path("a.jpg"), Size(200, 100), boxes=labels)
    rows = [Box(label, 60, 60, 90, 90, score=0.5) for label in ("10", "50") for _ in range(120)]
    # Of equally sure ones those that come first count: these are too late.
    rows += [Box(label, 0, 0, 50, 50, score=0.5) for label in ("10", "50")]
    same_as_hotcoco([sample], from_boxes({"a.jpg": rows}), CLASSES)
    curves = Curves(to_problem([sample], from_boxes({"a.jpg": rows}), CLASSES))
    assert (curves.found[0].tolist(), curves.right[0].tolist()) == ([100, 100, 0], [0, 0, 0])


def test_the_first_chooses_and_of_equal_boxes_takes_the_last() -> None:
    box = Box("10", 0, 0, 40, 40)
    sample = Sample("a.jpg", Path("a.jpg"), Size(200, 100), boxes=(box, box))
    rows = from_boxes({"a.jpg": [Box("10", 0, 0, 40, 36, score=score) for score in (0.9, 0.8, 0.7)]})
    pairs = Pairs(to_problem([sample], rows, CLASSES))
    assert pairs.matched(pairs.iou >= ON).tolist() == [1, 0, -1]


@pytest.mark.filterwarnings("error")
def test_a_prediction_without_a_side_touches_nothing() -> None:
    sample = Sample("a.jpg", Path("a.jpg"), Size(200, 100), boxes=(Box("10", 0, 0, 40, 40),))
    rows = from_boxes({"a.jpg": [Box("10", 10, 10, 30, 30, score=0.9)]}).with_columns(x2=pl.col("x1"))
    pairs = Pairs(to_problem([sample], rows, CLASSES))
    assert not len(pairs.prediction)
