"""Answers taken into the ledger, case by case, on a desk in memory: what merges, what is a conflict, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.label_config.pull import open_conflicts
from labelloop.label_config.taking import CONFIRMED
from tests.label_config.plain_desk import Killed, PlainClient, make_plain_desk
from tests.label_config.servers import CLASSES, Desk, region, sample

A, B, C = (f"{number:024x}" for number in (1, 2, 3))
MINA, JUN, SOL = "mina@example.org", "jun@example.org", "sol@example.org"
SIZE = Size(64, 48)
Make = Callable[[Sequence[Sample]], Desk]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return lambda samples: make_plain_desk(tmp_path, "won", samples)[0]


def two_boxes(key: str = "a.png", **more: Any) -> Sample:
    return sample(Path(), key, Box("10", 1, 2, 21, 22, A), Box("50", 40, 2, 60, 22, B), **more)


def region_of(box: Box) -> dict[str, Any]:
    x, y = 100 * box.x1 / SIZE.width, 100 * box.y1 / SIZE.height
    width, height = 100 * (box.x2 - box.x1) / SIZE.width, 100 * (box.y2 - box.y1) / SIZE.height
    return region(box.label, x, y, width, height, box.id, SIZE)


def changed(
    result: Sequence[dict[str, Any]], box_id: str, label: str = "", x: float | None = None
) -> list[dict[str, Any]]:
    """The regions with one renamed, or moved to a left edge in pixels."""
    value: dict[str, Any] = {"rectanglelabels": [label]} if label else {}
    value |= {} if x is None else {"x": 100 * x / SIZE.width}
    return [{**each, "value": {**each["value"], **value}} if each["id"] == box_id else each for each in result]


def without(result: Sequence[dict[str, Any]], box_id: str) -> list[dict[str, Any]]:
    return [each for each in result if each["id"] != box_id]


def box(desk: Desk, box_id: str, key: str = "a.png") -> Box | None:
    return next((each for each in desk.sample(key).boxes if each.id == box_id), None)


def edit(desk: Desk, box_id: str, **fields: Any) -> None:
    """Change a box in the ledger; no fields delete it."""
    now = desk.sample("a.png")
    boxes = tuple(replace(each, **fields) if each.id == box_id else each for each in now.boxes)
    boxes = boxes if fields else tuple(each for each in boxes if each.id != box_id)
    desk.commit(replace(now, boxes=boxes, state="labelled" if boxes else "negative"))


def test_a_conflict_stays_while_its_person_goes_on_elsewhere(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    edit(desk, A, label="no")
    answer = desk.answer(project, "a.png", MINA, changed(start, A, "won note"))
    (first,) = desk.pull().open
    assert (first.base, first.ours, first.said, first.between) == ("10", "no", {MINA: "won note"}, "ledger")
    desk.answer_again(answer, changed(changed(start, A, "won note"), B, "10"))
    pulled = desk.pull()
    assert pulled.open == (first,), "she still says so: nobody has settled it"
    assert box(desk, B) == Box("10", 40, 2, 60, 22, B)
    # What she says now is told against what it was, not against what she said in between.
    desk.answer_again(answer, changed(start, A, "<b>"))
    (second,) = desk.pull().open
    assert (second.base, second.ours, second.said) == ("10", "no", {MINA: "<b>"})
    desk.answer_again(answer, start)
    assert desk.pull().open == (), "she takes it back: nothing is left that contradicts"
    assert box(desk, A) == Box("no", 1, 2, 21, 22, A)


def test_a_conflict_that_the_ledger_settled_is_not_found_again(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    edit(desk, A, label="no")
    answer = desk.answer(project, "a.png", MINA, changed(start, A, "won note"))
    assert len(desk.pull().open) == 1
    edit(desk, A, label="<b>")
    assert open_conflicts(desk.ledger, desk.folder) == []
    desk.answer_again(answer, changed(changed(start, A, "won note"), B, "10"))
    assert desk.pull().open == ()
    desk.answer_again(answer, changed(start, A, "50"))
    (conflict,) = desk.pull().open
    assert (conflict.base, conflict.ours, conflict.said) == ("won note", "<b>", {MINA: "50"})


def test_what_two_people_differ_about_is_open_whatever_the_ledger_had_before(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    edit(desk, A, label="no")
    desk.answer(project, "a.png", MINA, changed(start, A, "won note"))
    answer = desk.answer(project, "a.png", JUN, changed(start, A, "50"))
    (conflict,) = desk.pull().open
    assert (conflict.ours, conflict.said, conflict.between) == ("no", {MINA: "won note", JUN: "50"}, "people")
    assert desk.sample("a.png").tags == ()
    assert "the ledger has no, mina@example.org won note, jun@example.org 50" in str(conflict)
    # The ledger settles it for good, and goes on.
    edit(desk, A, label="10")
    assert desk.pull().open == ()
    desk.answer_again(answer, changed(changed(start, A, "50"), B, x=41))
    assert desk.pull().open == ()
    desk.answer_again(answer, changed(start, A, "<b>"))
    assert [each.said[JUN] for each in desk.pull().open] == ["<b>"], "he says something new"


def test_what_people_differ_about_is_not_confirmed(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push(annotators=2).project
    desk.answer(project, "a.png", MINA, changed(desk.result(project, "a.png"), A, "no"))
    other = desk.answer(project, "a.png", JUN)
    pulled = desk.pull()
    assert (pulled.confirmed, len(pulled.open), desk.sample("a.png").tags) == (0, 1, ())
    desk.answer_again(other, changed(desk.result(project, "a.png"), A, "no"))
    assert desk.pull().edited == 1


def test_whose_side_is_whose(make: Make) -> None:
    """The one who answered first has no box, the other one has."""
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    desk.answer(project, "a.png", MINA, without(start, A))
    desk.answer(project, "a.png", JUN, start)
    desk.answer(project, "a.png", SOL, changed(start, A, "no"))
    (conflict,) = desk.pull().open
    assert (conflict.said[MINA], conflict.what) == (None, "box")
    assert [value and value["label"] for value in conflict.said.values() if isinstance(value, dict)] == ["10", "no"]  # type: ignore[index]
    assert f"{MINA} nothing, {JUN} 10 at (1, 2, 21, 22), {SOL} no at" in str(conflict)


@pytest.mark.parametrize("between", [True, False])
def test_it_does_not_matter_when_the_second_person_was_pulled(make: Make, *, between: bool) -> None:
    """A box that one person moved a little and the other left is moved, however often it was pulled."""
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    desk.answer(project, "a.png", MINA, changed(start, A, x=2))
    if between:
        desk.pull()
    desk.answer(project, "a.png", JUN, start)
    assert desk.pull().open == ()
    moved = box(desk, A)
    assert moved is not None
    assert moved.x1 == pytest.approx(2)


def test_people_agree_thing_by_thing(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    desk.answer(project, "a.png", MINA, changed(changed(start, A, "no"), A, x=10))
    desk.answer(project, "a.png", JUN, changed(start, A, x=10.5))
    (conflict,) = desk.pull().open
    assert (conflict.what, conflict.said) == ("label", {MINA: "no", JUN: "10"})
    moved = box(desk, A)
    assert moved is not None
    assert (moved.label, moved.x1) == ("10", pytest.approx(10)), "both moved it, which is taken"


def test_two_people_who_draw_different_boxes_on_an_empty_image(make: Make) -> None:
    desk = make([sample(Path(), "a.png", state="unlabelled")])
    project = desk.push(annotators=2).project
    for person, x in ((MINA, 1), (JUN, 40)):
        desk.answer(project, "a.png", person, [region_of(Box("10", x, 2, x + 20, 22, f"{x:024x}"))])
    pulled = desk.pull()
    assert [each.what for each in pulled.open] == ["box", "box"]
    assert desk.sample("a.png").state == "unlabelled"


def test_remarks_on_a_new_box_are_not_taken_from_whoever_was_first(make: Make) -> None:
    desk = make([sample(Path(), "a.png", state="unlabelled")])
    project = desk.push(annotators=2).project
    drawn = region_of(Box("10", 1, 2, 21, 22, C))

    def comment(text: str) -> dict[str, Any]:
        return {"id": C, "type": "textarea", "from_name": "comment", "to_name": "image", "value": {"text": [text]}}

    desk.answer(project, "a.png", MINA, [drawn, comment("worn")])
    other = desk.answer(project, "a.png", JUN, [{**drawn, "id": "d" * 24}])
    desk.pull()
    (made,) = desk.sample("a.png").boxes
    assert made.attributes == {"comment": "worn"}, "only one of them said something"
    desk.answer_again(other, [drawn, comment("torn")])
    (conflict,) = desk.pull().open
    assert (conflict.what, conflict.said) == ("attributes", {MINA: {"comment": "worn"}, JUN: {"comment": "torn"}})


def test_fewer_answers_than_people_are_asked_for_wait(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push(annotators=2).project
    start = desk.result(project, "a.png")
    desk.answer(project, "a.png", MINA, changed(start, A, "no"))
    pulled = desk.pull()
    assert (pulled.commits, pulled.incomplete, pulled.edited) == ((), 1, 0)
    assert desk.pull(status="reviewed").commits == ()
    # With one person enough, what was left is looked at again.
    desk.push(annotators=1)
    pulled = desk.pull()
    assert (pulled.edited, pulled.incomplete) == (1, 0)
    found = box(desk, A)
    assert found is not None
    assert found.label == "no"


def test_two_answers_of_one_person_are_not_two_people(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push(annotators=2).project
    for label in ("no", "<b>"):
        desk.answer(project, "a.png", MINA, changed(desk.result(project, "a.png"), A, label))
    pulled = desk.pull()
    (finding,) = pulled.findings
    assert (pulled.commits, finding.kind) == ((), "not-kept")
    assert "2 answers by 1 of the 2 people who are asked (a.png)" in finding.message
    desk.answer(project, "a.png", JUN, changed(desk.result(project, "a.png"), A, "<b>"))
    pulled = desk.pull()
    assert (pulled.findings, pulled.edited) == ((), 1)


def test_what_people_said_of_an_image_that_is_gone_waits_until_it_is_back(make: Make) -> None:
    desk = make([two_boxes(), two_boxes("b.png")])
    project = desk.push().project
    was = {key: desk.sample(key) for key in ("a.png", "b.png")}
    desk.ledger.commit({"a.png": None, "b.png": None}, base=desk.ledger.version(), author="t", tool="t", message="m")
    desk.answer(project, "a.png", MINA, changed(desk.result(project, "a.png"), A, "no"))
    desk.answer(project, "b.png", MINA)
    (conflict,) = desk.pull().open
    assert (conflict.key, conflict.what, conflict.ours) == ("a.png", "image", None)
    assert "the image is not in the ledger any more, and mina@example.org changed its labels" in str(conflict)
    assert desk.pull().open == (conflict,)
    desk.commit(was["a.png"])
    assert open_conflicts(desk.ledger, desk.folder) == []
    pulled = desk.pull()
    assert (pulled.edited, pulled.open) == (1, ())
    found = box(desk, A)
    assert found is not None
    assert found.label == "no"


def test_what_people_said_of_another_file_is_no_edit(make: Make) -> None:
    desk = make([two_boxes(), two_boxes("b.png")])
    project = desk.push().project
    was = desk.sample("a.png")
    desk.commit(replace(was, sha256="f" * 64), replace(desk.sample("b.png"), sha256="e" * 64))
    answer = desk.answer(project, "a.png", MINA, changed(desk.result(project, "a.png"), A, "no"))
    desk.answer(project, "b.png", MINA)
    pulled = desk.pull()
    assert (pulled.edited, pulled.confirmed) == (0, 0), "what was confirmed was another picture"
    assert [(each.key, each.what) for each in pulled.open] == [("a.png", "content")]
    assert "the image's file is another one since it was sent" in str(pulled.open[0])
    # Asked again with the new file, the person who answers decides.
    assert desk.push(["a.png"], again=True).made == 1
    task = next(each for each in desk.tasks(project) if each["data"]["labelloop_key"] == "2/won/a.png")
    desk.client.post(f"/api/tasks/{task['id']}/annotations", {**answer, "result": task["predictions"][0]["result"]})
    assert desk.pull().open == ()
    assert desk.sample("a.png").tags == (CONFIRMED,)
    # And where the old file comes back, what was said of it counts.
    desk.answer_again(answer, changed(answer["result"], B, "no"))
    assert [each.what for each in desk.pull().open] == ["content"]
    desk.commit(replace(was, sha256=was.sha256))
    assert desk.pull().edited == 1


def test_an_opinion_stays_one(make: Make) -> None:
    """Whoever did not see the labels changes none of them, also with a second thought."""
    desk = make([two_boxes(), sample(Path(), "b.png", state="unlabelled")])
    project = desk.push(start="nothing").project
    one = region_of(Box("10", 1, 2, 21, 22, C))
    first = desk.answer(project, "a.png", MINA, [one])
    desk.commit(replace(desk.sample("b.png"), state="labelled", boxes=(Box("10", 1, 2, 21, 22, A),)))
    second = desk.answer(project, "b.png", MINA, [one])
    pulled = desk.pull()
    assert [(each.key, each.box, each.what, each.said[MINA]) for each in pulled.open] == [("a.png", B, "box", None)]
    more = region_of(Box("50", 30, 30, 50, 46, "e" * 24))
    for answer in (first, second):
        desk.answer_again(answer, [one, more])
    pulled = desk.pull()
    assert pulled.commits == ()
    assert [(each.key, each.what) for each in pulled.open] == [("a.png", "box"), ("a.png", "box"), ("b.png", "box")]


@pytest.mark.parametrize("start", ["labels", "nothing"])
def test_what_cannot_be_read_is_not_taken_for_nothing_there(make: Make, start: str) -> None:
    desk = make([two_boxes(), sample(Path(), "b.png", state="unlabelled")])
    project = desk.push(start=start).project
    drawn = {**region_of(Box("10", 1, 2, 21, 22, C)), "from_name": "another"}
    answers = [desk.answer(project, key, MINA, [drawn]) for key in ("a.png", "b.png")]
    pulled = desk.pull()
    assert (pulled.commits, pulled.open) == ((), ())
    assert [each.kind for each in pulled.findings] == ["not-kept", "not-kept"]
    assert (len(desk.sample("a.png").boxes), desk.sample("b.png").state) == (2, "unlabelled")
    desk.answer_again(answers[1], [region_of(Box("10", 1, 2, 21, 22, C))])
    desk.pull()
    assert [each.label for each in desk.sample("b.png").boxes] == ["10"]


def test_an_opinion_on_the_class_says_nothing_of_boxes(make: Make) -> None:
    desk = make([two_boxes("a.png", label="10"), two_boxes("b.png", label="10")])
    project = desk.push(kind="image-labels", start="nothing").project
    edit(desk, A, x1=3.0)
    for key, label in (("a.png", "10"), ("b.png", "no")):
        chosen = {"id": "x", "type": "choices", "from_name": "class", "to_name": "image", "value": {"choices": [label]}}
        desk.answer(project, key, MINA, [chosen])
    pulled = desk.pull()
    assert [(each.key, each.what, each.said) for each in pulled.open] == [("b.png", "label", {MINA: "no"})]
    assert pulled.commits == ()


def test_a_box_that_was_drawn_on_both_sides_goes_on_as_one(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    here, there = Box("no", 20, 30, 40, 46, C), Box("no", 20.5, 30.5, 40.5, 46, "d" * 24)
    desk.commit(replace(desk.sample("a.png"), boxes=(*desk.sample("a.png").boxes, here)))
    answer = desk.answer(project, "a.png", MINA, [*start, region_of(there)])
    desk.pull()
    assert box(desk, C) == here
    desk.answer_again(answer, [*changed(start, B, "10"), region_of(there)])
    desk.pull()
    assert box(desk, C) == here, "nobody moved it"
    desk.answer_again(answer, [*start, region_of(replace(there, label="<b>"))])
    assert desk.pull().open == ()
    assert box(desk, C) == replace(here, label="<b>")
    desk.answer_again(answer, start)
    assert desk.pull().open == ()
    assert box(desk, C) is None


def test_an_answer_from_an_older_start_is_not_lost_beside_a_newer_one(make: Make) -> None:
    """Jun's page was open while the task was brought up to date."""
    desk = make([two_boxes()])
    project = desk.push().project
    old = desk.result(project, "a.png")
    edit(desk, A, label="no")
    desk.push()
    desk.answer(project, "a.png", MINA)
    desk.answer(project, "a.png", JUN, changed(old, A, "<b>"))
    (conflict,) = desk.pull().open
    assert (conflict.ours, conflict.said) == ("no", {MINA: "no", JUN: "<b>"})


