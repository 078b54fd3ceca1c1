"""Errors that people mended, read from commits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from labelloop.training.rounds.corrections import find_corrections, read_corrections

from .ledgers import ADA, BEN, answer, confirmed, moved, new_ledger, one, other, renamed, with_more, without_first
from .simulated import images


def kinds(before, after) -> list[str]:
    return [each.kind for each in find_corrections(before, after, BEN, 2)[0]]


def test_each_kind_of_error():
    (sample,) = images(1, seed=3, boxes=1)
    assert kinds(sample, renamed(sample, other(sample.boxes[0].label))) == ["class"]
    assert kinds(sample, moved(sample, 40)) == ["location"]
    assert kinds(sample, without_first(sample)) == ["spurious"]
    assert kinds(sample, with_more(sample)) == ["missing"]
    assert kinds(replace(sample, label="a"), replace(sample, label="b")) == ["image-label"]
    assert kinds(sample, confirmed(sample)) == []


def test_a_nudge_is_no_error():
    (sample,) = images(1, seed=3)
    found, nudged = find_corrections(sample, moved(sample, 1), BEN, 2)
    assert (found, nudged) == ([], 1)


def test_a_box_drawn_anew_is_the_same_object():
    (sample,) = images(1, seed=3)
    again = replace(renamed(sample, other(sample.boxes[0].label)).boxes[0], id="a" * 24)
    assert kinds(sample, replace(sample, boxes=(again,))) == ["class"]
    far = replace(moved(sample, 40).boxes[0], id="a" * 24)
    assert kinds(sample, replace(sample, boxes=(far,))) == ["location"]
    same = replace(sample.boxes[0], id="a" * 24)
    assert kinds(sample, replace(sample, boxes=(same,))) == []


def test_commits_are_read_by_person_class_and_kind(tmp_path: Path):
    ledger = new_ledger(tmp_path)
    first, second, third = (one(ledger, key) for key in ("0.jpg", "1.jpg", "2.jpg"))
    label = other(first.boxes[0].label)
    made = [
        answer(ledger, "r", renamed(first, label), confirmed(third)),
        answer(ledger, "r", with_more(second), author=ADA),
    ]
    found = read_corrections(ledger, made)
    assert found.changed == {"0.jpg", "1.jpg", "2.jpg"}
    assert found.wrong == {"0.jpg", "1.jpg"}
    assert found.counted("kind") == {"missing": 1, "class": 1}
    assert found.counted("author") == {ADA: 1, BEN: 1}
    assert sum(found.counted("label").values()) == 2
    assert read_corrections(ledger, made, ["2.jpg"]).corrections == ()


def test_what_is_labelled_for_the_first_time_was_no_error(tmp_path: Path):
    empty = [replace(each, boxes=(), state="unlabelled") for each in images(3)]
    ledger = new_ledger(tmp_path, empty)
    version = answer(ledger, "r", replace(with_more(one(ledger, "1.jpg"))))
    found = read_corrections(ledger, [version])
    assert found.labelled == {"1.jpg"}
    assert found.corrections == ()
