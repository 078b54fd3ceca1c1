"""Ids for boxes: the same again, unlike each other, and kept through changes."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.boxes import SAME_OBJECT, iou, with_ids
from labelloop.datasets.schema import Box
from tests.datasets.ledger_samples import CLASSES, IDS, boxes_with

NAMELESS = st.lists(boxes_with(""), max_size=6)
FAR = 1000.0


def ids(boxes: tuple[Box, ...]) -> list[str]:
    return [box.id for box in boxes]


@given(NAMELESS)
def test_ids_are_24_hex_unlike_each_other_and_the_same_again(boxes: list[Box]) -> None:
    given_ids = with_ids("a.jpg", boxes)
    assert all(re.fullmatch(r"[0-9a-f]{24}", box.id) for box in given_ids)
    assert len(set(ids(given_ids))) == len(boxes)
    assert with_ids("a.jpg", boxes) == given_ids
    assert [replace(box, id="") for box in given_ids] == boxes


@given(NAMELESS)
def test_another_image_gives_other_ids(boxes: list[Box]) -> None:
    assert not set(ids(with_ids("a.jpg", boxes))) & set(ids(with_ids("b.jpg", boxes)))


@given(NAMELESS, st.randoms(use_true_random=False))
def test_boxes_that_stay_keep_their_ids_in_any_order(boxes: list[Box], rng: object) -> None:
    known = with_ids("a.jpg", boxes)
    turned = list(boxes)
    rng.shuffle(turned)  # type: ignore[attr-defined]
    again = with_ids("a.jpg", turned, known)
    assert sorted(again, key=lambda box: box.id) == sorted(known, key=lambda box: box.id)


@given(NAMELESS, st.integers(0, 5))
def test_a_box_that_is_gone_takes_only_its_own_id_along(boxes: list[Box], which: int) -> None:
    known = with_ids("a.jpg", boxes)
    if which < len(boxes):
        left = [*boxes[:which], *boxes[which + 1 :]]
        again = with_ids("a.jpg", left, known)
        assert set(ids(again)) < set(ids(known))
        assert {(box.label, box.corners) for box in again} == {(box.label, box.corners) for box in left}


@given(NAMELESS)
def test_new_boxes_far_away_get_ids_that_nobody_had(boxes: list[Box]) -> None:
    known = with_ids("a.jpg", boxes)
    far = [replace(box, x1=box.x1 + FAR, x2=box.x2 + FAR) for box in boxes]
    again = with_ids("a.jpg", [*boxes, *far], known)
    assert set(ids(again[: len(boxes)])) == set(ids(known))
    assert not set(ids(again[len(boxes) :])) & set(ids(known))


def test_an_id_is_for_life_even_where_another_box_stands_where_its_first_one_stood() -> None:
    first = with_ids("a.jpg", [Box("cat", 0, 0, 4, 4)])
    moved_away = replace(first[0], x1=100, x2=104)
    (other,) = with_ids("a.jpg", [Box("cat", 0, 0, 4, 4)], [moved_away])
    assert other.id != moved_away.id


@given(st.lists(boxes_with(""), min_size=1, max_size=4), st.integers(0, 3))
def test_a_box_that_moved_a_little_keeps_its_id(boxes: list[Box], which: int) -> None:
    apart = [replace(box, x1=box.x1 + FAR * n, x2=box.x2 + FAR * n) for n, box in enumerate(boxes)]
    known = with_ids("a.jpg", apart)
    index = which % len(apart)
    box = apart[index]
    moved = replace(box, x2=box.x2 + (box.x2 - box.x1) * 0.5, label=CLASSES[0])
    assert iou(box.corners, moved.corners) > SAME_OBJECT
    again = with_ids("a.jpg", [*apart[:index], moved, *apart[index + 1 :]], known)
    assert ids(again) == ids(known)


def test_the_same_box_twice_gets_two_ids_and_keeps_them() -> None:
    twice = [Box("cat", 0, 0, 4, 4), Box("cat", 0, 0, 4, 4)]
    known = with_ids("a.jpg", twice)
    assert known[0].id != known[1].id
    assert with_ids("a.jpg", twice, known) == known
    three = with_ids("a.jpg", [*twice, twice[0]], known)
    assert ids(three)[:2] == ids(known)
    assert len(set(ids(three))) == 3


def test_the_same_label_goes_before_a_greater_overlap_with_another() -> None:
    known = [Box("cat", 0, 0, 10, 10, IDS[0]), Box("dog", 0, 0, 10, 9, IDS[1])]
    (box,) = with_ids("a.jpg", [Box("dog", 0, 0, 10, 9.9)], known)
    assert box.id == IDS[1]


def test_an_id_of_the_source_is_kept_once_and_others_are_replaced() -> None:
    boxes = [Box("cat", 0, 0, 4, 4, IDS[3]), Box("cat", 5, 5, 9, 9, IDS[3]), Box("cat", 0, 5, 4, 9, "box 1")]
    found = with_ids("a.jpg", boxes, [Box("dog", 0, 0, 1, 1, IDS[3])])
    assert found[0] == boxes[0]
    assert len(set(ids(found))) == 3
    assert all(len(box.id) == 24 for box in found)


def test_a_box_that_the_ledger_added_is_not_made_twice_when_the_source_has_it_too() -> None:
    was, added = Box("cat", 0, 0, 4, 4, IDS[0]), Box("dog", 5, 5, 9, 9, IDS[1])
    source = [replace(was, id=""), replace(added, id="", x2=9.1), Box("cat", 0, 8, 2, 9)]
    found = with_ids("a.jpg", source, [was], [was, added])
    assert ids(found)[:2] == [IDS[0], IDS[1]]
    assert found[2].id not in IDS
    other_label = with_ids("a.jpg", [replace(added, id="", label="cat")], [was], [was, added])
    assert other_label[0].id != IDS[1]


def test_a_thousand_boxes_are_matched_in_no_time() -> None:
    boxes = [Box("cat", x * 3, y * 3, x * 3 + 2, y * 3 + 2) for x in range(32) for y in range(32)]
    known = with_ids("a.jpg", boxes)
    moved = [replace(box, x2=box.x2 + 0.1) for box in boxes]
    assert ids(with_ids("a.jpg", moved, known)) == ids(known)
