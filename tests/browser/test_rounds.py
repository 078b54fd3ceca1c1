"""A round from the browser: suspects found by a form, sent to the real desk, answered there, taken home and reported."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
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
from labelloop.label_config.desk import desk_folder
from labelloop.tools.label_studio import ensure_label_studio
from labelloop.tools.scripted_annotator import EMAIL, answer_tasks, read_truth
from labelloop.training.detection_metrics import evaluate
from labelloop.training.predictions import from_boxes, write_predictions
from labelloop.training.results import format_result
from labelloop.training.rounds.round import find_round
from labelloop.training.runs import Run, begin_run
from labelloop.training.suspects.suspect import read_suspects
from tests.browser.pages import Window, cy, expect
from tests.browser.servers import Browsing, labelloop
from tests.label_config.servers import copied

PORT = 5411
COUNT = 60
RUN, NEW = "won-1", "won-2"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sample data with wrong labels, split, and a detector's run on it that is done."""
    folder = tmp_path_factory.mktemp("rounds")
    workspace = copied(tmp_path_factory, folder / "home")
    labelloop("sample-data", "won", folder / "photos", "--count", COUNT, "--mistakes", "0.4", "--seed", 3)
    home = ("--home", folder / "home", "--author", "ann")
    labelloop("import", folder / "photos", "--name", "won", "--recipe", "won", *home)
    labelloop("split", "won", "--no-near-duplicates", "--ratios", "20/40/40", *home)
    make_run(workspace, truth_of(folder / "home"), 0.25)
    return folder / "home"


def truth_of(home: Path) -> Path:
    return home.parent / "photos.truth.json"


def make_run(workspace: Workspace, truth: Path, errs: float) -> Run:
    """A detector's run that is done, without a training: it finds what is truly there, and errs on a part of the images."""
    ledger = Ledger(workspace.ledger("won"))
    classes = ledger.classes()
    run = begin_run(
        workspace, "detector", "won", ledger.version(), ledger.frame(), classes=classes, model="yolov8n", seed=0,
        settings={}, reasons={},
    )  # fmt: skip
    known = read_truth(truth, ledger)
    draw = random.Random(4)
    found = {key: seen(draw, said.boxes, classes, errs) for key, said in sorted(known.items())}
    scores = {}
    for split in ("val", "test"):
        images: list[Sample] = [each for each in run.samples() if each.split == split]
        rows = from_boxes({each.key: found[each.key] for each in images})
        write_predictions(run.folder / "predictions", split, rows)
        scores[split] = evaluate(images, rows, classes)
    run.finish(format_result(scores))
    return run


def seen(draw: random.Random, boxes: tuple[Box, ...], classes: tuple[str, ...], errs: float) -> tuple[Box, ...]:
    made: list[Box] = []
    for box in boxes:
        shift = draw.gauss(0, 0.01 * (box.x2 - box.x1))
        label = draw.choice(classes) if draw.random() < errs else box.label
        score = draw.uniform(0.3, 0.6) if label != box.label else draw.uniform(0.7, 0.97)
        made.append(replace(box, x1=max(box.x1 + shift, 0), label=label, score=score))
    return tuple(made)


@pytest.fixture
def window(browsing: Browsing, new_page: Any) -> Window:
    """The window's page with the panel Rounds in front, and all images in it."""
    window = Window(new_page(), browsing.address)
    window.page.goto(window.address)
    window.open_panel("rounds").get_by_role("button", name="All images").click()
    return window.open(COUNT)


@pytest.fixture(scope="module")
def desk(home: Path) -> Iterator[Client]:
    """The workspace's Label Studio, which the window's buttons and commands then share."""
    with ensure_label_studio(Workspace(home)) as server, Client(server.url, server.token) as client:
        yield client


def look(window: Window, name: str) -> None:
    """LABELLOOP_TEST_PICTURES names a folder for what is seen."""
    if wanted := os.environ.get("LABELLOOP_TEST_PICTURES"):
        window.page.screenshot(path=Path(wanted) / f"rounds-{name}.png")


def rounds(window: Window) -> Locator:
    return window.page.locator(cy("panel-content-rounds"))


_WIDER = """panel => {
    const right = panel.getBoundingClientRect().right + 1;
    const all = [...panel.querySelectorAll("table, button, p, h5, h6, .js-plotly-plot")];
    return all.filter(each => each.getBoundingClientRect().right > right).map(each => each.innerText.slice(0, 40));
}"""


