"""Rounds from suspects to the desk and back, on a desk in memory; tests/bench/bench_loop.py goes the whole way with real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box, Sample
from labelloop.label_config.round_marks import read_rounds
from labelloop.tools.blind_answers import settle_blind
from labelloop.tools.cli import verbs
from labelloop.tools.round_reports import started_text, status_text
from labelloop.tools.rounds import Asked, Planned, plan_round, reviewed_keys, send_round, status_of
from labelloop.training.rounds.choosing import Candidate, Chosen
from labelloop.training.rounds.corrections import read_corrections
from labelloop.training.rounds.frozen_split import edits_of_test
from labelloop.training.rounds.round import Round, Sent, list_rounds
from labelloop.training.suspects.suspect import Suspect, SuspectList, write_suspects
from tests.label_config.plain_desk import make_plain_desk
from tests.label_config.servers import Desk, region, sample

MINA = "mina@example.org"
TRAIN, TEST = "train/{}.png", "test/{}.png"


def photo(key: str, number: int, split: str) -> Sample:
    return sample(Path(), key, Box("10", 4, 4, 44, 40, f"{number:024x}"), split=split)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A data set of 30 images to train on and 10 to test on, one box each, and the first four of each are suspects."""
    samples = [photo(TRAIN.format(at), at + 1, "train") for at in range(30)]
    samples += [photo(TEST.format(at), at + 101, "test") for at in range(10)]
    made, _ = make_plain_desk(tmp_path, "won", samples)
    put_suspects(made, [TRAIN.format(at) for at in range(4)] + [TEST.format(at) for at in range(2)])
    return made


def put_suspects(desk: Desk, keys: Sequence[str], version: int | None = None) -> None:
    found = [
        Suspect(
            key, "class", desk.sample(key).boxes[0].id, "10", None, "50", 0.9 - at / 20, 0.01, 10.0, 5.0 - at / 10,
            "the model says 50", ("out-of-fold",),
        )
        for at, key in enumerate(keys)
    ]  # fmt: skip
    at_version = desk.ledger.version() if version is None else version
    write_suspects(
        desk.workspace,
        SuspectList(desk.name, at_version, "2026-11-24T10:00:00+00:00", {"runs": ["won-1"], "folds": 0}, tuple(found)),
    )


def begin(desk: Desk, asked: Asked | None = None) -> tuple[Round, Planned]:
    asked = asked or Asked(budget=10)
    planned = plan_round(desk.workspace, desk.ledger, asked)
    round, _ = send_round(desk.workspace, desk.ledger, desk, planned, asked)  # type: ignore[arg-type]
    return round, planned


def project_of(desk: Desk) -> int:
    return next(int(each["id"]) for each in desk.client.projects())


def answer(desk: Desk, key: str, label: str | None = None) -> None:
    """Mina submits what she sees, or with another class; where she sees nothing she draws the box."""
    project = project_of(desk)
    shown = desk.result(project, key)
    if not shown:
        shown = [
            region("10", 100 * 4 / 64, 100 * 4 / 48, 100 * 40 / 64, 100 * 36 / 48, "drawn1", desk.sample(key).size)
        ]
    values: dict[str, Any] = {"rectanglelabels": [label]} if label else {}
    desk.answer(project, key, MINA, [{**each, "value": {**each["value"], **values}} for each in shown])


def test_suspects_go_out_with_audit_images_that_nobody_can_tell(desk: Desk) -> None:
    round, _ = begin(desk)
    assert [each.key for each in round.of("suspect")][:4] == [TRAIN.format(at) for at in range(4)]
    assert len(round.of("audit")) == 1
    tasks = desk.tasks(project_of(desk))
    assert len(tasks) == len(round.images) == 7
    told = {frozenset(task["data"]) for task in tasks}
    assert len(told) == 1, "a task of an audit image has the same fields as one of a suspect"
    assert "audit" not in str(tasks)


