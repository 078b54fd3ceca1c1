"""What a detector's run gets wrong on a split: of which kind, in which classes and parts, at which confidence, on which images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from ...datasets.errors import LabelloopError
from ...datasets.reading import Progress
from ...datasets.schema import Sample
from ..classification_metrics import wilson_interval
from ..detecting import own_confidence
from ..detection_metrics import evaluate, judge_parts
from ..detection_problem import is_judged
from ..predictions import read_predictions
from ..results import Scores, judged_split
from ..runs import Run, result_of
from .calibration import Calibration, calibrate
from .confusion import count_confusion
from .errors import KINDS, Errors, Gains, find_errors, find_gains
from .parts import find_parts, is_uncertain
from .qualities import qualities_of
from .size_parts import find_sizes
from .thresholds import Thresholds, find_thresholds

WORST = 30


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the split: mAP50-95 and AP50 there, how far the first lies from that of all other images, and its recall.

    `recall_low` and `recall_high` are the ends of its 95 % interval. `uncertain` says that the part, or all that is not in
    it, has too few boxes for a judgement. Precision and recall are at the run's confidence, over all classes. None is what cannot be said.
    """

    name: str
    images: int
    boxes: int
    ap: float | None
    ap50: float | None
    difference: float | None
    precision: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    uncertain: bool


