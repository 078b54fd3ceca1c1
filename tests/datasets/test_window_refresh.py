"""Windows brought to another version: no edit is lost, and what comes back uninvited is seen."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from labelloop.datasets import window_writing
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.ledger_rows import to_samples
from labelloop.datasets.schema import Sample
from labelloop.datasets.window import (
    UncommittedEdits,
    Window,
    build_window,
    find_edits,
    open_window,
    refresh_window,
    show_window,
    verify_window,
)
from labelloop.datasets.window_fiftyone import database
from labelloop.tools.mongod import ensure_mongod
from labelloop.tools.mongod_process import locking_pid
from tests.datasets.window_runs import box, fo, new_ledger, sample, server, workspace

KEYS = ("a.jpg", "b.jpg", "c.jpg")


@pytest.fixture
def ledger() -> Ledger:
    return new_ledger("refresh", [sample(key, box(key), box(key, "50", (1, 2, 30, 40))) for key in KEYS])


@pytest.fixture
def window(ledger: Ledger) -> Window:
    return build_window(ledger)


def commit(ledger: Ledger, base: int, *samples: Sample) -> int:
    made = ledger.commit({each.key: each for each in samples}, base=base, author="bob", tool="desk", message="theirs")
    assert made is not None
    return made.version


def now(ledger: Ledger, key: str) -> Sample:
    return to_samples(ledger.frame(keys=[key]))[0]


def in_window(window: Window, key: str) -> Any:
    return window.dataset().one(fo().ViewField("key") == key)


def rename(window: Window, key: str, number: int, label: str) -> None:
    there = in_window(window, key)
    there.ground_truth.detections[number].label = label
    there.save()


def document(window: Window, key: str) -> dict[str, Any]:
    return database()[window.dataset()._doc.sample_collection_name].find_one({"key": key})


def test_only_what_changed_is_written_and_the_clock_of_fiftyone_moves(ledger: Ledger, window: Window) -> None:
    before = {key: document(window, key)["last_modified_at"] for key in KEYS}
    first = now(ledger, "a.jpg")
    commit(ledger, 1, replace(first, boxes=first.boxes[:1], split="val"))
    done = refresh_window(window)
    assert (done.window.version, done.written, done.added, done.removed, done.left) == (2, 1, 0, 0, ())
    after = {key: document(window, key)["last_modified_at"] for key in KEYS}
    assert after["a.jpg"] > before["a.jpg"]
    assert (after["b.jpg"], after["c.jpg"]) == (before["b.jpg"], before["c.jpg"])
    there = in_window(done.window, "a.jpg")
    assert (len(there.ground_truth.detections), there.split, there.version) == (1, "val", 2)
    assert open_window(ledger) == done.window
    assert not verify_window(done.window)


def test_a_refreshed_window_is_as_one_that_is_built_anew(ledger: Ledger, window: Window) -> None:
    commit(ledger, 1, sample("new.jpg", label="10", group="g"), sample("d.jpg", state="negative", group="g"))
    ledger.commit({"b.jpg": None}, base=2, author="bob", tool="t", message="gone", classes=("500", *ledger.classes()))
    commit(
        ledger, 3, replace(now(ledger, "c.jpg"), group="g", boxes=(box("c.jpg", "500", attributes={"side": "left"}),))
    )
    done = refresh_window(window)
    assert (done.written, done.added, done.removed) == (1, 2, 1)
    ours, labels = contents(done.window), done.window.dataset().label_schemas
    anew = build_window(ledger)
    assert contents(anew) == ours
    assert anew.dataset().label_schemas == labels
    assert {each.name: each.path for each in window.dataset().get_field_schema(flat=True).values()}


def contents(window: Window) -> tuple[dict[str, Any], list[str]]:
    found: dict[str, Any] = {}
    for each in database()[window.dataset()._doc.sample_collection_name].find():
        for name in ("_dataset_id", "created_at", "last_modified_at"):
            each.pop(name)
        found[each["key"]] = each
    return found, sorted(window.dataset().get_field_schema(flat=True))


def test_edits_that_are_not_committed_stop_a_refresh_and_a_new_build(ledger: Ledger, window: Window) -> None:
    rename(window, "b.jpg", 0, "100")
    commit(ledger, 1, replace(now(ledger, "a.jpg"), split="val"))
    actions: list[Callable[[], object]] = [
        lambda: refresh_window(window), lambda: build_window(ledger), lambda: show_window(ledger, where="count > 0"),
        lambda: show_window(ledger),
    ]  # fmt: skip
    for action in actions:
        with pytest.raises(UncommittedEdits, match=r"the window of refresh has edits that are not committed"):
            action()
        assert document(window, "a.jpg").get("split") is None
        assert find_edits(window).summary() == "1 box renamed"
    assert show_window(ledger, version=1) == window
    done = refresh_window(window, discard=True)
    assert done.written == 2
    assert not find_edits(done.window)
    assert in_window(done.window, "b.jpg").ground_truth.detections[0].label == "10"


def test_after_a_commit_the_window_shows_it_and_has_no_edits(ledger: Ledger, window: Window) -> None:
    rename(window, "b.jpg", 0, "100")
    there = in_window(window, "a.jpg")
    there.ground_truth.detections = [fo().Detection(label="50", bounding_box=[-0.1, 0.1, 0.3, 1 / 3])]
    there.save()
    edits = find_edits(window)
    assert edits.summary() == "1 box added, 2 boxes deleted, 1 box renamed"
    ledger.commit(edits.to_commit(), base=window.version, author="me", tool="window", message="mine")
    done = refresh_window(window)
    assert done.written == 2
    assert not verify_window(done.window)
    assert in_window(done.window, "a.jpg").ground_truth.detections[0].bounding_box[0] == 0
    assert {each.author for each in in_window(done.window, "b.jpg").ground_truth.detections} == {"ann", "me"}


def test_edits_that_were_merged_with_somebody_elses_are_committed_edits(ledger: Ledger, window: Window) -> None:
    first = now(ledger, "a.jpg")
    commit(ledger, 1, replace(first, boxes=(first.boxes[0], replace(first.boxes[1], x2=300.0))))
    rename(window, "a.jpg", 0, "100")
    ledger.commit(find_edits(window).to_commit(), base=1, author="me", tool="window", message="mine")
    done = refresh_window(window)
    boxes = in_window(done.window, "a.jpg").ground_truth.detections
    assert [each.label for each in boxes] == ["100", "50"]
    assert boxes[1].bounding_box[2] == pytest.approx(299 / 640)
    assert not verify_window(done.window)


def test_an_edit_that_contradicts_a_later_version_stops_a_refresh(ledger: Ledger, window: Window) -> None:
    first = now(ledger, "a.jpg")
    commit(ledger, 1, replace(first, boxes=(replace(first.boxes[0], label="앞면"), first.boxes[1])))
    rename(window, "a.jpg", 0, "100")
    with pytest.raises(UncommittedEdits, match=r"1 samples, a\.jpg among them"):
        refresh_window(window)


def test_an_edit_in_the_middle_of_a_refresh_is_not_overwritten(
    ledger: Ledger, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("a.jpg", "b.jpg"):
        first = now(ledger, key)
        commit(ledger, ledger.version(), replace(first, boxes=first.boxes[:1]))
    write = window_writing._Plan.write

    def edit_and_write(plan: Any) -> list[str]:
        rename(window, "a.jpg", 1, "100")
        return write(plan)

    monkeypatch.setattr(window_writing._Plan, "write", edit_and_write)
    done = refresh_window(window)
    monkeypatch.undo()
    assert (done.written, done.left) == (1, ("a.jpg",))
    edits = find_edits(done.window)
    assert edits.behind == ("a.jpg",)
    # The box was deleted in the ledger and renamed in the window: somebody has to say what holds.
    assert [(each.key, each.box) for each in edits.problems] == [("a.jpg", sample_boxes("a.jpg")[1])]
    rename(done.window, "a.jpg", 1, "50")  # taken back: nothing but the old version is left
    assert not find_edits(done.window)
    assert refresh_window(done.window).written == 1
    assert len(in_window(done.window, "a.jpg").ground_truth.detections) == 1


def sample_boxes(key: str) -> list[str]:
    return [each.id for each in (box(key), box(key, "50", (1, 2, 30, 40)))]


def test_a_refresh_that_was_killed_half_way_is_finished_by_the_next(
    ledger: Ledger, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in KEYS:
        first = now(ledger, key)
        commit(ledger, ledger.version(), replace(first, boxes=first.boxes[:1]))
    monkeypatch.setattr(window_writing, "write_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        refresh_window(window)
    monkeypatch.undo()
    halfway = open_window(ledger)
    assert halfway is not None
    assert halfway.version == 1
    assert not find_edits(halfway)
    rename(halfway, "c.jpg", 0, "100")
    edits = find_edits(halfway)
    assert list(edits.changed) == ["c.jpg"]
    ledger.commit(edits.to_commit(), base=halfway.version, author="me", tool="window", message="mine")
    assert [each.label for each in now(ledger, "c.jpg").boxes] == ["100"]
    assert not verify_window(refresh_window(halfway).window)


def test_a_box_that_the_app_brings_back_is_seen_as_an_edit(ledger: Ledger, window: Window) -> None:
    """The App keeps what it had open and writes it back whole after a conflict."""
    stale = in_window(window, "a.jpg").to_mongo_dict(include_id=True)
    first = now(ledger, "a.jpg")
    commit(ledger, 1, replace(first, boxes=first.boxes[:1]))
    done = refresh_window(window)
    assert not verify_window(done.window)
    collection = database()[window.dataset()._doc.sample_collection_name]
    there = collection.find_one({"key": "a.jpg"})
    merged = {**there, "ground_truth": stale["ground_truth"], "last_modified_at": datetime(2030, 1, 1)}  # noqa: DTZ001
    collection.replace_one({"_id": there["_id"]}, merged)
    edits = verify_window(done.window)
    assert edits.summary() == "1 box added"
    collection.replace_one({"_id": there["_id"]}, {**stale, "_id": there["_id"], "_dataset_id": there["_dataset_id"]})
    again = verify_window(done.window)  # with the version that the stale state was written from
    assert again.behind == ("a.jpg",)
    refresh_window(done.window)
    assert not verify_window(done.window)


def test_images_deleted_in_the_window_stop_a_refresh_until_they_are_committed(ledger: Ledger, window: Window) -> None:
    window.dataset().delete_samples(window.dataset().match(fo().ViewField("key") == "b.jpg"))
    commit(ledger, 1, replace(now(ledger, "a.jpg"), split="val"))
    with pytest.raises(UncommittedEdits, match=r"1 images deleted, b\.jpg among them"):
        refresh_window(window)
    removal = find_edits(window).to_commit(remove=True)
    ledger.commit(removal, base=window.version, author="me", tool="window", message="gone")
    done = refresh_window(window)
    assert sorted(done.window.dataset().values("key")) == ["a.jpg", "c.jpg"]
    assert not verify_window(done.window)


def test_edits_survive_that_mongod_is_killed(ledger: Ledger, window: Window) -> None:
    rename(window, "b.jpg", 0, "100")
    os.kill(locking_pid(workspace().mongo), signal.SIGKILL)
    with ensure_mongod(workspace()) as again:
        assert again.port == server().port
        assert len(window.dataset()) == 3
        assert find_edits(window).summary() == "1 box renamed"


def test_a_ledger_made_anew_gets_a_new_window(ledger: Ledger, window: Window) -> None:
    shutil.rmtree(ledger.folder)
    other = Ledger.create(ledger.folder, "ann", ("10",))
    with pytest.raises(Exception, match="is not the window of"):
        open_window(other)
    fo().delete_dataset(window.name)
    assert open_window(other) is None
    assert len(build_window(other).dataset()) == 0
