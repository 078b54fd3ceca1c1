"""The same training again: every setting of the old run, on other labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Json
from labelloop.datasets.workspace import Workspace
from labelloop.training.rounds.retraining import classifier_request, detector_request
from labelloop.training.runs import Run, begin_run


def run_with(home: Path, kind: str, model: str, settings: dict[str, Json]) -> Run:
    import polars as pl

    from labelloop.datasets.ledger_rows import SCHEMA

    return begin_run(
        Workspace(home), kind, "won", 1, pl.DataFrame(schema=SCHEMA), classes=("10",), model=model, seed=7,  # type: ignore[arg-type]
        settings=settings, reasons={},
    )  # fmt: skip


def test_a_detector_keeps_what_labelloop_chose_too(tmp_path: Path):
    old = run_with(
        tmp_path, "detector", "yolov8n",
        {
            "epochs": 10, "imgsz": 224, "nbs": 16, "fliplr": 0.0, "seed": 7, "weights": "/w.pt", "weights_sha256": "0",
            "augmentation": {"name": "trainer"}, "prediction": {}, "where": "split != 'x'", "keep_data": False,
            "score_train": True,
        },
    )  # fmt: skip
    asked = detector_request(old, 5)
    assert asked.asked == {"epochs": 10, "imgsz": 224, "nbs": 16, "fliplr": 0.0, "seed": 7}
    assert (asked.model, asked.version, asked.where, asked.augmentation, asked.score_train) == (
        "yolov8n", 5, "split != 'x'", "", True,
    )  # fmt: skip
    assert detector_request(old, 5, 8).asked["seed"] == 8


def test_a_classifier_keeps_its_settings(tmp_path: Path):
    old = run_with(
        tmp_path, "classifier", "small-cnn",
        {
            "from": "labels", "trainable": "all", "epochs": 4, "imgsz": 64, "batch": 8, "patience": 5, "lr": 0.001,
            "augmentation": {"name": "light"}, "weights_kind": "none", "weights": "none", "deterministic": True,
            "where": "",
        },
    )  # fmt: skip
    asked = classifier_request(old, 3, 9)
    assert (asked.model, asked.origin, asked.version, asked.epochs, asked.imgsz, asked.batch) == (
        "small-cnn", "labels", 3, 4, 64, 8,
    )  # fmt: skip
    assert (asked.seed, asked.lr, asked.augment, asked.weights, asked.deterministic) == (
        9,
        0.001,
        "light",
        "none",
        True,
    )


def test_an_augmentation_that_is_gone_is_named(tmp_path: Path):
    old = run_with(tmp_path, "detector", "yolov8n", {"augmentation": {"name": "/gone/mine.yaml"}})
    with pytest.raises(LabelloopError, match="not there any more"):
        detector_request(old, 2)