@dataclass(frozen=True, slots=True)
class WorstImage:
    """An image with what is wrong on it: its F1, how many predictions are wrong, and how many boxes nothing right has.

    A box that is taken for another class is both: one wrong, one `missed`. `blame` breaks ties: the scores of what is
    wrong, added up, and 1 for each such box.
    """

    key: str
    f1: float
    wrong: int
    missed: int
    blame: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a run gets wrong on a split.

    Kinds, confusion, parts and images are at `confidence`, which is that of the best mean F1 on the run's val. `counts` are
    predictions by kind, and `missed` boxes; `class_counts` the same by class: of what was predicted, or of what was
    missed. `hidden` counts the boxes that nothing has at this confidence, but something right has at a lower one.

    `confusion` has a row for each class of the labels and one for no label, a column for each predicted class and one
    for no prediction. Every box and every prediction is in it once: rows add up to the boxes of a class, columns to its
    predictions. Of several wrong ones on a box the best score has it, and the others are in the row of no label.
    `parts` has the worst first, and so have `worst` the images. `calibration` is of the predictions at the confidence.
    """

    run: str
    split: str
    classes: tuple[str, ...]
    images: int
    boxes: int
    unlabelled: int
    confidence: float
    scores: Scores
    errors: Errors
    gains: Gains
    counts: Mapping[str, int]
    hidden: int
    class_counts: Mapping[str, Mapping[str, int]]
    confusion: tuple[tuple[int, ...], ...]
    parts: tuple[Part, ...]
    calibration: Calibration
    thresholds: Thresholds
    worst: tuple[WorstImage, ...]


def inspect_run(
    run: Run, split: str = "", *, memory: Path | None = None, progress: Progress | None = None
) -> Inspection:
    """What a detector's run gets wrong on a split, by the labels that it was made from.

    Args:
        split: "" for the one that the run is judged on.
        memory: the folder that remembers how bright and sharp images are (`Workspace.quality`); those that it does not
            know are measured where they lie. None leaves brightness and sharpness out.

    Raises:
        LabelloopError: the run is no detector's or is not done, predicted nothing for that split, or nobody has labelled it.
    """
    result = result_of(run, "detector")
    chosen = split or judged_split(list(result.get("splits", {})))
    predicted = read_predictions(run.folder / "predictions", chosen or "test")
    samples = run.samples()
    everything = [sample for sample in samples if sample.split == chosen]
    truth = [sample for sample in everything if is_judged(sample)]
    if not truth:
        raise LabelloopError(f"nobody has labelled an image of the split {chosen or 'test'} of {run.id}")
    classes, keys = run.plan.classes, [sample.key for sample in truth]
    rows = predicted.filter(pl.col("key").is_in(keys))
    confidence = own_confidence(run)
    errors = find_errors(truth, rows, classes, confidence=confidence)
    # Nine in ten predictions have scores near 0 and are rightly wrong: with them, every detector looks calibrated.
    scored = errors.predictions["score"].to_numpy()
    return Inspection(
        run.id, chosen, classes, len(truth), errors.boxes.height, len(everything) - len(truth), confidence,
        evaluate(truth, rows, classes, confidence=confidence), errors, find_gains(truth, rows, classes),
        _counts(errors.predictions, errors.boxes), int(errors.boxes["hidden"].sum()), _by_class(errors, classes),
        count_confusion(errors, classes), _parts(truth, rows, classes, errors, qualities_of(truth, memory, progress)),
        calibrate(scored, (errors.predictions["kind"] == "correct").to_numpy()),
        _thresholds(run, chosen, truth, rows, samples),
        tuple(islice(_worst(truth, errors), WORST)),
    )  # fmt: skip


def _thresholds(
    run: Run, split: str, truth: Sequence[Sample], rows: pl.DataFrame, samples: Sequence[Sample]
) -> Thresholds:
    """On val where there is one: a confidence that was chosen on test would flatter it."""
    val = [sample for sample in samples if sample.split == "val" and is_judged(sample)]
    if split == "val" or not val or not (run.folder / "predictions" / "val.parquet").exists():
        return find_thresholds(split, truth, rows, run.plan.classes)
    found = read_predictions(run.folder / "predictions", "val")
    keys = [sample.key for sample in val]
    return find_thresholds("val", val, found.filter(pl.col("key").is_in(keys)), run.plan.classes)


def _counts(predictions: pl.DataFrame, boxes: pl.DataFrame) -> dict[str, int]:
    counted = Counter(predictions["kind"].to_list())
    missed = int((boxes["kind"] == "missed").sum())
    return {kind: missed if kind == "missed" else counted[kind] for kind in KINDS}


def _by_class(errors: Errors, classes: Sequence[str]) -> dict[str, dict[str, int]]:
    return {
        name: _counts(errors.predictions.filter(pl.col("label") == name), errors.boxes.filter(pl.col("label") == name))
        for name in classes
    }


def _parts(
    truth: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str], errors: Errors,
    quality: Mapping[str, tuple[float, ...]],
) -> tuple[Part, ...]:  # fmt: skip
    named = find_parts(truth, quality)
    everything = {sample.key for sample in truth}
    others = {f"not {name}": sorted(everything.difference(keys)) for name, keys in named.items()}
    judged = judge_parts(truth, rows, classes, {**named, **others})
    all_right = int((errors.boxes["kind"] == "correct").sum())
    found: list[Part] = []
    for name, keys in named.items():
        here, rest = judged[name], judged[f"not {name}"]["mAP50-95"]
        kinds = errors.boxes.filter(pl.col("key").is_in(keys))["kind"]
        right, boxes = int((kinds == "correct").sum()), len(kinds)
        predicted = errors.predictions.filter(pl.col("key").is_in(keys))["kind"].to_list()
        ends = wilson_interval(right, boxes)
        ap = here["mAP50-95"]
        found.append(
            Part(
                name, len(keys), boxes, ap, here["mAP50"], ap - rest if ap is not None and rest is not None else None,
                predicted.count("correct") / len(predicted) if predicted else None, right / boxes if boxes else None,
                *(ends or (None, None)), uncertain=is_uncertain(right, boxes, all_right, errors.boxes.height),
            )
        )  # fmt: skip
    found += _sizes(truth, rows, classes, errors)
    return tuple(sorted(found, key=lambda each: (each.difference is None, each.difference or 0.0, each.name)))


def _sizes(truth: Sequence[Sample], rows: pl.DataFrame, classes: Sequence[str], errors: Errors) -> list[Part]:
    all_right = int((errors.boxes["kind"] == "correct").sum())
    found: list[Part] = []
    for name, size in find_sizes(truth, rows, classes, errors).items():
        low, high = wilson_interval(size.had, size.boxes) or (0.0, 1.0)
        found.append(
            Part(
                name, size.images, size.boxes, size.ap, size.ap50,
                size.ap - size.rest if size.ap is not None and size.rest is not None else None,
                size.right / size.found if size.found else None, size.had / size.boxes, low, high,
                is_uncertain(size.had, size.boxes, all_right, errors.boxes.height),
            )
        )  # fmt: skip
    return found


def _worst(truth: Sequence[Sample], errors: Errors) -> list[WorstImage]:
    """The images on which something is wrong, the worst first."""
    wrong: Counter[str] = Counter()
    right: Counter[str] = Counter()
    blame: Counter[str] = Counter()
    for key, score, kind in errors.predictions.select("key", "score", "kind").iter_rows():
        if kind == "correct":
            right[key] += 1
        else:
            wrong[key] += 1
            blame[key] += score
    unfound = Counter(errors.boxes.filter(pl.col("kind") != "correct")["key"].to_list())
    found: list[WorstImage] = []
    for sample in truth:
        key = sample.key
        if wrong[key] or unfound[key]:
            f1 = 2 * right[key] / (2 * right[key] + wrong[key] + unfound[key])
            found.append(WorstImage(key, f1, wrong[key], unfound[key], float(blame[key]) + unfound[key]))
    return sorted(found, key=lambda each: (each.f1, -each.blame, each.key))
