"""Slices: every image in the parts that it belongs to, and none of the ways of slicing that say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.slices import MOST_VALUES, image_slices


def image(key: str, boxes: int = 1, **more: Any) -> Sample:
    found = tuple(Box("a", n, 0, n + 1, 1) for n in range(boxes))
    return Sample(key, Path(key), Size(99, 9), state="labelled" if boxes else "negative", boxes=found, **more)


def test_folders_at_each_depth() -> None:
    slices = image_slices([image("a/b/1.jpg"), image("a/c/2.jpg"), image("d/3.jpg"), image("4.jpg")])
    assert slices == {
        "folder=a": ["a/b/1.jpg", "a/c/2.jpg"],
        "folder=d": ["d/3.jpg"],
        "folder=a/b": ["a/b/1.jpg"],
        "folder=a/c": ["a/c/2.jpg"],
    }


def test_what_parts_nothing_is_left_out() -> None:
    assert image_slices([]) == {}
    assert image_slices([image("a/1.jpg"), image("a/2.jpg")]) == {}
    many = [image(f"{number}/x.jpg") for number in range(MOST_VALUES + 1)]
    assert image_slices(many) == {}
    assert len(image_slices(many[:-1])) == MOST_VALUES


def test_tags_turned_files_and_the_number_of_boxes() -> None:
    samples = [
        image("1.jpg", tags=("blurred", "night")),
        image("2.jpg", 3, orientation=6, tags=("night",)),
        image("3.jpg", 9),
        image("4.jpg", 0),
    ]
    assert image_slices(samples) == {
        "tag=blurred": ["1.jpg"],
        "tag=night": ["1.jpg", "2.jpg"],
        "turned=no": ["1.jpg", "3.jpg", "4.jpg"],
        "turned=yes": ["2.jpg"],
        "boxes=1": ["1.jpg"],
        "boxes=2-5": ["2.jpg"],
        "boxes=6+": ["3.jpg"],
    }
