"""Mistakes that are planted by hand into labels come first, and each is called what it is."""

from __future__ import annotations

from dataclasses import replace

from labelloop.datasets.schema import Box
from labelloop.training.predictions import from_boxes
from labelloop.training.suspects.detector_scoring import image_probabilities, score_labels

from .scenes import CLASSES, scenes, with_box


def test_each_kind_of_mistake_is_found_and_named() -> None:
    samples, found = scenes(120)
    wanted = {
        7: "class", 31: "class", 22: "missing", 63: "missing", 40: "location", 88: "location", 55: "spurious", 99: "spurious",
    }  # fmt: skip
    for number, kind in wanted.items():
        sample = samples[number]
        box = sample.boxes[0]
        found[sample.key] = tuple(
            replace(each, score=0.97)
            for each in (
                Box(box.label, *box.corners, score=0.9), Box(sample.boxes[1].label, *sample.boxes[1].corners, score=0.9),
            )
        )  # fmt: skip
        match kind:
            case "class":
                spoilt = replace(box, label=CLASSES[(CLASSES.index(box.label) + 1) % 3])
            case "location":
                moved = 0.4 * (box.x2 - box.x1)
                spoilt = replace(box, x1=box.x1 + moved, x2=box.x2 + moved)
            case "missing":
                spoilt = None
            case _:
                spoilt = box
                extra = replace(box, x1=230.0, x2=330.0, y1=330.0, y2=470.0, id="e" * 24)
                sample = replace(sample, boxes=(*sample.boxes, extra))
        samples[number] = with_box(sample, 0, spoilt)
    candidates = score_labels(samples, from_boxes(found), CLASSES)
    best = {each.key: each for each in reversed(candidates)}
    images = image_probabilities(candidates)
    # An extra box and one that the detector missed look alike, and it missed a dozen: those come in any order.
    first = sorted(images, key=lambda key: -images[key])[:24]
    assert {samples[number].key for number in wanted} <= set(first)
    for number, kind in wanted.items():
        assert best[samples[number].key].kind == kind, (number, kind)
    missing = best[samples[22].key]
    assert missing.box is None
    assert missing.proposed is not None
    assert missing.proposed.score == 0.97


def test_the_same_data_gives_the_same_list() -> None:
    samples, found = scenes(60)
    found[samples[5].key] = tuple(replace(box, id="", score=0.97) for box in samples[5].boxes)
    samples[5] = with_box(samples[5], 0, None)
    one = score_labels(samples, from_boxes(found), CLASSES)
    assert one == score_labels(samples, from_boxes(found), CLASSES)
    assert samples[5].key in [each.key for each in one if each.kind == "missing"][:2]


def test_nothing_to_learn_from_is_no_suspicion() -> None:
    samples, found = scenes(3)
    assert score_labels(samples, from_boxes(found), CLASSES) == []
    assert score_labels([], from_boxes({}), CLASSES) == []


def test_images_without_predictions_and_negatives_are_taken() -> None:
    samples, found = scenes(40)
    samples[0] = replace(samples[0], boxes=(), state="negative")
    found[samples[1].key] = ()
    assert score_labels(samples, from_boxes(found), CLASSES)[0].key == samples[0].key


def test_one_object_without_a_label_is_one_suspect() -> None:
    samples, found = scenes(120)
    gone = samples[22].boxes[0]
    samples[22] = with_box(samples[22], 0, None)
    half = replace(gone, x2=(gone.x1 + gone.x2) / 2, id="", score=0.9)
    found[samples[22].key] = (
        *(replace(box, id="", score=0.97) for box in (gone, *samples[22].boxes)), half,
    )  # fmt: skip
    missing = [each for each in score_labels(samples, from_boxes(found), CLASSES) if each.key == samples[22].key]
    assert [each.proposed.corners for each in missing if each.proposed] == [gone.corners]