def test_images_of_test_show_no_labels(desk: Desk) -> None:
    round, _ = begin(desk)
    blind = {each.key for each in round.images if each.blind}
    assert {TEST.format(0), TEST.format(1)} <= blind
    for task in desk.tasks(project_of(desk)):
        shown = [region for each in task["predictions"] for region in each["result"]]
        assert bool(shown) == (task["data"]["key"] not in blind)


def test_answers_carry_the_round_and_are_counted(desk: Desk) -> None:
    round, _ = begin(desk)
    assert read_rounds(desk.folder)[TRAIN.format(0)] == round.id
    (drawn,) = (each.key for each in round.of("audit"))
    answer(desk, TRAIN.format(0), "50")
    answer(desk, TRAIN.format(1))
    pulled = desk.pull()
    assert {commit.round for commit in pulled.commits} == {round.id}
    status = status_of(desk.workspace, desk.ledger, round)
    assert status.done == {TRAIN.format(0), TRAIN.format(1)}
    assert status.corrected.counted("kind") == {"class": 1}
    assert status.corrected.counted("author") == {MINA: 1}
    assert status.precision == {2: 0.5}
    text = status_text(status)
    assert f"2 of {len(round.images)} images done, 1 errors found" in text
    assert drawn not in status.done


def test_answers_about_other_images_carry_no_round(desk: Desk) -> None:
    begin(desk)
    free = next(TRAIN.format(at) for at in range(5, 30) if TRAIN.format(at) not in read_rounds(desk.folder))
    desk.push([free])
    answer(desk, free, "50")
    answer(desk, TRAIN.format(0), "50")
    assert sorted(commit.round for commit in desk.pull().commits) == ["", "won-round-1"]


def test_blind_answers_become_labels_only_when_they_are_settled(desk: Desk) -> None:
    round, _ = begin(desk)
    answer(desk, TEST.format(0), "50")
    answer(desk, TEST.format(1))
    desk.pull()
    assert desk.sample(TEST.format(0)).boxes[0].label == "10"
    status = status_of(desk.workspace, desk.ledger, round)
    assert status.differ == {TEST.format(0)}
    assert TEST.format(1) in status.done, "it was answered, though the ledger has no commit of it"
    assert settle_blind(desk.workspace, desk.ledger, round).taken == 1
    assert desk.sample(TEST.format(0)).boxes[0].label == "50"
    assert desk.sample(TEST.format(1)).boxes[0].corners == (4, 4, 44, 40)
    settled = status_of(desk.workspace, desk.ledger, round)
    assert not settled.differ
    assert settled.corrected.counted("author") == {MINA: 1}


def test_unlabelled_images_start_with_the_boxes_of_the_model(tmp_path: Path) -> None:
    empty = sample(Path(), "field/1.png", state="unlabelled")
    desk, _ = make_plain_desk(tmp_path, "won", [photo("a.png", 1, "train"), empty])
    chosen = Chosen((Sent("field/1.png", "unsure", 1, None, 10.0), Sent("a.png", "audit", 0, None, 10.0)), ())
    found = {"field/1.png": (Box("50", 10, 10, 30, 30, score=0.6),)}
    planned = Planned(chosen, desk.ledger.version(), None, "won-1", 1, found)
    round, _ = send_round(desk.workspace, desk.ledger, desk, planned, Asked())  # type: ignore[arg-type]
    answer(desk, "field/1.png")
    desk.pull()
    assert [box.label for box in desk.sample("field/1.png").boxes] == ["50"]
    status = status_of(desk.workspace, desk.ledger, round)
    assert status.corrected.labelled == {"field/1.png"}
    assert status.corrected.corrections == ()


def test_what_a_round_brought_back_is_not_asked_again(desk: Desk) -> None:
    begin(desk)
    answer(desk, TRAIN.format(0), "50")
    answer(desk, TRAIN.format(1))
    desk.pull()
    assert reviewed_keys(desk.workspace, desk.ledger) == {TRAIN.format(0), TRAIN.format(1)}
    put_suspects(desk, [TRAIN.format(at) for at in range(4)])
    again, _ = begin(desk)
    assert [each.key for each in again.of("suspect")] == [TRAIN.format(2), TRAIN.format(3)]
    desk.commit(replace(desk.sample(TRAIN.format(0)), boxes=(), state="negative"))
    assert TRAIN.format(0) not in reviewed_keys(desk.workspace, desk.ledger), "somebody changed it since"


