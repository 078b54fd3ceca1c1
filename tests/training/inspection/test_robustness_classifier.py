"""Robustness of a classifier that needs light: accuracy, recall by class, and the pictures that it takes for another class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("albumentations")
pytest.importorskip("hotcoco")

from labelloop.datasets.errors import LabelloopError
from labelloop.training.inspection import robustness_classifier
from labelloop.training.inspection.robustness import try_robustness
from labelloop.training.inspection.robustness_advice import advise
from labelloop.training.inspection.robustness_page import page_path, write_robustness_page
from labelloop.training.inspection.robustness_results import read_robustness
from labelloop.training.runs import Run
from tests.training.inspection.seeing import classifier, judge, photos


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness_classifier, "classify", judge)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return classifier(tmp_path / "home", photos(tmp_path / "photos"))


def test_what_needs_light_fails_in_the_dark(run: Run) -> None:
    found = try_robustness(run, families=["darkened", "turned"])
    assert (found.kind, found.images, found.there, found.confidence) == ("classifier", 6, 6, None)
    assert found.untouched.scores["accuracy"] == 1
    dark = {point.level: point for point in found.families["darkened"]}
    assert {level: point.scores["accuracy"] for level, point in dark.items()} == {
        0.7: 1, 0.5: 1, 0.35: 0.5, 0.2: 0.5, 0.1: 0.5,
    }  # fmt: skip
    assert {name: metrics["recall"] for name, metrics in dark[0.35].classes.items()} == {"coin": 0, "note": 1}
    assert {point.scores["accuracy"] for point in found.families["turned"]} == {1}
    assert {(each.level, each.missed, each.said, each.score) for each in found.broken} == {
        (0.35, ("coin",), "note", 0.75)
    }
    assert len(found.broken) == 3  # every coin, each once
    assert read_robustness(run, "test") == found


def test_what_to_do_about_it_trains_a_classifier(run: Run) -> None:
    dark, turned = advise(try_robustness(run, families=["darkened", "turned"]), run.plan)
    assert (dark.level, dark.falls, dark.weakest) == (0.35, (1, 0.5), ("coin", 1, 0))
    assert dark.finding == (
        "Darkened to 0.35 of its brightness, accuracy goes from 1.00 to 0.50 and recall from 1.00 to 0.50; recall of coin"
        " (3 pictures) falls most, from 1.00 to 0.00."
    )
    assert dark.command == "labelloop train classifier money --model small-cnn --augment FILE"
    assert turned.sentence.startswith("It bears all that was tried of this")


def test_boxes_are_cut_out_and_changed_by_themselves(tmp_path: Path) -> None:
    made = classifier(tmp_path / "home", photos(tmp_path / "photos"), origin="boxes")
    found = try_robustness(made, families=["darkened"], limit=4)
    assert (found.images, found.there, found.side) == (4, 6, 120)
    assert found.untouched.scores["accuracy"] == 1
    assert "#" in found.broken[0].key
    (said,) = advise(found, made.plan)
    assert "--model small-cnn --from boxes --augment" in said.command
    page = write_robustness_page([found], [made], page_path([found], [made])).read_text("utf-8")
    assert page.count("coin, taken for note .75") == len(found.broken)


def test_a_picture_that_cannot_be_read_is_left_out(run: Run, tmp_path: Path) -> None:
    next((tmp_path / "photos").glob("coin*")).write_bytes(b"no picture")
    said: list[tuple[int, int]] = []
    found = try_robustness(run, families=["scaled"], progress=lambda done, total: said.append((done, total)))
    assert (found.images, found.there) == (5, 6)
    assert found.untouched.classes["coin"]["images"] == 2
    assert said[-1] == (84, 84)
    for path in (tmp_path / "photos").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(LabelloopError, match="none of the 6 images can be read"):
        try_robustness(run, families=["blurred"])


def test_a_page_of_two_classifiers_beside_each_other(run: Run, tmp_path: Path) -> None:
    again = classifier(tmp_path / "home", photos(tmp_path / "photos"), "field")
    runs = [run, again]
    results = [try_robustness(each, families=["darkened"]) for each in runs]
    page = write_robustness_page(results, runs, page_path(results, runs))
    html = page.read_text("utf-8")
    assert "money-2 accuracy" in html
    assert "The mildest changes at which a picture is taken for another class" in html
    assert "IoU" not in html
    with pytest.raises(LabelloopError, match="no labelled picture in the split val; splits with labels: test"):
        try_robustness(run, split="val")


def test_two_runs_are_judged_by_the_labels_of_the_last_on_the_images_that_they_share(tmp_path: Path) -> None:
    samples = photos(tmp_path / "photos")
    wrong = replace(samples[0], boxes=(replace(samples[0].boxes[0], label="note"),))
    runs = [
        classifier(tmp_path / "home", [wrong, *samples[1:5]]),
        classifier(tmp_path / "home", [*samples[:4], replace(samples[4], sha256="f" * 64), samples[5]]),
    ]
    results = [try_robustness(each, families=["darkened"], beside=runs) for each in runs]
    for each in results:  # the fifth was exchanged, the sixth is new
        assert (each.there, each.untouched.scores["accuracy"]) == (4, 1)
    assert "money-2 accuracy" in write_robustness_page(results, runs, page_path(results, runs)).read_text("utf-8")
    alone = try_robustness(runs[0], families=["darkened"])
    assert (alone.there, alone.untouched.scores["accuracy"]) == (5, 0.8)
