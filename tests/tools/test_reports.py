"""What commands print of a split."""

from __future__ import annotations

from pathlib import Path

from labelloop.datasets.findings import Findings
from labelloop.datasets.reading import Dataset
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.splits import Splits
from labelloop.datasets.splitting import Near, Splitting
from labelloop.tools.reports import find_contradictions, split_json, split_text


def sample(key: str, label: str | None = None, *boxes: str) -> Sample:
    state = "labelled" if label or boxes else "unlabelled"
    found = tuple(Box(each, 1, 1, 9, 9) for each in boxes)
    return Sample(key, Path(key), Size(20, 20), state=state, boxes=found, label=label)


def split(samples: list[Sample], *near: Near) -> tuple[Dataset, Splitting]:
    keys = [each.key for each in samples]
    splits = Splits(dict.fromkeys(keys, "train"), dict(zip(keys, keys, strict=True)), (), ())
    return Dataset(tuple(samples), ("abnormal", "normal", "10")), Splitting(splits, near, Findings())


def test_one_frame_with_two_labels_is_named():
    samples = [
        sample("abnormal/a.jpg", "abnormal"), sample("normal/b.jpg", "normal"), sample("normal/c.jpg", "normal"),
        sample("d.jpg", None, "10"), sample("e.jpg", None, "10", "10"), sample("f.jpg"),
    ]  # fmt: skip
    found = split(
        samples,
        Near("abnormal/a.jpg", "normal/b.jpg", 1.0, "the same frame"),
        Near("abnormal/a.jpg", "normal/c.jpg", 0.9, "64% of the picture shared"),
        Near("d.jpg", "e.jpg", 1.0, "the same frame"),
        Near("e.jpg", "f.jpg", 1.0, "the same frame"),
    )
    assert [(pair.first, pair.second) for pair, *_ in find_contradictions(*found)] == [
        ("abnormal/a.jpg", "normal/b.jpg")
    ]
    text = split_text(*found, "cars")
    assert "1 of them has different labels on the same frame, so that one is probably wrong:" in text
    assert "  abnormal/a.jpg (abnormal) and normal/b.jpg (normal)" in text.splitlines()
    assert split_json(*found)["contradictions"] == [{"first": "abnormal/a.jpg", "second": "normal/b.jpg"}]


def test_without_pairs_nothing_is_said_of_contradictions():
    found = split([sample("a.jpg", "normal")])
    assert "different labels" not in split_text(*found, "cars")
    assert split_json(*found)["contradictions"] == []
