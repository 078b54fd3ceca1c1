"""Differences of labels: complete (they rebuild the other state), counted right, IoU as a raster counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.boxes import iou
from labelloop.datasets.changes import Change, changes_between, count_changes, count_classes, counts_text, find_changes
from labelloop.datasets.schema import Box, Sample
from tests.datasets.ledger_samples import CLASSES, IDS, samples, some_or_none

SPANS = st.tuples(st.integers(0, 11), st.integers(1, 12)).map(lambda span: (min(span), max(span)))
CORNERS = st.tuples(SPANS.filter(lambda s: s[0] < s[1]), SPANS.filter(lambda s: s[0] < s[1])).map(
    lambda spans: (spans[0][0], spans[1][0], spans[0][1], spans[1][1])
)


def pixels(corners: tuple[int, int, int, int]) -> set[tuple[int, int]]:
    x1, y1, x2, y2 = corners
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


@given(CORNERS, CORNERS)
def test_iou_is_that_of_the_pixels(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> None:
    here, there = pixels(one), pixels(other)
    assert iou(one, other) == pytest.approx(len(here & there) / len(here | there))
    assert iou(one, other) == iou(other, one)
    assert iou(one, one) == 1.0


def patched(before: Sample | None, changes: Iterable[Change]) -> Sample | None:
    """The state after some changes, by an implementation of its own."""
    fields: dict[str, Any] = {}
    boxes = {box.id: box for box in before.boxes} if before else {}
    for change in changes:
        if change.kind == "image-removed":
            return None
        if change.kind == "image-added":
            return change.after  # type: ignore[return-value]
        if change.kind.startswith("box-"):
            if isinstance(change.after, Box):
                boxes[change.box] = change.after
            else:
                del boxes[change.box]
        elif change.kind == "image-moved":
            fields["path"] = Path(str(change.after))
        elif change.kind != "image-replaced":
            fields[change.kind] = change.after
    return before and replace(before, **fields, boxes=tuple(boxes[each] for each in sorted(boxes)))


@given(some_or_none(content="a" * 64), some_or_none(content="a" * 64))
def test_changes_rebuild_the_other_state(before: Sample | None, after: Sample | None) -> None:
    changes = list(find_changes(before, after))
    expected = after and replace(after, boxes=tuple(sorted(after.boxes, key=lambda box: box.id)))
    made = patched(before, changes)
    assert (made and replace(made, boxes=tuple(sorted(made.boxes, key=lambda box: box.id)))) == expected
    assert bool(changes) == (patched(before, []) != expected)


@given(some_or_none(), some_or_none())
def test_changes_back_mirror_those_there(before: Sample | None, after: Sample | None) -> None:
    mirrored = {
        "image-added": "image-removed",
        "image-removed": "image-added",
        "box-added": "box-deleted",
        "box-deleted": "box-added",
    }
    there = Counter(
        (mirrored.get(each.kind, each.kind), each.box, str(each.after), str(each.before), each.iou)
        for each in find_changes(before, after)
    )
    back = Counter(
        (each.kind, each.box, str(each.before), str(each.after), each.iou) for each in find_changes(after, before)
    )
    assert there == back


@given(st.lists(st.tuples(some_or_none(), some_or_none()), max_size=4))
def test_counts_are_those_of_the_boxes(pairs: list[tuple[Sample | None, Sample | None]]) -> None:
    before = {f"{n}": replace(one, key=f"{n}") for n, (one, _) in enumerate(pairs) if one}
    after = {f"{n}": replace(one, key=f"{n}") for n, (_, one) in enumerate(pairs) if one}
    changes = changes_between(before, after)
    assert [change.key for change in changes] == sorted(change.key for change in changes)
    assert sum(count_changes(changes).values()) == len(changes)
    totals = Counter(box.label for sample in after.values() for box in sample.boxes)
    totals.subtract(Counter(box.label for sample in before.values() for box in sample.boxes))
    found = count_classes(changes, CLASSES)
    assert [each.name for each in found] == [name for name in CLASSES if name in {each.name for each in found}]
    for name in CLASSES:
        row = next((each for each in found if each.name == name), None)
        net = row.added - row.deleted + row.renamed_to - row.renamed_from if row else 0
        assert net == totals[name]


@given(samples())
def test_order_of_boxes_is_no_change(sample: Sample) -> None:
    assert not list(find_changes(sample, replace(sample, boxes=sample.boxes[::-1])))


def test_a_box_that_moved_and_was_renamed_is_both() -> None:
    before = Sample("a", Path("/a"), (9, 9), boxes=(Box("cat", 0, 0, 4, 4, IDS[0]),))  # type: ignore[arg-type]
    after = replace(before, boxes=(Box("dog", 0, 0, 4, 2, IDS[0], 0.5),))
    found = list(find_changes(before, after))
    assert [(each.kind, each.iou) for each in found] == [
        ("box-moved", 0.5),
        ("box-renamed", None),
        ("box-changed", None),
    ]
    assert count_changes(found) == {"box-moved": 1, "box-renamed": 1, "box-changed": 1}


def test_counts_in_words() -> None:
    assert counts_text({}) == ""
    assert counts_text({"box-added": 1, "box-moved": 2, "split": 3}) == "1 box added, 2 boxes moved, 3 splits changed"
