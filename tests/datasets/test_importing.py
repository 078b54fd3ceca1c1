"""Imports: what is new comes in, what changed is merged, nothing comes twice and nothing is lost without a word."""

from __future__ import annotations

import base64
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.history import restore, revert
from labelloop.datasets.importing import ImportReport
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Sample
from tests.datasets.ledgers import commit, do_import, draw, ledger_of, one, write_json, write_labelme

CAT, DOG = Box("cat", 0, 0, 10, 10), Box("dog", 20, 20, 50, 60)
COUNTS = ("added", "updated", "moved", "kept", "unchanged", "left_out", "gone")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_labelme(tmp_path / "photos", {"a.png": [CAT, DOG], "b.png": [], "sub/c.png": [CAT]})


def counts(report: ImportReport) -> dict[str, int]:
    """The counts that are not zero; all but `gone` add up to the images."""
    said = {name: getattr(report, name) for name in COUNTS}
    assert sum(said.values()) - report.gone == report.images
    return {name: count for name, count in said.items() if count}


def kinds(report: ImportReport) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in report.findings:
        if finding.kind != "class-order-assumed":
            found.setdefault(finding.kind, []).append(finding.place)
    return found


def labels(sample: Sample) -> list[tuple[str, tuple[float, ...]]]:
    return [(box.label, box.corners) for box in sample.boxes]


def edit(ledger: Ledger, key: str, *boxes: Box) -> None:
    there = one(ledger, key)
    commit(ledger, replace(there, boxes=boxes, state="labelled" if boxes else "negative"), author="bob")


def test_the_first_import_is_version_1_and_says_everything(home: Path, source: Path) -> None:
    report = do_import(home, source)
    assert counts(report) == {"added": 3}
    ledger = ledger_of(home)
    assert report.commit == ledger.commit_of(1)
    assert report.commit.counts == {"image-added": 3, "box-added": 3}
    assert report.commit.details["source"] == str(source)
    assert report.commit.details["format"] == "labelme"
    assert report.commit.message == "import of photos"
    assert ledger.keys() == {"a.png", "b.png", "sub/c.png"}
    assert labels(one(ledger, "a.png")) == [("cat", CAT.corners), ("dog", DOG.corners)]
    assert one(ledger, "b.png").state == "negative"
    assert one(ledger, "sub/c.png").path == source / "sub" / "c.png"
    assert ledger.classes() == ("cat", "dog")
    rows = ledger.frame()
    assert set(rows["root"]) == {str(source)}
    assert rows["file"].to_list() == ["a.png", "b.png", "sub/c.png"]
    assert rows["said"].null_count() == 3


def test_importing_again_is_no_commit(home: Path, source: Path) -> None:
    do_import(home, source)
    for _ in range(2):
        report = do_import(home, source)
        assert (report.commit, counts(report)) == (None, {"unchanged": 3})
    assert ledger_of(home).version() == 1


def test_new_images_come_in_beside_the_others(home: Path, source: Path) -> None:
    do_import(home, source)
    write_labelme(source, {"d.png": [DOG]}, first=50)
    draw(source / "e.png", 51)
    report = do_import(home, source)
    assert counts(report) == {"added": 2, "unchanged": 3}
    assert one(ledger_of(home), "e.png").state == "unlabelled"
    assert ledger_of(home).frame(since=1)["key"].to_list() == ["d.png", "e.png"]


