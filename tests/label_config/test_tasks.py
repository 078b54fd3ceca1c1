"""Samples to tasks and answers back: nothing that nobody touched changes by a bit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.label_config.answers import Answer, push_of, read_answer
from labelloop.label_config.percent import Percent, to_corners, to_percent
from labelloop.label_config.rendering import render_config
from labelloop.label_config.tasks import LABELS, NOTHING, Pushed, Turn, format_pushed, parse_task, to_task
from tests.label_config.servers import CLASSES

CONFIG = render_config(CLASSES)
BOTH = render_config(CLASSES, "both")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
A, B = f"{1:024x}", f"{2:024x}"
SIZE = Size(640, 480)


@st.composite
def boxes(draw: st.DrawFn, size: Size, box_id: str) -> Box:
    def span(side: int) -> tuple[float, float]:
        low = draw(st.floats(0, side * 0.999, allow_subnormal=False))
        return low, draw(st.floats(min(low + side * 1e-4, side), side, allow_subnormal=False))

    (x1, x2), (y1, y2) = span(size.width), span(size.height)
    words: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {}, optional={"unsure": st.sampled_from([True, False, "yes"]), "comment": st.text(max_size=9), "pose": st.just("left")}
        )
    )  # fmt: skip
    score = draw(st.sampled_from([None, 0.25]))
    return Box(draw(st.sampled_from(CLASSES)), x1, y1, x2, y2, box_id, score, words)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    size = Size(draw(st.integers(1, 9000)), draw(st.integers(1, 9000)))
    found = tuple(draw(boxes(size, f"{number:024x}")) for number in range(draw(st.integers(0, 4))))
    return Sample(
        "a/한글 #%&+.jpg", Path("/photos/a.jpg"), size, state="labelled" if found else "negative", boxes=found
    )


def answer(past: Sample, result: list[dict[str, Any]], config: Any = CONFIG, **more: Any) -> Answer:
    annotation = {"id": 7, "result": json.loads(json.dumps(result)), **more}
    return read_answer(annotation, past, config, "mina@example.org", "tasks[3].annotations[0]")


def start(past: Sample, config: Any = CONFIG) -> list[dict[str, Any]]:
    task: Any = to_task(past, Turn("won", past.key), config, "/x", LABELS, 5, NOW)
    return json.loads(json.dumps(task["predictions"][0]["result"])) if "predictions" in task else []


@given(samples())
def test_what_is_submitted_as_it_was_is_what_it_was(past: Sample) -> None:
    back = answer(past, start(past))
    assert back.said == past
    assert back.findings == ()


@given(samples(), st.floats(-1e-9, 1e-9))
def test_the_browsers_own_arithmetic_moves_no_box(past: Sample, noise: float) -> None:
    result = start(past)
    for region in result:
        region["value"]["x"] += noise
        region["value"]["height"] -= noise
    assert answer(past, result).said == past


@given(st.integers(1, 9000), st.integers(1, 9000), st.data())
def test_a_moved_box_is_exact_to_a_billionth_of_its_image(width: int, height: int, data: st.DataObject) -> None:
    size = Size(width, height)
    corners = data.draw(boxes(size, A)).corners
    back = to_corners(to_percent(corners, size), size)
    assert all(abs(one - other) <= 1e-9 * max(size) for one, other in zip(corners, back, strict=True))
    assert all(each >= 0 for each in back)
    assert back[2] <= width
    assert back[3] <= height


def test_every_kind_of_edit_is_read(tmp_path: Path) -> None:
    past = Sample(
        "a.jpg", tmp_path, SIZE, boxes=(Box("10", 1.1, 2.2, 30.3, 40.4, A, 0.9, {"pose": "left"}), Box("50", 5, 6, 70, 80, B))
    )  # fmt: skip
    moved, gone = start(past)
    moved["value"].update(x=50.0, y=50.0, width=25.0, height=25.0, rectanglelabels=["no"])
    drawn = {**moved, "id": "Xy_9-abc", "meta": {}, "value": {**moved["value"], "x": 0.0}}
    words = [
        {"id": A, "type": "choices", "from_name": "unsure", "to_name": "image", "value": {"choices": ["unsure"]}},
        {"id": "Xy_9-abc", "type": "textarea", "from_name": "comment", "to_name": "image", "value": {"text": ["한"]}},
    ]
    back = answer(past, [moved, drawn, *words])
    kept, new = back.said.boxes
    assert gone["id"] == B
    assert (kept.id, kept.label, kept.corners, kept.score) == (A, "no", (320, 240, 480, 360), None)
    assert kept.attributes == {"pose": "left", "unsure": True}
    assert (new.label, new.corners, new.attributes) == ("no", (0, 240, 160, 360), {"comment": "한"})
    assert len(new.id) == 24
    assert answer(past, [moved, drawn, *words]).said == back.said, "the id of a new box is the same each time"
    assert answer(past, []).said == replace(past, boxes=(), state="negative")


def test_a_class_for_the_image(tmp_path: Path) -> None:
    past = Sample("a.jpg", tmp_path, SIZE, label="10")
    assert answer(past, start(past, BOTH), BOTH).said == past
    other = start(past, BOTH)
    other[0]["value"]["choices"] = ["no"]
    assert answer(past, other, BOTH).said.label == "no"
    assert answer(past, [], BOTH).said == replace(past, label=None, state="negative")
    only = render_config(CLASSES, "image-labels")
    boxes_too = replace(past, boxes=(Box("10", 0, 0, 5, 5, A),))
    assert answer(boxes_too, start(boxes_too, only), only).said == boxes_too


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"value": {"rotation": 12.5}}, "unsupported-shape", "rotated"),
        ({"value": {"rectanglelabels": ["zebra"]}}, "unknown-label", "'zebra' is no class"),
        ({"value": {"rectanglelabels": []}}, "unknown-label", "one class, received 0"),
        ({"value": {"rectanglelabels": ["10", "50"]}}, "unknown-label", "one class, received 2"),
        ({"type": "polygonlabels"}, "unsupported-shape", "polygonlabels is no box"),
        ({"value": {"x": 150.0}}, "bad-box", "area on the image"),
        ({"value": {"width": 0.0}}, "bad-box", "area on the image"),
        ({"value": {"x": float("nan")}}, "bad-box", "finite"),
        ({"value": {"x": None}}, "bad-box", ""),
        ({"original_width": 480, "original_height": 640}, "bad-box", "drawn on an image of 480x640 px"),
        ({"from_name": "other"}, "not-kept", "the field 'other'"),
    ],
)
def test_what_cannot_be_read_is_found_and_deletes_nothing(
    tmp_path: Path, change: dict[str, Any], kind: str, said: str
) -> None:
    past = Sample("a.jpg", tmp_path, SIZE, boxes=(Box("10", 1, 2, 30, 40, A),))
    region = start(past)[0]
    region.update({name: value for name, value in change.items() if name != "value"})
    region["value"].update(change.get("value", {}))
    annotation = {"id": 7, "result": [{"type": "relation"}, region]}
    back = read_answer(annotation, past, CONFIG, "mina", "tasks[3].annotations[0]")
    assert back.said == past
    assert [finding.kind for finding in back.findings] == ["not-kept", kind]
    assert said in back.findings[1].message
    assert back.findings[1].place == "tasks[3].annotations[0].result[1]"


def test_a_box_over_the_edge_is_cut_and_found(tmp_path: Path) -> None:
    past = Sample("a.jpg", tmp_path, SIZE, boxes=(Box("10", 1, 2, 30, 40, A),))
    region = start(past)[0]
    region["value"].update(x=90.0, width=20.0)
    back = answer(past, [region])
    assert back.said.boxes[0].x2 == 640
    assert [finding.kind for finding in back.findings] == ["box-outside"]


def test_two_boxes_of_one_id_keep_the_first(tmp_path: Path) -> None:
    past = Sample("a.jpg", tmp_path, SIZE, boxes=(Box("10", 1, 2, 30, 40, A),))
    back = answer(past, start(past) * 2)
    assert back.said == past
    assert [finding.kind for finding in back.findings] == ["bad-box"]


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20), st.integers(1, 99))
def test_a_task_says_which_image_it_is(key: str, number: int) -> None:
    past = Sample(key, Path("/x"), SIZE, state="unlabelled")
    task: Any = to_task(past, Turn("won", key, number), CONFIG, "/x", NOTHING, 5, NOW)
    assert "predictions" not in task
    back = parse_task({"id": 3, **json.loads(json.dumps(task))})
    assert back is not None
    assert (back.turn, back.last) == (Turn("won", key, number), Pushed(5, NOW.isoformat(), NOTHING, CONFIG.tags))


@pytest.mark.parametrize(
    "data", [None, {}, {"labelloop_key": "x"}, {"labelloop_key": "1/a/b"}, {"labelloop_key": "1/a/b", "labelloop_pushed": []},
             {"labelloop_key": "1/a/b", "labelloop_pushed": "x"}, {"labelloop_key": "1/a/b", "labelloop_pushed": '[[1, "x"]]'},
             {"labelloop_key": "x/a/b", "labelloop_pushed": '[[1, "x", "labels", ""]]'}],
)  # fmt: skip
def test_tasks_that_others_made_are_left_alone(data: object) -> None:
    assert parse_task({"id": 1, "data": data}) is None


def test_the_push_that_a_person_started_from(tmp_path: Path) -> None:
    past = Sample("a.jpg", tmp_path, SIZE, boxes=(Box("10", 1, 2, 30, 40, A),))
    first = Pushed(5, "2026-01-02T00:00:00+00:00", LABELS, "old")
    second = Pushed(9, "2026-01-03T00:00:00+00:00", NOTHING, "new")
    third = Pushed(9, "2026-01-04T00:00:00+00:00", LABELS, "newer")
    pushed = format_pushed([first, second, third])
    task = parse_task({"id": 1, "data": {"labelloop_key": "1/won/a.jpg", "labelloop_pushed": pushed}})
    assert task is not None
    assert task.last == third
    times = {
        "2026-01-02T12:00:00Z": first, "2026-01-03T12:00:00Z": second, "2026-01-01T12:00:00Z": first,
        "2026-01-04T12:00:00Z": third,
    }  # fmt: skip
    for time, push in times.items():
        assert push_of({"result": [], "created_at": time, "lead_time": 10}, task, head=20) == push
    slow = {"result": [], "created_at": "2026-01-03T00:00:09Z", "lead_time": 10.5}
    assert push_of(slow, task, head=20) == first
    # What is left of the start says its version, also on a page that was open while the task changed.
    late = "2026-01-05T00:00:00Z"
    assert push_of({"result": start(past), "created_at": late}, task, head=20) == first
    choice = {"type": "choices", "id": "label-5", "value": {"choices": ["10"]}}
    assert push_of({"result": [choice], "created_at": late}, task, head=20) == first
    # Whoever has regions was not shown nothing, whatever the clocks say.
    nine = {"meta": {"labelloop": 9}}
    assert push_of({"result": [nine], "created_at": "2026-01-03T12:00:00Z"}, task, head=20) == third
    # A version between two pushes is that of a push that was killed halfway, or of a region that was pasted.
    seven = {"meta": {"labelloop": 7}}
    assert push_of({"result": [seven], "created_at": late}, task, head=20) == Pushed(7, third.time, LABELS, "newer")
    assert push_of({"result": [seven, *start(past)], "created_at": late}, task, head=20) == first
    assert push_of({"result": [{"meta": {"labelloop": 99}}], "created_at": None}, task, head=20) == third


def test_what_a_config_asks_that_the_start_did_not_show_is_only_taken_where_it_is_answered(tmp_path: Path) -> None:
    words = {"comment": "worn", "unsure": True, "pose": "left"}
    past = Sample("a.jpg", tmp_path, SIZE, label="10", boxes=(Box("10", 1, 2, 30, 40, A, None, words),))
    bare = replace(CONFIG, unsure="", comment="")
    result = start(past, bare)
    assert [each["type"] for each in result] == ["rectanglelabels"]

    def said(*more: dict[str, Any]) -> Sample:
        annotation = {"id": 7, "result": [*result, *more]}
        return read_answer(annotation, past, BOTH, "mina", "tasks[3]", tags=bare.tags).said

    assert said() == past, "nobody unticked what nobody was shown"
    choice = {"type": "choices", "from_name": "class", "to_name": "image", "id": "x", "value": {"choices": ["no"]}}
    text = {"type": "textarea", "from_name": "comment", "to_name": "image", "id": A, "value": {"text": ["new"]}}
    assert said(choice, text) == replace(
        past, label="no", boxes=(replace(past.boxes[0], attributes={**words, "comment": "new"}),)
    )
    shown = read_answer({"id": 7, "result": result}, past, BOTH, "mina", "tasks[3]").said
    assert (shown.label, shown.boxes[0].attributes) == (None, {"pose": "left"})


def test_what_is_shown_of_a_start() -> None:
    assert BOTH.shown(BOTH.tags) == {"label", "unsure", "comment", "choice"}
    assert BOTH.shown(CONFIG.tags) == {"label", "unsure", "comment"}
    assert CONFIG.shown(BOTH.tags) == {"label", "unsure", "comment"}
    assert replace(CONFIG, label="what").shown(CONFIG.tags) == {"unsure", "comment"}
    assert replace(CONFIG, image="pic").shown(CONFIG.tags) == frozenset(), (
        "regions are shown on the image of their name"
    )
    assert CONFIG.shown("") == CONFIG.shown("a/b") == frozenset()
    odd = replace(CONFIG, label="a/b")
    assert odd.shown(odd.tags) == {"label", "unsure", "comment"}


def test_percentages_are_of_the_upright_image() -> None:
    assert to_percent((0, 0, 640, 480), SIZE) == Percent(0, 0, 100, 100)
    assert to_corners(Percent(0, 0, 100, 100), SIZE) == (0, 0, 640, 480)
