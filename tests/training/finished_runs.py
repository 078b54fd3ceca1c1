"""Runs that are done without a training: plan, epochs, predictions and result as a trainer would have left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from labelloop.datasets.boxes import with_ids
from labelloop.datasets.ledger_rows import Stamp, to_rows
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.training import classification_metrics
from labelloop.training.crops import find_examples
from labelloop.training.detection_metrics import evaluate
from labelloop.training.predictions import LABELS, from_boxes, write_predictions
from labelloop.training.results import format_result
from labelloop.training.runs import Run, begin_run

COINS_AND_NOTES = ("10", "50", "1000", "5000")


def image(key: str, split: str, *labels: str) -> Sample:
    """An image of 640x480 px with a box of each label, beside each other."""
    boxes = tuple(Box(label, 10 + 150 * at, 20, 110 + 150 * at, 220) for at, label in enumerate(labels))
    state = "labelled" if boxes else "negative"
    return Sample(
        key, Path(f"/photos/{key}"), Size(640, 480), state=state, boxes=boxes, split=split, sha256=f"{key:0>64}"
    )


WON = ("10", "50", "100", "500", "1000", "5000", "10000", "50000")


def money(count: int = 10, classes: Sequence[str] = COINS_AND_NOTES) -> list[Sample]:
    """Images of coins and notes in folders of their own: so many of each class in test, and two in train and val."""
    return [
        image(f"{label}/{split} {number}.jpg", split, label)
        for label in classes
        for split, many in (("train", 2), ("val", 2), ("test", count))
        for number in range(many)
    ]


def detections(samples: Sequence[Sample], missed: Mapping[str, int]) -> dict[str, tuple[Box, ...]]:
    """What a detector finds that is right but for the first so many images of a class, where it finds nothing."""
    left = dict(missed)
    found: dict[str, tuple[Box, ...]] = {}
    for sample in samples:
        kept: list[Box] = []
        for box in sample.boxes:
            if left.get(box.label, 0) > 0:
                left[box.label] -= 1
            else:
                kept.append(replace(box, score=0.9))
        found[sample.key] = tuple(kept)
    return found


def detector(
    home: Path,
    samples: Sequence[Sample],
    missed: Mapping[str, int] | None = None,
    *,
    version: int = 1,
    losses: Sequence[tuple[float, float]] = ((4, 5), (3, 4), (2, 3)),
    classes: Sequence[str] = COINS_AND_NOTES,
    done: bool = True,
) -> Run:
    """A detector's run on these samples, which misses so many boxes of each class on test.

    Args:
        losses: on train and on val after each epoch.
    """
    frame = to_rows(samples, Stamp("ada", "test", datetime(2026, 1, 1, tzinfo=UTC), 1))
    run = begin_run(
        Workspace(home), "detector", "won", version, frame, classes=classes, model="yolov8n", seed=0,
        settings={"epochs": len(losses), "weights": "yolov8n.pt", "augmentation": {"name": "trainer"}},
        reasons={"nbs": "few images"},
    )  # fmt: skip
    for epoch, (train, val) in enumerate(losses, start=1):
        run.add_epoch(
            {"epoch": epoch, "seconds": 2.5, "train/loss": train, "val/loss": val, "val/mAP50-95": 1 / (1 + val)}
        )
    if not done:
        return run
    scores = {}
    for split in ("val", "test"):
        truth = [sample for sample in samples if sample.split == split]
        rows = from_boxes(detections(truth, (missed or {}) if split == "test" else {}))
        write_predictions(run.folder / "predictions", split, rows)
        scores[split] = evaluate(truth, rows, classes)
    run.finish(format_result(scores, seconds=2.5 * len(losses), epochs=len(losses)))
    return run


def hidden_ruin(home: Path) -> tuple[Run, Run]:
    """Two detectors with the same mean: the second finds every note that the first missed, and hardly a coin of 50 won."""
    samples = money(10, WON)
    before = detector(home, samples, dict.fromkeys(WON, 1), classes=WON)
    after = detector(home, samples, {"50": 8}, classes=WON)
    return before, after


def numbered(samples: Sequence[Sample]) -> list[Sample]:
    """The samples, whose boxes have the ids that an import would give them."""
    return [replace(sample, boxes=with_ids(sample.key, sample.boxes)) for sample in samples]


def classifier(
    home: Path,
    samples: Sequence[Sample],
    wrong: Sequence[str] = (),
    *,
    origin: Literal["boxes", "labels"] = "boxes",
    classes: Sequence[str] = COINS_AND_NOTES,
    version: int = 1,
) -> Run:
    """A classifier's run on the boxes of these samples (or their labels), which takes those in images named for the next class."""
    frame = to_rows(samples, Stamp("ada", "test", datetime(2026, 1, 1, tzinfo=UTC), 1))
    run = begin_run(
        Workspace(home), "classifier", "won", version, frame, classes=classes, model="small-cnn", seed=0,
        settings={"epochs": 3, "from": origin}, reasons={},
    )  # fmt: skip
    # The loss on val is lowest after the first epoch, its accuracy highest after the last.
    for epoch, (loss, accuracy) in enumerate(((0.5, 0.7), (0.6, 0.8), (0.7, 0.9)), start=1):
        run.add_epoch(
            {"epoch": epoch, "seconds": 1.0, "train/loss": 1 / epoch, "val/loss": loss, "val/accuracy": accuracy}
        )
    scores = {}
    for split in ("val", "test"):
        examples = [each for each in find_examples(samples, origin, classes).found if each.sample.split == split]
        rows = []
        for each in examples:
            at = classes.index(each.sample.label or "") + (each.image in wrong)
            said = [0.9 if number == at % len(classes) else 0.1 / (len(classes) - 1) for number in range(len(classes))]
            rows.append((each.sample.key, classes[at % len(classes)], 0.9, said))
        frame = pl.DataFrame(rows, schema=LABELS, orient="row")
        write_predictions(run.folder / "predictions", split, frame)
        scores[split] = classification_metrics.evaluate([each.sample for each in examples], frame, classes)
    run.finish(format_result(scores, seconds=3.0, epochs=3, best_epoch=1))
    return run
