"""What a detector bears: recall and AP at IoU .5 of changed images, and the boxes that it no longer finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from ...datasets.errors import LabelloopError
from ...datasets.reading import Progress
from ...datasets.schema import Box, Sample
from ..crops import Example
from ..detecting import detect, own_confidence
from ..detection_metrics import evaluate
from ..detection_problem import is_judged
from ..detector_settings import PREDICTION
from ..predictions import from_boxes
from ..results import Metrics, Scores
from ..runs import Run
from .errors import find_errors
from .robustness_results import Broken, Point

_LOOSE = ("correct", "location")
"""Boxes that something of their class is on, by an IoU of .1 at least."""


class DetectorTrial:
    """A detector's run, to be tried on a split."""

    finest = 2
    """Images are read at so many times the size that the run was trained at: the trainer makes them smaller by itself."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.confidence: float | None = own_confidence(run)
        self._least = self.confidence

    def examples(self, samples: Sequence[Sample], split: str) -> list[Example]:
        """Those of a split that somebody has looked at.

        Raises:
            LabelloopError: none has a box.
        """
        there = [each for each in samples if each.split == split and is_judged(each)]
        if not any(each.boxes for each in there):
            known = ", ".join(sorted({each.split for each in samples if each.split and each.boxes})) or "none"
            raise LabelloopError(f"{self._run.id} has no boxes in the split {split}; splits with boxes: {known}")
        return [Example(replace(each, label=None), each.key) for each in there]  # it is asked for boxes alone

    def look(self, samples: Sequence[Sample], progress: Progress) -> Mapping[str, tuple[Box, ...]]:
        """What is found on each image, down to low scores."""
        return detect(self._run, samples, confidence=float(PREDICTION["conf"]), progress=progress)

    def judge(
        self, family: str, level: float, truth: Sequence[Sample], found: Mapping[str, tuple[Box, ...]],
        tightness: Sequence[float],
    ) -> tuple[Point, dict[str, tuple[str, ...]]]:  # fmt: skip
        """The scores under one change, and of each image on which a box is lost the classes of those."""
        rows = from_boxes(found)
        classes = self._run.plan.classes
        scores = evaluate(truth, rows, classes, confidence=self._least)
        boxes = find_errors(truth, rows, classes, confidence=self._least).boxes
        there_enough = _LOOSE if family == "turned" else ("correct",)
        missed: dict[str, tuple[str, ...]] = {}
        for key, label, kind in boxes.select("key", "label", "kind").iter_rows():
            if kind not in there_enough:
                missed[key] = (*missed.get(key, ()), label)
        return _point(level, scores, boxes, tightness), missed

    def broken(
        self, key: str, family: str, level: float, missed: tuple[str, ...], found: tuple[Box, ...] | None
    ) -> Broken:  # fmt: skip
        """The image, with what is found in place of the boxes that are lost."""
        return Broken(
            key, family, level, missed, tuple(box for box in found or () if (box.score or 0.0) >= self._least)
        )


def _point(level: float, scores: Scores, boxes: pl.DataFrame, tightness: Sequence[float]) -> Point:
    """The scores with the loose recall of each class, and of all as their mean, beside them."""
    shares = boxes.group_by("label").agg(pl.col("kind").is_in(_LOOSE).mean()).iter_rows()
    loose: dict[str, float] = dict(shares)
    classes: dict[str, Metrics] = {
        name: {**metrics, "loose": loose.get(name)} for name, metrics in scores.per_class.items()
    }
    mean = sum(loose.values()) / len(loose) if loose else None
    return Point(level, {**scores.overall, "loose": mean}, classes, float(np.mean(tightness)) if tightness else 1.0)
