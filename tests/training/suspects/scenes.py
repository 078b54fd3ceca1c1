"""Images with a few boxes each, and a detector that is mostly right about them; mistakes are planted by the tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from labelloop.datasets.schema import Box, Sample, Size

CLASSES = ("10", "50", "100")


def scenes(count: int, seed: int = 1) -> tuple[list[Sample], dict[str, tuple[Box, ...]]]:
    """Images of 640x480 px in the split test with two boxes each, and what is predicted on them: near the truth, now and then nothing or noise."""
    draw = np.random.default_rng(seed)
    samples: list[Sample] = []
    found: dict[str, tuple[Box, ...]] = {}
    for number in range(count):
        key = f"{number:03d}.jpg"
        boxes: list[Box] = []
        said: list[Box] = []
        for at, left in enumerate((20.0, 340.0)):
            x, y = left + draw.uniform(0, 60), draw.uniform(20, 180)
            width, height = draw.uniform(120, 200, 2)
            label = CLASSES[int(draw.integers(3))]
            boxes.append(Box(label, x, y, x + width, y + height, id=f"{number:012x}{at:012x}"))
            if draw.random() < 0.95:
                off = draw.normal(0, 0.02, 4) * (width, height, width, height)
                corners = np.array(boxes[-1].corners) + off
                said.append(Box(label, *map(float, corners), score=float(draw.beta(12, 2))))
        if draw.random() < 0.4:
            x, y = draw.uniform(0, 500), draw.uniform(0, 350)
            said.append(Box(CLASSES[int(draw.integers(3))], x, y, x + 90, y + 90, score=float(draw.beta(1, 8)) + 0.001))
        samples.append(
            Sample(key, Path(key), Size(640, 480), boxes=tuple(boxes), split="test", sha256=f"{number:064x}")
        )
        found[key] = tuple(said)
    return samples, found


def with_box(sample: Sample, at: int, box: Box | None) -> Sample:
    """The sample with another box in the place of one, or (None) without it."""
    boxes = list(sample.boxes)
    boxes[at : at + 1] = [] if box is None else [box]
    return replace(sample, boxes=tuple(boxes))
