"""What a comparison of two models says, and what is refused before anything is exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.training import phone_export
from labelloop.training.phone_comparison import compare_boxes, compare_scores
from labelloop.training.phone_export import export_model, spread
from tests.training.finished_runs import detector, money


def test_images_are_spread_over_the_whole_split() -> None:
    assert spread(3) == [0, 1, 2]
    assert spread(10, 4) == [0, 2, 5, 7]
    assert spread(0) == []
    assert len(set(spread(1000))) == 64


def test_scores_that_differ_are_said() -> None:
    before = np.array([[0.9, 0.1], [0.4, 0.6]])
    after = np.array([[0.8, 0.2], [0.6, 0.4]])
    assert compare_scores(before, after) == {
        "images": 2,
        "largest difference of a score": pytest.approx(0.2),
        "mean difference of a score": pytest.approx(0.15),
        "images with another class": 1,
    }
    assert compare_scores(before, before)["largest difference of a score"] == 0.0


def test_boxes_are_paired_by_class_and_place_whatever_their_order() -> None:
    before = np.array([[0, 0, 50, 50, 0.9, 1], [100, 0, 150, 50, 0.8, 1], [0, 0, 50, 50, 0.7, 2]])
    after = np.array([[100, 0, 150, 52.5, 0.7, 1], [0, 0, 50, 50, 0.9, 1], [0, 0, 50, 50, 0.7, 3]])
    assert compare_boxes([before], [after]) == {
        "images": 1,
        "boxes": 3,
        "boxes without a partner": 2,
        "largest movement of a corner in pixels": 2.5,
        "largest difference of a score": pytest.approx(0.1),
    }
    assert compare_boxes([before[:0]], [before[:0]])["boxes without a partner"] == 0


def test_what_cannot_be_exported_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = detector(tmp_path, money(1))
    with pytest.raises(LabelloopError, match="format must be one of onnx, tflite, saved-model, received coreml"):
        export_model(run, "coreml", tmp_path / "out")
    with pytest.raises(LabelloopError, match="a detector is exported as onnx or tflite, received saved-model"):
        export_model(run, "saved-model", tmp_path / "out")
    monkeypatch.setattr(phone_export, "find_spec", lambda _: None)
    with pytest.raises(LabelloopError, match=r"a detector as onnx needs onnx and onnxruntime, not installed here: pip"):
        export_model(run, "onnx", tmp_path / "out")
    with pytest.raises(
        LabelloopError, match=r"tflite needs litert_torch and ai_edge_litert.* an environment of its own"
    ):
        export_model(run, "tflite", tmp_path / "out")
    monkeypatch.setattr(phone_export, "find_spec", lambda _: True)
    (tmp_path / "there").mkdir()
    with pytest.raises(LabelloopError, match="target must not exist yet"):
        export_model(run, "onnx", tmp_path / "there")
    (run.folder / "result.json").unlink()
    with pytest.raises(LabelloopError, match="must be done, received one that is stopped"):
        export_model(run, "onnx", tmp_path / "out")
    assert not (tmp_path / "out").exists()
