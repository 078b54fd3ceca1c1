"""Edits made through FiftyOne's own API are found, all of them and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labelloop.datasets.schema import Box, Sample
from labelloop.datasets.window import Window, build_window, find_edits, refresh_window
from labelloop.datasets.window_fiftyone import database
from tests.datasets.window_runs import CLASSES, box, fo, new_ledger, sample

Model = dict[str, Sample]
KEYS = ("a.jpg", "b.jpg", "negative.jpg", "nobody.jpg", "whole.jpg", "bare.jpg")


def start() -> list[Sample]:
    marks = {"occluded": True, "note": "x", "a.b": [1]}
    # Corners that a division by the size and back does not give again exactly.
    third = (640 / 3, 0.1, 640 / 3 + 100 / 7, 480 / 7)
    return [
        sample("a.jpg", box("a.jpg", attributes=marks), box("a.jpg", "50", third, score=0.5), split="train"),
        sample("b.jpg", *(box("b.jpg", "10", (i * 10, 0, i * 10 + 7.1, 9)) for i in range(3)), group="g", tags=("t",)),
        sample("negative.jpg", state="negative"),
        sample("nobody.jpg", tags=("t", "u")),
        sample("whole.jpg", label="100", split="val"),
        sample("bare.jpg", box("bare.jpg", "앞면", (0, 0, 640, 480))),
    ]


@pytest.fixture(scope="module")
def window() -> Window:
    return build_window(new_ledger("edits", start()))


class Editor:
    """Applies one random edit to the window, through FiftyOne, and to a plain model of it."""

    def __init__(self, window: Window, draw: Any) -> None:
        self.dataset, self.draw = window.dataset(), draw
        self.model: Model = {each.key: each for each in start()}

    def edit(self) -> None:
        key = self.draw(st.sampled_from(KEYS))
        action = self.draw(
            st.sampled_from(["rename", "move", "delete", "add", "mark", "score", "tags", "split", "label", "state"])
        )
        by_values = self.draw(st.booleans())
        there = self.dataset.one(fo().ViewField("key") == key)
        getattr(self, f"_{action}")(key, there)
        if not by_values:
            there.save()
            return
        # The other way in which FiftyOne writes; it takes back what was not saved of a sample in memory.
        values = {name: there[name] for name in ("ground_truth", "label", "tags", "split", "state")}
        for name, value in values.items():
            self.dataset.select(there.id).set_values(name, [value])

    def _set(self, key: str, boxes: tuple[Box, ...]) -> None:
        now = self.model[key]
        state = "labelled" if boxes or now.label else "negative" if now.state == "labelled" else now.state
        self.model[key] = replace(now, boxes=boxes, state=state)

    def _some_box(self, key: str, there: Any) -> tuple[int, Any] | None:
        boxes = self.model[key].boxes
        if not boxes:
            return None
        number = self.draw(st.integers(0, len(boxes) - 1))
        return number, next(each for each in there.ground_truth.detections if each.id == boxes[number].id)

    def _with(self, key: str, number: int, **changes: Any) -> None:
        boxes = list(self.model[key].boxes)
        boxes[number] = replace(boxes[number], **changes)
        self._set(key, tuple(boxes))

    def _rename(self, key: str, there: Any) -> None:
        if found := self._some_box(key, there):
            found[1].label = self.draw(st.sampled_from(CLASSES))
            self._with(key, found[0], label=found[1].label)

    def _move(self, key: str, there: Any) -> None:
        if found := self._some_box(key, there):
            x, y = self.draw(st.integers(0, 600)), self.draw(st.integers(0, 400))
            w, h = self.draw(st.integers(1, 640 - x)), self.draw(st.integers(1, 480 - y))
            found[1].bounding_box = [x / 640, y / 480, w / 640, h / 480]
            self._with(key, found[0], x1=float(x), y1=float(y), x2=float(x + w), y2=float(y + h))

    def _delete(self, key: str, there: Any) -> None:
        if found := self._some_box(key, there):
            there.ground_truth.detections = [each for each in there.ground_truth.detections if each.id != found[1].id]
            boxes = self.model[key].boxes
            self._set(key, boxes[: found[0]] + boxes[found[0] + 1 :])

    def _add(self, key: str, there: Any) -> None:
        label = self.draw(st.sampled_from(CLASSES))
        made = fo().Detection(label=label, bounding_box=[0.25, 0.5, 0.25, 0.25], side="left")
        if there.ground_truth is None:
            there.ground_truth = fo().Detections()
        at = self.draw(st.integers(0, len(there.ground_truth.detections)))
        there.ground_truth.detections.insert(at, made)
        new = Box(label, 160, 240, 320, 360, id=made.id, attributes={"side": "left"})
        known = {each.id for each in start_boxes(key)}
        order = [each.id for each in there.ground_truth.detections if each.id not in known]
        boxes = {each.id: each for each in (*self.model[key].boxes, new)}
        kept = [each for each in boxes.values() if each.id in known]
        self._set(key, (*kept, *(boxes[each] for each in order)))

    def _mark(self, key: str, there: Any) -> None:
        if found := self._some_box(key, there):
            value = self.draw(st.sampled_from([True, False]))
            found[1]["occluded"] = value
            boxes = self.model[key].boxes
            self._with(key, found[0], attributes={**boxes[found[0]].attributes, "occluded": value})

    def _score(self, key: str, there: Any) -> None:
        if found := self._some_box(key, there):
            found[1].confidence = self.draw(st.none() | st.floats(0, 1))
            self._with(key, found[0], score=found[1].confidence)

    def _tags(self, key: str, there: Any) -> None:
        there.tags = self.draw(st.lists(st.sampled_from(["t", "u", "v"]), max_size=3))
        self.model[key] = replace(self.model[key], tags=tuple(sorted(set(there.tags))))

    def _split(self, key: str, there: Any) -> None:
        there.split = self.draw(st.sampled_from([None, "train", "val"]))
        self.model[key] = replace(self.model[key], split=there.split)

    def _label(self, key: str, there: Any) -> None:
        label = self.draw(st.none() | st.sampled_from(CLASSES))
        there.label = fo().Classification(label=label) if label else None
        now = self.model[key]
        empty = "negative" if now.state == "labelled" else now.state
        self.model[key] = replace(now, label=label, state="labelled" if now.boxes or label else empty)

    def _state(self, key: str, there: Any) -> None:
        now = self.model[key]
        first = next(each for each in start() if each.key == key)
        if now.boxes or now.label or first.state == "labelled":
            return
        there.state = self.draw(st.sampled_from(["negative", "unlabelled"]))
        self.model[key] = replace(now, state=there.state)


def start_boxes(key: str) -> tuple[Box, ...]:
    return next(each for each in start() if each.key == key).boxes


@settings(
    max_examples=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each costs half a second
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(data=st.data())
def test_random_edits_are_found_as_a_plain_model_says(window: Window, data: st.DataObject) -> None:
    editor = Editor(window, data.draw)
    try:
        for _ in range(data.draw(st.integers(1, 8))):
            editor.edit()
        found = find_edits(window)
        first = {each.key: each for each in start()}
        assert not found.problems
        assert not found.removed
        now = {**first, **found.changed}
        assert {key: settled(each, first[key]) for key, each in now.items()} == {
            key: settled(each, first[key]) for key, each in editor.model.items()
        }
    finally:
        refresh_window(window, discard=True)
        assert not find_edits(window)


def settled(one: Sample, first: Sample) -> Sample:
    """Labels put on an image that nobody had looked at, and taken away again, leave no trace in the window."""
    return replace(one, state="unlabelled") if first.state == "unlabelled" and one.state == "negative" else one


def edited(window: Window, key: str, **changes: object) -> None:
    """Write into one sample's document, as a program would that goes around FiftyOne."""
    database()[window.dataset()._doc.sample_collection_name].update_one({"key": key}, {"$set": changes})


