"""Errors of 5,000 images with 100,000 detections, against hotcoco's own AP and TIDE errors in the same run.

Both begin with what each keeps: labelloop with samples and a table of predictions, hotcoco with COCO's JSON files.

    python tests/bench/bench_errors.py [--images 5000] [--rounds 5]

Prints one JSON object: seconds of each, the least of all rounds, and the ratio that is promised: no more than twice hotcoco's.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import hotcoco
import polars as pl

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.inspection.errors import find_errors, find_gains
from labelloop.training.predictions import from_boxes

CLASSES = tuple(f"class {number}" for number in range(20))
BOXES, DETECTIONS = 7.4, 20


def problem(images: int, seed: int = 3) -> tuple[list[Sample], pl.DataFrame]:
    """Images of 640x480 px; most detections are near a box, some of another class, the rest anywhere."""
    draw = random.Random(seed)
    samples: list[Sample] = []
    found: dict[str, list[Box]] = {}
    for number in range(images):
        boxes = tuple(anywhere(draw, f"{number:012d}{at:012d}") for at in range(round(draw.gauss(BOXES, 2)) or 1))
        key = f"{number}.jpg"
        samples.append(Sample(key, Path(key), Size(640, 480), boxes=boxes))
        found[key] = [near(draw, boxes) for _ in range(DETECTIONS)]
    return samples, from_boxes(found)


def anywhere(draw: random.Random, box_id: str = "", score: float | None = None) -> Box:
    """A box of any class and place."""
    x, y, width, height = draw.uniform(0, 540), draw.uniform(0, 380), draw.uniform(8, 100), draw.uniform(8, 100)
    return Box(draw.choice(CLASSES), x, y, x + width, y + height, box_id, score)


def near(draw: random.Random, boxes: tuple[Box, ...]) -> Box:
    """A detection."""
    if draw.random() < 0.3:
        return anywhere(draw, score=draw.random() ** 2)
    box = draw.choice(boxes)
    dx, dy = draw.gauss(0, 0.1) * (box.x2 - box.x1), draw.gauss(0, 0.1) * (box.y2 - box.y1)
    label = box.label if draw.random() < 0.9 else draw.choice(CLASSES)
    return Box(label, box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy, score=draw.random() ** 0.5)


def write_json(samples: list[Sample], rows: pl.DataFrame, folder: Path) -> tuple[Path, Path]:
    """COCO's two files: labels, and results."""
    ids = {name: number for number, name in enumerate(CLASSES, start=1)}
    images = {sample.key: number for number, sample in enumerate(samples, start=1)}
    boxes = [(images[sample.key], box) for sample in samples for box in sample.boxes]
    labels = [
        {"id": number, "image_id": image, "category_id": ids[box.label], "iscrowd": 0, "area": (box.x2 - box.x1) * (box.y2 - box.y1),
         "bbox": [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1]}
        for number, (image, box) in enumerate(boxes, start=1)
    ]  # fmt: skip
    truth = {
        "images": [{"id": number, "width": 640, "height": 480, "file_name": key} for key, number in images.items()],
        "categories": [{"id": number, "name": name} for name, number in ids.items()], "annotations": labels,
    }  # fmt: skip
    results = [
        {"image_id": images[key], "category_id": ids[label], "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score}
        for key, label, x1, y1, x2, y2, score in rows.iter_rows()
    ]
    paths = folder / "truth.json", folder / "results.json"
    for path, content in zip(paths, (truth, results), strict=True):
        path.write_text(json.dumps(content))
    return paths


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    samples, rows = problem(asked.images)
    folder = tempfile.TemporaryDirectory()
    truth, results = write_json(samples, rows, Path(folder.name))
    ours: list[float] = []
    theirs: list[float] = []
    said: Any = None
    gains: Any = None
    peer: Any = None
    precision: Any = None
    for _ in range(asked.rounds):
        began = time.perf_counter()
        known = hotcoco.COCO(str(truth))
        evaluator: Any = hotcoco.COCOeval(known, known.load_res(str(results)), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        peer = evaluator.tide_errors(0.5, 0.1)
        precision = evaluator.eval["precision"]
        theirs.append(time.perf_counter() - began)
        began = time.perf_counter()
        said, gains = find_errors(samples, rows, CLASSES), find_gains(samples, rows, CLASSES)
        ours.append(time.perf_counter() - began)
    counts = said.predictions["kind"].value_counts()
    print(
        json.dumps(
            {
                "images": len(samples), "boxes": said.boxes.height, "detections": rows.height,
                "kinds": dict(sorted(counts.rows())), "hotcoco's": peer["counts"],
                "mAP50-95": {"labelloop": gains.ap, "hotcoco": float(precision[..., 0, 2].mean())},
                "seconds": {"labelloop, AP and errors": round(min(ours), 3), "hotcoco, AP and errors": round(min(theirs), 3)},
                "ratio": round(min(ours) / min(theirs), 2),
            },
            indent=2,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
