"""Runs that are done without a training: plan, epochs, predictions and result as a trainer would have left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from labelloop.datasets.ledger_rows import Stamp, to_rows
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.training.detection_metrics import evaluate
from labelloop.training.predictions import from_boxes, write_predictions
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


def money(count: int = 10) -> list[Sample]:
    """Images of coins and notes in folders of their own: so many of each class in test, and two in train and val."""
    return [
        image(f"{label}/{split} {number}.jpg", split, label)
        for label in COINS_AND_NOTES
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
