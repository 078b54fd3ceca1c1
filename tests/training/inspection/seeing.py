"""Photos with a bright coin or note, and stand-ins for a detector that finds what is bright, exactly, and for a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from labelloop.datasets.augmentation import read_augmentation
from labelloop.datasets.ledger_rows import Stamp, to_rows
from labelloop.datasets.reading import Progress
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.training.crops import Example
from labelloop.training.predictions import LABELS, from_boxes, write_predictions
from labelloop.training.results import Scores, format_result
from labelloop.training.runs import Run, begin_run

CLASSES = ("coin", "note")
LEAST = 100
"""What the detector sees must be as bright as that."""


def draw_photo(path: Path, box: Box) -> None:
    """A grey photo of 320x240 px; a coin fills its box as an ellipse and is white, a note as a rectangle and is yellow."""
    pixels = np.full((240, 320, 3), 60, np.uint8)
    y, x = np.mgrid[:240, :320] + 0.5
    half = (box.x2 - box.x1) / 2, (box.y2 - box.y1) / 2
    if box.label == "coin":
        inside = ((x - box.x1) / half[0] - 1) ** 2 + ((y - box.y1) / half[1] - 1) ** 2 <= 1
    else:
        inside = (abs(x - box.x1 - half[0]) < half[0]) & (abs(y - box.y1 - half[1]) < half[1])
    pixels[inside] = (250, 250, 250) if box.label == "coin" else (250, 250, 90)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def photos(folder: Path, count: int = 6) -> list[Sample]:
    """So many photos in test: square coins, and notes twice as wide as they are high, in turn."""
    draw = np.random.default_rng(5)
    samples: list[Sample] = []
    for number in range(count):
        label, width = CLASSES[number % 2], (60, 120)[number % 2]
        x, y = float(draw.integers(20, 300 - width)), float(draw.integers(20, 160))
        box = Box(label, x, y, x + width, y + 60, id=f"{number:024x}")
        path = folder / f"{label} {number}.png"
        draw_photo(path, box)
        samples.append(Sample(path.name, path, Size(320, 240), boxes=(box,), split="test", sha256=f"{number:064x}"))
    return samples


def detector(home: Path, samples: Sequence[Sample], augmentation: str = "trainer") -> Run:
    """A detector's run that is done."""
    frame = to_rows(samples, Stamp("ada", "test", datetime(2026, 1, 1, tzinfo=UTC), 1))
    run = begin_run(
        Workspace(home), "detector", "money", 1, frame, classes=CLASSES, model="yolov8n", seed=0, reasons={},
        settings={"imgsz": 160, "device": "cpu", "augmentation": asdict(read_augmentation(augmentation))},
    )  # fmt: skip
    write_predictions(run.folder / "predictions", "test", from_boxes({}))
    run.finish(format_result({"test": Scores(0, {})}))
    return run


def classifier(home: Path, samples: Sequence[Sample], augmentation: str = "light", *, origin: str = "labels") -> Run:
    """A classifier's run that is done, on images' labels (of which each has its box's), or on boxes."""
    if origin == "labels":
        samples = [replace(each, boxes=(), label=each.boxes[0].label) for each in samples]
    frame = to_rows(samples, Stamp("ada", "test", datetime(2026, 1, 1, tzinfo=UTC), 1))
    run = begin_run(
        Workspace(home), "classifier", "money", 1, frame, classes=CLASSES, model="small-cnn", seed=0, reasons={},
        settings={"imgsz": 64, "from": origin, "augmentation": asdict(read_augmentation(augmentation))},
    )  # fmt: skip
    write_predictions(run.folder / "predictions", "test", pl.DataFrame([], schema=LABELS))
    run.finish(format_result({"test": Scores(0, {})}))
    return run


def judge(run: Run, examples: Sequence[Example], *, progress: Progress | None = None) -> dict[str, tuple[float, ...]]:
    """What is said of each picture, as `classifying.classify` says it: by what is bright in it, and of a dark one that it is a note."""
    found: dict[str, tuple[float, ...]] = {}
    for number, example in enumerate(examples, start=1):
        pixels = np.asarray(Image.open(example.sample.path).convert("RGB"), np.int64)
        assert example.corners is None
        assert pixels.shape[:2] == example.sample.size[::-1]
        bright = pixels[pixels[..., 0] > LEAST + 14]
        coin = len(bright) > 0 and bright[:, 2].mean() / bright[:, 0].mean() > 0.7
        found[example.sample.key] = (0.9, 0.1) if coin else (0.25, 0.75)
        if progress:
            progress(number, len(examples))
    return found


def see(
    run: Run, samples: Sequence[Sample], *, confidence: float | None = None, progress: Progress | None = None
) -> Mapping[str, tuple[Box, ...]]:
    """What is bright on each image, as `detecting.detect` says it."""
    found: dict[str, tuple[Box, ...]] = {}
    for number, sample in enumerate(samples, start=1):
        pixels = np.asarray(Image.open(sample.path).convert("RGB"), np.int64)
        assert pixels.shape[:2] == sample.size[::-1]
        rows, columns = np.nonzero(pixels[..., 0] > LEAST + 14)  # 114 is the frame of a turned image
        found[sample.key] = ()
        if len(rows):
            x1, y1, x2, y2 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            blue = pixels[rows, columns, 2].mean() / pixels[rows, columns, 0].mean()
            label = "coin" if blue > 0.7 else "note"
            found[sample.key] = (Box(label, float(x1), float(y1), float(x2), float(y2), score=0.9),)
        if progress:
            progress(number, len(samples))
    return found
