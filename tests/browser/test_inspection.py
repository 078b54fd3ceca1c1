"""What a run gets wrong, in the browser: its predictions with their kinds, and from each count to its images and the desk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="there is no playwright to drive a browser")

from playwright.sync_api import Locator

from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.tools.label_studio import ensure_label_studio
from labelloop.training.detection_metrics import evaluate
from labelloop.training.predictions import from_boxes, write_predictions
from labelloop.training.results import format_result
from labelloop.training.runs import Run, begin_run, find_run
from labelloop.training.suspects.suspect import Suspect, SuspectList, write_suspects
from tests.browser.pages import Window, cy, expect
from tests.browser.servers import CLASSES, COUNT, Browsing, draw_source, labelloop
from tests.label_config.servers import copied

RUN = "won-1"
PORT = 5391


def found_on(number: int, sample: Sample) -> tuple[Box, ...]:
    """What the run finds on an image: of four, one has a wrong class, one a box too few, one a box too many."""
    boxes = [replace(box, score=0.9) for box in sample.boxes]
    if number % 4 == 0:
        boxes = [replace(box, label=CLASSES[(CLASSES.index(box.label) + 1) % 3]) for box in boxes]
    elif number % 4 == 1:
        boxes = boxes[1:]
    elif number % 4 == 2:
        boxes.append(Box("50", 300, 10, 380, 60, score=0.6))
    return tuple(boxes)


def make_run(workspace: Workspace, ledger: Ledger) -> Run:
    """A detector's run that is done, without a training."""
    run = begin_run(
        workspace, "detector", "won", ledger.version(), ledger.frame(), classes=CLASSES, model="yolov8n", seed=0,
        settings={}, reasons={},
    )  # fmt: skip
    truth = [each for each in run.samples() if each.split == "test"]
    rows = from_boxes({sample.key: found_on(number, sample) for number, sample in enumerate(truth)})
    write_predictions(run.folder / "predictions", "test", rows)
    run.finish(format_result({"test": evaluate(truth, rows, CLASSES)}))
    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inspection")
    home = folder / "home"
    workspace: Workspace = copied(tmp_path_factory, home)
    draw_source(folder / "photos")
    labelloop("import", folder / "photos", "--name", "won", "--home", home, "--author", "ann")
    labelloop("split", "won", "--home", home, "--no-near-duplicates", "--ratios", "25/25/50", "--author", "ann")
    make_run(workspace, Ledger(workspace.ledger("won")))
    return home


@pytest.fixture(scope="module")
def wrong(home: Path) -> dict[str, set[str]]:
    """The images of the split test by what the run does there: a wrong class, a missed box, a box too many."""
    truth = [each for each in Ledger(Workspace(home).ledger("won")).samples() if each.split == "test"]
    made: dict[str, set[str]] = {"class": set(), "missed": set(), "background": set()}
    for number, sample in enumerate(truth):
        kind = {0: "class", 1: "missed", 2: "background"}.get(number % 4)
        if kind and (sample.boxes or kind == "background"):
            made[kind].add(sample.key)
    return made


@pytest.fixture
def window(browsing: Browsing, new_page: Any) -> Window:
    """The window's page, open, with all images in it: the App goes on with the view that a page before had."""
    window = Window(new_page(), browsing.address)
    window.page.goto(window.address)
    open_panel(window, "errors")
    all_images(window)
    return window.open(COUNT)


@pytest.fixture
def inspected(window: Window) -> Iterator[Window]:
    """The window, in which the run is shown and the panel Errors open."""
    if not window.page.get_by_role("checkbox", name="won_1").count() and "won_1" not in window.page.content():
        act(window, "Inspect a run", {"Run": f"{RUN} · yolov8n · version 2"})
    open_panel(window, "errors")
    yield window
    window.page.keyboard.press("Escape")


def act(window: Window, button: str, values: Mapping[str, str] | None = None) -> str:
    """Press a button of the panel Labels, run its form, and wait until the page was loaded anew."""
    window.press(button, values or {})
    shown = window.page.locator(cy("operators-prompt-view-modal"))
    expect(shown).to_be_visible()
    expect(shown.get_by_role("progressbar")).to_have_count(0, timeout=120_000)
    text = shown.inner_text()
    with window.page.expect_event("load"):
        shown.get_by_role("button", name="Done").click()
    return text


def open_panel(window: Window, name: str) -> Any:
    """A panel of labelloop's, its tab in front."""
    window.page.locator(cy(f"panel-tab-{name}")).click()
    panel = window.page.locator(cy(f"panel-content-{name}"))
    expect(panel).to_be_visible()
    return panel


def panel_of(window: Window, name: str = "errors") -> Any:
    return window.page.locator(cy(f"panel-content-{name}"))


def shows(window: Window, pressed: Locator, count: str) -> None:
    """Press something until so many are shown: while a panel is drawn anew it hears no click, and a person presses once more."""
    shown = window.page.locator(cy("entry-counts"))
    for _ in range(3):
        pressed.click()
        try:
            expect(shown).to_have_text(count, timeout=15_000)
            return
        except AssertionError:
            continue
    window.expect_count(count)


def all_images(window: Window, panel: str = "errors") -> None:
    shows(window, panel_of(window, panel).get_by_role("button", name="All images"), f"{COUNT} samples")