@pytest.fixture
def fresh(window: Window) -> Iterator[Window]:
    yield window
    refresh_window(window, discard=True)
    assert not find_edits(window)


def test_nothing_was_edited_in_a_window_just_built(fresh: Window) -> None:
    edits = find_edits(fresh)
    assert not edits
    assert edits.summary() == "none"


def test_an_edit_that_goes_around_fiftyone_and_its_clock_is_found(fresh: Window) -> None:
    edited(fresh, "b.jpg", **{"ground_truth.detections.1.label": "50"})
    edits = find_edits(fresh)
    assert [each.label for each in edits.changed["b.jpg"].boxes] == ["10", "50", "10"]
    assert edits.summary() == "1 box renamed"


def test_a_side_that_was_not_moved_keeps_its_corner_to_the_last_bit(fresh: Window) -> None:
    there = fresh.dataset().one(fo().ViewField("key") == "a.jpg")
    second = there.ground_truth.detections[1]
    x, y, w, h = second.bounding_box
    second.bounding_box = [x, y, w + 0.125, h]
    there.save()
    before = start()[0].boxes[1]
    assert find_edits(fresh).changed["a.jpg"].boxes[1] == replace(before, x2=round(before.x2 + 80, 6))


def test_a_box_over_the_edge_is_clipped_and_noted(fresh: Window) -> None:
    edited(fresh, "bare.jpg", **{"ground_truth.detections.0.bounding_box": [-0.25, 0.5, 0.5, 0.75]})
    edits = find_edits(fresh)
    assert edits.changed["bare.jpg"].boxes[0].corners == (0, 240, 160, 480)
    own = start()[5].boxes[0].id
    assert [str(note) for note in edits.notes] == [
        f"bare.jpg: box {own}: box reached over the edge of the image of 640x480 and was clipped"
    ]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("bounding_box", [2, 2, 0.5, 0.5], r"box \(1280, 960, 1600, 1200\) is outside the image of 640x480"),
        ("bounding_box", [0.5, 0.5, 0, 0.25], r"box \(320, 240, 320, 360\) has no area"),
        ("bounding_box", [0.5, 0.5, -0.1, 0.25], "has no area"),
        ("bounding_box", [0.5, float("nan"), 0.1, 0.25], "has no area"),
        ("bounding_box", None, "bounding_box must be four numbers, received None"),
        ("label", "1O", "label must be one of 10, 50, 100, 앞면; received '1O'"),
        ("label", None, "label must be one of 10, 50, 100, 앞면; received none"),
        ("confidence", 1.5, "score must be between 0 and 1, received 1.5"),
        ("note", b"x", "attribute note must be text"),
        ("more", "{", "more must be a JSON object"),
    ],
)
def test_an_edit_that_cannot_be_taken_is_said_with_image_and_box(
    fresh: Window, field: str, value: object, said: str
) -> None:
    edited(fresh, "bare.jpg", **{f"ground_truth.detections.0.{field}": value})
    edited(fresh, "a.jpg", split="val")
    edits = find_edits(fresh)
    assert edits
    assert list(edits.changed) == ["a.jpg"]
    assert len(edits.problems) == 1
    assert (edits.problems[0].key, edits.problems[0].box) == ("bare.jpg", start()[5].boxes[0].id)
    assert re.search(said, edits.problems[0].text)


