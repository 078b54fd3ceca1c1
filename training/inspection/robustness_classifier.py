"""What a classifier bears: accuracy and the recall of each class on changed pictures, and those that it takes for another class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...datasets.errors import LabelloopError
from ...datasets.reading import Progress
from ...datasets.schema import Sample
from ..classification_metrics import Judged, class_metrics, overall_metrics
from ..classifying import classify, origin_of
from ..crops import Example, find_examples
from ..runs import Run
from .robustness_results import Broken, Point

Said = tuple[float, ...]
"""The score of every class."""


class ClassifierTrial:
    """A classifier's run, to be tried on the pictures of a split: whole images, or boxes cut out of them."""

    confidence: float | None = None
    finest = 3
    """Pictures are stretched to a square: of one three times as wide as it is high, the height still has all its pixels."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def examples(self, samples: Sequence[Sample], split: str) -> list[Example]:
        """The pictures of a split that have a class which the run knows.

        Raises:
            LabelloopError: there are none.
        """
        every = find_examples(samples, origin_of(self._run), self._run.plan.classes).found
        found = [each for each in every if each.sample.split == split]
        if not found:
            known = ", ".join(sorted({each.sample.split for each in every if each.sample.split})) or "none"
            raise LabelloopError(
                f"{self._run.id} has no labelled picture in the split {split}; splits with labels: {known}"
            )
        return [replace(each, sample=replace(each.sample, boxes=())) for each in found]  # it is asked for labels alone

    def look(self, samples: Sequence[Sample], progress: Progress) -> Mapping[str, Said]:
        """What is said of each picture."""
        return classify(self._run, [Example(each, each.key) for each in samples], progress=progress)

    def judge(
        self, family: str, level: float, truth: Sequence[Sample], found: Mapping[str, Said], tightness: Sequence[float]
    ) -> tuple[Point, dict[str, tuple[str, ...]]]:
        """The scores under one change, and of each picture that is taken for another class its own."""
        classes = self._run.plan.classes
        samples = [sample for sample in truth if sample.key in found]
        judged = Judged(
            np.array([classes.index(sample.label or "") for sample in samples], np.intp),
            np.array([found[sample.key] for sample in samples], np.float64).reshape(-1, len(classes)),
        )
        overall = overall_metrics(judged)
        right = (judged.predicted == judged.truth).tolist()
        lost = {sample.key: (sample.label or "",) for sample, ok in zip(samples, right, strict=True) if not ok}
        return Point(level, {**overall, "recall": overall["balanced_accuracy"]}, class_metrics(judged, classes)), lost

    def broken(self, key: str, family: str, level: float, missed: tuple[str, ...], found: Said | None) -> Broken:
        """The picture, with the class that it is taken for."""
        scores = found or (0.0,)
        best = int(np.argmax(scores))
        return Broken(key, family, level, missed, (), self._run.plan.classes[best], scores[best])
