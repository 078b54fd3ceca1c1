"""Windows as they are built: what FiftyOne would have stored itself, complete or not there, in their own place."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Sample, Size
from labelloop.datasets.window import build_window, find_edits, open_window, remove_window, show_window
from labelloop.datasets.window_attributes import _TAKEN, ADDED, MORE
from labelloop.datasets.window_fiftyone import database
from labelloop.datasets.window_place import dataset_name, partial_name
from labelloop.tools.mongod import ensure_mongod
from labelloop.tools.mongod_process import locking_pid
from tests.datasets.window_runs import CLASSES, box, draw, environment, fo, new_ledger, sample, server, workspace

ROOT = Path(__file__).parents[2]


def every_kind() -> list[Sample]:
    """One sample of each kind."""
    full = {"occluded": True, "count": 3, "share": 0.5, "side": "left", "words": ["a", "b"], "tags": ["sure"]}
    odd = {"a.b": 1, "label": "x", "flags": {"deep": [1, {}]}, "$set": 2}
    return [
        sample("a/1.jpg", box("a/1.jpg", attributes=full, score=0.25), split="train", group="g1", tags=("x", "y")),
        sample("a/2.jpg", box("a/2.jpg", "50"), box("a/2.jpg", "앞면", (0, 0, 640, 480), odd), split="val", group="g1"),
        sample("b/3.png", state="negative", split="train"),
        sample("b/4.jpg"),
        sample("한글.jpg", label="100", split="val"),
    ]


def as_fiftyone_has_it(ledger: Ledger) -> Any:
    """A dataset with the same samples, each made by FiftyOne's own classes."""
    fiftyone = fo()
    if fiftyone.dataset_exists("own"):
        fiftyone.delete_dataset("own")
    dataset = fiftyone.Dataset("own", persistent=True)
    samples: list[Any] = []
    sizes = {"g1": 2}
    for each in ledger.samples():
        width, height = each.size
        made = [
            fiftyone.Detection(
                id=one.id,
                label=one.label,
                bounding_box=[one.x1 / width, one.y1 / height, (one.x2 - one.x1) / width, (one.y2 - one.y1) / height],
                confidence=one.score,
                **({"tags": one.attributes["tags"]} if "tags" in one.attributes else {}),
                **{name: value for name, value in one.attributes.items() if name not in ("tags",) and name in FIELDS},
                **({MORE: ODD} if "a.b" in one.attributes else {}),
                author="ann",
                tool="import",
                size="large",
            )
            for one in each.boxes
        ]
        samples.append(
            fiftyone.Sample(
                filepath=str(each.path),
                tags=list(each.tags),
                metadata=fiftyone.ImageMetadata.build_for(str(each.path)),
                ground_truth=fiftyone.Detections(detections=made) if each.state != "unlabelled" else None,
                label=fiftyone.Classification(label=each.label) if each.label else None,
                key=each.key,
                split=each.split,
                group=each.group,
                state=each.state,
                size=str(each.size),
                findings=FOUND.get(each.key, []),
                finding_kinds=["clipped"] if each.key in FOUND else [],
                group_size=sizes.get(each.group or "", 1),
                version=1,
            )
        )
    dataset.add_samples(samples, dynamic=True)
    return dataset


FOUND = {"a/1.jpg": ["clipped: a box reached over the edge"]}
FIELDS = ("occluded", "count", "share", "side", "words")
ODD = '{"$set": 2, "a.b": 1, "flags": {"deep": [1, {}]}, "label": "x"}'


def stored(dataset: Any) -> dict[str, Any]:
    """The documents by key, without what is drawn at random or read from a clock; numbers with their types."""
    found: dict[str, Any] = {}
    for document in database()[dataset._doc.sample_collection_name].find():
        for name in ("_id", "_dataset_id", "_rand", "created_at", "last_modified_at"):
            document.pop(name)
        if "label" in document:
            document["label"].pop("_id")
        document["metadata"].pop("num_channels", None)  # nothing in a ledger says it
        found[document["key"]] = typed(document)
    return found


def typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: typed(each) for name, each in value.items()}
    return [typed(each) for each in value] if isinstance(value, list) else (type(value).__name__, value)


def declared(fields: Any) -> dict[str, Any]:
    return {
        field["name"]: (
            field["ftype"], field["embedded_doc_type"], field["subfield"], field["db_field"],
            declared(field.get("fields") or []),
        )
        for field in fields
    }  # fmt: skip


