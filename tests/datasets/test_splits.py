"""Splits: no group on two sides, shares kept, and a memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.groups import merge_groups
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.split_files import read_splits, write_splits
from labelloop.datasets.splits import DEFAULT_RATIOS, assign_splits, parse_ratios
from labelloop.datasets.splitting import split_samples


def sample(key: str, label: str = "a", group: str | None = None) -> Sample:
    return Sample(key, Path(key), Size(100, 100), boxes=(Box(label, 0, 0, 30, 30),), group=group)


@given(
    st.lists(st.tuples(st.integers(0, 15), st.sampled_from("abc")), min_size=1, max_size=60),
    st.integers(0, 3),
    st.randoms(),
)
@settings(deadline=None)
def test_groups_stay_together_whatever_the_order(images: list[tuple[int, str]], seed: int, random: object) -> None:
    samples = [sample(f"{number}.jpg", label, str(group)) for number, (group, label) in enumerate(images)]
    groups = {each.key: each.group or "" for each in samples}
    splits = assign_splits(samples, groups, seed=seed)
    assert len({(groups[key], split) for key, split in splits.split_of.items()}) == len(set(groups.values()))
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign_splits(shuffled, groups, seed=seed) == splits


def test_shares_of_every_class_are_kept() -> None:
    samples = [sample(f"{n}.jpg", "abcd"[n % 4], f"g{n // 2}") for n in range(400)]
    splits = assign_splits(samples, {each.key: each.group or "" for each in samples})
    for label in "abcd":
        own = [splits.split_of[each.key] for each in samples if each.boxes[0].label == label]
        for split, share in DEFAULT_RATIOS.items():
            assert abs(own.count(split) / len(own) - share) < 0.03


@given(st.integers(10, 40), st.integers(0, 20))
@settings(deadline=None)
def test_an_image_stays_where_it_is_when_data_is_added(first: int, more: int) -> None:
    samples = [sample(f"{n}.jpg", "ab"[n % 2], f"g{n // 3}") for n in range(first + more)]
    before = split_samples(samples[:first]).splits
    after = split_samples(samples, fixed={key: split for key, split in before.split_of.items() if split}).splits
    assert {key: after.split_of[key] for key in before.split_of} == dict(before.split_of)


def test_an_image_that_links_two_splits_is_left_out_of_both() -> None:
    samples = [sample("a.jpg", group="g"), sample("b.jpg", group="g"), sample("x.jpg", group="g")]
    found = split_samples(samples, fixed={"a.jpg": "train", "b.jpg": "val"})
    assert found.splits.split_of["x.jpg"] is None
    assert [(finding.kind, finding.place) for finding in found.findings] == [
        ("split-leak", "x.jpg"), ("split-leak", "b.jpg"),
    ]  # fmt: skip


def test_groups_are_named_alike_whatever_the_order_of_links() -> None:
    links = [("c", "b"), ("b", "a"), ("e", "d")]
    groups = merge_groups("abcdef", {}, links)
    assert groups == merge_groups("fedcba", {}, links[::-1])
    assert groups == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "d", "f": "f"}


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    splits = split_samples([sample(f'한글, "{n}".jpg') for n in range(9)]).splits
    write_splits(splits, tmp_path / "s.csv")
    assert {key: row.split for key, row in read_splits(tmp_path / "s.csv").items()} == dict(splits.split_of)


@pytest.mark.parametrize("text", ["", "a", "0/1", "-1/2", "1/2/3/4", "nan/1", "=1"])
def test_ratios_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(LabelloopError, match="ratios must be"):
        parse_ratios(text)


def test_ratios_are_read() -> None:
    assert parse_ratios("80/20") == {"train": 80, "val": 20}
    assert parse_ratios("train=80,test=20") == {"train": 80, "test": 20}
