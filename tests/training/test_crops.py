"""What a classifier learns from: image labels or boxes, and what is left out, counted."""

from __future__ import annotations

from pathlib import Path

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.training.crops import choose_origin, crop_corners, find_examples

SIZE = Size(100, 80)


def sample(key: str, split: str | None = "train", *boxes: Box, label: str | None = None) -> Sample:
    state = "labelled" if boxes or label else "unlabelled"
    return Sample(key, Path("/photos", key), SIZE, 6, state, boxes, label, split, f"group of {key}")


def box(label: str, *corners: float, number: int = 0) -> Box:
    return Box(label, *corners, id=f"{number:024x}")


def test_labels_are_taken_as_they_are_and_the_rest_is_counted() -> None:
    samples = [
        sample("a.jpg", label="10"),
        sample("b.jpg", "val", label="50"),
        sample("c.jpg", None, label="50"),
        sample("d.jpg", "field", label="50"),
        sample("e.jpg"),
        sample("f.jpg", "train", box("10", 1, 1, 9, 9)),
    ]
    found = find_examples(samples, "labels")
    assert [example.sample for example in found.found] == samples[:2]
    assert all(example.corners is None for example in found.found)
    assert found.left_out == {"in no split": 1, "in the split field": 1, "without a label of their own": 2}


def test_each_box_is_an_example_with_the_group_and_the_split_of_its_image() -> None:
    image = sample("a.jpg", "test", box("10", -3.2, 1.5, 20.2, 30), box("50", 60, 10, 200, 70, number=1))
    first, second = find_examples([image], "boxes").found
    assert (first.sample.key, first.sample.label) == ("a.jpg#" + "0" * 24, "10")
    assert (second.sample.key, second.sample.label) == ("a.jpg#" + "0" * 23 + "1", "50")
    assert first.corners == (0, 1, 21, 30)
    assert second.corners == (60, 10, 100, 70)
    for example in (first, second):
        assert (example.sample.split, example.sample.group, example.sample.boxes) == ("test", "group of a.jpg", ())
        assert (example.sample.path, example.sample.orientation) == (image.path, 6)
    assert first.sample.size == (21, 29)


def test_boxes_of_which_nothing_can_be_seen_are_left_out() -> None:
    image = sample("a.jpg", "train", box("10", 97, 10, 140, 20), box("10", 1, 1, 4.5, 50, number=1))
    found = find_examples([image, sample("b.jpg")], "boxes")
    assert [example.corners for example in found.found] == [(1, 1, 5, 50)]
    assert found.left_out == {"boxes with fewer than 4 px inside their image": 1, "without a box": 1}
    assert crop_corners(box("10", 200, 200, 240, 240), SIZE) is None


def test_classes_that_are_not_learned_are_left_out_by_name() -> None:
    samples = [sample("a.jpg", label="10"), sample("b.jpg", "test", label="50")]
    found = find_examples(samples, "labels", ("10",))
    assert len(found.found) == 1
    assert found.left_out == {"of the class 50, which train does not have": 1}


def test_where_most_images_have_boxes_boxes_are_learned() -> None:
    boxed = sample("a.jpg", "train", box("10", 1, 1, 9, 9))
    labelled = sample("b.jpg", label="10")
    assert choose_origin([boxed, boxed, labelled]) == (
        "boxes",
        "1 of 3 images have a label of their own, 2 have boxes",
    )
    assert choose_origin([boxed, labelled])[0] == "labels"