def test_samples_and_schema_are_those_that_fiftyone_makes_itself() -> None:
    samples = every_kind()
    for each in samples:
        draw(each)
    ledger = new_ledger("same", samples, findings=FOUND)
    window = build_window(ledger)
    own, ours = as_fiftyone_has_it(ledger), window.dataset()
    assert stored(ours) == stored(own)
    documents = {each["name"]: each for each in database().datasets.find({"name": {"$in": ["own", "same"]}})}
    assert declared(documents["same"]["sample_fields"]) == declared(documents["own"]["sample_fields"])
    assert documents["same"].keys() == documents["own"].keys()
    for name in ("media_type", "persistent", "version", "frame_fields", "group_media_types"):
        assert documents["same"][name] == documents["own"][name]
    indexes = [database()[each._doc.sample_collection_name].index_information() for each in (own, ours)]
    assert indexes[0] == indexes[1]
    assert len(ours) == len(own) == len(samples)
    for one, other in zip(own.sort_by("key"), ours.sort_by("key"), strict=True):
        left, right = one.to_dict(), other.to_dict()
        for each in (left, right):
            each["metadata"].pop("num_channels", None)
            for name in ("created_at", "last_modified_at"):
                each.pop(name)
            if each["label"]:
                each["label"].pop("_id")
        assert left == right
    raw = database()[ours._doc.sample_collection_name].find_one()
    own_raw = database()[own._doc.sample_collection_name].find_one()
    assert raw.keys() == own_raw.keys()
    for name in ("_id", "_dataset_id", "_rand", "created_at", "last_modified_at"):
        assert type(raw[name]) is type(own_raw[name])
    assert 0.999 <= raw["_rand"] <= 1


def test_names_that_a_detection_uses_itself_are_no_attributes() -> None:
    names = {name for name in dir(fo().Detection) if not name.startswith("_")}
    assert names <= _TAKEN
    assert {MORE, *ADDED} <= _TAKEN


def test_samples_keep_their_ids_when_a_window_is_built_again() -> None:
    ledger = new_ledger("ids", every_kind())
    first = dict(zip(*build_window(ledger).dataset().values(["key", "id"]), strict=True))
    remove_window(ledger)
    assert open_window(ledger) is None
    assert dict(zip(*build_window(ledger).dataset().values(["key", "id"]), strict=True)) == first


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_sizes_are_those_that_fiftyone_reads_from_a_turned_photo(orientation: int) -> None:
    key = f"turned{orientation}.jpg"
    given = sample(key, box(key, corners=(0, 0, 30, 10)), size=Size(60, 40), orientation=orientation)
    draw(given, orientation)
    dataset = build_window(new_ledger("turned", [given])).dataset()
    ours = dataset.first().metadata
    dataset.compute_metadata(overwrite=True)
    theirs = dataset.first().metadata
    assert (ours.width, ours.height, ours.size_bytes, ours.mime_type) == (
        theirs.width, theirs.height, theirs.size_bytes, theirs.mime_type,
    )  # fmt: skip
    assert (ours.width, ours.height) == (60, 40)


def test_it_opens_as_a_user_wants_it() -> None:
    dataset = build_window(new_ledger("look", every_kind(), findings=FOUND)).dataset()
    scheme = {each["path"]: each for each in dataset.app_config.color_scheme.fields}
    assert [each["value"] for each in scheme["ground_truth"]["valueColors"]] == list(CLASSES)
    assert len({each["color"] for each in scheme["ground_truth"]["valueColors"]}) == len(CLASSES)
    assert [group.name for group in dataset.app_config.sidebar_groups] == [
        "labels", "tags", "split", "group", "size", "findings", "metadata",
    ]  # fmt: skip
    counts = {name: len(dataset.load_saved_view(name)) for name in dataset.list_saved_views()}
    assert counts == {
        "unlabelled": 1, "looked at, nothing there": 1, "groups of several images": 2, "with findings": 1,
        "split train": 2, "split val": 2,
    }  # fmt: skip
    assert dataset.label_schemas["ground_truth"]["classes"] == list(CLASSES)
    assert dataset.label_schemas["label"]["classes"] == list(CLASSES)
    assert dataset.active_label_schemas == ["ground_truth", "label", "state", "split", "tags"]
    names = {each["name"] for each in dataset.label_schemas["ground_truth"]["attributes"]}
    assert "occluded" in names
    assert not names & {*ADDED, "mask_path"}
    assert dataset.get_field("state").description


