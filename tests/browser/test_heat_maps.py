"""Where a classifier looked, in the App: its heat maps are a field that is drawn on the pictures, hot where the evidence is."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

pytest.importorskip("playwright", reason="there is no playwright to drive a browser")

from PIL import Image

from labelloop.datasets.workspace import Workspace
from labelloop.training.classification_metrics import evaluate
from labelloop.training.predictions import LABELS, write_predictions
from labelloop.training.results import format_result
from labelloop.training.runs import Run, begin_run
from tests.browser.pages import Window, cy, expect
from tests.browser.servers import ROOT, Browsing, environment, until
from tests.training.class_folders import imported, put_into

PORT, NAME = 5431, "squares"
CLASSES = ("square", "none", "never")
"""As the planted classifier numbers them; of the last there is no picture."""
PHOTO = (320, 240)
SQUARE = 48
PLACES = {"none/5.png": (216, 40), "square/0.png": (40, 140), "square/1.png": (130, 20), "square/2.png": (250, 170)}
"""The upper left corner of the bright square in the pictures that have one; the first lies in the wrong folder."""
COUNT = 9
FIELD = "squares_1_looked"


def draw(path: Path, number: int, place: tuple[int, int] | None) -> None:
    pixels = np.random.default_rng(number).integers(60, 160, (PHOTO[1], PHOTO[0], 3), np.uint8)
    if place:
        pixels[place[1] : place[1] + SQUARE, place[0] : place[0] + SQUARE] = 250
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of grey photos with and without a bright square, and a classifier of whose evidence one knows where it is."""
    for package in ("tensorflow", "keras"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder = tmp_path_factory.mktemp("heat")
    for number in range(6):
        draw(folder / "photos" / f"none/{number}.png", number, PLACES.get(f"none/{number}.png"))
    for number in range(3):
        draw(folder / "photos" / f"square/{number}.png", 50 + number, PLACES[f"square/{number}.png"])
    ledger = put_into(imported(folder / "home", folder / "photos", name="squares"), {"": "test"})
    assert len(ledger.samples()) == COUNT
    run = begin_run(
        Workspace(folder / "home"), "classifier", "squares", ledger.version(), ledger.frame(), classes=CLASSES,
        model="planted", seed=0, settings={"from": "labels", "imgsz": 64}, reasons={},
    )  # fmt: skip
    finish(run)
    return folder / "home"


def finish(run: Run) -> None:
    """What it says of each picture is what is there: it is wrong about the one that lies in the wrong folder."""
    run.weights.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.inspection.planted_evidence", str(run.weights / "model.keras")],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    samples = run.samples()
    said = [
        (each.key, "square", 0.9, [0.9, 0.1, 0.0]) if each.key in PLACES else (each.key, "none", 0.8, [0.2, 0.8, 0.0])
        for each in samples
    ]
    rows = pl.DataFrame(said, schema=LABELS, orient="row")
    write_predictions(run.folder / "predictions", "test", rows)
    run.finish(format_result({"test": evaluate(samples, rows, CLASSES)}))


@pytest.fixture
def window(browsing: Browsing, new_page: Any) -> Window:
    return Window(new_page(), browsing.address).open(COUNT)


def look(window: Window, name: str) -> None:
    """LABELLOOP_TEST_PICTURES names a folder for what is seen."""
    if wanted := os.environ.get("LABELLOOP_TEST_PICTURES"):
        window.page.screenshot(path=Path(wanted) / f"heat-{name}.png")


def seen(window: Window) -> np.ndarray:
    """The only picture of the grid as it is drawn, in the photo's own pixels."""
    picture = window.page.locator(cy("looker"))
    expect(picture).to_have_count(1)
    window.page.wait_for_timeout(1500)  # what is drawn over it comes after it
    shown = Image.open(BytesIO(picture.screenshot())).convert("RGB").resize(PHOTO)
    return np.asarray(shown, np.float64)


def tick(window: Window, wanted: bool) -> None:
    """Tick the field of the heat maps in the sidebar, or untick it."""
    field = window.page.locator(f"{cy(f'checkbox-{FIELD}')} input")
    if field.is_checked() != wanted:
        field.click()
    expect(field).to_be_checked(checked=wanted)


def heat_is_on_the_square(window: Window, key: str) -> bool:
    """Whether what the field draws on the only picture of the grid is drawn on its square, and hardly anywhere else."""
    tick(window, False)
    without = seen(window)
    tick(window, True)
    drawn = np.abs(seen(window) - without).mean(axis=2)
    left, top = PLACES[key]
    inside = drawn[top : top + SQUARE, left : left + SQUARE].mean()
    far = np.ones(drawn.shape, bool)
    far[max(top - 30, 0) : top + SQUARE + 30, max(left - 30, 0) : left + SQUARE + 30] = False
    return bool(inside > 25 and drawn[far].mean() < inside / 5)


def test_the_app_draws_where_the_classifier_looked(window: Window, home: Path) -> None:
    page = window.page
    said = window.act("Inspect a run", writes=True)
    assert "squares-1 on test is shown" in said
    assert "Traceback" not in said
    window.open(COUNT)
    expect(page.locator(cy(f"sidebar-field-{FIELD}"))).to_be_visible()
    tick(window, True)
    page.wait_for_timeout(2000)
    look(window, "grid")
    page.locator(cy("saved-views-selection")).click()
    page.get_by_text("squares-1: class errors", exact=True).click()
    window.expect_count("1 sample")
    assert until("the heat is drawn", lambda: heat_is_on_the_square(window, "none/5.png"), 60)
    look(window, "wrong")
    page.locator(cy("looker")).first.click()
    expect(page.locator(cy("modal"))).to_be_visible()
    page.wait_for_timeout(3000)
    look(window, "opened")