def test_labels_that_changed_in_the_source_alone_come_in_with_their_ids(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    cat, dog = one(ledger, "a.png").boxes
    write_json(source / "a.png", [replace(DOG, x2=52), Box("emu", 70, 0, 90, 9), replace(CAT, label="kitten")])
    report = do_import(home, source)
    assert counts(report) == {"updated": 1, "unchanged": 2}
    boxes = one(ledger, "a.png").boxes
    assert {box.label: box.id for box in boxes if box.label != "emu"} == {"dog": dog.id, "kitten": cat.id}
    assert ledger.classes() == ("cat", "dog", "emu", "kitten")
    assert do_import(home, source).commit is None


def test_labels_that_changed_in_the_ledger_alone_stay(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    cat = one(ledger, "a.png").boxes[0]
    edit(ledger, "a.png", replace(cat, x2=11))
    edit(ledger, "sub/c.png")
    before = ledger.samples()
    for _ in range(2):
        report = do_import(home, source)
        assert (report.commit, counts(report), kinds(report)) == (None, {"unchanged": 3}, {})
    assert ledger.samples() == before


def test_changes_on_both_sides_are_merged_and_stay_merged(home: Path, source: Path) -> None:
    """What the merge made is not what the source said: taken for that, the next import undid the ledger's edits."""
    do_import(home, source)
    ledger = ledger_of(home)
    cat, dog = one(ledger, "a.png").boxes
    edit(ledger, "a.png", replace(cat, x2=11), dog)
    write_json(source / "a.png", [CAT, DOG, Box("emu", 70, 0, 90, 9)])
    report = do_import(home, source)
    assert counts(report) == {"updated": 1, "unchanged": 2}
    expected = [("cat", (0, 0, 11, 10)), ("dog", DOG.corners), ("emu", (70, 0, 90, 9))]
    for _ in range(2):
        assert labels(one(ledger, "a.png")) == expected
        assert do_import(home, source).commit is None
    edit(ledger, "a.png", replace(cat, x2=12), *one(ledger, "a.png").boxes[1:])
    write_json(source / "a.png", [CAT, replace(DOG, x2=51), Box("emu", 70, 0, 90, 9)])
    assert counts(do_import(home, source)) == {"updated": 1, "unchanged": 2}
    expected = [("cat", (0, 0, 12, 10)), ("dog", (20, 20, 51, 60)), ("emu", (70, 0, 90, 9))]
    assert labels(one(ledger, "a.png")) == expected
    assert do_import(home, source).commit is None


def test_contradicting_changes_keep_the_ledgers_and_are_found_each_time(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    cat, dog = one(ledger, "a.png").boxes
    edit(ledger, "a.png", replace(cat, x2=11), dog)
    write_json(source / "a.png", [replace(CAT, x2=12), replace(DOG, label="wolf")])
    report = do_import(home, source)
    assert (counts(report), kinds(report)) == ({"kept": 1, "unchanged": 2}, {"labels-differ": ["a.png"]})
    assert "corners was (0, 0, 10, 10); here (0, 0, 11, 10), there (0, 0, 12, 10)" in report.findings[-1].message
    assert labels(one(ledger, "a.png")) == [("cat", (0, 0, 11, 10)), ("wolf", DOG.corners)]
    again = do_import(home, source)
    assert (again.commit, kinds(again)) == (None, {"labels-differ": ["a.png"]})
    edit(ledger, "a.png", *(replace(box, x2=12) if box.id == cat.id else box for box in one(ledger, "a.png").boxes))
    settled = do_import(home, source)
    assert (counts(settled), kinds(settled)) == ({"unchanged": 3}, {})
    write_json(source / "a.png", [replace(CAT, x2=13), replace(DOG, label="wolf")])
    assert counts(do_import(home, source)) == {"updated": 1, "unchanged": 2}
    assert labels(one(ledger, "a.png"))[0] == ("cat", (0, 0, 13, 10))


def test_corrections_that_went_back_to_the_source_are_its_past_from_then_on(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    cat, dog = one(ledger, "a.png").boxes
    edit(ledger, "a.png", replace(cat, label="kitten"), replace(dog, id="f" * 24, x1=60, x2=90))
    write_json(source / "a.png", [replace(CAT, label="kitten"), replace(DOG, x1=60, x2=90)])
    assert kinds(do_import(home, source)) == {}
    assert do_import(home, source).commit is None
    assert {box.id for box in one(ledger, "a.png").boxes} == {cat.id, "f" * 24}
    write_json(source / "a.png", [CAT, replace(DOG, x1=60, x2=90), Box("emu", 70, 0, 90, 9)])
    assert counts(do_import(home, source)) == {"updated": 1, "unchanged": 2}
    assert sorted(labels(one(ledger, "a.png"))) == [
        ("cat", CAT.corners),
        ("dog", (60, 20, 90, 60)),
        ("emu", (70, 0, 90, 9)),
    ]


def test_a_box_added_here_and_there_is_one(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    emu = Box("emu", 70, 0, 90, 9, "e" * 24)
    edit(ledger, "a.png", *one(ledger, "a.png").boxes, emu)
    write_json(source / "a.png", [CAT, replace(DOG, x2=51), replace(emu, id="")])
    assert kinds(do_import(home, source)) == {}
    assert Counter(box.label for box in one(ledger, "a.png").boxes) == {"cat": 1, "dog": 1, "emu": 1}


def test_a_split_in_the_ledger_stays(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    commit(ledger, *(replace(each, split="val", tags=("x",)) for each in ledger.samples()))
    assert do_import(home, source).commit is None
    write_json(source / "a.png", [DOG])
    assert counts(do_import(home, source)) == {"updated": 1, "unchanged": 2}
    assert {each.split for each in ledger.samples()} == {"val"}
    assert one(ledger, "a.png").tags == ("x",)
    assert do_import(home, source).commit is None


def test_other_bytes_under_the_same_key_are_found_and_not_taken(home: Path, source: Path) -> None:
    do_import(home, source)
    before = ledger_of(home).samples()
    draw(source / "a.png", 77)
    for _ in range(2):
        report = do_import(home, source)
        assert (report.commit, counts(report)) == (None, {"kept": 1, "unchanged": 2})
        assert kinds(report) == {"content-changed": ["a.png"]}
    assert ledger_of(home).samples() == before


def test_a_renamed_file_keeps_its_key_and_its_history(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    was = one(ledger, "a.png")
    for suffix in (".png", ".json"):
        (source / f"a{suffix}").rename(source / "sub" / f"z{suffix}")
    write_json(source / "sub" / "z.png", [CAT])
    report = do_import(home, source)
    assert counts(report) == {"updated": 1, "unchanged": 2}
    assert kinds(report) == {"renamed": ["sub/z.png"]}
    assert ledger.keys() == {"a.png", "b.png", "sub/c.png"}
    assert one(ledger, "a.png") == replace(was, path=source / "sub" / "z.png", boxes=was.boxes[:1])
    assert ledger.frame(keys=["a.png"])["findings"][0].to_list() == [
        "renamed: image is a.png in the ledger and keeps that name there"
    ]
    again = do_import(home, source)
    assert (again.commit, counts(again), kinds(again)) == (None, {"unchanged": 3}, {"renamed": ["sub/z.png"]})


def test_copies_that_are_renamed_each_keep_one_key(home: Path, source: Path) -> None:
    shutil.copy(source / "a.png", source / "a2.png")
    write_json(source / "a2.png", [DOG])
    assert counts(do_import(home, source)) == {"added": 4}
    ledger = ledger_of(home)
    before = {each.key: labels(each) for each in ledger.samples()}
    for name in ("a", "a2"):
        for suffix in (".png", ".json"):
            (source / f"{name}{suffix}").rename(source / f"x{name}{suffix}")
    report = do_import(home, source)
    assert counts(report) == {"moved": 2, "unchanged": 2}
    assert {each.key: labels(each) for each in ledger.samples()} == before
    assert {each.path.name for each in ledger.samples()} == {"xa.png", "xa2.png", "b.png", "c.png"}


def test_a_source_that_moved_is_found_and_a_new_copy_in_it_is_new(home: Path, source: Path, tmp_path: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    cat, dog = one(ledger, "a.png").boxes
    edit(ledger, "a.png", replace(cat, x2=11), dog)
    before = ledger.samples()
    elsewhere = source.rename(tmp_path / "elsewhere")
    shutil.copy(elsewhere / "b.png", elsewhere / "a copy.png")
    report = do_import(home, elsewhere)
    assert counts(report) == {"added": 1, "moved": 3}
    assert report.commit is not None
    assert report.commit.counts == {"image-added": 1, "image-moved": 3}
    now = [each for each in ledger.samples() if each.key != "a copy.png"]
    assert now == [replace(each, path=elsewhere / each.key) for each in before]
    assert set(ledger.frame()["root"]) == {str(elsewhere)}
    for _ in range(2):
        assert do_import(home, elsewhere).commit is None
    assert labels(one(ledger, "a.png"))[0] == ("cat", (0, 0, 11, 10))


def test_images_that_the_source_has_no_longer_stay_and_are_counted(home: Path, source: Path, tmp_path: Path) -> None:
    do_import(home, source)
    (source / "b.png").unlink()
    (source / "b.json").unlink()
    report = do_import(home, source)
    assert (report.commit, counts(report)) == (None, {"unchanged": 2, "gone": 1})
    assert one(ledger_of(home), "b.png")
    elsewhere = source.rename(tmp_path / "elsewhere")
    assert counts(do_import(home, elsewhere)) == {"moved": 2, "gone": 1}
    other = write_labelme(tmp_path / "other", {"x.png": []}, first=90)
    assert counts(do_import(home, other)) == {"added": 1}


def test_a_second_source_with_the_same_keys_and_other_images_is_found(home: Path, source: Path, tmp_path: Path) -> None:
    do_import(home, source)
    other = write_labelme(tmp_path / "other", {"a.png": [DOG], "new.png": []}, first=40)
    report = do_import(home, other)
    assert counts(report) == {"added": 1, "kept": 1}
    assert kinds(report) == {"content-changed": ["a.png"]}
    assert one(ledger_of(home), "a.png").path == source / "a.png"
    assert set(ledger_of(home).frame()["root"]) == {str(source), str(other)}


def test_a_second_source_of_the_same_images_adds_what_it_says(home: Path, source: Path, tmp_path: Path) -> None:
    do_import(home, source)
    other = tmp_path / "other"
    shutil.copytree(source, other)
    assert do_import(home, other).commit is None
    write_json(other / "b.png", [CAT])
    assert counts(do_import(home, other)) == {"updated": 1, "unchanged": 2}
    row = ledger_of(home).frame(keys=["b.png"]).row(0, named=True)
    assert (row["root"], row["file"], len(row["boxes"])) == (str(source), "b.png", 1)


def embed(place: Path, number: int, boxes: list[Box]) -> bytes:
    image = place.with_suffix(".png")
    draw(image, number)
    data = image.read_bytes()
    write_json(image, boxes, imageData=base64.b64encode(data).decode())
    image.unlink()
    return data


def test_embedded_images_lie_in_the_workspace_and_stay_there(home: Path, source: Path) -> None:
    first = embed(source / "e.json", 60, [CAT])
    assert counts(do_import(home, source)) == {"added": 4}
    ledger = ledger_of(home)
    (there,) = [each for each in ledger.samples() if each.path.is_relative_to(home)]
    assert there.path.read_bytes() == first
    assert do_import(home, source).commit is None
    second = embed(source / "e.json", 61, [CAT])
    assert first != second
    report = do_import(home, source)
    assert kinds(report) == {"content-changed": [there.key]}
    assert one(ledger, there.key).path.read_bytes() == first
    assert not list(home.rglob("*.part"))


def test_findings_reach_the_rows_of_their_images_and_leave_with_their_cause(home: Path, tmp_path: Path) -> None:
    source = write_labelme(tmp_path / "photos", {"a.png": [CAT, CAT], "b.png": [], "c: d.png": [replace(CAT, x1=-5)]})
    do_import(home, source)
    ledger = ledger_of(home)

    def found() -> list[list[str]]:
        return [[each.split(":")[0] for each in row][-1:] for row in ledger.frame()["findings"].to_list()]

    assert found() == [["duplicate-box"], [], ["clipped"]]
    write_json(source / "a.png", [CAT])
    do_import(home, source)
    assert found() == [[], [], ["clipped"]]
    commit(ledger, replace(one(ledger, "c: d.png"), split="val"))
    assert found() == [[], [], ["clipped"]]


def test_findings_of_yolo_and_coco_reach_the_rows(tmp_path: Path) -> None:
    yolo = tmp_path / "yolo"
    draw(yolo / "images" / "train" / "a.png")
    draw(yolo / "images" / "train" / "b.png", 1)
    (yolo / "labels" / "train").mkdir(parents=True)
    (yolo / "labels" / "train" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n0 0.1 0.5 0.4 0.2\n")
    (yolo / "labels" / "train" / "b.txt").write_text("")
    (yolo / "data.yaml").write_text("train: images/train\nnames: [cat]\n")
    coco = tmp_path / "coco"
    draw(coco / "a.png")
    image = {"id": 1, "file_name": "a.png", "width": 100, "height": 80}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [-9, 0, 20, 20], "area": 400, "iscrowd": 0}
    categories = [{"id": 1, "name": "cat"}]
    (coco / "instances.json").write_text(
        json.dumps({"images": [image], "annotations": [annotation], "categories": categories})
    )
    for source, key, line in ((yolo, "images/train/a.png", 2), (coco, "a.png", 1)):
        home = tmp_path / f"home of {source.name}"
        report = do_import(home, source)
        assert "clipped" in kinds(report), line
        rows = ledger_of(home).frame(keys=[key])
        assert [each.split(":")[0] for each in rows["findings"][0]] == ["clipped"]


def test_what_json_cannot_say_is_kept_as_null_with_a_word(home: Path, tmp_path: Path) -> None:
    source = write_labelme(
        tmp_path / "photos", {"a.png": [replace(CAT, attributes={"x": float("nan"), "big": 10**30})]}
    )
    deep: list[object] = []
    for _ in range(600):
        deep = [deep]
    write_json(source / "a.png", [CAT], rating=float("inf"), deep=deep, half="\ud800")
    report = do_import(home, source)
    assert kinds(report) == {"not-kept": ["a.png"]}
    assert one(ledger_of(home), "a.png").extra["rating"] is None
    assert one(ledger_of(home), "a.png").extra["half"] == "\ud800"
    assert do_import(home, source).commit is None


def test_nan_in_attributes_is_no_change_of_its_own(home: Path, tmp_path: Path) -> None:
    source = write_labelme(
        tmp_path / "photos", {"a.png": [replace(CAT, attributes={"x": float("nan"), "big": 10**30})]}
    )
    do_import(home, source)
    attributes = one(ledger_of(home), "a.png").boxes[0].attributes
    assert attributes["x"] is None
    assert attributes["big"] == 10**30
    assert do_import(home, source).commit is None


def test_a_class_order_that_contradicts_the_ledgers_stops(home: Path, source: Path) -> None:
    do_import(home, source, Recipe(classes=("dog", "cat")))
    for order in (("cat", "dog"), ("dog", "emu", "cat")):
        with pytest.raises(
            LabelloopError, match=r"class order must stay as it is in the ledger .dog, cat., new classes"
        ):
            do_import(home, source, Recipe(classes=order))
    assert do_import(home, source).commit is None  # nothing pinned: names say what is meant
    report = do_import(home, source, Recipe(classes=("dog", "cat", "emu")))
    assert counts(report) == {"unchanged": 3}
    assert report.commit is not None
    assert ledger_of(home).classes() == ("dog", "cat", "emu")


def test_what_stops_an_import_stops_it_and_is_left_out_when_asked(home: Path, source: Path) -> None:
    write_json(source / "a.png", [CAT], shapes=[{"label": "cat", "points": [[1, 1]], "shape_type": "point"}])
    (source / "b.png").write_bytes(b"no image")
    with pytest.raises(LabelloopError, match=r"cannot be imported as it is .*2 problems"):
        do_import(home, source)
    assert not (home / "ledgers").exists()
    report = do_import(home, source, skip_bad=True)
    assert counts(report) == {"added": 1, "left_out": 2}
    assert ledger_of(home).keys() == {"sub/c.png"}
    write_json(source / "a.png", [CAT])
    assert counts(do_import(home, source, skip_bad=True)) == {"added": 1, "unchanged": 1, "left_out": 1}


def test_an_image_that_becomes_unreadable_is_left_out_and_stays_in_the_ledger(home: Path, source: Path) -> None:
    do_import(home, source)
    (source / "b.png").write_bytes(b"no image")
    report = do_import(home, source, skip_bad=True)
    assert (report.commit, counts(report)) == (None, {"unchanged": 2, "left_out": 1})
    assert len(ledger_of(home).keys()) == 3


def test_a_reverted_import_of_labels_stays_reverted(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    write_json(source / "a.png", [DOG])
    do_import(home, source)
    revert(ledger, author="ann", commits=[2])
    before = ledger.samples()
    assert do_import(home, source).commit is None
    assert ledger.samples() == before
    restore(ledger, 2, author="ann")
    assert do_import(home, source).commit is None


def test_an_image_that_was_removed_from_the_ledger_and_is_in_the_source_is_new_again(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    before = ledger.samples()
    revert(ledger, author="ann", commits=[1])
    assert ledger.keys() == set()
    assert counts(do_import(home, source)) == {"added": 3}
    assert ledger.samples() == before


def test_an_image_that_went_and_was_brought_back_keeps_its_past(home: Path, source: Path) -> None:
    do_import(home, source)
    ledger = ledger_of(home)
    ids = [box.id for box in one(ledger, "a.png").boxes]
    ledger.commit({"a.png": None}, base=1, author="bob", tool="edit", message="m")
    revert(ledger, author="ann", commits=[2])
    assert do_import(home, source).commit is None
    write_json(source / "a.png", [replace(CAT, label="emu"), DOG])
    assert counts(do_import(home, source)) == {"updated": 1, "unchanged": 2}
    assert [(box.label, box.id) for box in one(ledger, "a.png").boxes] == [("emu", ids[0]), ("dog", ids[1])]


def test_the_source_is_never_written_to(home: Path, source: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(source.rglob("*"))}

    embed(source / "e.json", 60, [CAT])
    before = state()
    do_import(home, source)
    assert state() == before
