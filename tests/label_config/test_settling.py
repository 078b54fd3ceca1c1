"""Conflicts settled by a person, by the library and by the command; wrong words are sentences and change nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import pytest
from click.testing import CliRunner, Result

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box, Json, Sample
from labelloop.label_config.conflicts import DeskConflict, make_conflict, value_of, with_value
from labelloop.label_config.desk import DeskBusy, only_one, read_settled
from labelloop.label_config.settling import settle
from labelloop.label_config.taking import CONFIRMED
from labelloop.tools.cli import verbs
from tests.label_config.plain_desk import make_plain_desk
from tests.label_config.servers import Desk, sample
from tests.label_config.test_taking import JUN, MINA, SOL, A, B, box, changed, edit, two_boxes, without


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_plain_desk(tmp_path, "won", [two_boxes(), two_boxes("b.png")])[0]


def conflicting(desk: Desk) -> tuple[DeskConflict, ...]:
    """One about a label and one about corners in a.png, and one about a whole box in b.png."""
    project = desk.push().project
    start = desk.result(project, "a.png")
    edit(desk, A, label="no")
    edit(desk, B, x1=30.0)
    other = desk.sample("b.png")
    desk.commit(replace(other, boxes=other.boxes[1:]))
    desk.answer(project, "a.png", MINA, changed(changed(start, A, "<b>"), B, x=42))
    desk.answer(project, "b.png", MINA, changed(desk.result(project, "b.png"), A, "<b>"))
    found = desk.pull().open
    assert [(each.key, each.what) for each in found] == [("a.png", "label"), ("a.png", "corners"), ("b.png", "box")]
    return found


def run(desk: Desk, *words: str, status: int) -> Result:
    done = CliRunner().invoke(verbs, ["conflicts", "won", "--home", str(desk.workspace.home), *words])
    code = 1 if isinstance(done.exception, LabelloopError) else done.exit_code
    assert code == status, (done.output, done.exception)
    return done


def test_sides_are_taken_by_the_command(desk: Desk) -> None:
    label, corners, whole = conflicting(desk)
    listed = run(desk, status=1)
    assert "3 conflicts; the ledger keeps its side" in listed.stderr
    told = json.loads(run(desk, "--json", status=1).stdout)["conflicts"]
    assert [(each["id"], each["between"], each["sides"]) for each in told] == [
        (each.id, "ledger", [MINA, "desk", "ledger"]) for each in (label, corners, whole)
    ]
    done = run(desk, "--take", f"{label.id}=desk", "--take", f"{whole.id}={MINA}", "--author", "ann", status=1)
    assert "2 settled." in done.stderr
    commit = desk.ledger.commits()[-1]
    assert (commit.author, commit.message) == ("ann", "conflicts settled: 2")
    assert commit.details["settled"] == f"{label.id}=desk, {whole.id}={MINA}"
    assert [(each.label, each.score) for each in desk.sample("a.png").boxes] == [("<b>", None), ("50", None)]
    assert sorted(each.label for each in desk.sample("b.png").boxes) == ["50", "<b>"]
    done = run(desk, "--take", f"{corners.id}=ledger", "--json", status=0)
    assert json.loads(done.stdout) == {"name": "won", "settled": 1, "commits": [], "conflicts": []}
    assert "No conflicts." in run(desk, status=0).stderr
    assert desk.pull(everything=True).open == ()
    assert desk.pull().commits == ()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nope=desk"], 1, "no open conflict 'nope'; there are: {0}, {1}, {2}"),
        (["{0}=eve"], 1, "{0} has the sides mina@example.org, desk, ledger, received 'eve'"),
        (["{0}"], 2, "must be ID=SIDE, received '{0}'"),
        (["=desk"], 2, "must be ID=SIDE"),
        (["{0}="], 2, "must be ID=SIDE"),
        (["{0}=desk", "{0}=ledger"], 2, "{0} has one side at a time, received 'desk' and 'ledger'"),
        (["{1}=desk", "nope=desk"], 1, "no open conflict 'nope'"),
    ],
)
def test_wrong_words_are_sentences_and_change_nothing(desk: Desk, words: list[str], status: int, said: str) -> None:
    ids = [each.id for each in conflicting(desk)]
    head = desk.ledger.version()
    take = [part for word in words for part in ("--take", word.format(*ids))]
    done = run(desk, *take, status=status)
    assert said.format(*ids) in (str(done.exception) if status == 1 else " ".join(done.output.split()))
    assert desk.ledger.version() == head
    assert read_settled(desk.folder) == set()


def test_what_is_settled_is_not_settled_twice(desk: Desk) -> None:
    label, *_ = conflicting(desk)
    run(desk, "--take", f"{label.id}=ledger", "--take", f"{label.id}=ledger", status=1)
    assert f"no open conflict '{label.id}'" in str(run(desk, "--take", f"{label.id}=desk", status=1).exception)


def test_what_the_ledger_settled_is_over_and_the_rest_can_be_taken(desk: Desk) -> None:
    label, corners, _ = conflicting(desk)
    edit(desk, A, label="won note")
    assert f"no open conflict '{label.id}'" in str(run(desk, "--take", f"{label.id}=desk", status=1).exception)
    edit(desk, A, x1=3.0)  # beside it: the conflict about the other box stays
    run(desk, "--take", f"{corners.id}=desk", status=1)
    one, two = desk.sample("a.png").boxes
    assert (one.label, one.x1, two.x1) == ("won note", 3, pytest.approx(42))


def test_a_third_of_three_people_is_right(tmp_path: Path) -> None:
    desk, _ = make_plain_desk(tmp_path, "won", [two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    desk.answer(project, "a.png", MINA, without(start, A))
    desk.answer(project, "a.png", JUN, start)
    desk.answer(project, "a.png", SOL, changed(start, A, "no"))
    (conflict,) = desk.pull().open
    with pytest.raises(
        LabelloopError,
        match=r"has the sides mina@example\.org, jun@example\.org, sol@example\.org, ledger, received 'desk'",
    ):
        settle(desk.ledger, desk.folder, {conflict.id: "desk"}, author="ann")
    settle(desk.ledger, desk.folder, {conflict.id: SOL}, author="ann")
    found = box(desk, A)
    assert found is not None
    assert found.label == "no"
    assert desk.pull().open == ()


def test_who_deleted_it_first_is_right(tmp_path: Path) -> None:
    desk, _ = make_plain_desk(tmp_path, "won", [two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    desk.answer(project, "a.png", MINA, without(start, A))
    desk.answer(project, "a.png", JUN, start)
    (conflict,) = desk.pull().open
    settle(desk.ledger, desk.folder, {conflict.id: MINA}, author="ann")
    assert box(desk, A) is None


def test_two_conflicts_about_one_thing_are_not_taken_both(desk: Desk) -> None:
    """The image was asked about twice, and answered otherwise each time."""
    first, *_ = conflicting(desk)
    desk.push(["a.png"], again=True)
    task = next(each for each in desk.tasks(1) if each["data"]["labelloop_key"] == "2/won/a.png")
    edit(desk, A, x1=2.0)
    body = {"result": changed(task["predictions"][0]["result"], A, "10", x=10), "completed_by": 1}
    desk.client.post(f"/api/tasks/{task['id']}/annotations", body)
    again = desk.pull().open
    assert first.id not in {each.id for each in again}, "the newer answer is what counts"
    (corners,) = (each for each in again if each.key == "a.png")
    same = make_conflict("a.png", A, "corners", None, corners.ours, {JUN: [0.0, 0.0, 9.0, 9.0]}, "3/won/a.png", 9)
    state = json.loads((desk.folder / "state.json").read_text())
    state["conflicts"].append({**state["conflicts"][0], "id": same.id, "said": same.said, "turn": same.turn})
    (desk.folder / "state.json").write_text(json.dumps(state))
    (desk.folder / "summary.json").unlink()
    with pytest.raises(LabelloopError, match="are about the same thing and cannot both be taken so"):
        settle(desk.ledger, desk.folder, {corners.id: "desk", same.id: "desk"}, author="ann")


def test_an_image_that_is_gone_has_only_the_ledgers_side(desk: Desk) -> None:
    project = desk.push().project
    desk.ledger.commit({"a.png": None}, base=1, author="t", tool="t", message="m")
    desk.answer(project, "a.png", MINA, changed(desk.result(project, "a.png"), A, "no"))
    (conflict,) = desk.pull().open
    assert "only its ledger side can be taken" in str(run(desk, "--take", f"{conflict.id}=desk", status=1).exception)
    assert "none of these images is in the ledger any more" in run(desk, "--push", status=1).stderr
    run(desk, "--take", f"{conflict.id}=ledger", status=0)
    assert desk.pull(everything=True).open == ()


def test_settling_waits_for_whoever_pulls_but_not_for_ever(desk: Desk) -> None:
    label, *_ = conflicting(desk)

    def pulls(seconds: float) -> None:
        with only_one(desk.folder):
            sleep(seconds)

    other = Thread(target=pulls, args=(0.5,))
    other.start()
    sleep(0.1)
    assert settle(desk.ledger, desk.folder, {label.id: "ledger"}, author="ann").count == 1
    other.join()
    with (
        only_one(desk.folder),
        pytest.raises(DeskBusy, match="of won is under way; try again"),
        only_one(desk.folder, 0.2),
    ):
        raise AssertionError
    with only_one(desk.folder, 0):
        pass


def test_a_confirmed_image_that_is_settled_is_not_confirmed_any_more(desk: Desk) -> None:
    label, *_ = conflicting(desk)
    desk.commit(replace(desk.sample("a.png"), tags=(CONFIRMED, "mine")))
    settle(desk.ledger, desk.folder, {label.id: "desk"}, author="ann")
    assert desk.sample("a.png").tags == ("mine",)


WORDS: dict[str, Json] = {"pose": None, "comment": "worn", "flags": {"a": [1, None]}}
FULL = Sample("a", Path("a"), (64, 48), boxes=(Box("10", 1, 2, 3, 4, A, 0.5, WORDS), Box("50", 5, 6, 7, 8, B)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("box_id", "what"),
    [(A, "label"), (A, "corners"), (A, "score"), (A, "attributes"), (A, "attributes.comment"), (A, "attributes.flags"), (A, "box"),
     (B, "box"), ("", "label"), ("c" * 24, "box")],
)  # fmt: skip
def test_what_a_sample_says_can_be_said_of_it_again(box_id: str, what: str) -> None:
    value: Any = json.loads(json.dumps(value_of(FULL, box_id, what)))
    assert with_value(FULL, box_id, what, value) == FULL
    gone = with_value(FULL, box_id, "box" if box_id else "label", None)
    if what == "box":
        back = {each.id: each for each in with_value(gone, box_id, what, value).boxes}
        assert back == {each.id: each for each in FULL.boxes}


def test_an_attribute_that_goes_takes_no_other_with_it() -> None:
    (first, _) = with_value(FULL, A, "attributes.comment", None).boxes
    assert first.attributes == {"pose": None, "flags": {"a": [1, None]}}


def test_the_last_box_that_goes_leaves_a_negative_image() -> None:
    left: Sequence[str] = (A, B)
    now = FULL
    for each in left:
        now = with_value(now, each, "box", None)
    assert (now.state, now.boxes) == ("negative", ())
    assert with_value(sample(Path(), "x", state="unlabelled"), "", "state", "negative").state == "negative"