def act(window: Window, button: str, name: str, writes: bool, values: dict[str, str] | None = None) -> str:
    """Press a button of the panel Rounds and run its form; pictures are taken of the form's end and of the panel after it."""
    window.open_panel("rounds")
    said = window.act(button, values, panel="rounds", writes=writes, looked=lambda shown: look(shown, f"{name}-said"))
    window.open_panel("rounds")
    window.page.wait_for_timeout(1500)  # the panel is drawn anew
    look(window, name)
    assert "Traceback" not in said
    assert rounds(window).evaluate(_WIDER) == [], "all of it is beside the grid"
    return said


def test_a_round_from_its_suspects_to_its_report(window: Window, home: Path, desk: Client) -> None:
    workspace, ledger = Workspace(home), Ledger(Workspace(home).ledger("won"))
    start = ledger.version()

    # Suspects, by what a run says.
    said = act(window, "Find suspects", "1-suspects", True)
    found = read_suspects(workspace, "won")
    assert found is not None
    images = len(found.images())
    assert f"{len(found.suspects)} suspects on {images} images" in said
    expect(rounds(window)).to_contain_text(f"{len(found.suspects)} labels are suspects, on {images} images, by {RUN}")
    rounds(window).get_by_role("button", name="Show the suspects").click()
    window.expect_count(f"{images} samples")
    look(window, "1-suspects-shown")

    # A round, sent by its form.
    said = act(window, "Start a round", "2-started", False, {"Images at most": "20"})
    round = find_round(workspace, "won")
    sent = len(round.images)
    assert f"won-round-1, version {start}: {sent} images sent" in said
    window.expect_count(f"{sent} samples")
    expect(rounds(window)).to_contain_text(f"won-round-1: 0 of {sent} images done")
    (project,) = desk.get("/api/projects")["results"]
    tasks = {task["data"]["key"]: task for task in desk.tasks(project["id"], full=True)}
    assert set(tasks) == {each.key for each in round.images}
    blind = {each.key for each in round.images if each.blind}
    assert blind, "some suspects are of test"
    boxes = {each.key: len(each.boxes) for each in ledger.samples(keys=tasks)}
    assert {key: sum(len(each["result"]) for each in task["predictions"]) for key, task in tasks.items()} == {
        key: 0 if key in blind else count for key, count in boxes.items()
    }

    # Some answers home, then all.
    folder = desk_folder(workspace, "won")
    assert answer_tasks(desk, ledger, folder, truth_of(home), limit=6).answered == 6
    act(window, "Pull from the desk", "3-pulled", True)
    expect(rounds(window)).to_contain_text(f"won-round-1: 6 of {sent} images done")
    assert answer_tasks(desk, ledger, folder, truth_of(home)).answered == sent - 6
    act(window, "Pull from the desk", "4-pulled-all", True)
    expect(rounds(window)).to_contain_text(f"won-round-1: {sent} of {sent} images done")
    expect(rounds(window)).to_contain_text("answers and labels differ")
    by = {commit.author for commit in ledger.commits()[start + 1 :]}
    assert by == {EMAIL}

    # Blind answers become labels of test.
    before = {each.key: each.boxes for each in ledger.samples(keys=blind)}
    said = act(window, "Take blind answers", "5-settled", True)
    assert "of the split test corrected by what people said who did not see them" in said
    after = {each.key: each.boxes for each in ledger.samples(keys=blind)}
    assert after != before
    last = ledger.commits()[-1]
    assert (last.author, last.round) == (EMAIL, round.id)

    # Of the suspects those are left that the round did not bring back.
    left = {each.key for each in found.images()} - set(tasks)
    expect(rounds(window)).not_to_contain_text(round.of("suspect")[0].key)
    rounds(window).get_by_role("button", name="Show the suspects").click()
    window.expect_count(f"{len(left)} samples")
    look(window, "5-suspects-left")

    # What it bought, by a new run on the labels as they are.
    make_run(workspace, truth_of(home), 0.0)
    said = act(window, "Report of a round", "6-report", True)
    assert "mAP50-95" in said
    expect(rounds(window)).to_contain_text("The model or the ruler?")
    expect(rounds(window)).to_contain_text("What changes, with its 95 % interval")
    expect(rounds(window)).to_contain_text("The ruler moved")
    assert (home / "rounds" / "won" / "1" / "report.html").exists()

    # And back: what the round brought is undone, and nothing else was done meanwhile.
    window.open_panel("labels")
    said = window.act("Undo a commit", {"Commit": f"{round.id} · all that this round brought"})
    assert "Undid" in said
    look(window, "7-undone")
    assert {each.key: each for each in ledger.samples()} == {each.key: each for each in ledger.samples(start)}
