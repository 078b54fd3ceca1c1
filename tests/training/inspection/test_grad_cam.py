"""Heat maps: where the evidence is planted, there is the heat."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger_rows import Stamp, to_rows
from labelloop.datasets.schema import Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.training.classifying import examples_of
from labelloop.training.crops import Example
from labelloop.training.inspection.grad_cam import (
    heat_maps,
    heat_picture,
    on_whole_image,
    plain_picture,
    upsampled,
)
from labelloop.training.results import Scores, format_result
from labelloop.training.runs import Run, begin_run
from tests.training.finished_runs import detector, money

ROOT = Path(__file__).parents[3]
CLASSES = ("square", "none", "never")
SQUARE = 48
PHOTO = (320, 240)


def photo(path: Path, place: tuple[int, int], orientation: int = 1) -> Sample:
    """A noisy grey photo of 320x240 px as displayed, with a bright square whose upper left corner is at a place."""
    draw = np.random.default_rng(sum(place))
    upright = draw.integers(60, 160, (PHOTO[1], PHOTO[0], 3), np.uint8)
    upright[place[1] : place[1] + SQUARE, place[0] : place[0] + SQUARE] = 250
    stored = np.rot90(upright, 1) if orientation == 6 else upright  # 6: to be turned by 90 degrees with the clock
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    return Sample(path.name, path, Size(*PHOTO), orientation, label="square", split="test", sha256=f"{path.name:0>64}")


def classifier(home: Path, samples: list[Sample]) -> Run:
    frame = to_rows(samples, Stamp("ada", "test", datetime(2026, 1, 1, tzinfo=UTC), 1))
    return begin_run(
        Workspace(home), "classifier", "squares", 1, frame, classes=CLASSES, model="planted", seed=0,
        settings={"from": "labels", "imgsz": 64}, reasons={},
    )  # fmt: skip


def share_inside(heat: np.ndarray, place: tuple[int, int], margin: int = 20) -> float:
    """The part of a map's mass on the square and what is near it."""
    shown = upsampled(heat, PHOTO)
    left, top = max(place[0] - margin, 0), max(place[1] - margin, 0)
    near = shown[top : place[1] + SQUARE + margin, left : place[0] + SQUARE + margin]
    return float(near.sum() / shown.sum())


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, tuple[int, int]]]:
    for package in ("tensorflow", "keras"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder = tmp_path_factory.mktemp("planted")
    draw = np.random.default_rng(3)
    places = {
        f"{number}.png": (int(draw.integers(0, PHOTO[0] - SQUARE)), int(draw.integers(0, PHOTO[1] - SQUARE)))
        for number in range(18)
    }
    samples = [photo(folder / name, place, 6 if int(name[:-4]) % 3 == 0 else 1) for name, place in places.items()]
    samples.append(Sample("gone.png", folder / "gone.png", Size(8, 8), label="square", split="test", sha256="0" * 64))
    run = classifier(folder / "home", samples)
    run.weights.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.inspection.planted_evidence", str(run.weights / "model.keras")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    run.finish(format_result({"test": Scores(0, {})}))
    return run, places


@pytest.mark.slow
def test_the_heat_is_where_the_evidence_is(planted: tuple[Run, dict[str, tuple[int, int]]]) -> None:
    run, places = planted
    maps = heat_maps(run, examples_of(run, "test"), of=dict.fromkeys(places, "square"))
    assert set(maps) == set(places)  # not the one that is gone
    for key, place in places.items():
        heat = maps[key]
        assert heat.shape == (16, 16)
        assert heat.min() >= 0
        assert heat.max() == 1
        assert share_inside(heat, place) > 0.95, (key, place)


@pytest.mark.slow
def test_another_class_has_other_evidence_and_none_has_none(planted: tuple[Run, dict[str, tuple[int, int]]]) -> None:
    run, places = planted
    examples = examples_of(run, "test")[:2]
    first, second = (each.sample.key for each in examples)
    maps = heat_maps(run, examples, of={first: "none", second: "never"})
    assert np.ptp(maps[first]) == 0
    assert share_inside(maps[first], places[first]) < 0.3
    assert not maps[second].any()


def test_a_detector_has_no_heat_maps(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match="must be a classifier's run, received a detector's"):
        heat_maps(detector(tmp_path, money(1)), [])


def test_a_map_of_a_crop_on_its_image() -> None:
    heat = np.array([[1.0, 0.0], [0.0, 0.0]], np.float32)
    whole = on_whole_image(heat, (320, 120, 640, 360), (640, 480), side=64)
    assert whole.shape == (48, 64)
    assert whole[:12].max() == 0
    assert whole[36:].max() == 0
    assert whole[:, :32].max() == 0
    assert whole[12, 32] > 0.9
    assert on_whole_image(heat, None, (640, 480), side=64)[0, 0] > 0.9


@given(
    st.lists(st.floats(0, 1, width=32), min_size=9, max_size=9),
    st.tuples(st.integers(1, 900), st.integers(1, 900)),
    st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 1), st.floats(0.01, 1)),
)  # fmt: skip
def test_every_map_fits_every_image(
    values: list[float], size: tuple[int, int], part: tuple[float, float, float, float]
) -> None:
    heat = np.array(values, np.float32).reshape(3, 3)
    corners = (
        part[0] * size[0],
        part[1] * size[1],
        min(size[0], (part[0] + part[2]) * size[0]),
        min(size[1], (part[1] + part[3]) * size[1]),
    )
    whole = on_whole_image(heat, corners, size, side=32)
    assert max(whole.shape) == 32
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_pictures_are_of_the_part_and_bright_where_it_counts(tmp_path: Path) -> None:
    sample = photo(tmp_path / "a.png", (200, 100), orientation=6)
    whole = Image.open(BytesIO(plain_picture(Example(sample, "a.png"), side=160)))
    assert whole.size == (160, 120)
    cut = Example(sample, "a.png", (200, 100, 248, 148))
    square = np.asarray(Image.open(BytesIO(plain_picture(cut, side=96))))
    assert square.shape == (96, 96, 3)
    assert square.mean() > 240  # nothing but the square
    heat = np.zeros((2, 2), np.float32)
    heat[0, 0] = 1
    shown = np.asarray(Image.open(BytesIO(heat_picture(Example(sample, "a.png"), heat, side=160))), np.float64)
    assert shown[10, 10].mean() > shown[10, 150].mean() + 40
    assert np.ptp(shown[110, 150]) < 12  # grey where nothing counted


def test_a_part_outside_its_image_is_refused(tmp_path: Path) -> None:
    from labelloop.datasets.images import ImageProblem

    sample = photo(tmp_path / "a.png", (0, 0))
    with pytest.raises(ImageProblem, match="the part ends at 400, 100"):
        plain_picture(Example(sample, "a.png", (0, 0, 400, 100)))
