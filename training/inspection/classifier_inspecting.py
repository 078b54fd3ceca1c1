"""What a classifier's run gets wrong on a split: which class it takes for which, in which parts, and where it is sure and wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from ...datasets.errors import LabelloopError
from ...datasets.reading import Progress
from ...datasets.schema import Sample
from ..classification_metrics import BINS, Judged, confusion_matrix, evaluate, wilson_interval
from ..crops import Example, find_examples
from ..predictions import read_predictions
from ..results import Scores, judged_split
from ..runs import Run, result_of
from .calibration import Calibration, calibrate
from .classifier_thresholds import ClassThresholds, find_class_thresholds
from .parts import find_parts, is_uncertain
from .qualities import qualities_of

WORST = 30


@dataclass(frozen=True, slots=True)
class ClassifierPart:
    """A part of the split: its accuracy with the ends of its 95 % interval, and how far it lies from that of all others."""

    name: str
    images: int
    accuracy: float
    low: float
    high: float
    difference: float
    uncertain: bool


@dataclass(frozen=True, slots=True)
class WorstExample:
    """A picture that was taken for another class: its key (with `#` and a box's id for one cut out), and how sure the model was."""

    key: str
    image: str
    label: str
    predicted: str
    score: float


@dataclass(frozen=True, slots=True)
class ClassifierInspection:
    """What a classifier gets wrong on a split.

    `confusion` has a row for each class of the labels and a column for each predicted one. `parts` has the worst first, and
    `worst` the pictures of which the model was most sure. `calibration` is of the likeliest class's score. `thresholds` are those of val,
    where the run has it.
    """

    run: str
    split: str
    classes: tuple[str, ...]
    images: int
    unlabelled: int
    scores: Scores
    confusion: tuple[tuple[int, ...], ...]
    parts: tuple[ClassifierPart, ...]
    calibration: Calibration
    thresholds: ClassThresholds
    worst: tuple[WorstExample, ...]


def inspect_classifier(
    run: Run, split: str = "", *, memory: Path | None = None, progress: Progress | None = None
) -> ClassifierInspection:
    """What a classifier's run gets wrong on a split, by the labels that it was made from.

    Args:
        split, memory: as `inspect_run`.

    Raises:
        LabelloopError: the run is no classifier's or is not done, or predicted nothing for that split.
    """
    result = result_of(run, "classifier")
    chosen = split or judged_split(list(result.get("splits", {})))
    everything = run.samples()
    rows = read_predictions(run.folder / "predictions", chosen or "test")
    samples = [sample for sample in everything if sample.split == chosen]
    examples, judged = _judged(run, samples, rows)
    if not examples:
        raise LabelloopError(f"{run.id} has no labelled image of the split {chosen} that it predicted")
    right = judged.predicted == judged.truth
    whole = run.plan.settings.get("from") != "boxes"  # how bright the image is says little of a box in it
    quality = qualities_of(samples if whole else (), memory, progress)
    return ClassifierInspection(
        run.id, chosen, run.plan.classes, len(examples), len(samples) - len({each.image for each in examples}),
        evaluate([each.sample for each in examples], rows, run.plan.classes),
        tuple(tuple(map(int, row)) for row in confusion_matrix(judged)),
        _parts(examples, {each.sample.key: bool(ok) for each, ok in zip(examples, right, strict=True)}, quality),
        calibrate(judged.scores.max(axis=1), right, BINS), _thresholds(run, chosen, judged, everything),
        tuple(islice(_worst(examples, judged, run.plan.classes), WORST)),
    )  # fmt: skip


def _judged(run: Run, samples: Sequence[Sample], rows: pl.DataFrame) -> tuple[list[Example], Judged]:
    """The pictures of these images that are labelled and were predicted, and what was said of them."""
    classes = run.plan.classes
    scores_of = dict(zip(rows["key"].to_list(), rows["scores"].to_list(), strict=True))
    origin = "boxes" if run.plan.settings.get("from") == "boxes" else "labels"
    examples = [each for each in find_examples(samples, origin, classes).found if each.sample.key in scores_of]
    place = {name: at for at, name in enumerate(classes)}
    return examples, Judged(
        np.array([place[str(each.sample.label)] for each in examples], np.intp),
        np.array([scores_of[each.sample.key] for each in examples], np.float64).reshape(-1, len(classes)),
    )


def _thresholds(run: Run, split: str, judged: Judged, samples: Sequence[Sample]) -> ClassThresholds:
    """On val where there is one: a confidence that was chosen on test would flatter it."""
    if split != "val" and (run.folder / "predictions" / "val.parquet").exists():
        val = [sample for sample in samples if sample.split == "val"]
        examples, on_val = _judged(run, val, read_predictions(run.folder / "predictions", "val"))
        if examples:
            return find_class_thresholds("val", on_val, run.plan.classes)
    return find_class_thresholds(split, judged, run.plan.classes)


def _parts(
    examples: Sequence[Example], right: Mapping[str, bool], quality: Mapping[str, tuple[float, ...]]
) -> tuple[ClassifierPart, ...]:
    samples: list[Sample] = [each.sample for each in examples]
    total = sum(right.values())
    found: list[ClassifierPart] = []
    for name, keys in find_parts(samples, quality).items():
        mine = sum(right[key] for key in keys)
        low, high = wilson_interval(mine, len(keys)) or (0.0, 1.0)
        rest = (total - mine) / (len(samples) - len(keys))
        found.append(
            ClassifierPart(
                name,
                len(keys),
                mine / len(keys),
                low,
                high,
                mine / len(keys) - rest,
                is_uncertain(mine, len(keys), total, len(samples)),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.difference, each.name)))


def _worst(examples: Sequence[Example], judged: Judged, classes: Sequence[str]) -> list[WorstExample]:
    """Those that are wrong, the surest first; of equally sure ones, that whose own class had the lower score."""
    found: list[tuple[float, float, WorstExample]] = []
    for example, predicted, truth, row in zip(examples, judged.predicted, judged.truth, judged.scores, strict=True):
        said, true, scores = int(predicted), int(truth), [float(score) for score in row]
        if said != true:
            key = example.sample.key
            found.append(
                (
                    scores[said],
                    scores[true],
                    WorstExample(key, example.image, classes[true], classes[said], scores[said]),
                )
            )
    return [worst for _, _, worst in sorted(found, key=lambda each: (-each[0], each[1], each[2].key))]
