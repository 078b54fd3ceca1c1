"""Images of a frozen test split at the desk: no model's boxes and no labels, by whichever way they were sent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box
from labelloop.tools.blind_answers import settle_blind
from labelloop.tools.cli import verbs
from labelloop.tools.desk_starts import blind_of
from labelloop.training.rounds.frozen_split import edits_of_test, is_frozen
from labelloop.training.suspects.suspect import SuspectList, write_suspects
from tests.label_config.plain_desk import make_plain_desk, reach_plain_desk
from tests.label_config.servers import Desk, region, sample
from tests.training.finished_runs import detector, money

A, B, C = (f"{number:024x}" for number in (1, 2, 3))
MINA = "mina@example.org"
SIZE = (64, 48)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """One image to train on and two to test on, one box each, and one of test that nobody has labelled."""
    given = [
        sample(Path(), "learn.png", Box("10", 4, 4, 44, 40, A), split="train"),
        sample(Path(), "test.png", Box("10", 4, 4, 44, 40, B), split="test"),
        sample(Path(), "test2.png", Box("10", 4, 4, 44, 40, C), split="test"),
        sample(Path(), "new.png", state="unlabelled", split="test"),
    ]
    return reach_plain_desk(monkeypatch, *make_plain_desk(tmp_path, "won", given))


def look(desk: Desk) -> None:
    """Somebody looked for suspects, and none was found: from now on the split is frozen."""
    source: dict[str, Any] = {"runs": ["won-1"], "folds": 0}
    write_suspects(desk.workspace, SuspectList("won", 1, "2026-01-01T00:00:00+00:00", source, ()))


def command(desk: Desk, *words: str, status: int = 0) -> dict[str, Any]:
    done = CliRunner().invoke(verbs, [*words, "--home", str(desk.workspace.home), "--json"])
    assert done.exit_code == status, (done.output, done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shown(desk: Desk, project: int) -> dict[str, int]:
    """How many boxes each image's newest task shows."""
    return {
        task["data"]["key"]: sum(len(each["result"]) for each in task["predictions"]) for task in desk.tasks(project)
    }


def drawn(label: str, x1: float = 4, x2: float = 44) -> dict[str, Any]:
    """A box as somebody draws it who sees none."""
    return region(label, 100 * x1 / 64, 100 * 4 / 48, 100 * (x2 - x1) / 64, 100 * 36 / 48, "drawn1", desk_size())


def desk_size() -> Any:
    return sample(Path(), "x.png").size


def test_before_a_model_has_been_judged_labels_of_test_are_sent_like_all_others(desk: Desk) -> None:
    assert not is_frozen(desk.workspace, "won")
    pushed = command(desk, "push", "won")
    assert pushed["blind"] == 0
    assert shown(desk, pushed["project"]) == {"learn.png": 1, "test.png": 1, "test2.png": 1, "new.png": 0}


@pytest.mark.parametrize("what", ["a run that was judged on test", "suspects", "a round"])
def test_a_push_shows_no_labels_of_test_once_a_model_has_said_what_it_thinks(desk: Desk, what: str) -> None:
    if what == "suspects":
        look(desk)
    elif what == "a round":
        folder = desk.workspace.rounds("won") / "1"
        folder.mkdir(parents=True)
        (folder / "round.json").write_text(json.dumps(_ROUND))
    else:
        detector(desk.workspace.home, money())
    pushed = command(desk, "push", "won")
    assert (pushed["made"], pushed["blind"]) == (4, 2)
    assert shown(desk, pushed["project"]) == {"learn.png": 1, "test.png": 0, "test2.png": 0, "new.png": 0}


def test_what_is_blind_is_said_with_what_to_do(desk: Desk) -> None:
    look(desk)
    done = CliRunner().invoke(verbs, ["push", "won", "--home", str(desk.workspace.home)])
    assert (
        "2 images are of the split test, by which models are judged, and shown without labels and boxes" in done.stderr
    )
    assert "labelloop round settle won" in done.stderr
    again = command(desk, "push", "won")
    assert (again["made"], again["unchanged"], again["blind"]) == (0, 4, 2)


def test_labels_that_a_task_shows_already_are_taken_away(desk: Desk) -> None:
    project = command(desk, "push", "won")["project"]
    look(desk)
    pushed = command(desk, "push", "won")
    assert (pushed["updated"], pushed["unchanged"], pushed["blind"]) == (2, 2, 2)
    assert shown(desk, project) == {"learn.png": 1, "test.png": 0, "test2.png": 0, "new.png": 0}


def test_boxes_of_a_model_never_go_with_test(desk: Desk) -> None:
    """Not even where nobody has labelled the image yet: it would become a part of the ruler as the model sees it."""
    keys = ["learn.png", "new.png", "test.png"]
    assert blind_of(desk.workspace, desk.ledger, keys, "labels") == set()
    assert blind_of(desk.workspace, desk.ledger, keys, "nothing") == set()
    assert blind_of(desk.workspace, desk.ledger, keys, "won-1") == {"new.png", "test.png"}
    found = {key: [Box("50", 10, 10, 30, 30, score=0.6)] for key in keys}
    report = desk.push(keys, start="won-1", predictions=found, blind=["new.png", "test.png"])
    assert shown(desk, report.project) == {"learn.png": 1, "test.png": 0, "new.png": 0}
    starts = {
        task["data"]["key"]: json.loads(task["data"]["labelloop_pushed"])[0][2] for task in desk.tasks(report.project)
    }
    assert starts == {"learn.png": "won-1", "test.png": "nothing", "new.png": "nothing"}