@pytest.mark.parametrize(
    ("key", "state", "said"),
    [
        ("a.jpg", "negative", "state is set to negative, but the image has labels"),
        ("nobody.jpg", "labelled", "state is set to labelled, but the image has neither a box nor a label"),
        ("nobody.jpg", "done", "state must be one of labelled, negative, unlabelled; received 'done'"),
    ],
)
def test_a_state_that_contradicts_the_labels_is_refused(fresh: Window, key: str, state: str, said: str) -> None:
    edited(fresh, key, state=state)
    assert said in str(find_edits(fresh).problems[0])


def test_a_new_class_is_taken_only_when_asked_for(fresh: Window) -> None:
    edited(fresh, "whole.jpg", **{"label.label": "500"})
    assert find_edits(fresh).problems
    assert find_edits(fresh, new_classes=True).changed["whole.jpg"].label == "500"


def test_deleting_the_last_box_makes_a_negative(fresh: Window) -> None:
    there = fresh.dataset().one(fo().ViewField("key") == "bare.jpg")
    there.ground_truth.detections = []
    there.save()
    assert find_edits(fresh).changed["bare.jpg"].state == "negative"


def test_samples_deleted_in_the_window_are_reported_and_removed_only_when_asked_for(fresh: Window) -> None:
    dataset = fresh.dataset()
    dataset.delete_samples(dataset.match(fo().ViewField("key") == "b.jpg"))
    edits = find_edits(fresh)
    assert (edits.removed, dict(edits.changed)) == (("b.jpg",), {})
    assert edits.to_commit() == {}
    assert edits.to_commit(remove=True) == {"b.jpg": None}


def test_samples_added_by_hand_are_reported_and_left_alone(fresh: Window) -> None:
    made = fresh.dataset().add_sample(fo().Sample(filepath="/nowhere/x.jpg"))
    edits = find_edits(fresh)
    assert not edits
    assert edits.strangers == ("/nowhere/x.jpg",)
    refresh_window(fresh)
    assert made in fresh.dataset().values("id")
    fresh.dataset().delete_samples([made])


def test_a_box_copied_on_its_image_gets_an_id_of_its_own(fresh: Window) -> None:
    there = fresh.dataset().one(fo().ViewField("key") == "bare.jpg")
    there.ground_truth.detections.append(there.ground_truth.detections[0].copy())
    there.ground_truth.detections[1]._id = there.ground_truth.detections[0]._id
    there.save()
    boxes = find_edits(fresh).changed["bare.jpg"].boxes
    assert len({each.id for each in boxes}) == 2


def test_what_a_box_cannot_hold_is_noted(fresh: Window) -> None:
    edited(fresh, "bare.jpg", **{"ground_truth.detections.0.index": 3})
    edits = find_edits(fresh)
    assert not edits
    assert "index of a box cannot be kept" in str(edits.notes[0])


def test_label_tags_are_kept_as_an_attribute(fresh: Window) -> None:
    fresh.dataset().match(fo().ViewField("key") == "bare.jpg").tag_labels("unsure", label_fields="ground_truth")
    assert find_edits(fresh).changed["bare.jpg"].boxes[0].attributes == {"tags": ["unsure"]}
