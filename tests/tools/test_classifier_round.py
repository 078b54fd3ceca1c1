"""A round about images' own labels, on a desk in memory, with the scripted annotator; the classifier's scores are a stand-in's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.datasets.schema import Sample
from labelloop.tools.blind_answers import settle_blind
from labelloop.tools.rounds import Asked, Planned, plan_round, send_round, status_of
from labelloop.tools.scripted_annotator import answer_tasks
from labelloop.training import classifying
from labelloop.training.crops import Example
from labelloop.training.rounds.round import Round
from labelloop.training.runs import find_run
from labelloop.training.suspects.finding import find_suspects
from labelloop.training.suspects.suspect import write_suspects
from tests.label_config.plain_desk import make_plain_desk
from tests.label_config.servers import Desk, sample
from tests.training.finished_runs import COINS_AND_NOTES, classifier, detector, money

CLASSES = ("10", "50")
SCORES = {
    "field/0.png": (0.98, 0.02),
    "field/1.png": (0.55, 0.45),
    "field/2.png": (0.7, 0.3),
    "field/3.png": (0.9, 0.1),
}
WRONG = ("test/1.png", "val/2.png")
"""Labelled 50, and of the class 10."""


def labelled() -> list[Sample]:
    return [
        sample(
            Path(), f"{split}/{number}.png", label="50" if number % 2 or f"{split}/{number}.png" in WRONG else "10",
            split=split,
        )
        for split in ("train", "val", "test")
        for number in range(8)
    ]  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A data set of labels, two of them wrong, with a classifier's run that knows better, and images that nobody has labelled."""
    made, _ = make_plain_desk(
        tmp_path, "won", [*labelled(), *(sample(Path(), key, state="unlabelled") for key in SCORES)]
    )
    # It says 10 of the two that are 10, and is right about all others.
    classifier(made.workspace.home, made.ledger.samples(), WRONG, origin="labels", classes=CLASSES)

    def say(_run: object, examples: Sequence[Example], *, progress: object = None) -> dict[str, tuple[float, ...]]:
        return {each.sample.key: SCORES[each.sample.key] for each in examples}

    monkeypatch.setattr(classifying, "classify", say)
    return made


def begin(desk: Desk, run: str = "") -> tuple[Round, Planned]:
    write_suspects(desk.workspace, find_suspects(desk.ledger, [find_run(desk.workspace, "won-1")]))
    asked = Asked(budget=20, run=run)
    planned = plan_round(desk.workspace, desk.ledger, asked)
    round, _ = send_round(desk.workspace, desk.ledger, desk, planned, asked)  # type: ignore[arg-type]
    return round, planned


def truth(folder: Path) -> Path:
    """The true classes of all images; those that nobody has labelled are all 50."""
    images = {each.key: {"label": "10" if each.key in WRONG else each.label} for each in labelled()}
    path = folder / "truth.json"
    path.write_text(json.dumps({"images": {**images, **{key: {"label": "50"} for key in SCORES}}}))
    return path


def test_the_images_that_it_is_least_sure_of_go_without_a_guess(desk: Desk) -> None:
    round, planned = begin(desk)
    unsure = round.of("unsure")
    assert [each.key for each in unsure] == ["field/1.png", "field/2.png", "field/3.png", "field/0.png"][: len(unsure)]
    assert unsure
    assert planned.found == {}
    assert {each.kinds for each in unsure} == {("image-label",)}
    assert planned.run == "won-1"
    project = next(int(each["id"]) for each in desk.client.projects())
    shown = {task["data"]["key"]: task["predictions"] for task in desk.tasks(project)}
    assert not any(shown[each.key] for each in unsure)
    assert not any(shown[each.key] for each in round.images if each.blind)
    suspects = {each.key for each in round.of("suspect")}
    assert set(WRONG) <= suspects
    assert [each.key for each in round.of("suspect")][:2] == sorted(WRONG)


def test_a_whole_round_about_labels(desk: Desk, tmp_path: Path) -> None:
    round, _ = begin(desk)
    done = answer_tasks(desk.client, desk.ledger, desk.folder, truth(tmp_path))
    assert (done.answered, done.unknown) == (len(round.images), 0)
    assert {commit.round for commit in desk.pull().commits} == {round.id}
    assert desk.sample("val/2.png").label == "10"
    assert desk.sample("test/1.png").label == "50", "a blind answer changes nothing by itself"
    assert {desk.sample(each.key).label for each in round.of("unsure")} == {"50"}
    assert status_of(desk.workspace, desk.ledger, round).differ == {"test/1.png"}
    assert settle_blind(desk.workspace, desk.ledger, round).taken == 1
    assert desk.sample("test/1.png").label == "10"
    status = status_of(desk.workspace, desk.ledger, round)
    assert status.finished
    assert status.corrected.counted("kind") == {"image-label": 2}
    assert status.corrected.wrong == set(WRONG)
    assert status.corrected.labelled == {each.key for each in round.of("unsure")}


def test_a_detector_is_not_asked_where_the_suspects_are_of_a_classifier(desk: Desk) -> None:
    detector(desk.workspace.home, money(2))  # the last run of the data set
    assert begin(desk)[1].run == "won-1"


def test_a_classifier_of_boxes_is_not_asked_about_images_without_boxes(desk: Desk) -> None:
    boxes = [replace(each, split="test") for each in money(2)]
    run = classifier(desk.workspace.home, boxes, classes=COINS_AND_NOTES)
    round, planned = begin(desk, run.id)
    assert planned.run == run.id
    assert not round.of("unsure")
