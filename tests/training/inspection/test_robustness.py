"""Robustness: what a detector that fits its boxes perfectly bears, and what one that needs light does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

pytest.importorskip("albumentations")
pytest.importorskip("hotcoco")

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.crops import Example
from labelloop.training.inspection import robustness_detector, robustness_pictures
from labelloop.training.inspection.robustness import refuse_mixed, try_robustness
from labelloop.training.inspection.robustness_conditions import FAMILIES
from labelloop.training.inspection.robustness_page import page_path, write_robustness_page
from labelloop.training.inspection.robustness_pictures import draw, steps
from labelloop.training.inspection.robustness_results import folder_of, read_robustness
from labelloop.training.runs import Run
from tests.training import finished_runs
from tests.training.inspection.seeing import detector, photos, see


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(robustness_detector, "detect", see)
    return detector(tmp_path / "home", photos(tmp_path / "photos"))


def test_answers_that_fit_are_right_at_every_angle(run: Run) -> None:
    found = try_robustness(run, families=["turned"])
    assert found.untouched.scores["mAP50"] == 1
    assert [point.level for point in found.families["turned"]] == list(range(15, 360, 15))
    for point in found.families["turned"]:
        assert point.scores["mAP50"] == pytest.approx(1), point.level
        assert point.scores["recall"] == point.scores["loose"] == 1
        assert {name: metrics["AP50"] for name, metrics in point.classes.items()} == pytest.approx(
            {"coin": 1, "note": 1}
        )
        assert (point.tightness < 0.9) == (point.level % 90 != 0)
    assert found.broken == ()


def test_a_long_thing_that_lay_aslant_is_found_loosely_when_it_is_straight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = Image.new("RGB", (320, 240), (60, 60, 60))
    ImageDraw.Draw(bar).line((80, 40, 240, 200), (250, 250, 250), 10)  # from corner to corner of a square
    path = tmp_path / "bar.png"
    bar.save(path)
    box = Box("coin", 76, 36, 244, 204, id="a" * 24)
    monkeypatch.setattr(robustness_detector, "detect", see)
    made = detector(
        tmp_path / "home", [Sample("bar.png", path, Size(320, 240), boxes=(box,), split="test", sha256="0" * 64)]
    )
    found = {point.level: point.scores for point in try_robustness(made, families=["turned"]).families["turned"]}
    assert found[90]["recall"] == found[90]["loose"] == 1
    assert found[30]["recall"] == 0  # far thinner than anything that fills its box
    assert found[30]["loose"] == 1


def test_what_needs_light_fails_in_the_dark_and_the_pictures_say_from_where_on(run: Run) -> None:
    found = try_robustness(run, families=["darkened", "recompressed"])
    by_level = {point.level: point.scores["recall"] for point in found.families["darkened"]}
    assert by_level == {0.7: 1, 0.5: 1, 0.35: 0, 0.2: 0, 0.1: 0}
    assert {each.level for each in found.broken if each.family == "darkened"} == {0.35}  # the mildest that fails
    failing = {each.key for each in found.broken if each.family == "darkened"}
    assert failing == {sample.key for sample in run.samples()}
    assert {each.missed for each in found.broken if each.family == "darkened"} == {("coin",), ("note",)}


def test_progress_reaches_its_end_and_counts_evenly(run: Run) -> None:
    said: list[tuple[int, int]] = []
    try_robustness(run, families=["scaled"], limit=4, progress=lambda done, total: said.append((done, total)))
    assert said[-1] == (56, 56)
    assert {total for _, total in said} == {2 * steps(4, ["scaled"])}
    assert [done for done, _ in said] == sorted(done for done, _ in said)


def test_chunks_change_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = try_robustness(run, families=["blurred"])
    (folder_of(run) / "test.json").unlink()
    monkeypatch.setattr(robustness_pictures, "ROOM", 1)
    assert try_robustness(run, families=["blurred"]) == whole


def test_a_result_is_kept_and_read_where_the_same_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = try_robustness(run, families=["darkened"], limit=4)
    assert (made.images, made.there) == (4, 6)
    assert read_robustness(run, "test") == made
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(robustness_detector, "detect", never)
    assert try_robustness(run, families=["darkened"], limit=4) == made
    with pytest.raises(AssertionError):
        try_robustness(run, families=["darkened"], limit=5)
    assert {path: path.read_bytes() for path in before} == before
    (folder_of(run) / "test.json").write_text('{"asked": {}}')
    assert read_robustness(run, "test") is None


def test_the_same_images_are_drawn_whatever_their_order(run: Run) -> None:
    examples = [Example(each, each.key) for each in run.samples()]
    chosen = draw(examples, 3)
    assert len(chosen) == 3
    assert {each.image for each in draw(examples[::-1], 3)} == {each.image for each in chosen}
    assert draw(examples, 0) == draw(examples, 99) == examples


def test_refusals(tmp_path: Path, run: Run) -> None:
    with pytest.raises(LabelloopError, match="no boxes in the split val; splits with boxes: test"):
        try_robustness(run, split="val")
    classifier = finished_runs.classifier(tmp_path / "other", finished_runs.money(1))
    with pytest.raises(LabelloopError, match="all detectors or all classifiers, received classifier and detector: "):
        refuse_mixed([run, classifier])
    stopped = finished_runs.detector(tmp_path / "third", finished_runs.money(1), done=False)
    with pytest.raises(LabelloopError, match="must be done, received one that is stopped"):
        try_robustness(stopped)


@pytest.mark.slow
def test_pages_of_one_run_and_of_two(tmp_path: Path, run: Run) -> None:
    first = try_robustness(run, families=["turned", "darkened"])
    page = write_robustness_page([first], [run], page_path([first], [run]))
    assert page == run.folder / "robustness" / "test.html"
    html = page.read_text("utf-8")
    assert "Darkened to 0.35 of its brightness, AP50 goes from 1.00 to 0.00 and recall from 1.00 to 0.00" in html
    assert "labelloop train detector money --model yolov8n --augment FILE" in html
    assert "has an IoU of 0.7" in html
    assert html.count("Darkened to 0.35 of its brightness</strong>") == 6
    again = detector(tmp_path / "home", run.samples(), "field")
    second = try_robustness(again, families=["turned", "darkened"])
    both = write_robustness_page([first, second], [run, again], page_path([first, second], [run, again]))
    assert both.name == "test-with-money-1.html"
    assert "money-2 recall" in both.read_text("utf-8")
    moved = [replace(each, boxes=(Box("coin", 1, 1, 9, 9, id="b" * 24),)) for each in run.samples()]
    other = detector(tmp_path / "home", moved)
    third = try_robustness(other, families=["turned", "darkened"])
    with pytest.raises(LabelloopError, match="must be tried on the same images with the same labels"):
        write_robustness_page([first, third], [run, other], tmp_path / "no.html")


def test_every_family_has_levels_that_are_not_nothing() -> None:
    for family in FAMILIES.values():
        assert family.untouched not in family.levels
        assert sorted(family.mildest_first()) == sorted(family.levels)