def test_a_part_of_the_images_and_an_older_version() -> None:
    ledger = new_ledger("part", every_kind())
    ledger.commit({"b/4.jpg": None}, base=1, author="ann", tool="t", message="gone")
    window = show_window(ledger, where="split = 'val'")
    assert sorted(window.dataset().values("key")) == ["a/2.jpg", "한글.jpg"]
    assert window.dataset().values("group_size") == [2, 1]
    assert not find_edits(window)
    assert len(show_window(ledger).dataset()) == 4
    assert len(show_window(ledger, version=1).dataset()) == 5
    with pytest.raises(LabelloopError, match="--where must be a SQL condition"):
        show_window(ledger, where="nonsense(")


def test_a_dataset_that_is_not_ours_is_left_alone() -> None:
    ledger = new_ledger("taken", every_kind())
    theirs = fo().Dataset("taken", persistent=True)
    for action in (build_window, open_window, remove_window):
        with pytest.raises(LabelloopError, match="is not the window of"):
            action(ledger)
    assert not theirs.deleted
    theirs.delete()


def test_other_databases_of_the_same_server_stay_as_they_are() -> None:
    client = database().client
    other = client["somebody_else"]["samples"]
    other.insert_one({"_id": 1, "text": "mine"})
    before = (
        client["somebody_else"].command("dbStats")["objects"],
        sorted(client["somebody_else"].list_collection_names()),
    )
    ledger = new_ledger("apart", every_kind())
    build_window(ledger)
    remove_window(ledger)
    after = (
        client["somebody_else"].command("dbStats")["objects"],
        sorted(client["somebody_else"].list_collection_names()),
    )
    assert before == after
    assert other.find_one() == {"_id": 1, "text": "mine"}
    client.drop_database("somebody_else")


@pytest.mark.parametrize("names", [("a.b", "a-b", "a_b", "A-b"), ("日本", "日本2", "Ölbild", "lbild")])
def test_names_that_fiftyone_takes_for_the_same_are_kept_apart(names: tuple[str, ...]) -> None:
    to_slug = fo().core.utils.to_slug
    made = [dataset_name(new_ledger(name, [])) for name in names]
    assert len({to_slug(each) for each in made}) == len(names)


def many(count: int) -> list[Sample]:
    return [
        sample(f"{n:05}.jpg", *(box(f"{n:05}.jpg", corners=(i, i, i + 9, i + 9)) for i in range(3)))
        for n in range(count)
    ]


BUILD = """
import sys
from pathlib import Path
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.window import build_window
from labelloop.datasets.window_fiftyone import fiftyone
fiftyone()
print("now", flush=True)
build_window(Ledger(Path(sys.argv[1])), discard=True)
print("done", flush=True)
"""


def test_a_build_that_is_killed_leaves_the_old_window_and_the_next_one_finishes() -> None:
    ledger = new_ledger("killed", many(3000))
    build_window(ledger)
    ledger.commit({"new.jpg": sample("new.jpg")}, base=1, author="ann", tool="t", message="one more")
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(ledger.folder)], cwd=ROOT.parent, text=True, stdout=subprocess.PIPE,
        env={**os.environ, **environment(server())}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    time.sleep(random.uniform(0.2, 1.2))
    process.send_signal(signal.SIGKILL)
    finished = "done" in process.communicate()[0]
    window = open_window(ledger)
    if window is not None:  # else it was killed between taking the old one away and putting itself there
        assert window.version == 2 or not finished
        assert len(window.dataset()) == (3001 if window.version == 2 else 3000)
    window = build_window(ledger)
    assert len(window.dataset()) == database()[window.dataset()._doc.sample_collection_name].count_documents({}) == 3001
    assert not fo().dataset_exists(partial_name(ledger))
    assert not find_edits(window)


def build_until_it_fails(ledger: Ledger) -> None:
    while True:
        build_window(ledger)


def test_mongod_killed_during_a_build_is_started_again_and_counts_are_right() -> None:
    ledger = new_ledger("mongod", many(3000))
    build_window(ledger)
    pid = locking_pid(workspace().mongo)
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(LabelloopError, match="MongoDB stopped answering"):
        build_until_it_fails(ledger)
    again = ensure_mongod(workspace())
    try:
        assert again.port == server().port
        window = open_window(ledger)
        if window is not None:  # it was killed before the old one was replaced
            assert len(window.dataset()) == 3000
        window = build_window(ledger)
        assert len(window.dataset()) == 3000
        assert not find_edits(window)
    finally:
        again.close()