def test_a_push_with_a_run_asks_it_about_no_image_of_test(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run = detector(desk.workspace.home, money(classes=("10", "50")), classes=("10", "50"))
    asked: list[str] = []

    def detect(_: Any, samples: Any, **more: Any) -> dict[str, Any]:
        asked.extend(each.key for each in samples)
        return {each.key: () for each in samples}

    monkeypatch.setattr("labelloop.training.detecting.detect", detect)
    pushed = command(desk, "push", "won", "--with", run.id)
    assert asked == ["learn.png"]
    assert pushed["blind"] == 3
    with pytest.raises(LabelloopError, match="no run won-9"):
        CliRunner().invoke(
            verbs, ["push", "won", "--with", "won-9", "--home", str(desk.workspace.home)], catch_exceptions=False
        )


def test_blind_answers_of_a_push_become_labels_by_settle_and_count_as_blind(desk: Desk) -> None:
    look(desk)
    project = command(desk, "push", "won")["project"]
    desk.answer(project, "test.png", MINA, [drawn("50")])
    desk.answer(project, "test2.png", MINA, [drawn("10", 5)])  # by a hair
    desk.answer(project, "learn.png", MINA)
    before = desk.ledger.version()
    desk.pull()
    assert [desk.sample(key).boxes[0].label for key in ("test.png", "test2.png")] == ["10", "10"]
    done = command(desk, "round", "settle", "won")
    assert (done["round"], done["taken"], done["differ"]) == (None, 1, [])
    assert desk.sample("test.png").boxes == (Box("50", 4, 4, 44, 40, B),)
    assert desk.sample("test2.png").boxes == (Box("10", 4, 4, 44, 40, C),)
    last = desk.ledger.commits()[-1]
    assert (last.author, last.round, last.details["blind"]) == (MINA, "", "test")
    blind, others = edits_of_test(desk.ledger, before, [], ())
    assert ([each.key for each in blind], others) == (["test.png"], [])
    assert command(desk, "round", "settle", "won")["taken"] == 0


def test_a_pull_counts_blind_differences_and_lists_what_has_to_be_decided(desk: Desk) -> None:
    project = command(desk, "push", "won")["project"]
    start = desk.result(project, "learn.png")
    look(desk)
    command(desk, "push", "won")
    desk.answer(project, "test.png", MINA, [drawn("50")])
    desk.answer(project, "learn.png", MINA, [{**start[0], "value": {**start[0]["value"], "rectanglelabels": ["50"]}}])
    was = desk.sample("learn.png")
    desk.commit(replace(was, boxes=(replace(was.boxes[0], label="no"),)))
    home = ["--home", str(desk.workspace.home)]
    told = CliRunner().invoke(verbs, ["pull", "won", *home]).stderr
    assert (
        "On 1 image of the split test people who did not see the labels say otherwise: labelloop round settle won"
        in told
    )
    assert "1 conflict; the ledger keeps its side" in told
    assert "test.png: " not in told
    told = CliRunner().invoke(verbs, ["conflicts", "won", *home]).stderr
    assert "2 conflicts; the ledger keeps its side" in told
    assert (
        "1 of them is a blind answer about the split test: labelloop round settle won takes all such at once." in told
    )


def test_a_side_that_somebody_chose_is_no_blind_edit(desk: Desk) -> None:
    """Who takes sides one by one sees both, and can take those that agree with the model."""
    look(desk)
    project = command(desk, "push", "won")["project"]
    desk.answer(project, "test.png", MINA, [drawn("50")])
    before = desk.ledger.version()
    (conflict,) = desk.pull().open
    command(desk, "conflicts", "won", "--take", f"{conflict.id}=desk", "--author", "ann")
    blind, others = edits_of_test(desk.ledger, before, [], ())
    assert (blind, [each.key for each in others]) == ([], ["test.png"])


def test_conflicts_that_are_asked_about_again_are_blind_too(desk: Desk) -> None:
    look(desk)
    project = command(desk, "push", "won")["project"]
    desk.answer(project, "test.png", MINA, [drawn("50")])
    desk.pull()
    assert command(desk, "conflicts", "won", "--push", status=1)["push"]["blind"] == 1
    again = [task for task in desk.tasks(project) if task["data"]["labelloop_key"].startswith("2/")]
    assert [(task["data"]["key"], task["predictions"]) for task in again] == [("test.png", [])]


def test_people_who_differ_are_left_to_somebody(desk: Desk) -> None:
    look(desk)
    project = command(desk, "push", "won", "--annotators", "2")["project"]
    desk.answer(project, "test.png", MINA, [drawn("50")])
    desk.answer(project, "test.png", "jun@example.org", [drawn("no")])
    desk.pull()
    done = command(desk, "round", "settle", "won", status=1)
    assert (done["taken"], done["differ"]) == (0, ["test.png"])
    assert desk.sample("test.png").boxes[0].label == "10"


def test_a_label_that_changed_since_is_no_blind_difference(desk: Desk) -> None:
    """A person who saw the labels and contradicts a later edit is in conflict, and that is not settled unasked."""
    project = command(desk, "push", "won")["project"]
    start = desk.result(project, "test.png")
    was = desk.sample("test.png")
    desk.commit(replace(was, boxes=(replace(was.boxes[0], label="no"),)))
    desk.answer(project, "test.png", MINA, [{**start[0], "value": {**start[0]["value"], "rectanglelabels": ["50"]}}])
    assert len(desk.pull().open) == 1
    done = settle_blind(desk.workspace, desk.ledger)
    assert (done.taken, done.left) == (0, ("test.png",))


_ROUND = {
    "id": "won-round-1", "dataset": "won", "number": 1, "version": 1, "suspects_version": 1, "source": "", "run": "",
    "seed": 0, "budget": 2, "minutes": 0.0, "start": "labels", "images": [], "waiting": [], "population": 1,
    "started": "2026-01-01T00:00:00+00:00",
}  # fmt: skip
