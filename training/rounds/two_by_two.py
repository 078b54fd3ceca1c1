"""Old and new model on old and new labels: what the model gained is told apart from what the ruler moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...datasets.errors import LabelloopError
from ...datasets.schema import Sample
from ..crops import Example, Origin, find_examples
from ..predictions import read_predictions
from ..results import MAIN
from ..runs import Run
from .average_precision import to_detections
from .frozen_split import shared_test
from .round import TEST
from .statistics import Answers, Difference, Judged, Seeds, compare_judged


@dataclass(frozen=True, slots=True)
class ClassChange:
    """A class in old and new model by the new labels; None where a model has no value. `count` is what it stands on."""

    label: str
    count: int
    old: float | None
    new: float | None


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """The metric of each model on each set of labels, and the four differences along the sides.

    `model` is the new model less the old one by the new labels: the answer to whether it got better. `model_by_old` is the
    same by the old labels. `ruler` is what the new labels give the old model more than the old ones: no model has
    changed there. `ruler_for_new` is the same of the new model. All are None without a new model, but `ruler`.
    """

    metric: str
    images: int
    changed: int
    values: Mapping[str, float | None]
    model: Difference | None
    model_by_old: Difference | None
    ruler: Difference | None
    ruler_for_new: Difference | None
    classes: tuple[ClassChange, ...]


def compare_two_by_two(
    old: Sequence[Run], new: Sequence[Run], before: Sequence[Sample], after: Sequence[Sample], *, draws: int = 0
) -> TwoByTwo:
    """Runs judged by the labels of the test split as they were and as they are.

    Args:
        old, new: the runs of each seed, in the same order of seeds; `new` may be empty.
        before, after: the images of the test split with their labels at the two versions.
        draws: as in `compare_judged`.

    Raises:
        LabelloopError: runs of different kinds or classes, or no image of the test split that all predicted.
    """
    runs = [*old, *new]
    kind = runs[0].plan.kind
    for run in runs[1:]:
        if (run.plan.kind, run.plan.classes) != (kind, runs[0].plan.classes):
            raise LabelloopError(
                f"{runs[0].id} and {run.id} must be of one kind and have the same classes in the same order to compare"
            )
    once, now = shared_test(runs, before, after)
    if not once:
        raise LabelloopError(
            f"no image of the split {TEST} was predicted by {' and '.join(run.id for run in runs)} and trained on by none:"
            f" the round cannot be judged; labelloop split makes a {TEST} split"
        )
    judging = _Judging(runs[0], once, now)
    groups = [sample.group or sample.key for sample in judging.images]
    table = {
        (model, labels): Seeds(tuple(judging.judge(run, labels) for run in several)) if several else None
        for model, several in (("old", old), ("new", new))
        for labels in ("old", "new")
    }
    ones = np.ones((1, len(groups)))
    values = {f"{model} model, {labels} labels": _value(each, ones) for (model, labels), each in table.items()}

    def difference(first: tuple[str, str], second: tuple[str, str]) -> Difference | None:
        one, two = table[first], table[second]
        return compare_judged(one, two, groups, draws=draws) if one and two else None

    return TwoByTwo(
        MAIN[kind][0], len(groups), sum(_labels(one) != _labels(two) for one, two in zip(once, now, strict=True)), values,
        difference(("old", "new"), ("new", "new")),
        difference(("old", "old"), ("new", "old")),
        difference(("old", "old"), ("old", "new")),
        difference(("new", "old"), ("new", "new")),
        judging.classes(old, new),
    )  # fmt: skip


class _Judging:
    """Runs of one kind on the same images: detectors box by box, classifiers image by image."""

    def __init__(self, first: Run, once: Sequence[Sample], now: Sequence[Sample]) -> None:
        self._names = first.plan.classes
        self._detector = first.plan.kind == "detector"
        self._labels: dict[str, Sequence[Sample]] = {"old": once, "new": now}
        self._origin: Origin = "boxes" if first.plan.settings.get("from") == "boxes" else "labels"
        self.images: Sequence[Sample] = once
        if not self._detector:
            self._examples = {labels: self._found(samples) for labels, samples in self._labels.items()}
            both = [key for key in self._examples["old"] if key in self._examples["new"]]
            self._keys = both
            self.images = [self._examples["old"][key].sample for key in both]

    def judge(self, run: Run, labels: str) -> Judged:
        """What a run said of the images by the old or the new labels."""
        rows = read_predictions(run.folder / "predictions", TEST)
        if self._detector:
            return to_detections(self._labels[labels], rows, self._names)
        return Answers(np.array(self._right(rows, labels), np.float64))

    def classes(self, old: Sequence[Run], new: Sequence[Run]) -> tuple[ClassChange, ...]:
        """Each class by the new labels, means over the seeds."""
        found: list[ClassChange] = []
        for name in self._names:
            if self._detector:
                count = sum(box.label == name for sample in self._labels["new"] for box in sample.boxes)
                sides = [[self._of_class(run, name) for run in several] for several in (old, new)]
            else:
                mine = [at for at, key in enumerate(self._keys) if self._examples["new"][key].sample.label == name]
                count = len(mine)
                sides = [[self._recall(run, mine) for run in several] for several in (old, new)]
            found.append(ClassChange(name, count, *(_mean(side) for side in sides)))
        return tuple(found)

    def _found(self, samples: Sequence[Sample]) -> dict[str, Example]:
        examples = find_examples([*samples], self._origin, self._names).found
        return {example.sample.key: example for example in examples}

    def _right(self, rows: pl.DataFrame, labels: str) -> list[bool]:
        said = dict(zip(rows["key"].to_list(), rows["label"].to_list(), strict=True))
        return [said.get(key) == self._examples[labels][key].sample.label for key in self._keys]

    def _of_class(self, run: Run, name: str) -> float | None:
        rows = read_predictions(run.folder / "predictions", TEST)
        detections = to_detections(self._labels["new"], rows, self._names)
        mine = type(detections)((detections.classes[self._names.index(name)],), detections.count)
        value = float(mine.values(np.ones((1, detections.count)))[0])
        return None if np.isnan(value) else value

    def _recall(self, run: Run, places: Sequence[int]) -> float | None:
        right = self._right(read_predictions(run.folder / "predictions", TEST), "new")
        return float(np.mean([right[at] for at in places])) if places else None


def _value(judged: Seeds | None, ones: npt.NDArray[np.float64]) -> float | None:
    if judged is None:
        return None
    value = float(judged.values(ones)[0])
    return None if np.isnan(value) else value


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _labels(sample: Sample) -> object:
    return (sample.state, sample.label, sorted((box.label, *box.corners) for box in sample.boxes))