def test_an_answer_in_the_place_of_one_that_is_gone_starts_from_what_it_saw(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    answer = desk.answer(project, "a.png", MINA, changed(start, A, "no"))
    desk.pull()
    desk.client.delete(f"/api/annotations/{answer['id']}/")
    desk.pull()
    desk.answer(project, "a.png", JUN, changed(start, B, "10"))
    assert desk.pull().open == ()
    assert [each.label for each in desk.sample("a.png").boxes] == ["no", "10"], "he never saw hers, and undid nothing"


def test_people_who_were_deleted_are_told_apart(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    for label in ("no", "<b>"):
        answer = desk.answer(project, "a.png", MINA, changed(start, A, label))
        desk.client.patch(f"/api/annotations/{answer['id']}", {"completed_by": None})
    (conflict,) = desk.pull().open
    assert list(conflict.said.values()) == ["no", "<b>"]
    assert all(name.startswith("deleted user of answer ") for name in conflict.said)


def test_the_state_can_be_lost_and_the_whole_folder_too(make: Make) -> None:
    desk = make([two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    edit(desk, A, label="no")
    desk.answer(project, "a.png", MINA, changed(changed(start, A, "won note"), B, "10"))
    pulled = desk.pull()
    for name in ("state.json", "counts.json", "lock"):
        (desk.folder / name).unlink()
    assert open_conflicts(desk.ledger, desk.folder) == list(pulled.open), "the commit has them"
    edit(desk, B, label="<b>")
    again = desk.pull()
    assert (again.commits, again.open) == ((), pulled.open), "what was taken is not taken as an edit of today"


def test_a_pull_that_is_killed_after_its_commit_has_done_all_of_it(tmp_path: Path) -> None:
    desk, client = make_plain_desk(tmp_path, "won", [two_boxes()])
    project = desk.push().project
    start = desk.result(project, "a.png")
    edit(desk, A, label="no")
    desk.answer(project, "a.png", MINA, changed(changed(start, A, "won note"), B, "10"))

    def dies() -> None:
        if desk.ledger.version() > 2:
            raise Killed

    client.before = dies
    with pytest.raises(Killed):
        desk.pull()
    client.before = PlainClient().before
    edit(desk, B, label="<b>")
    pulled = desk.pull()
    assert [(each.box, each.what) for each in pulled.open] == [(A, "label")]
    assert pulled.commits == ()


def test_every_class_of_the_data_set_is_told_as_it_is(make: Make) -> None:
    """A class may be called `deleted`."""
    assert "deleted" not in CLASSES
    desk = make([two_boxes()])
    desk.ledger.commit({}, base=1, author="t", tool="t", message="m", classes=(*CLASSES, "deleted"))
    project = desk.push().project
    edit(desk, A, label="no")
    desk.answer(project, "a.png", MINA, changed(desk.result(project, "a.png"), A, "deleted"))
    (conflict,) = desk.pull().open
    assert conflict.said == {MINA: "deleted"}
