"""Plots: PNG files of the size that is asked for, with names of any letters."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from labelloop.training.inspection.calibration import Bin, Calibration
from labelloop.training.inspection.plots import plot_bars, plot_confusion, plot_lines, plot_reliability


def pixels(png: bytes) -> np.ndarray:
    assert png.startswith(b"\x89PNG")
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"), np.int64)


def test_a_longer_bar_has_more_colour() -> None:
    rows = pixels(plot_bars(["missed", "만원", "class"], [0.3, 0.1, 0.0], "title", "AP50"))
    blue = np.abs(rows - (0, 114, 178)).sum(axis=-1) < 30
    lengths = sorted({int(each) for each in blue.sum(axis=1) if each > 20})
    assert max(lengths) == pytest.approx(3 * min(lengths), rel=0.1)


def test_bars_without_anything() -> None:
    assert pixels(plot_bars([], [], "none", "AP50")).size


def test_lines_over_places_that_are_set_evenly() -> None:
    lines = [("won-1", [1, 0.5, 0.1], [1, 0.5, 0.0]), ("천원", [1, 0.5, 0.1], [1, 0.9, 0.8])]
    even = plot_lines([("AP50", lines), ("recall", lines)], "times", places=(1, 0.5, 0.1), even=True, faint_from=1)
    assert pixels(even).shape[1] > 1000
    assert pixels(plot_lines([("AP50", lines[:1])], "times")).shape[1] < 600


def test_a_confusion_matrix_grows_with_its_classes() -> None:
    small = pixels(plot_confusion([[3, 1], [0, 2]], ["a", "b"], ["a", "b"]))
    names = [f"class {number}" for number in range(20)]
    large = pixels(plot_confusion(np.eye(20, dtype=int).tolist(), names, names))
    assert large.shape[0] > 1.5 * small.shape[0]


def test_reliability() -> None:
    bins = (Bin(0.0, 0.1, 50, 0.05, 0.02), Bin(0.9, 1.0, 20, 0.95, 0.9))
    assert pixels(plot_reliability(Calibration(bins, 0.03))).size
    assert pixels(plot_reliability(Calibration((), None))).size
