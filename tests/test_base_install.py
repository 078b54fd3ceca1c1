"""What `pip install .` without extras brings is enough for recipe, check, split by names and convert."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.datasets.export_runs import draw_source

ROOT = Path(__file__).parents[1]
HEAVY = ("numpy", "torch", "cv2", "fiftyone", "polars", "deltalake", "tensorflow", "skimage")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment with the base packages only, installed from a copy of the checkout.

    A build leaves folders beside the sources, so it is not done in the checkout itself.
    """
    folder = tmp_path_factory.mktemp("bare")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "checkout" / name)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, env=environment)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "-c", str(ROOT / "constraints.txt"), str(folder / "checkout")],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "venv" / "bin"


def run(bare: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(bare / "labelloop"), *words], cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )  # fmt: skip


def test_nothing_heavy_came_with_it(bare: Path) -> None:
    code = f"from importlib.util import find_spec; print([name for name in {HEAVY!r} if find_spec(name)])"
    done = subprocess.run([str(bare / "python"), "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_from_a_folder_to_exports(bare: Path, tmp_path: Path) -> None:
    draw_source(tmp_path / "photos", 24)
    assert "convert" in run(bare, tmp_path, "--help").stdout
    for words, status in [
        (["recipe", "photos", "--yes", "--save", "my.yaml"], 0),
        (["check", "photos", "--recipe", "my.yaml"], 0),
        (["check", "photos", "--json"], 1),
        (["split", "photos", "--no-near-duplicates"], 0),
        (["convert", "photos", "as-yolo", "--format", "yolo", "--splits", "photos-splits.csv"], 0),
        (["convert", "photos", "as-coco", "--format", "coco", "--split", "--no-near-duplicates"], 0),
        (["convert", "photos", "as-voc", "--format", "voc"], 0),
    ]:
        done = run(bare, tmp_path, *words)
        assert done.returncode == status, f"{words}: {done.stderr}"
    assert (tmp_path / "as-yolo" / "data.yaml").is_file()
    assert sum(len(json.loads(path.read_text())["images"]) for path in (tmp_path / "as-coco").rglob("*.json")) == 24


def test_the_recipes_that_come_with_it_are_there(bare: Path, tmp_path: Path) -> None:
    draw_source(tmp_path / "photos", 3)
    done = run(bare, tmp_path, "check", "photos", "--recipe", "nope")
    assert done.returncode == 1
    assert "car, clothing, vnd, won" in done.stderr


@pytest.mark.parametrize(
    ("words", "packages"),
    [
        (["sample-data", "won", "drawn"], "pip install numpy opencv-python-headless scikit-image scikit-learn"),
        (["split", "photos"], "pip install 'labelloop[split]'"),
        (["convert", "photos", "made", "--format", "yolo", "--split"], "pip install 'labelloop[split]'"),
        (["import", "photos", "--name", "won"], "polars, which is not installed: pip install 'labelloop["),
    ],
)
def test_what_needs_more_says_what_to_install(bare: Path, tmp_path: Path, words: list[str], packages: str) -> None:
    draw_source(tmp_path / "photos", 3)
    done = run(bare, tmp_path, *words)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert packages in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]
