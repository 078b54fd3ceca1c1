"""Push and pull against a real Label Studio, edits made through its API as the browser makes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box, Sample
from labelloop.label_config.projects import find_project
from labelloop.label_config.pull import open_conflicts
from labelloop.label_config.rendering import render_config
from labelloop.label_config.settling import settle
from labelloop.label_config.taking import CONFIRMED
from tests.label_config.conftest import MakeDesk
from tests.label_config.servers import CLASSES, region, sample

pytestmark = pytest.mark.slow

A, B = f"{1:024x}", f"{2:024x}"
MINA, JUN = "mina@example.org", "jun@example.org"
NASTY = ("한글 이름/빈 #%&+.png", "2023.03.20. 미니 (1).png", "one/x.png", "two/x.png", "a'b\"c.png")


def two_boxes(photos: Path, key: str = "a.png", **more: Any) -> Sample:
    return sample(photos, key, Box("10", 1.1, 2.2, 30.3, 40.4, A), Box("50", 5.5, 6.6, 17.7, 18.8, B), **more)


def moved(result: list[dict[str, Any]], box_id: str, **value: Any) -> list[dict[str, Any]]:
    """The regions with one of them changed."""
    return [
        {**each, "value": {**each["value"], **value}, "origin": "prediction-changed"} if each["id"] == box_id else each
        for each in result
    ]


def test_every_name_comes_through_the_server(make_desk: MakeDesk, tmp_path: Path) -> None:
    boxes = [Box(name, 1 / 3 + n, 2 / 7 + n, 20 / 3 + n, 41 / 3, f"{n:024x}", None) for n, name in enumerate(CLASSES)]
    desk = make_desk([sample(tmp_path, key, *boxes) for key in NASTY])
    report = desk.push()
    assert (report.made, report.updated, report.unchanged) == (len(NASTY), 0, 0)
    there = desk.client.get(f"/api/projects/{report.project}")
    assert there["label_config"] == render_config(CLASSES).xml
    for key in NASTY:
        task = desk.task(report.project, key)
        shown = desk.client.status(task["data"]["image"])
        assert shown in (200, 206), (key, shown)
        desk.answer(report.project, key, MINA)
    before = {key: desk.sample(key) for key in NASTY}
    pulled = desk.pull()
    assert (pulled.edited, pulled.confirmed, pulled.findings) == (0, len(NASTY), ())
    for key in NASTY:
        assert desk.sample(key) == replace(before[key], tags=(CONFIRMED,)), "not a bit of a box has changed"
    assert [commit.author for commit in pulled.commits] == [MINA]
    assert desk.pull().commits == ()


def test_pushing_again_makes_no_second_task_and_brings_untouched_ones_up_to_date(
    make_desk: MakeDesk, tmp_path: Path
) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png", "c.png", "d.png")])
    first = desk.push()
    again = desk.push()
    assert (again.made, again.updated, again.unchanged) == (0, 0, 4)
    desk.answer(first.project, "a.png", MINA)
    draft = {"result": desk.result(first.project, "b.png"), "lead_time": 1}
    desk.client.post(f"/api/tasks/{desk.task(first.project, 'b.png')['id']}/drafts", draft)
    changed = [desk.sample(key) for key in ("a.png", "b.png", "c.png")]
    desk.commit(*[replace(each, boxes=each.boxes[:1]) for each in changed])
    third = desk.push()
    assert (third.made, third.updated, third.unchanged, third.busy, third.done) == (0, 1, 1, 1, 1)
    assert [each["id"] for each in desk.result(first.project, "c.png")] == [A]
    assert len(desk.result(first.project, "b.png")) == 2, "a task with a draft was left alone"
    assert (desk.push().updated, len(desk.tasks(first.project))) == (0, 4)
    pulled = desk.pull()
    assert (pulled.drafts, pulled.waiting) == (1, 3)


def test_edits_come_home_under_the_name_of_who_made_them(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png", "c.png")])
    project = desk.push().project
    size = desk.sample("a.png").size
    start = desk.result(project, "a.png")
    drawn = region("no", 50, 50, 25, 25, "Zz_9-abcde", size)
    desk.answer(project, "a.png", MINA, [*moved(start, A, x=10.0, rectanglelabels=["#1 & co"])[:1], drawn])
    desk.answer(project, "b.png", JUN, [])
    skipped = desk.answer(project, "c.png", JUN, [], was_cancelled=True)
    assert skipped["was_cancelled"]
    pulled = desk.pull()
    assert {commit.author for commit in pulled.commits} == {MINA, JUN}
    assert (pulled.edited, pulled.confirmed, pulled.skipped, pulled.open) == (2, 0, 1, ())
    kept, new = desk.sample("a.png").boxes
    assert (kept.id, kept.label, kept.x1) == (A, "#1 & co", pytest.approx(6.4))
    assert (kept.y1, kept.y2) == (pytest.approx(2.2, abs=1e-9), pytest.approx(40.4, abs=1e-9))
    assert (new.label, new.corners) == ("no", (32, 24, 48, 36))
    assert desk.sample("b.png").state == "negative"
    assert len(desk.sample("c.png").boxes) == 2, "a skip says nothing"
    assert desk.pull().commits == ()
    # Further edits to the same answer build on the first ones, whatever became of those in the ledger.
    desk.commit(replace(desk.sample("a.png"), boxes=(replace(kept, label="10"), new)))
    annotation = desk.task(project, "a.png")["annotations"][0]
    desk.answer_again(annotation, annotation["result"][:1])
    desk.pull()
    assert desk.sample("a.png").boxes == (replace(kept, label="10"),), "the window's edit stayed, the desk's came in"


def test_both_sides_merge_and_what_contradicts_is_kept_until_it_is_settled(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    was = desk.sample("a.png")
    one, two = was.boxes
    desk.commit(replace(was, boxes=(replace(one, x1=3.0, label="no"), two)))
    desk.answer(
        project, "a.png", MINA, moved(moved(desk.result(project, "a.png"), A, x=20.0), B, rectanglelabels=["10"])
    )
    pulled = desk.pull()
    assert desk.sample("a.png").boxes == (replace(one, x1=3.0, label="no"), replace(two, label="10"))
    (conflict,) = pulled.open
    assert (conflict.key, conflict.box, conflict.what, conflict.people) == ("a.png", A, "corners", (MINA,))
    assert "corners was (1.1, 2.2, 30.3, 40.4); the ledger has (3, " in str(conflict)
    assert desk.pull().open == pulled.open
    (desk.folder / "state.json").unlink()
    again = desk.pull()
    assert (again.commits, again.open) == ((), pulled.open), "the state file can be lost"
    now = desk.sample("a.png")
    desk.commit(replace(now, boxes=(replace(now.boxes[0], x1=4.0), now.boxes[1])))
    assert open_conflicts(desk.ledger, desk.folder) == []
    assert desk.pull().open == ()


def test_deleted_here_and_renamed_there_is_a_conflict_and_a_deleted_task_deletes_nothing(
    make_desk: MakeDesk, tmp_path: Path
) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png")])
    project = desk.push().project
    desk.pull()
    was = desk.sample("a.png")
    desk.commit(replace(was, boxes=was.boxes[1:]))
    desk.answer(project, "a.png", MINA, moved(desk.result(project, "a.png"), A, rectanglelabels=["no"]))
    desk.client.delete(f"/api/tasks/{desk.task(project, 'b.png')['id']}")
    pulled = desk.pull()
    (conflict,) = pulled.open
    assert (conflict.what, conflict.ours) == ("box", None)
    assert conflict.said == {MINA: {"label": "no", "corners": [1.1, 2.2, 30.3, 40.4], "score": None, "attributes": {}}}
    assert pulled.deleted == ("b.png",)
    assert not (desk.server.media / desk.name / "b.png").is_symlink(), "what is no task is not shown any more"
    assert (desk.server.media / desk.name / "a.png").is_symlink()
    assert desk.pull().deleted == ()
    assert len(desk.sample("b.png").boxes) == 2
    # A conflict becomes a new task: the image gets a further turn, and only one.
    report = desk.push(["a.png"], again=True)
    assert report.made == 1
    assert desk.push(["a.png"], again=True).unchanged == 1
    turns = [task["data"]["labelloop_key"] for task in desk.tasks(project) if task["data"]["key"] == "a.png"]
    assert turns == [f"1/{desk.name}/a.png", f"2/{desk.name}/a.png"]


def test_the_same_edit_on_both_sides_is_one(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    was = desk.sample("a.png")
    here = Box("no", 40, 30, 60, 46, f"{9:024x}")
    desk.commit(replace(was, boxes=(replace(was.boxes[0], label="no"), was.boxes[1], here)))
    drawn = region("no", 100 * 40.5 / 64, 100 * 30.2 / 48, 100 * 20 / 64, 100 * 15.5 / 48, "newnewnew1", was.size)
    desk.answer(
        project, "a.png", MINA, [*moved(desk.result(project, "a.png"), A, rectanglelabels=["no"]), drawn]
    )  # fmt: skip
    pulled = desk.pull()
    assert pulled.open == ()
    assert desk.sample("a.png").boxes == (replace(was.boxes[0], label="no"), was.boxes[1], here)


def test_two_people_agree_or_do_not(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png")])
    project = desk.push(annotators=2).project
    for key in ("a.png", "b.png"):
        desk.answer(project, key, MINA, moved(desk.result(project, key), A, rectanglelabels=["no"]))
    desk.answer(project, "a.png", JUN, moved(desk.result(project, "a.png"), A, rectanglelabels=["no"], x=2.0))
    desk.answer(project, "b.png", JUN)
    assert desk.push().done == 2
    pulled = desk.pull()
    assert pulled.agreement == {"a.png": 1.0, "b.png": 0.5}
    assert desk.sample("a.png").boxes[0].label == "no"
    assert desk.sample("b.png").boxes[0].label == "10", "people differ: nothing is decided by who was first"
    (conflict,) = pulled.open
    assert (conflict.key, conflict.what, conflict.between, conflict.people) == ("b.png", "label", "people", (MINA, JUN))
    assert str(conflict).endswith(f"label was 10; the ledger has 10, {MINA} no, {JUN} 10")
    # Jun thinks again.
    theirs = max(desk.task(project, "b.png")["annotations"], key=lambda each: each["id"])
    desk.answer_again(theirs, moved(theirs["result"], A, rectanglelabels=["no"]))
    assert desk.pull().open == ()
    assert desk.sample("b.png").boxes[0].label == "no"


def test_blind_answers_change_labels_only_where_there_were_none(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, "a.png"), sample(tmp_path, "b.png", state="unlabelled")])
    report = desk.push(start="nothing")
    assert desk.result(report.project, "a.png") == []
    size = desk.sample("a.png").size
    seen = region("10", 2.0, 5.0, 45.0, 78.0, "blindbox01", size)
    for key in ("a.png", "b.png"):
        desk.answer(report.project, key, MINA, [seen])
    was = desk.sample("a.png")
    pulled = desk.pull()
    assert desk.sample("a.png") == was
    (conflict,) = pulled.open
    assert (conflict.box, conflict.what, conflict.said) == (B, "box", {MINA: None})
    assert [box.label for box in desk.sample("b.png").boxes] == ["10"]
    assert desk.pull().commits == ()


def test_a_runs_boxes_are_a_start_like_any_other(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([sample(tmp_path, "b.png", state="unlabelled")])
    found = {"b.png": [Box("10", 1, 2, 30, 40, score=0.75)]}
    report = desk.push(start="run 7", predictions=found)
    (start,) = desk.result(report.project, "b.png")
    assert (start["score"], start["value"]["rectanglelabels"]) == (0.75, ["10"])
    assert desk.pull().commits == (), "what nobody touched is no human label"
    desk.answer(report.project, "b.png", MINA)
    assert desk.pull().edited == 1
    (box,) = desk.sample("b.png").boxes
    assert (box.label, box.score) == ("10", None)
    assert box.corners == pytest.approx((1, 2, 30, 40), abs=1e-9)


def test_classes_that_answers_use_are_not_taken_away(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    desk.answer(project, "a.png", MINA, moved(desk.result(project, "a.png"), A, rectanglelabels=["<b>"]))
    fewer = tuple(name for name in CLASSES if name != "<b>")
    desk.ledger.commit({}, base=desk.ledger.version(), author="t", tool="t", message="m", classes=fewer)
    with pytest.raises(LabelloopError, match=r"does not have: <b> \(1\)"):
        desk.push()
    desk.pull()
    assert "<b>" in desk.ledger.classes(), "a class that an answer uses comes back"
    more = (*desk.ledger.classes(), "new")
    desk.ledger.commit({}, base=desk.ledger.version(), author="t", tool="t", message="m", classes=more)
    desk.push()
    assert 'value="new"' in desk.client.get(f"/api/projects/{project}")["label_config"]


def test_a_project_of_the_same_title_is_somebody_elses(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    other = desk.client.post("/api/projects", {"title": desk.name[:50], "label_config": render_config(["x"]).xml})
    with pytest.raises(LabelloopError, match="was never pushed"):
        desk.pull()
    report = desk.push()
    assert report.project != other["id"]
    assert find_project(desk.client, desk.ledger) == report.project


def test_tasks_made_twice_by_an_interrupted_push_are_one_again(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png")])
    project = desk.push().project
    twice = [{"data": task["data"]} for task in desk.tasks(project)]
    desk.client.import_tasks(project, twice)
    report = desk.push()
    assert (report.doubles, report.unchanged) == (2, 2)
    assert len(desk.tasks(project)) == 2


def test_only_images_that_are_tasks_can_be_read_and_only_by_who_is_logged_in(
    make_desk: MakeDesk, tmp_path: Path
) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png")])
    (tmp_path / "labels.json").write_text("secret")
    project = desk.push(["a.png"]).project
    address = desk.task(project, "a.png")["data"]["image"]
    assert desk.client.status(address) in (200, 206)
    assert httpx.get(desk.server.url + address, trust_env=False).status_code in (401, 403)
    root = "/data/local-files/?d="
    name = desk.name
    for path in (f"{name}/b.png", f"{name}/labels.json", f"{name}/../../token", "../token", "../data/label_studio.sqlite3",
                 f"{name}/%2e%2e/%2e%2e/token", "/etc/passwd"):  # fmt: skip
        assert desk.client.status(root + path) >= 400, path
    assert httpx.get(f"{desk.server.url}/api/projects", trust_env=False).status_code == 401


def test_an_image_that_is_gone_is_said_before_anything_is_sent(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    (tmp_path / "a.png").unlink()
    with pytest.raises(LabelloopError, match=r"a\.png: no image at"):
        desk.push()
    with pytest.raises(LabelloopError, match=r"has no image nope\.png"):
        desk.push(["nope.png"])


def test_the_class_of_an_image(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([sample(tmp_path, "a.png", label="10"), sample(tmp_path, "b.png", state="unlabelled")])
    project = desk.push(kind="image-labels").project
    desk.answer(project, "a.png", MINA)
    choice = [{"type": "choices", "from_name": "class", "to_name": "image", "id": "x", "value": {"choices": ["앞면"]}}]
    desk.answer(project, "b.png", MINA, choice)
    pulled = desk.pull()
    assert (pulled.confirmed, pulled.edited) == (1, 1)
    assert (desk.sample("a.png").label, desk.sample("b.png").label) == ("10", "앞면")


def test_a_person_settles_conflicts(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png")])
    project = desk.push(annotators=1).project
    for key in ("a.png", "b.png"):
        was = desk.sample(key)
        desk.commit(replace(was, boxes=(replace(was.boxes[0], x1=3.0), replace(was.boxes[1], label="no"))))
        theirs = moved(moved(desk.result(project, key), A, x=20.0), B, rectanglelabels=["10"])
        desk.answer(project, key, MINA, theirs if key == "a.png" else theirs[1:])
    corners, label, gone, other = desk.pull().open
    assert [(each.key, each.what) for each in (corners, label, gone, other)] == [
        ("a.png", "corners"), ("a.png", "label"), ("b.png", "box"), ("b.png", "label"),
    ]  # fmt: skip
    for wrong in ({"nope": "desk"}, {corners.id: "jun"}):
        with pytest.raises(
            LabelloopError, match=r"no open conflict 'nope'|has the sides mina@example\.org, desk, ledger"
        ):
            settle(desk.ledger, desk.folder, wrong, author="ann")
    sides = {corners.id: "desk", label.id: "ledger", gone.id: MINA}
    done = settle(desk.ledger, desk.folder, sides, author="ann", message="looked")
    (commit,) = done.commits
    assert (commit.author, commit.message, done.open) == ("ann", "looked", (other,))
    first, second = desk.sample("a.png").boxes
    assert (first.x1, second.label) == (pytest.approx(12.8), "no")
    assert [(box.id, box.label) for box in desk.sample("b.png").boxes] == [(B, "no")]
    assert settle(desk.ledger, desk.folder, {other.id: "ledger"}, author="ann").commits == ()
    (desk.folder / "state.json").unlink()
    again = desk.pull(everything=True)
    assert (again.commits, again.open) == ((), ()), "what was settled stays so"


def test_two_people_are_settled_by_name(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push(annotators=2).project
    start = desk.result(project, "a.png")
    desk.answer(project, "a.png", MINA, moved(start, A, rectanglelabels=["no"]))
    desk.answer(project, "a.png", JUN, start[1:])
    (conflict,) = desk.pull().open
    settle(desk.ledger, desk.folder, {conflict.id: JUN}, author="ann")
    assert [box.id for box in desk.sample("a.png").boxes] == [B]
    assert desk.pull().open == ()


def test_another_config_brings_untouched_tasks_up_to_date_and_keeps_answers(
    make_desk: MakeDesk, tmp_path: Path
) -> None:
    desk = make_desk([two_boxes(tmp_path, key, label="50") for key in ("a.png", "b.png", "c.png")])
    project = desk.push().project
    assert {each["type"] for each in desk.result(project, "a.png")} == {"rectanglelabels"}
    both = desk.push(["a.png"], kind="both")
    assert (both.updated, both.stale) == (1, 2)
    choice = next(each for each in desk.result(project, "a.png") if each["type"] == "choices")
    assert choice["value"] == {"choices": ["50"]}
    rest = desk.push()
    assert (rest.updated, rest.unchanged, rest.stale) == (2, 1, 0), "the kind stays what it is where none is named"
    changed = {**choice, "value": {"choices": ["앞면"]}}
    result = moved(desk.result(project, "b.png"), A, rectanglelabels=["no"])
    desk.answer(project, "b.png", MINA, [*(each for each in result if each["type"] != "choices"), changed])
    desk.answer(project, "a.png", MINA)
    pulled = desk.pull()
    assert (pulled.edited, pulled.confirmed, pulled.open) == (1, 1, ())
    assert (desk.sample("b.png").label, desk.sample("b.png").boxes[0].label) == ("앞면", "no")
    for kind in ("boxes", "image-labels"):
        with pytest.raises(LabelloopError, match=r"in a field that the new labeling config does not have \(2 tasks, "):
            desk.push(kind=kind)
    assert desk.push().done == 2