def test_suspects_of_labels_that_changed_are_refused_or_left_out(desk: Desk) -> None:
    desk.commit(replace(desk.sample(TRAIN.format(2)), boxes=(), state="negative"))
    with pytest.raises(LabelloopError, match=r"labels changed since on 1 images \(train/2.png\)"):
        plan_round(desk.workspace, desk.ledger, Asked())
    planned = plan_round(desk.workspace, desk.ledger, Asked(anyway=True))
    suspects = {each.key for each in planned.chosen.sent if each.reason == "suspect"}
    assert TRAIN.format(2) not in suspects
    assert TRAIN.format(1) in suspects


def test_a_change_of_tags_does_not_make_suspects_old(desk: Desk) -> None:
    desk.commit(replace(desk.sample(TRAIN.format(2)), tags=("blurred",)))
    assert len(plan_round(desk.workspace, desk.ledger, Asked()).chosen.sent) == 7


def test_without_suspects_a_round_says_where_they_come_from(tmp_path: Path) -> None:
    desk, _ = make_plain_desk(tmp_path, "won", [photo("a.png", 1, "train")])
    with pytest.raises(LabelloopError, match="won has no suspects yet: labelloop suspects won finds them"):
        plan_round(desk.workspace, desk.ledger, Asked())


def test_a_round_that_was_not_sent_leaves_nothing(desk: Desk) -> None:
    plan_round(desk.workspace, desk.ledger, Asked())
    assert list_rounds(desk.workspace, desk.name) == []


def test_what_start_prints_names_what_to_do_next(desk: Desk) -> None:
    asked = Asked(budget=10)
    planned = plan_round(desk.workspace, desk.ledger, asked)
    text = started_text(*send_round(desk.workspace, desk.ledger, desk, planned, asked))  # type: ignore[arg-type]
    assert "7 images sent" in text
    assert "labelloop round status won" in text
    assert "6 with suspects, 1 drawn by chance" in text


def test_corrections_of_a_round_can_be_reverted_by_its_name(desk: Desk) -> None:
    from labelloop.datasets.history import revert

    round, _ = begin(desk)
    answer(desk, TRAIN.format(0), "50")
    desk.pull()
    undone = revert(desk.ledger, author="ann", round=round.id)
    assert undone.commit is not None
    assert desk.sample(TRAIN.format(0)).boxes[0].label == "10"
    assert read_corrections(desk.ledger, undone.undone).counted("kind") == {"class": 1}


def test_a_whole_round_with_its_blind_answers_can_be_reverted(desk: Desk) -> None:
    """What was done since and does not build upon it stays: another box of the same image, and another image."""
    from labelloop.datasets.history import revert

    before = {each.key: each for each in desk.ledger.samples()}
    round, _ = begin(desk)
    answer(desk, TRAIN.format(0), "50")
    answer(desk, TRAIN.format(1))
    answer(desk, TEST.format(0), "50")
    answer(desk, TEST.format(1))
    desk.pull()
    assert settle_blind(desk.workspace, desk.ledger).taken == 1
    settled = desk.ledger.commits()[-1]
    assert (settled.round, settled.author) == (round.id, MINA)
    later, elsewhere = desk.sample(TEST.format(0)), desk.sample(TRAIN.format(9))
    drawn = Box("앞면", 50, 40, 60, 46, "e" * 24)
    desk.commit(replace(later, boxes=(*later.boxes, drawn)), replace(elsewhere, boxes=(), state="negative"))
    home = ["--home", str(desk.workspace.home)]
    assert CliRunner().invoke(verbs, ["round", "report", "won", "--author", "ann", *home]).exit_code == 0
    done = CliRunner().invoke(verbs, ["revert", "won", "--round", round.id, "--as", "ann", *home])
    assert done.exit_code == 0, done.output
    after = {each.key: each for each in desk.ledger.samples()}
    assert after.pop(TEST.format(0)).boxes == (*before.pop(TEST.format(0)).boxes, drawn)
    assert after.pop(TRAIN.format(9)).boxes == ()
    del before[TRAIN.format(9)]
    assert after == before, "tags too"
    assert desk.pull(everything=True).commits == (), "what was undone does not come back with the next pull"
    assert not revert(desk.ledger, author="ann", round=round.id).kept


