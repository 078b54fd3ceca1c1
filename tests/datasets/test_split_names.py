"""Which split a folder's name means."""

from __future__ import annotations

import pytest

from labelloop.datasets.split_names import find_split


@pytest.mark.parametrize(
    ("key", "split"),
    [
        ("train/a.jpg", "train"),
        ("data/Valid/x/a.jpg", "val"),
        ("testing/train/a.jpg", "test"),
        ("photos/a.jpg", None),
        ("photos/test", None),
        ("train.jpg", None),
        ("", None),
    ],
)
def test_the_topmost_folder_that_is_named_like_a_split_says_it(key: str, split: str | None) -> None:
    assert find_split(key) == split
