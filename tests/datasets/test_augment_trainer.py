"""What Ultralytics really does with an augmentation, against what the preview shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from labelloop.datasets.augmentation import TRAINER_OFF
from labelloop.datasets.trainer_augmentation import make_mosaic, translate

ROOT = Path(__file__).parents[2]


def ask(tmp_path: Path, *words: str) -> Any:
    """The last line that a process with Ultralytics in it says."""
    environment = {**os.environ, "YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.datasets.augment_trainer_runs", *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Eight images of 300x200 px with three boxes each, one of them at the edge, in YOLO's layout."""
    draw = np.random.default_rng(0)
    for folder in ("images/train", "labels/train"):
        (tmp_path / folder).mkdir(parents=True)
    for number in range(8):
        picture = Image.fromarray(draw.integers(0, 256, (20, 30, 3), dtype=np.uint8)).resize((300, 200))
        picture.save(tmp_path / "images" / "train" / f"{number}.png")
        lines = "0 0.5 0.5 0.4 0.4\n1 0.95 0.5 0.1 0.3\n0 0.1 0.1 0.1 0.1\n"
        (tmp_path / "labels" / "train" / f"{number}.txt").write_text(lines)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(("name", "workers"), [("none", 0), ("light", 0), ("digits", 2), ("field", 2)])
def test_the_trainer_gets_what_the_preview_shows(images: Path, name: str, workers: int) -> None:
    said = ask(images, "dataset", str(images), name, str(workers))
    assert said["pixels"] == 0
    assert said["corners"] < 0.01  # of a pixel: Ultralytics holds boxes as fractions in 32 bits
    assert len(said["counts"]) == 8
    if name == "field":
        assert min(said["counts"]) < 3, "no box was dropped, so dropping was not compared"


@pytest.mark.slow
def test_geometry_and_colours_are_ultralytics_own(tmp_path: Path) -> None:
    assert ask(tmp_path, "matrices") < 1e-6
    assert ask(tmp_path, "colours") == 0


@pytest.mark.slow
def test_an_augmentation_that_ultralytics_lost_is_noticed(tmp_path: Path) -> None:
    said = ask(tmp_path, "lost")
    assert said.startswith("field: Ultralytics would train with the transforms [] in place of ['FittedBoxes']")


def test_settings_that_are_off_translate_to_nothing() -> None:
    assert translate(TRAINER_OFF, 640) == ([], [])


def test_settings_are_translated_in_ultralytics_order() -> None:
    before, after = translate({**TRAINER_OFF, "degrees": 5.0, "hsv_v": 0.4, "flipud": 0.2, "fliplr": 0.5})
    assert [type(each).__name__ for each in before] == ["TrainerGeometry"]
    assert [type(each).__name__ for each in after] == ["TrainerColour", "VerticalFlip", "HorizontalFlip"]


def test_a_scale_may_be_a_pair() -> None:
    (geometry,), _ = translate({**TRAINER_OFF, "scale": [0.5, 0.5]}, 0)
    moved = geometry(image=np.zeros((100, 100, 3), np.uint8), keypoints=np.array([[0.0, 0.0, 0, 0, 0]], np.float32))
    assert moved["keypoints"][0, :2] == pytest.approx([25, 25])


@pytest.mark.parametrize("seed", range(8))
def test_a_mosaic_has_each_image_at_its_place_and_boxes_on_it(seed: int) -> None:
    """Four images of one colour each, wholly in a box: the box must be where the colour is."""
    side = 60
    tiles = [
        (np.full((height, width, 3), value, np.uint8), np.array([[0.0, 0.0, width, height]]))
        for value, (width, height) in zip((10, 20, 30, 40), ((60, 40), (40, 60), (60, 60), (60, 30)), strict=True)
    ]
    square, placed = make_mosaic(tiles, side, np.random.default_rng(seed))
    assert square.shape == (120, 120, 3)
    for value, ((x1, y1, x2, y2),) in zip((10, 20, 30, 40), placed, strict=True):
        rows, columns = np.nonzero(square[..., 0] == value)
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (x1, y1, x2, y2)
    assert {*np.unique(square)} <= {10, 20, 30, 40, 114}