def test_a_side_that_is_taken_of_a_rounds_image_is_the_rounds(desk: Desk) -> None:
    """Nobody can tell otherwise what a revert of the round has to undo; and who chooses a side sees both."""
    round, _ = begin(desk)
    answer(desk, TEST.format(0), "50")
    answer(desk, TEST.format(1), "50")
    desk.pull()
    free = desk.sample(TEST.format(9))
    home = ["--home", str(desk.workspace.home), "--json"]
    conflicts = json.loads(CliRunner().invoke(verbs, ["conflicts", "won", *home]).stdout)["conflicts"]
    took = [word for each in conflicts for word in ("--take", f"{each['id']}=desk")]
    done = CliRunner().invoke(verbs, ["conflicts", "won", *took, "--author", "ann", *home])
    assert done.exit_code == 0, done.output
    (commit,) = json.loads(done.stdout)["commits"]
    assert desk.ledger.commit_of(commit["version"]).round == round.id
    blind, others = edits_of_test(desk.ledger, round.version, [round], ())
    assert (blind, len(others)) == ([], 2)
    assert desk.sample(TEST.format(9)) == free


def test_unlabelled_images_of_test_are_not_chosen_by_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = [sample(Path(), f"{split}.png", state="unlabelled", split=split) for split in ("test", "train")]
    desk, _ = make_plain_desk(tmp_path, "won", [photo("a.png", 1, "train"), *empty])
    asked: list[str] = []

    def unsure(
        _: object, samples: Sequence[Sample], *more: object
    ) -> tuple[list[Candidate], dict[str, tuple[Box, ...]]]:
        asked.extend(each.key for each in samples)
        return [Candidate(each.key, None, 10.0) for each in samples], {}

    monkeypatch.setattr("labelloop.tools.rounds.find_unsure", unsure)
    planned = plan_round(desk.workspace, desk.ledger, Asked(budget=10))
    assert asked == ["train.png"]
    assert "test.png" not in {each.key for each in planned.chosen.sent}


def test_the_commands_say_how_far_a_round_is(desk: Desk) -> None:
    round, _ = begin(desk)
    answer(desk, TRAIN.format(0), "50")
    desk.pull()
    home = ["--home", str(desk.workspace.home)]
    status = CliRunner().invoke(verbs, ["round", "status", "won", "--json", *home])
    assert status.exit_code == 0, status.output
    assert '"errors_found": 1' in status.stdout
    listed = CliRunner().invoke(verbs, ["round", "list", "won", *home])
    assert listed.exit_code == 0, listed.output
    assert "round  version" in listed.stderr
    report = CliRunner().invoke(verbs, ["round", "report", "won", "--author", "ann", *home])
    assert report.exit_code == 0, report.output
    assert "No new model was compared" in report.stderr
    last = desk.ledger.commits()[-1]
    assert (last.round, last.tool) == (round.id, "round")


@pytest.mark.parametrize(
    "words",
    [
        ["start", "won", "--budget", "9", "--minutes", "3"],
        ["report", "won", "--seeds", "3"],
        ["report", "won", "--train", "--new", "won-2"],
        ["start", "won", "--budget", "1"],
    ],
)
def test_options_that_contradict_each_other_are_refused(words: list[str]) -> None:
    assert CliRunner().invoke(verbs, ["round", *words]).exit_code == 2
