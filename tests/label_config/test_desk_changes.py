"""What changes while tasks are at the desk: what is asked, the classes, the images, the people, the project; on a real server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Sample
from labelloop.label_config.rendering import is_rendered, render_config
from labelloop.label_config.settling import settle
from labelloop.label_config.taking import CONFIRMED
from tests.label_config.conftest import MakeDesk
from tests.label_config.servers import CLASSES, Desk, region, sample, user_id
from tests.label_config.test_desk import JUN, MINA, NASTY, A, moved, two_boxes

pytestmark = pytest.mark.slow

OWN = """<View><Image name="pic" value="$photo"/>
<RectangleLabels name="what" toName="pic" canRotate="false">{0}</RectangleLabels></View>"""


def labels(classes: Sequence[str]) -> str:
    return "".join(f'<Label value="{name}"/>' for name in classes)


def choice(label: str, box_id: str = "x") -> dict[str, Any]:
    """The class of an image as the page sends it."""
    return {
        "id": box_id, "type": "choices", "from_name": "class", "to_name": "image", "origin": "manual",
        "value": {"choices": [label]},
    }  # fmt: skip


def draft(desk: Desk, project: int, key: str) -> None:
    body = {"result": desk.result(project, key), "lead_time": 1}
    desk.client.post(f"/api/tasks/{desk.task(project, key)['id']}/drafts", body)


def with_classes(desk: Desk, classes: Sequence[str]) -> None:
    desk.ledger.commit({}, base=desk.ledger.version(), author="t", tool="t", message="m", classes=tuple(classes))


def test_the_class_of_an_image_changes_on_both_sides(make_desk: MakeDesk, tmp_path: Path) -> None:
    keys = ("a.png", "b.png", "c.png", "d.png")
    desk = make_desk([sample(tmp_path, key, label="10") for key in keys])
    project = desk.push(kind="image-labels").project
    for key in ("a.png", "b.png"):
        desk.commit(replace(desk.sample(key), label="50"))
    answers = {
        key: desk.answer(project, key, MINA, [choice(label)])
        for key, label in {"a.png": "no", "b.png": "50", "c.png": "10", "d.png": "앞면"}.items()
    }
    pulled = desk.pull()
    assert (pulled.edited, pulled.confirmed, len(pulled.open)) == (1, 2, 1)
    assert [desk.sample(key).label for key in keys] == ["50", "50", "10", "앞면"]
    (conflict,) = pulled.open
    assert (conflict.box, conflict.what, conflict.base, conflict.ours, conflict.said) == (
        "",
        "label",
        "10",
        "50",
        {MINA: "no"},
    )
    desk.answer_again(answers["d.png"], [choice("no")])
    assert desk.pull().edited == 1
    settle(desk.ledger, desk.folder, {conflict.id: "desk"}, author="ann")
    assert [desk.sample(key).label for key in keys] == ["no", "50", "10", "no"]
    desk.answer(project, "a.png", JUN, [choice("10")])
    (conflict,) = desk.pull().open
    assert (conflict.said, conflict.ours) == ({MINA: "no", JUN: "10"}, "no")


def test_boxes_and_the_class_of_their_image_change_together(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key, label="10") for key in ("a.png", "b.png")])
    project = desk.push(kind="both").project
    start = desk.result(project, "a.png")
    (own,) = (each for each in start if each["type"] == "choices")
    rest = [each for each in start if each is not own]
    desk.commit(replace(desk.sample("a.png"), label="50"))
    answer = desk.answer(project, "a.png", MINA, [*moved(rest, A, rectanglelabels=["no"]), choice("앞면", own["id"])])
    desk.answer(project, "b.png", MINA, rest)
    pulled = desk.pull()
    assert [(each.key, each.box, each.said) for each in pulled.open] == [("a.png", "", {MINA: "앞면"})]
    assert (desk.sample("a.png").label, desk.sample("a.png").boxes[0].label) == ("50", "no")
    assert desk.sample("b.png").label is None, "who was shown the class and left it out took it away"
    desk.answer_again(answer, rest)
    pulled = desk.pull()
    assert [each.said for each in pulled.open] == [{MINA: None}]
    settle(desk.ledger, desk.folder, {pulled.open[0].id: MINA}, author="ann")
    assert (desk.sample("a.png").label, desk.sample("a.png").state) == (None, "labelled")


def test_another_task_asks_nobody_twice_and_takes_nothing_away(make_desk: MakeDesk, tmp_path: Path) -> None:
    """Untouched, with a draft, answered, answered with nothing: each from boxes to both and back."""
    keys = ("answered.png", "drafted.png", "empty.png", "untouched.png")
    desk = make_desk([two_boxes(tmp_path, key, label="50") for key in keys])
    project = desk.push().project
    desk.answer(project, "answered.png", MINA)
    desk.answer(project, "empty.png", MINA, [])
    draft(desk, project, "drafted.png")
    report = desk.push(kind="both")
    assert (report.updated, report.busy, report.done) == (1, 1, 2)
    # The three that were touched never showed the class, so leaving it out is no deletion.
    desk.answer(project, "drafted.png", MINA)
    pulled = desk.pull()
    assert (pulled.open, pulled.findings) == ((), ())
    assert [desk.sample(key).label for key in keys] == ["50"] * 4
    assert desk.sample("empty.png").boxes == ()
    with pytest.raises(
        LabelloopError, match=r"in a field that the new labeling config does not have \(3 tasks, label\)"
    ):
        desk.push(kind="image-labels")
    result = [each for each in desk.result(project, "untouched.png") if each["type"] != "choices"]
    desk.answer(project, "untouched.png", MINA, result)
    desk.pull()
    assert desk.sample("untouched.png").label is None, "here it was shown, and taken away"


def test_answers_that_say_nothing_hold_their_field_too(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    desk.answer(project, "a.png", MINA, [])
    with pytest.raises(LabelloopError, match=r"\(1 tasks, label\): --task both keeps it"):
        desk.push(kind="image-labels")
    assert desk.pull().edited == 1
    assert desk.sample("a.png").boxes == ()


def test_a_config_of_ones_own_and_back(make_desk: MakeDesk, tmp_path: Path) -> None:
    words = {"comment": "worn", "unsure": True}
    was = two_boxes(tmp_path)
    desk = make_desk([replace(was, boxes=(replace(was.boxes[0], attributes=words), was.boxes[1]))])
    xml = OWN.format(labels(["10", "50", "won note", "앞면", "a'b&quot;c", "dog: big", "no", "#1 &amp; co", "&lt;b>"]))
    project = desk.push(xml=xml).project
    start = desk.result(project, "a.png")
    assert {(each["from_name"], each["to_name"]) for each in start} == {("what", "pic")}
    assert desk.client.status(desk.task(project, "a.png")["data"]["photo"]) in (200, 206)
    assert desk.push().unchanged == 1
    assert desk.push(kind="boxes").updated == 1, "naming the task makes it labelloop's own again"
    assert is_rendered(desk.client.get(f"/api/projects/{project}")["label_config"])
    assert desk.push(xml=xml).updated == 1
    desk.answer(project, "a.png", MINA, moved(desk.result(project, "a.png"), A, rectanglelabels=["no"]))
    with pytest.raises(LabelloopError, match="in a field that the new labeling config does not have"):
        desk.push(kind="boxes")
    with pytest.raises(LabelloopError, match="says what people are asked for; received the kind both too"):
        desk.push(xml=xml, kind="both")
    desk.pull()
    first = desk.sample("a.png").boxes[0]
    assert (first.label, first.attributes) == ("no", words), "what this config does not ask for stays"
    with_classes(desk, [*CLASSES, "new"])
    with pytest.raises(LabelloopError, match=r'(?s)lacks the class "new".*of a person.s own: --config FILE gives'):
        desk.push()


def test_a_config_that_was_changed_by_hand_is_that_persons(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png")])
    project = desk.push().project
    made = render_config(CLASSES).xml
    at = f"/api/projects/{project}"
    # A hint for the people there stays.
    hinted = made.replace("<View>", '<View>\n  <Header value="look twice"/>', 1)
    desk.client.patch(at, {"label_config": hinted})
    assert desk.push().unchanged == 2
    assert desk.client.get(at)["label_config"] == hinted
    # A class that was added there comes home with the first answer that uses it.
    added = made.replace("</RectangleLabels>", '<Label value="torn"/></RectangleLabels>')
    desk.client.patch(at, {"label_config": added})
    with pytest.raises(LabelloopError, match=r'(?s)has "torn", which is no class.*of a person.s own'):
        desk.push()
    desk.answer(project, "a.png", MINA, moved(desk.result(project, "a.png"), A, rectanglelabels=["torn"]))
    assert desk.pull().edited == 1
    assert desk.ledger.classes() == (*CLASSES, "torn")
    assert desk.push().done == 1
    # Label Studio itself refuses a name that answers use; without answers the boxes are not shown any more.
    renamed = added.replace('name="label"', 'name="lab"')
    with pytest.raises(LabelloopError, match="incompatible with provided labeling schema"):
        desk.client.patch(at, {"label_config": renamed})


def test_a_renamed_tag_hides_the_labels_and_deletes_none(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    before = desk.sample("a.png")
    renamed = render_config(CLASSES).xml.replace('name="label"', 'name="lab"')
    desk.client.patch(f"/api/projects/{project}", {"label_config": renamed})
    drawn = {**region("no", 60, 60, 20, 20, "drawn12345", before.size), "from_name": "lab"}
    desk.answer(project, "a.png", MINA, [drawn])
    pulled = desk.pull()
    assert desk.sample("a.png") == before, "nobody saw those boxes, so nobody deleted them"
    assert sorted(each.what for each in pulled.open) == ["box"] * 3


def test_a_description_that_was_written_over_is_no_other_project(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    desk.client.patch(f"/api/projects/{project}", {"description": "please look at the edges"})
    desk.answer(project, "a.png", MINA, [])
    assert desk.pull().edited == 1
    assert desk.push().project == project
    told = desk.client.get(f"/api/projects/{project}")["description"]
    assert told.startswith("please look at the edges\nlabelloop ")
    (desk.folder / "state.json").unlink()
    assert desk.push().project == project


def test_a_class_that_was_renamed_here_stays_so(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png", "c.png")])
    project = desk.push().project
    names = {"10": "ten"}
    for key in ("a.png", "b.png", "c.png"):
        now = desk.sample(key)
        desk.commit(
            replace(now, boxes=tuple(replace(each, label=names.get(each.label, each.label)) for each in now.boxes))
        )
    with_classes(desk, ["ten", *CLASSES[1:]])
    desk.answer(project, "a.png", MINA)
    desk.answer(project, "b.png", MINA, moved(desk.result(project, "b.png"), A, x=10.0))
    desk.answer(project, "c.png", MINA, moved(desk.result(project, "c.png"), A, rectanglelabels=["no"]))
    pulled = desk.pull()
    assert [desk.sample(key).boxes[0].label for key in ("a.png", "b.png", "c.png")] == ["ten", "ten", "ten"]
    assert desk.sample("b.png").boxes[0].x1 == pytest.approx(6.4)
    assert [(each.key, each.base, each.ours, each.said[MINA]) for each in pulled.open] == [("c.png", "10", "ten", "no")]
    assert "10" not in desk.ledger.classes()
    with pytest.raises(LabelloopError, match=r"use classes that the new labeling config does not have: 10 \(2\)"):
        desk.push()


def test_a_class_that_went_here_and_is_used_there_comes_back(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    with_classes(desk, [name for name in CLASSES if name != "no"])
    desk.answer(project, "a.png", MINA, moved(desk.result(project, "a.png"), A, rectanglelabels=["no"]))
    assert desk.pull().edited == 1
    assert desk.sample("a.png").boxes[0].label == "no"
    assert "no" in desk.ledger.classes()


def test_images_go_and_come_back_while_their_tasks_wait(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png", "c.png")])
    project = desk.push().project
    was = {key: desk.sample(key) for key in ("a.png", "b.png")}
    desk.ledger.commit(dict.fromkeys(was), base=desk.ledger.version(), author="t", tool="t", message="m")
    assert desk.push().unchanged == 1
    desk.answer(project, "a.png", MINA, [])
    desk.answer(project, "b.png", MINA)
    pulled = desk.pull()
    assert [(each.key, each.what) for each in pulled.open] == [("a.png", "image")]
    assert desk.ledger.keys() == {"c.png"}
    desk.commit(*was.values())
    assert desk.pull().edited == 1
    assert (desk.sample("a.png").boxes, desk.sample("b.png")) == ((), was["b.png"])


def test_the_address_of_an_untouched_image_is_brought_up_to_date(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    task = desk.task(project, "a.png")
    desk.client.patch(
        f"/api/tasks/{task['id']}", {"data": {**task["data"], "image": "https://photos.example.org/a.png"}}
    )
    assert desk.push().updated == 1
    assert desk.task(project, "a.png")["data"]["image"] == task["data"]["image"]
    assert desk.push().unchanged == 1


def test_many_untouched_tasks_are_refreshed_together(make_desk: MakeDesk, tmp_path: Path) -> None:
    """More than are refreshed one by one, with every class, remarks, none at all, and one that somebody works on."""
    keys = [*NASTY, *(f"{number}.png" for number in range(25))]
    desk = make_desk([two_boxes(tmp_path, key, label="10") for key in keys])
    project = desk.push(kind="both").project
    draft(desk, project, keys[-1])
    now = [desk.sample(key) for key in keys]
    words = {"comment": '뒷면? <b> & "quoted"', "unsure": True}
    for index, each in enumerate(now):
        name = CLASSES[index % len(CLASSES)]
        boxes = () if index == 0 else (replace(each.boxes[0], label=name, x1=1 / 3, attributes=words), each.boxes[1])
        now[index] = replace(each, boxes=boxes, label=name)
    desk.commit(*now)
    report = desk.push()
    assert (report.updated, report.busy, report.unchanged) == (len(keys) - 1, 1, 0)
    assert desk.push().unchanged == len(keys) - 1
    tasks = {task["data"]["key"]: task for task in desk.tasks(project)}
    assert {len(task["predictions"]) for task in tasks.values()} == {1}
    assert [region["type"] for region in tasks[keys[0]]["predictions"][0]["result"]] == ["choices"]
    for key in keys[:6]:
        assert desk.client.status(tasks[key]["data"]["image"]) in (200, 206)
        desk.answer(project, key, MINA)
    pulled = desk.pull()
    assert (pulled.confirmed, pulled.edited, pulled.open, pulled.findings) == (6, 0, (), ())
    assert [desk.sample(key) for key in keys[:6]] == [replace(each, tags=(CONFIRMED,)) for each in now[:6]]


def test_names_are_found_again_one_by_one(make_desk: MakeDesk, tmp_path: Path) -> None:
    """A push of few images asks for each by its key."""
    desk = make_desk([two_boxes(tmp_path, key) for key in NASTY])
    assert desk.push().made == len(NASTY)
    for key in NASTY:
        report = desk.push([key])
        assert (report.made, report.unchanged) == (0, 1), key


def test_who_leaves_keeps_the_name_that_was_seen(make_desk: MakeDesk, tmp_path: Path) -> None:
    """Label Studio calls everybody who left `Deleted`, and forgets whom it deletes."""
    keys = ("a.png", "b.png", "c.png", "d.png")
    desk = make_desk([two_boxes(tmp_path, key) for key in keys])
    project = desk.push().project
    seen, unseen, deleted = "seen@example.org", "unseen@example.org", "deleted@example.org"
    desk.answer(project, "a.png", seen, [])
    assert {commit.author for commit in desk.pull().commits} == {seen}
    answers = [desk.answer(project, key, who, []) for key, who in zip(keys[1:], (seen, unseen, deleted), strict=True)]
    organisation = desk.client.get("/api/current-user/whoami")["active_organization"]
    ids = {who: user_id(desk.client, who) for who in (seen, unseen, deleted)}
    for who in (seen, unseen):
        desk.client.delete(f"/api/organizations/{organisation}/memberships/{ids[who]}/")
    desk.client.delete(f"/api/users/{ids[deleted]}/")
    authors = {commit.author for commit in desk.pull().commits}
    assert authors == {seen, f"label-studio user {ids[unseen]}", f"deleted user of answer {answers[2]['id']}"}
    assert desk.pull(everything=True).commits == ()


def test_a_task_that_was_moved_elsewhere_is_gone_and_comes_again(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png")])
    project = desk.push().project
    desk.pull()
    other = desk.client.post("/api/projects", {"title": "elsewhere", "label_config": render_config(CLASSES).xml})["id"]
    (task,) = (each for each in desk.tasks(project) if each["data"]["key"] == "a.png")
    desk.client.import_tasks(other, [{"data": task["data"]}])
    desk.client.delete_tasks(project, [task["id"]])
    assert desk.pull().deleted == ("a.png",)
    assert desk.sample("a.png").boxes
    report = desk.push()
    assert (report.project, report.made, report.unchanged) == (project, 1, 1)
    desk.answer(project, "a.png", MINA)
    assert desk.pull().confirmed == 1


def test_an_answer_that_is_deleted_and_given_again_is_another_one(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    start = desk.result(project, "a.png")
    first = desk.answer(project, "a.png", MINA, moved(start, A, rectanglelabels=["no"]))
    assert desk.pull().edited == 1
    desk.client.delete(f"/api/annotations/{first['id']}/")
    assert desk.pull().waiting == 1
    desk.answer(project, "a.png", JUN)
    pulled = desk.pull()
    assert (pulled.open, pulled.edited) == ((), 0)
    assert desk.sample("a.png").boxes[0].label == "no"
    assert CONFIRMED not in desk.sample("a.png").tags


def test_more_tasks_than_a_page_are_listed_once_each(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    desk.answer(project, "a.png", MINA, [])
    desk.client.import_tasks(project, [{"data": {"image": "/x.png"}}] * 10_000)
    ids = [int(task["id"]) for task in desk.client.tasks(project, include="id")]
    assert len(ids) == len(set(ids)) == 10_001
    assert ids == sorted(ids)
    some = ids[::37]
    assert [int(task["id"]) for task in desk.client.tasks_by_id(project, some, include="id", full=False)] == some
    assert desk.pull().edited == 1
    assert desk.push(["a.png"]).done == 1


def test_two_people_at_once_and_a_look_with_every_answer(make_desk: MakeDesk, tmp_path: Path) -> None:
    """With two people asked for, nothing is taken before both have answered, whoever is first."""
    desk = make_desk([two_boxes(tmp_path, key) for key in ("a.png", "b.png")])
    project = desk.push(annotators=2).project
    for first, second, key in ((MINA, JUN, "a.png"), (JUN, MINA, "b.png")):
        start = desk.result(project, key)
        before: Sample = desk.sample(key)
        for person in (first, second):
            result = moved(start, A, rectanglelabels=["no"], x=2.0 if person == MINA else 2.5)
            desk.answer(project, key, person, result)
            pulled = desk.pull()
            assert (pulled.incomplete, pulled.edited) == ((1, 0) if person == first else (0, 1))
            assert (desk.sample(key) == before) == (person == first)
        assert desk.sample(key).boxes[0].label == "no"
