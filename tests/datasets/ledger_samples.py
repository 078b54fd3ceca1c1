"""Samples as a ledger holds them, for hypothesis: one image, few ids, so that pasts and presents meet."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from labelloop.datasets.schema import NOTHING, Box, Json, Sample, Size, State

CLASSES = ("cat", "dog", "쥐")
IDS = tuple(f"{number:024x}" for number in range(5))
_CONTENTS = {"a" * 64: Size(10, 10), "b" * 64: Size(20, 10)}
_ATTRIBUTES: tuple[dict[str, Json], ...] = ({}, {"pose": "left"}, {"pose": "right", "n": 1}, {"n": None})


@st.composite
def boxes_with(draw: st.DrawFn, box_id: str) -> Box:
    """A box of this id."""
    x, y = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    return Box(
        draw(st.sampled_from(CLASSES)),
        x,
        y,
        x + draw(st.integers(1, 4)),
        y + draw(st.integers(1, 4)),
        box_id,
        draw(st.sampled_from([None, 0.5])),
        draw(st.sampled_from(_ATTRIBUTES)) or NOTHING,
    )


@st.composite
def samples(draw: st.DrawFn, key: str = "a.jpg", content: str = "", place: str = "") -> Sample:
    """Any legal state of one image."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=3))
    boxes = tuple(draw(boxes_with(each)) for each in ids)
    label = draw(st.sampled_from([None, None, *CLASSES[:2]]))
    empty: State = draw(st.sampled_from(["negative", "unlabelled"]))
    sha256 = content or draw(st.sampled_from(["a" * 64, "a" * 64, "a" * 64, "b" * 64]))
    return Sample(
        key,
        Path(place or draw(st.sampled_from(["/here", "/there", "/elsewhere"]))) / key,
        _CONTENTS[sha256],
        state="labelled" if boxes or label is not None else empty,
        boxes=boxes,
        label=label,
        split=draw(st.sampled_from([None, "train", "val"])),
        group=draw(st.sampled_from([None, "g"])),
        extra=draw(st.sampled_from(_ATTRIBUTES)) or NOTHING,
        tags=tuple(sorted(draw(st.sets(st.sampled_from(["x", "y", "z"]))))),
        sha256=sha256,
    )


def some_or_none(**fixed: str) -> st.SearchStrategy[Sample | None]:
    """A state of one image, or None where it is not there."""
    return st.one_of(samples(**fixed), samples(**fixed), samples(**fixed), st.none())
