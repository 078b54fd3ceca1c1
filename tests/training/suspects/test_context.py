"""What folders and groups say of a label."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.suspects.context import Contexts, with_factors


def photo(key: str, label: str, group: str | None = None) -> Sample:
    return Sample(key, Path(key), Size(64, 64), boxes=(Box(label, 1, 1, 9, 9),), group=group)


def test_a_label_unlike_its_folder_is_less_likely() -> None:
    samples = [photo(f"50/{at}.jpg", "50") for at in range(9)] + [photo("50/x.jpg", "10"), photo("10/1.jpg", "10")]
    (said,) = Contexts(samples).said("50/x.jpg", "10")
    assert (said.evidence, said.label, said.reason) == ("folder", "50", "9 of 10 labels in the folder 50 say 50")
    assert said.factor > 5
    assert Contexts(samples).said("50/1.jpg", "50") == [], "labels are often made from folders: agreeing proves nothing"


def test_a_file_name_speaks_as_a_folder_does() -> None:
    samples = [photo(f"050_{at}.jpg", "50") for at in range(9)] + [photo("050_x.jpg", "10"), photo("1.jpg", "10")]
    (said,) = Contexts(samples).said("050_x.jpg", "10")
    assert said.reason == "9 of 10 labels on files named 050 say 50"


def test_a_mixed_folder_says_nothing() -> None:
    samples = [photo(f"all/{at}.jpg", "10" if at % 2 else "50") for at in range(20)]
    assert Contexts(samples).said("all/1.jpg", "10") == []


def test_an_image_labelled_unlike_its_near_duplicates_is_less_likely() -> None:
    samples = [photo(f"{at}.jpg", "50" if at < 20 else "10", group=f"g{at // 4}") for at in range(40)]
    samples[0] = photo("0.jpg", "10", group="g0")
    (said,) = Contexts(samples).said("0.jpg", "10")
    assert (said.evidence, said.reason) == ("near-duplicate", "3 of 3 other labels on images like this one say 50")
    assert said.factor > 5


def test_factors_multiply_odds() -> None:
    assert with_factors(0.5, [3.0]) == pytest.approx(0.75)
    assert with_factors(0.2, []) == pytest.approx(0.2)
    assert 0 <= with_factors(1.0, [0.02, 50.0]) <= 1
