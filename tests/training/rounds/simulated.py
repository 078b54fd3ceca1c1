"""Simulated images and detectors whose true difference is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from labelloop.datasets.schema import Box, Sample, Size

CLASSES = ("10", "50", "100")


def images(count: int, *, seed: int = 0, boxes: int = 1, shots: int = 1, split: str = "test") -> list[Sample]:
    """Images of 640x480 px with up to so many boxes each; `shots` neighbours show one object and are one group."""
    random = np.random.default_rng(seed)
    found: list[Sample] = []
    for number in range(count):
        drawn: list[Box] = []
        for at in range(int(random.integers(1, boxes + 1))):
            x, y = 200 * at + random.uniform(0, 40), random.uniform(0, 200)
            width, height = random.uniform(60, 150), random.uniform(60, 200)
            drawn.append(
                Box(CLASSES[int(random.integers(len(CLASSES)))], x, y, x + width, y + height, f"{number:022}{at:02}")
            )
        found.append(
            Sample(
                f"{number}.jpg", Path(f"/photos/{number}.jpg"), Size(640, 480), boxes=tuple(drawn), split=split,
                group=f"shot {number // shots}" if shots > 1 else None, sha256=f"{number:064}",
            )
        )  # fmt: skip
    return found


def detector(
    truth: Sequence[Sample], *, seed: int, found: float, spurious: float = 0.2, swaps: float = 0.05, noise: float = 0.06
) -> dict[str, tuple[Box, ...]]:
    """What a detector says that finds a box with this probability, takes its class for another one, and sees what is not there.

    Images of a group are hard or easy together, so that they are no independent trials.
    """
    random = np.random.default_rng([seed, 7])
    hardness: dict[str, float] = {}
    said: dict[str, tuple[Box, ...]] = {}
    for sample in truth:
        hard = hardness.setdefault(sample.group or sample.key, float(random.uniform(-1, 1)))
        chance = float(np.clip(found + 0.4 * hard * min(found, 1 - found) * 2, 0.0, 1.0)) if sample.group else found
        boxes: list[Box] = []
        for box in sample.boxes:
            if random.uniform() > chance:
                continue
            width, height = box.x2 - box.x1, box.y2 - box.y1
            dx, dy = random.normal(0, noise * width), random.normal(0, noise * height)
            label = CLASSES[int(random.integers(len(CLASSES)))] if random.uniform() < swaps else box.label
            boxes.append(
                replace(
                    box, label=label, x1=box.x1 + dx, x2=box.x2 + dx, y1=box.y1 + dy, y2=box.y2 + dy, id="",
                    score=float(np.clip(random.beta(8, 2), 0.01, 0.99)),
                )
            )  # fmt: skip
        if random.uniform() < spurious:
            x, y = random.uniform(0, 500), random.uniform(250, 400)
            label = CLASSES[int(random.integers(len(CLASSES)))]
            boxes.append(Box(label, x, y, x + 80, y + 60, score=float(np.clip(random.beta(3, 4), 0.01, 0.99))))
        said[sample.key] = tuple(boxes)
    return said
