"""The page of an inspection: the verdict first, every kind with its pictures, no more bytes than it may have."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("hotcoco")
pytest.importorskip("matplotlib")

from labelloop.datasets.schema import Box
from labelloop.training.inspection import page as pages
from labelloop.training.inspection.classifier_inspecting import inspect_classifier
from labelloop.training.inspection.classifier_page import shown_examples
from labelloop.training.inspection.inspecting import Inspection, inspect_run
from labelloop.training.inspection.page import write_page
from labelloop.training.predictions import from_boxes, write_predictions
from labelloop.training.runs import Run
from tests.training import finished_runs
from tests.training.finished_runs import money
from tests.training.inspection.seeing import detector, photos


@pytest.fixture
def inspected(tmp_path: Path) -> tuple[Inspection, Run]:
    """A detector that takes one coin for a note, places another badly, misses one, finds one twice, and something on nothing."""
    samples = photos(tmp_path / "photos", 12)
    run = detector(tmp_path / "home", samples)
    found: dict[str, list[Box]] = {}
    for number, sample in enumerate(sorted(samples, key=lambda each: each.key)):
        (box,) = sample.boxes
        said = replace(box, id="", score=0.9)
        found[sample.key] = {
            0: [replace(said, label="note")],
            1: [replace(said, x1=box.x1 + 25, x2=box.x2 + 25)],
            2: [],
            3: [said, replace(said, x1=box.x1 + 2, score=0.6)],
            4: [said, Box("note", 0, 0, 12, 12, score=0.7)],
        }.get(number, [said])
    write_predictions(run.folder / "predictions", "test", from_boxes(found))
    return inspect_run(run), run


def test_the_page_says_it_all_in_order(inspected: tuple[Inspection, Run], tmp_path: Path) -> None:
    inspection, run = inspected
    path = write_page(inspection, run, tmp_path / "page.html")
    html = path.read_text("utf-8")
    assert [each.name for each in tmp_path.glob("*.html")] == ["page.html"]
    headings = re.findall(r"<h2[^>]*>([^<]*)</h2>", html)
    assert headings[:2] == ["Kinds of error", "Classes"]
    assert headings[-2:] == ["Pictures of each kind of error", "The worst images"]
    assert html.index('<p class="note">Mending ') < html.index("<h2")
    for kind, title in (
        ("class", "note .90, labelled coin"), ("location", "coin .90, IoU 0."), ("missed", "coin not found"),
        ("duplicate", "coin .60, IoU 0.97"), ("background", "note .70"),
    ):  # fmt: skip
        assert inspection.counts[kind] == 1, kind
        assert title in html, kind
    assert not re.search(r"(src|href)=\"(?!data:image/|#)", html)


def test_without_errors_there_are_no_pictures(tmp_path: Path) -> None:
    run = finished_runs.detector(tmp_path, money(4))
    inspection = inspect_run(run)
    html = write_page(inspection, run, tmp_path / "page.html").read_text("utf-8")
    assert "AP50 is 1.000" in html
    assert "The worst images" not in html
    assert "data:image/jpeg" not in html


def test_pictures_stop_where_there_is_no_more_room(
    inspected: tuple[Inspection, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_ROOM", 1)
    html = write_page(*inspected, tmp_path / "page.html").read_text("utf-8")
    assert html.count("data:image/jpeg") == 1


def test_an_image_that_is_gone_is_a_grey_picture(inspected: tuple[Inspection, Run], tmp_path: Path) -> None:
    for sample in inspected[1].samples():
        sample.path.unlink()
    assert write_page(*inspected, tmp_path / "page.html").read_text("utf-8").count("data:image/jpeg") >= 5


def test_a_classifier_without_its_model_has_a_page_without_heat_maps(tmp_path: Path) -> None:
    samples = finished_runs.numbered(money(4))
    run = finished_runs.classifier(tmp_path, samples, wrong=["10/test 1.jpg", "50/test 0.jpg", "10/test 2.jpg"])
    inspection = inspect_classifier(run)
    wrong, right = shown_examples(inspection, run)
    assert [each.image for each in wrong] == ["10/test 1.jpg", "10/test 2.jpg", "50/test 0.jpg"]
    assert [each.sample.label for each in right] == ["10", "50", "1000", "5000"]
    html = write_page(inspection, run, tmp_path / "page.html").read_text("utf-8")
    assert "There are no heat maps: won-1 has no model any more" in html
    without = write_page(inspection, run, tmp_path / "page.html", heat={}).read_text("utf-8")
    assert "heat map" not in without
