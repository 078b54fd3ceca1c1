"""Blame, revert and restore: what was done is known, and undone without what came after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.history import blame, restore, revert
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample
from tests.datasets.ledgers import by_key, commit, new_ledger, one, sample

CAT, DOG = Box("cat", 0, 0, 10, 10), Box("dog", 20, 20, 50, 60)
START = sample("a.jpg", CAT, DOG)
FIRST, SECOND = START.boxes


def with_boxes(*boxes: Box) -> Sample:
    return replace(START, boxes=boxes, state="labelled" if boxes else "negative")


def remove(ledger: Ledger, *keys: str, author: str = "ann") -> int:
    ledger.commit(dict.fromkeys(keys), base=ledger.version(), author=author, tool="edit", message="m")
    return ledger.version()


def told(ledger: Ledger, key: str, box: str = "") -> list[tuple[int, str, list[str]]]:
    return [(step.version, step.author, [each.kind for each in step.changes]) for step in blame(ledger, key, box)]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return new_ledger(tmp_path, START, sample("b.jpg"), sample("c.jpg", CAT))


def test_blame_tells_every_commit_of_an_image_and_none_of_others(ledger: Ledger) -> None:
    moved = replace(FIRST, x2=11)
    commit(ledger, with_boxes(moved, SECOND), author="bob")
    commit(ledger, sample("b.jpg", CAT), author="eve")
    commit(ledger, with_boxes(moved, replace(SECOND, label="cat")), author="cid")
    assert told(ledger, "a.jpg") == [
        (4, "cid", ["box-renamed"]),
        (2, "bob", ["box-moved"]),
        (1, "ann", ["image-added", "box-added", "box-added"]),
    ]
    assert told(ledger, "a.jpg", FIRST.id) == [(2, "bob", ["box-moved"]), (1, "ann", ["box-added"])]
    (step, _) = blame(ledger, "a.jpg", SECOND.id)
    assert (step.tool, step.changes[0].before, step.changes[0].after) == ("edit", SECOND, replace(SECOND, label="cat"))
    assert step.time == ledger.frame(4, keys=["a.jpg"])["time"][0]


def test_blame_knows_images_that_went_and_came_back(ledger: Ledger) -> None:
    remove(ledger, "a.jpg", author="bob")
    assert [each[:2] for each in told(ledger, "a.jpg")] == [(2, "bob"), (1, "ann")]
    commit(ledger, with_boxes(SECOND), author="cid")
    commit(ledger, sample("c.jpg"))
    assert told(ledger, "a.jpg") == [
        (3, "cid", ["image-added", "box-added"]),
        (2, "bob", ["image-removed", "box-deleted", "box-deleted"]),
        (1, "ann", ["image-added", "box-added", "box-added"]),
    ]
    remove(ledger, "a.jpg", author="dan")
    assert [each[0] for each in told(ledger, "a.jpg")] == [5, 3, 2, 1]


def test_blame_of_what_never_was_is_a_sentence(ledger: Ledger) -> None:
    with pytest.raises(LabelloopError, match=r"pets has never had an image x\.jpg"):
        blame(ledger, "x.jpg")
    with pytest.raises(LabelloopError, match=r"a\.jpg has never had a box of the id 123"):
        blame(ledger, "a.jpg", "123")


def test_a_commit_is_undone_and_later_edits_of_other_things_stay(ledger: Ledger) -> None:
    commit(ledger, with_boxes(replace(FIRST, x2=11), SECOND), sample("b.jpg", CAT), author="bob")
    commit(ledger, replace(with_boxes(replace(FIRST, x2=11)), split="val"), author="cid")
    done = revert(ledger, author="ann", commits=[2])
    assert one(ledger, "a.jpg") == replace(with_boxes(FIRST), split="val")
    assert one(ledger, "b.jpg") == sample("b.jpg")
    assert (done.undone, done.kept) == ((2,), ())
    assert done.commit is not None
    assert (done.commit.tool, done.commit.message, done.commit.details) == ("revert", "revert of 2", {"reverts": "2"})
    revert(ledger, author="ann", commits=[4])
    assert one(ledger, "a.jpg") == replace(with_boxes(replace(FIRST, x2=11)), split="val")
    assert one(ledger, "b.jpg") == sample("b.jpg", CAT)


def test_what_later_edits_build_upon_stays_and_is_listed(ledger: Ledger) -> None:
    commit(ledger, with_boxes(replace(FIRST, x2=11), replace(SECOND, x2=51)), author="bob")
    commit(ledger, with_boxes(replace(FIRST, x2=12), replace(SECOND, x2=51)), author="cid")
    done = revert(ledger, author="ann", commits=[2])
    assert one(ledger, "a.jpg") == with_boxes(replace(FIRST, x2=12), SECOND)
    assert [(each.box, each.what) for each in done.kept] == [(FIRST.id, "corners")]
    again = revert(ledger, author="ann", commits=[2])
    assert again.commit is None
    assert [(each.box, each.what) for each in again.kept] == [(FIRST.id, "corners")]


def test_a_chain_by_one_author_is_undone_as_a_whole(ledger: Ledger) -> None:
    for x2 in (11, 12, 13):
        commit(ledger, with_boxes(replace(FIRST, x2=x2), SECOND), author="bob")
    commit(ledger, sample("b.jpg", CAT), author="cid")
    remove(ledger, "c.jpg", author="bob")
    done = revert(ledger, author="ann", by="bob")
    assert (done.undone, done.kept) == ((6, 4, 3, 2), ())
    assert ledger.samples() == [START, sample("b.jpg", CAT), sample("c.jpg", CAT)]


def test_a_round_is_undone(ledger: Ledger) -> None:
    commit(ledger, with_boxes(FIRST), round="1")
    commit(ledger, sample("b.jpg", CAT), round="2")
    commit(ledger, sample("c.jpg"), round="1")
    revert(ledger, author="ann", round="1", message="wrong round")
    assert ledger.samples() == [START, sample("b.jpg", CAT), sample("c.jpg", CAT)]
    assert ledger.commits()[-1].message == "wrong round"


def test_an_import_is_undone_but_for_what_was_worked_on_since(ledger: Ledger) -> None:
    commit(ledger, with_boxes(FIRST), author="bob")
    done = revert(ledger, author="ann", commits=[1])
    assert ledger.samples() == [with_boxes(FIRST)]
    assert [(each.key, each.what) for each in done.kept] == [("a.jpg", "image")]


def test_a_revert_can_be_reverted(ledger: Ledger) -> None:
    before = ledger.samples()
    revert(ledger, author="ann", commits=[1])
    assert ledger.samples() == []
    revert(ledger, author="ann", commits=[2])
    assert ledger.samples() == before


def test_what_cannot_be_reverted_is_a_sentence(ledger: Ledger) -> None:
    for words, chosen in (
        ("must be one of 1 to 1, received 0", {"commits": [0]}),
        ("must be one of 1 to 1, received -3, 7", {"commits": [1, 7, -3]}),
        ("no commit of author bob in pets; there are ann", {"by": "bob"}),
        ("no commit of round 7 in pets; there are none", {"round": "7"}),
        ("must name a commit, an author or a round", {}),
    ):
        with pytest.raises(LabelloopError, match=words):
            revert(ledger, author="ann", **chosen)  # type: ignore[arg-type]
    assert ledger.version() == 1


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_restore_says_again_what_a_version_said(ledger: Ledger, version: int) -> None:
    commit(ledger, with_boxes(replace(FIRST, label="emu")), sample("d.jpg", CAT))
    remove(ledger, "b.jpg", "d.jpg")
    made = restore(ledger, version, author="ann")
    assert ledger.samples() == ledger.samples(version)
    assert ledger.classes() == ledger.classes(version)
    assert (made is None) == (version == 3)
    assert restore(ledger, version, author="ann") is None
    if made is not None:
        assert (made.tool, made.message) == ("restore", f"back to version {version}")
        revert(ledger, author="ann", commits=[made.version])
        assert ledger.samples() == ledger.samples(3)


def test_restore_of_a_version_that_is_not_there_is_a_sentence(ledger: Ledger) -> None:
    with pytest.raises(LabelloopError, match="must be one of 0 to 1"):
        restore(ledger, 5, author="ann")


def test_labels_go_back_and_files_stay_where_they_are(ledger: Ledger) -> None:
    moved = replace(with_boxes(FIRST), path=Path("/new/a.jpg"))
    commit(ledger, moved)
    commit(ledger, replace(moved, boxes=(SECOND,)))
    revert(ledger, author="ann", commits=[2])
    assert one(ledger, "a.jpg").path == Path("/new/a.jpg")
    restore(ledger, 1, author="ann")
    assert one(ledger, "a.jpg") == replace(START, path=Path("/new/a.jpg"))
    commit(ledger, replace(one(ledger, "a.jpg"), split="val"))
    assert by_key(*ledger.samples(1))["a.jpg"] == START
