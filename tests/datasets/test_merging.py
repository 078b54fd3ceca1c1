"""The laws of the three-way merge, and a table of what becomes of labelled, negative and unlabelled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labelloop.datasets.merging import DELETED, Merged, merge_samples, same_labels
from labelloop.datasets.schema import Box, Sample, Size, State
from tests.datasets.ledger_samples import IDS, boxes_with, samples, some_or_none


def unordered(sample: Sample | None) -> Sample | None:
    return sample and replace(sample, boxes=tuple(sorted(sample.boxes, key=lambda box: box.id)))


def without_place(sample: Sample | None) -> Sample | None:
    return sample and replace(sample, path=Path("x"))


def by_id(sample: Sample | None) -> dict[str, Box]:
    return {box.id: box for box in sample.boxes} if sample else {}


@given(some_or_none(), some_or_none())
def test_one_side_that_changed_nothing_leaves_the_other(base: Sample | None, changed: Sample | None) -> None:
    assert merge_samples(base, changed, base) == Merged(changed)
    theirs = merge_samples(base, base, changed)
    assert theirs.conflicts == ()
    assert unordered(theirs.sample) == unordered(changed)


@given(some_or_none(), some_or_none())
def test_the_same_change_twice_is_one(base: Sample | None, changed: Sample | None) -> None:
    assert merge_samples(base, changed, changed) == Merged(changed)


@given(some_or_none(), some_or_none(), some_or_none())
def test_both_orders_merge_the_same_or_both_conflict(
    base: Sample | None, one: Sample | None, other: Sample | None
) -> None:
    here, there = merge_samples(base, one, other), merge_samples(base, other, one)
    assert bool(here.conflicts) == bool(there.conflicts)
    if not here.conflicts:
        assert unordered(without_place(here.sample)) == unordered(without_place(there.sample))
    ours = {(each.box, each.what, str(each.ours), str(each.theirs)) for each in here.conflicts}
    theirs = {(each.box, each.what, str(each.theirs), str(each.ours)) for each in there.conflicts}
    # What the state conflicts about depends on the boxes that are left, and those are our side's.
    assert {each for each in ours if each[1] != "state"} == {each for each in theirs if each[1] != "state"}


@given(some_or_none(), some_or_none(), some_or_none())
def test_in_a_conflict_our_side_stays(base: Sample | None, ours: Sample | None, theirs: Sample | None) -> None:
    merged = merge_samples(base, ours, theirs)
    for conflict in merged.conflicts:
        assert str(conflict)
        assert conflict.key == "a.jpg"
        if conflict.what in ("image", "content"):
            assert merged.sample == ours
        elif conflict.what == "box":
            assert by_id(merged.sample).get(conflict.box, DELETED) == conflict.ours
        elif conflict.box:
            assert value_of(by_id(merged.sample)[conflict.box], conflict.what) == conflict.ours
        else:
            assert merged.sample is not None
            assert value_of(merged.sample, conflict.what) == conflict.ours


def value_of(thing: Sample | Box, what: str) -> object:
    name, _, key = what.partition(".")
    value = getattr(thing, name)
    return value.get(key) if key else value


@given(some_or_none(), some_or_none(), some_or_none())
def test_what_one_side_added_or_changed_alone_is_there(
    base: Sample | None, ours: Sample | None, theirs: Sample | None
) -> None:
    merged = merge_samples(base, ours, theirs)
    if any(each.what in ("image", "content") or each.what == "state" for each in merged.conflicts):
        return  # the image as a whole is one thing then
    past, here, there, now = by_id(base), by_id(ours), by_id(theirs), by_id(merged.sample)
    if ours is None or theirs is None:
        assert merged.sample in (ours, theirs)
        return
    for box_id in IDS:
        sides = (past.get(box_id), here.get(box_id), there.get(box_id))
        if sides[1] == sides[0]:
            assert now.get(box_id) == sides[2]
        elif sides[2] == sides[0]:
            assert now.get(box_id) == sides[1]
    assert merged.sample is not None
    for name in ("label", "split", "group"):
        before = getattr(base, name) if base else None
        mine, yours = getattr(ours, name), getattr(theirs, name)
        expected = yours if mine == before else mine
        assert getattr(merged.sample, name) == expected
    tags = set(base.tags) if base else set[str]()
    for tag in {*ours.tags, *theirs.tags} - tags:
        assert tag in merged.sample.tags


@st.composite
def disjoint_edits(draw: st.DrawFn) -> tuple[Sample, Sample, Sample]:
    """A past, and two presents that touched different boxes."""
    base = draw(samples(content="a" * 64, place="/here"))
    owner = {box_id: draw(st.integers(0, 2)) for box_id in IDS}

    def edit(number: int) -> Sample:
        boxes: list[Box] = []
        for box_id in IDS:
            was = by_id(base).get(box_id)
            if owner[box_id] == number:
                was = draw(st.one_of(boxes_with(box_id), st.none()))
            if was is not None:
                boxes.append(was)
        labelled = bool(boxes) or base.label is not None
        empty: State = base.state if base.state != "labelled" else "negative"
        return replace(base, boxes=tuple(boxes), state="labelled" if labelled else empty)

    return base, edit(1), edit(2)


@given(disjoint_edits())
def test_edits_of_different_boxes_never_conflict(sides: tuple[Sample, Sample, Sample]) -> None:
    base, ours, theirs = sides
    merged = merge_samples(base, ours, theirs)
    assert merged.conflicts == ()
    past, here, there = by_id(base), by_id(ours), by_id(theirs)
    expected = {each: there.get(each) if here.get(each) == past.get(each) else here.get(each) for each in IDS}
    assert by_id(merged.sample) == {each: box for each, box in expected.items() if box is not None}


@given(some_or_none(), some_or_none(), some_or_none())
@example(
    Sample("a.jpg", Path("/a"), Size(9, 9), boxes=(Box("a", 0, 0, 1, 1, IDS[0]),), label="a"),
    Sample("a.jpg", Path("/a"), Size(9, 9), label="a"),
    Sample("a.jpg", Path("/a"), Size(9, 9), boxes=(Box("a", 0, 0, 1, 1, IDS[0]),)),
)
def test_a_merge_is_a_legal_sample_whose_boxes_come_from_the_sides(
    base: Sample | None, ours: Sample | None, theirs: Sample | None
) -> None:
    merged = merge_samples(base, ours, theirs).sample
    if merged is None:
        assert ours is None or theirs is None
        return
    assert set(by_id(merged)) <= {*by_id(ours), *by_id(theirs)}
    assert len(by_id(merged)) == len(merged.boxes)
    assert (merged.sha256, merged.size) in {(each.sha256, each.size) for each in (ours, theirs) if each}


@given(samples(), samples())
def test_same_labels_does_not_look_at_order_or_place(one: Sample, other: Sample) -> None:
    turned = replace(one, boxes=one.boxes[::-1], path=Path("/nowhere"))
    assert same_labels(one, turned)
    same = unordered(without_place(one)) == unordered(replace(other, path=Path("x"), sha256=one.sha256, size=one.size))
    assert same_labels(one, other) == same


A, MOVED, B = Box("cat", 0, 0, 4, 4, IDS[0]), Box("cat", 1, 1, 4, 4, IDS[0]), Box("dog", 5, 5, 9, 9, IDS[1])
STATES: dict[str, Sample | None] = {
    name: made and Sample("a.jpg", Path("/a.jpg"), Size(10, 10), state=made[0], boxes=made[1])  # type: ignore[arg-type]
    for name, made in {
        "gone": None,
        "unlabelled": ("unlabelled", ()),
        "negative": ("negative", ()),
        "A": ("labelled", (A,)),
        "moved": ("labelled", (MOVED,)),
        "B": ("labelled", (B,)),
        "AB": ("labelled", (A, B)),
        "movedB": ("labelled", (MOVED, B)),
    }.items()
}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result", "conflict"),
    [
        # nobody had looked
        ("unlabelled", "negative", "unlabelled", "negative", ""),
        ("unlabelled", "A", "unlabelled", "A", ""),
        ("unlabelled", "A", "B", "AB", ""),
        ("unlabelled", "negative", "A", "negative", "state"),
        ("unlabelled", "A", "negative", "A", "state"),
        # somebody had looked and seen nothing
        ("negative", "A", "negative", "A", ""),
        ("negative", "A", "unlabelled", "A", ""),
        ("negative", "unlabelled", "negative", "unlabelled", ""),
        ("negative", "A", "moved", "A", "corners"),
        # there were boxes
        ("A", "negative", "A", "negative", ""),
        ("A", "negative", "AB", "B", ""),
        ("AB", "A", "B", "negative", ""),
        ("A", "negative", "moved", "negative", "box"),
        ("A", "moved", "negative", "moved", "box"),
        ("A", "negative", "unlabelled", "negative", "state"),
        ("A", "moved", "AB", "movedB", ""),
        # the image itself
        ("gone", "A", "B", "AB", ""),
        ("gone", "negative", "A", "negative", "state"),
        ("gone", "unlabelled", "negative", "unlabelled", "state"),
        ("A", "gone", "A", "gone", ""),
        ("A", "gone", "moved", "gone", "image"),
        ("A", "moved", "gone", "moved", "image"),
        ("A", "gone", "gone", "gone", ""),
    ],
)
def test_states(base: str, ours: str, theirs: str, result: str, conflict: str) -> None:
    merged = merge_samples(STATES[base], STATES[ours], STATES[theirs])
    assert unordered(merged.sample) == unordered(STATES[result])
    assert [each.what for each in merged.conflicts] == ([conflict] if conflict else [])


def test_a_moved_file_and_other_bytes_on_the_other_side_give_the_other_bytes() -> None:
    base = Sample("a.jpg", Path("/old/a.jpg"), Size(10, 10), state="negative", sha256="a" * 64)
    moved = replace(base, path=Path("/new/a.jpg"))
    other = replace(base, sha256="b" * 64, size=Size(20, 10))
    assert merge_samples(base, moved, other) == Merged(other)
    assert merge_samples(base, other, moved) == Merged(other)


def test_other_bytes_and_a_removal_contradict_each_other() -> None:
    base = Sample("a.jpg", Path("/a.jpg"), Size(10, 10), state="negative", sha256="a" * 64)
    other = replace(base, sha256="b" * 64)
    assert [each.what for each in merge_samples(base, None, other).conflicts] == ["image"]


def test_a_conflict_is_a_sentence() -> None:
    base, ours, theirs = STATES["A"], STATES["moved"], STATES["negative"]
    (conflict,) = merge_samples(base, ours, theirs).conflicts
    assert str(conflict) == (
        f"a.jpg: box {IDS[0]}: box was cat at (0, 0, 4, 4); here cat at (1, 1, 4, 4), there deleted"
    )
