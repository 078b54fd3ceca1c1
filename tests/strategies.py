"""Samples as hypothesis draws them: nasty names, any geometry that is legal, every state."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from unicodedata import normalize

from hypothesis import strategies as st
from PIL import Image

from labelloop.datasets.format import Holds
from labelloop.datasets.reading import Dataset
from labelloop.datasets.schema import Box, Json, Sample, Size

CLASSES = ("10", "50", "won note", "앞면", "a'b\"c", "dog: big, red", "no", "#1 & co")
_NAMES = st.sampled_from(
    [
        "a",
        "b",
        "images",
        "labels",
        "train",
        "한글 이름",
        "é",
        "x.y",
        "2023.03.20. 미니 (1)",
        "#%&+",
        "[b]",
        "A",
        "1000_B_0",
    ]
)
_SUFFIXES = st.sampled_from([".jpg", ".png", ".JPG", ".jpeg"])


@st.composite
def keys(draw: st.DrawFn) -> str:
    """A key of up to three folders and a file name."""
    folders = draw(st.lists(_NAMES, max_size=3))
    return normalize("NFC", "/".join([*folders, draw(_NAMES) + draw(_SUFFIXES)]))


@st.composite
def boxes(draw: st.DrawFn, size: Size, holds: Holds) -> Box:
    """A legal box on an image of this size, with what the format can hold besides."""

    def span(side: int) -> tuple[float, float]:
        low = draw(st.floats(0, side, exclude_max=True, allow_subnormal=False))
        high = draw(st.floats(0, side, exclude_min=True, allow_subnormal=False))
        low, high = min(low, high), max(low, high)
        return (low, high) if high - low > 1e-3 * side else (0.0, float(side))

    (x1, x2), (y1, y2) = span(size.width), span(size.height)
    attributes: Mapping[str, Json] = {}
    if holds.attributes and draw(st.booleans()):
        attributes = draw(
            st.dictionaries(
                st.sampled_from(["pose", "note_text", "occluded"]),
                st.sampled_from(["left", "ja", "1 & 2 <3>", "새"]),
                max_size=2,
            )
        )
    box_id = draw(st.sampled_from(["", "0123456789abcdef01234567", "abcdef0123456789abcdef01"])) if holds.ids else ""
    score = draw(st.sampled_from([None, 0.0, 0.25, 0.9, 1.0])) if holds.scores else None
    return Box(draw(st.sampled_from(CLASSES)), x1, y1, x2, y2, box_id, score, attributes)


@st.composite
def datasets(draw: st.DrawFn, holds: Holds) -> Dataset:
    """A data set that a format can hold without loss; its images are not on disk yet."""
    names = sorted(draw(st.lists(keys(), min_size=1, max_size=5, unique_by=str.casefold)))
    samples: list[Sample] = []
    for name in names:
        # No file can have a name that is another's folder.
        if any(other.startswith(f"{name}/") for other in names):
            continue
        size = Size(draw(st.integers(1, 70)), draw(st.integers(1, 50)))
        has = tuple(draw(st.lists(boxes(size, holds), max_size=3))) if holds.boxes else ()
        label = (
            draw(st.sampled_from(CLASSES[:4]))
            if holds.image_labels and (not holds.boxes or draw(st.booleans()))
            else None
        )
        empty = [state for state, may in (("negative", holds.negatives), ("unlabelled", holds.unlabelled)) if may]
        state = "labelled" if has or label else draw(st.sampled_from(empty))
        split = draw(st.sampled_from(["train", "val", "test"]))
        samples.append(Sample(name, Path(name), size, 1, state, has, label, split, f"group of {name}"))
    return Dataset(tuple(samples), CLASSES)


def draw_images(dataset: Dataset, root: Path) -> Dataset:
    """The data set with its images on disk under a folder."""
    drawn: list[Sample] = []
    for number, sample in enumerate(dataset.samples):
        path = root / sample.key
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = "PNG" if path.suffix == ".png" else "JPEG"
        Image.new("RGB", sample.size, (number * 40 % 256, 90, 160)).save(path, kind)
        drawn.append(
            Sample(
                sample.key,
                path,
                sample.size,
                1,
                sample.state,
                sample.boxes,
                sample.label,
                sample.split,
                sample.group,
                sample.extra,
            )
        )
    return Dataset(tuple(drawn), dataset.classes)
