"""Parts of a split: words of names, light, sharpness, turns, and when one is too small to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from labelloop.datasets.schema import Box, Json, Sample
from labelloop.training.inspection.parts import find_parts, is_uncertain
from labelloop.training.inspection.qualities import qualities_of
from tests.training.finished_runs import image


def named(keys: Sequence[str]) -> dict[str, list[str]]:
    found = find_parts([image(key, "test", "10") for key in keys], {})
    return {name: found for name, found in found.items() if name.startswith("in=")}


def test_words_of_folders_and_names_wherever_they_stand() -> None:
    keys = [
        f"won/{side}/1000_{side}_{place}_0_{at}.jpg" for side in "BF" for place in ("DESK", "HAND") for at in range(3)
    ]
    found = named(keys)
    assert set(found) == {"in=B", "in=F", "in=DESK", "in=HAND"}, "all have won, and numbers are no words"
    assert found["in=DESK"] == [key for key in keys if "DESK" in key]
    assert found["in=F"] == [key for key in keys if "_F_" in key]


def test_numbers_at_a_words_end_and_letters_of_a_hash_are_no_words() -> None:
    keys = [*(f"DESK{at} photo-{at:x}f69fe{at}.jpg" for at in range(4)), *(f"a{at}.jpg" for at in range(4))]
    assert named(keys) == {"in=DESK": keys[:4], "in=photo": keys[:4]}


def test_a_part_leaves_something_over() -> None:
    assert named([*(f"DESK_{at}.jpg" for at in range(9)), "HAND_1.jpg", "HAND_2.jpg"]) == {}


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"angle": 10.0}, "angle=0-30"),
        ({"rotation": 200}, "angle=150-180"),
        ({"angle": 180}, "angle=150-180"),
        ({"angle": -45.0, "rotation": 100}, "angle=30-60"),
        ({"angle": True}, ""),
        ({"angle": "steep"}, ""),
    ],
)
def test_turns(attributes: dict[str, Json], name: str) -> None:
    turned = [
        replace(image(f"{at}.jpg", "test", "10"), boxes=(Box("10", 1, 1, 9, 9, attributes=attributes),))
        for at in range(3)
    ]
    found = find_parts([*turned, *(image(f"not {at}.jpg", "test", "10") for at in range(3))], {})
    angles = {part: keys for part, keys in found.items() if part.startswith("angle=")}
    assert angles == ({name: ["0.jpg", "1.jpg", "2.jpg"]} if name else {})


def test_light_and_sharpness_are_measured_once(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
    samples: list[Sample] = []
    for number in range(20):
        path = tmp_path / f"{number:02}.png"
        picture = Image.fromarray((noise * (0.2 + number / 25)).astype(np.uint8))
        (picture.filter(ImageFilter.GaussianBlur(3)) if number in (9, 10, 11, 12) else picture).save(path)
        digest = sha256(path.read_bytes()).hexdigest()
        samples.append(replace(image(path.name, "test", "10"), path=path, sha256=digest))
    keys = [each.key for each in samples]
    quality = qualities_of(samples, tmp_path / "quality")
    found = find_parts(samples, quality)
    assert (found["brightness=dark"], found["brightness=bright"]) == (keys[:4], keys[16:])
    assert (found["sharpness=blurred"], found["sharpness=sharp"]) == (keys[9:13], keys[16:])
    for path in tmp_path.glob("*.png"):
        path.unlink()
    assert qualities_of(samples, tmp_path / "quality") == quality, "they are remembered"
    assert qualities_of(samples, None) == {}
    assert qualities_of(samples, tmp_path / "elsewhere") == {}, "they are gone"


def test_few_are_no_judgement_on_either_side() -> None:
    assert is_uncertain(2, 3, 90, 103)
    assert is_uncertain(90, 100, 92, 103), "three are left over"
    assert is_uncertain(0, 0, 90, 100)
    assert not is_uncertain(90, 100, 180, 200)