def look(window: Window, name: str) -> None:
    """LABELLOOP_TEST_PICTURES names a folder for what is seen."""
    if wanted := os.environ.get("LABELLOOP_TEST_PICTURES"):
        window.page.screenshot(path=Path(wanted) / f"inspection-{name}.png")


def nothing_is_edited(home: Path) -> bool:
    said = labelloop("commit", "won", "--home", home, "--dry-run", "--json")
    return not said["changes"] and not said["problems"]


def test_each_kind_and_each_cell_leads_to_its_images(inspected: Window, home: Path, wrong: dict[str, set[str]]) -> None:
    panel = panel_of(inspected)
    expect(panel).to_contain_text(f"{RUN}: what it gets wrong on test")
    look(inspected, "errors")
    for kind, keys in wrong.items():
        shows(inspected, panel.get_by_role("row").filter(has_text=kind).first, f"{len(keys)} samples")
    look(inspected, "kind")
    all_images(inspected)
    row = panel.get_by_role("row").filter(has_text="nothing").last  # of predictions where nothing is
    shows(inspected, row.get_by_role("cell").nth(1 + CLASSES.index("50")), f"{len(wrong['background'])} samples")
    look(inspected, "cell")
    all_images(inspected)
    assert nothing_is_edited(home)


def test_a_saved_view_shows_the_patches_of_a_kind(inspected: Window, wrong: dict[str, set[str]]) -> None:
    page = inspected.page
    page.locator(cy("saved-views-selection")).click()
    page.get_by_text(f"{RUN}: background errors", exact=True).click()
    inspected.expect_count(f"{len(wrong['background'])} patches")
    look(inspected, "patches")
    all_images(inspected)


def test_the_evaluation_panel_has_the_runs_figures(inspected: Window, home: Path) -> None:
    page = inspected.page
    page.locator(cy("new-panel-btn")).last.click()
    page.locator(cy("new-panel-option-model_evaluation_panel_builtin")).click()
    panel = page.locator(cy("panel-content-model_evaluation_panel_builtin"))
    panel.get_by_text("eval_won_1", exact=True).first.click()
    row = panel.get_by_role("row").filter(has=page.get_by_text("mAP", exact=True)).first
    expect(row).to_be_visible()
    look(inspected, "evaluation")
    overall = (find_run(Workspace(home), RUN).result() or {})["overall"]
    assert float(row.inner_text().split()[-1]) == pytest.approx(overall["mAP50-95"], abs=0.005)
    page.mouse.wheel(0, 1200)
    look(inspected, "evaluation-below")


def test_what_is_shown_goes_to_the_desk_in_one_click(inspected: Window, home: Path, wrong: dict[str, set[str]]) -> None:
    with ensure_label_studio(Workspace(home)) as server, Client(server.url, server.token) as client:
        panel = open_panel(inspected, "errors")
        panel.get_by_role("button", name="To the desk").click()
        expect(inspected.page.get_by_text("Select images, or show some of them")).to_be_visible()
        shows(inspected, panel.get_by_role("row").filter(has_text="missed").first, f"{len(wrong['missed'])} samples")
        panel.get_by_role("button", name="To the desk").click()
        said = inspected.page.get_by_text(f"{len(wrong['missed'])} new tasks").first
        expect(said).to_be_visible(timeout=120_000)
        expect(said).to_contain_text(
            "images are of the split test, by which models are judged, and shown without labels and boxes"
        )
        look(inspected, "desk")
        (project,) = client.get("/api/projects")["results"]
        tasks = list(client.tasks(project["id"], full=True))
        assert {task["data"]["labelloop_key"].rpartition("/")[2] for task in tasks} == wrong["missed"]
        assert not any(task["predictions"] for task in tasks), (
            "the labels of test are hidden where a model has been judged by them"
        )
        all_images(inspected)


def test_suspects_are_a_queue(window: Window, home: Path, wrong: dict[str, set[str]]) -> None:
    """The best one first; a click shows it, and a button all of them."""
    suspects = tuple(
        Suspect(
            key, "missing", "", "", Box("50", 300, 10, 380, 60, score=0.6), "50", 0.9 - 0.2 * number, 0.1, 10.0,
            0.5 - 0.1 * number, f"{RUN} sees a 50 here", ("held-out",),
        )
        for number, key in enumerate(sorted(wrong["background"]))
    )  # fmt: skip
    source: dict[str, Any] = {"runs": [RUN], "folds": 0, "in_sample": 0}
    write_suspects(Workspace(home), SuspectList("won", 2, "2026-01-01T00:00:00+00:00", source, suspects))
    said = act(window, "Find suspects")
    assert "3 suspects on 3 images" in said
    panel = open_panel(window, "rounds")
    expect(panel).to_contain_text(f"3 labels are suspects, on 3 images, by {RUN}, at version 2")
    look(window, "queue")
    shows(window, panel.get_by_role("row").filter(has_text=sorted(wrong["background"])[1]), "1 sample")
    shows(window, panel.get_by_role("button", name="Show the suspects"), "3 samples")
    look(window, "suspects")
    all_images(window, "rounds")
    assert nothing_is_edited(home)


def test_a_prediction_is_no_label(inspected: Window, home: Path) -> None:
    """Predictions and the copy of the labels are there, and no commit takes them."""
    version = Ledger(Workspace(home).ledger("won")).version()
    said = labelloop("commit", "won", "--home", home, "--json")
    assert said["changes"] == []
    assert Ledger(Workspace(home).ledger("won")).version() == version
