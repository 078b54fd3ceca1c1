"""What is said of an augmentation for the classes at hand."""

from __future__ import annotations

import pytest

from labelloop.datasets.augment_remarks import find_remarks
from labelloop.datasets.augmentation import parse_augmentation, read_augmentation


def kinds(preset: str, *classes: str) -> list[str]:
    return [remark.kind for remark in find_remarks(read_augmentation(preset), classes)]


def of(text: str, *classes: str, mosaic: bool = False) -> dict[str, str]:
    found = find_remarks(parse_augmentation(text, "mine"), classes, mosaic=mosaic)
    return {remark.kind: remark.message for remark in found}


@pytest.mark.parametrize("name", ["10", "won 50", "B", "Lamp_left", "rightDoor", "왼쪽 문"])
def test_a_mirror_is_said_where_it_makes_another_label(name: str) -> None:
    assert "mirrored" in kinds("light", "dent", name)
    assert "mirrored" in kinds("trainer", "dent", name)
    for preset in ("none", "field", "digits"):
        assert "mirrored" not in kinds(preset, "dent", name)


@pytest.mark.parametrize("name", ["dent", "앞면", "brightness", "cleft", "upset", "apple"])
def test_a_class_that_looks_the_same_mirrored_is_not_spoken_of(name: str) -> None:
    assert "mirrored" not in kinds("light", name)
    assert "turned" not in kinds("field", name)


def test_a_mirror_with_a_small_chance_is_one_and_one_with_none_is_none() -> None:
    flip = "transform: {{__class_fullname__: Sequential, p: 1.0, transforms: [{{__class_fullname__: D4, p: {}}}]}}"
    assert "mirrored" in of(flip.format(0.01), "7")
    assert of(flip.format(0.0), "7") == {}


def test_digits_that_are_each_other_upside_down() -> None:
    assert "6 and 9 are each other" in of("trainer: {degrees: 180}", "1", "6", "9")["turned"]
    assert "68 and 89 are each other" in of("trainer: {degrees: 180}", "68", "89", "10")["turned"]
    assert "turned" not in kinds("field", "6", "8")
    assert "turned" not in kinds("digits", "6", "9")


def test_directions_that_are_turned() -> None:
    assert "arrow_up" in of("trainer: {degrees: 90}", "arrow_up", "dent")["turned"]
    assert "turned" not in of("trainer: {degrees: 30}", "arrow_up")


def test_colours_that_are_changed() -> None:
    strong = "transform: {__class_fullname__: ColorJitter, p: 1.0, hue: [-0.3, 0.3]}"
    assert "red car" in of(strong, "red car", "dent")["recoloured"]
    assert "recoloured" in of("transform: {__class_fullname__: ToGray, p: 0.5}", "빨간색")
    assert "recoloured" not in of(strong, "dent")
    for preset in ("light", "field", "digits", "trainer"):
        assert "recoloured" not in kinds(preset, "red car")


def test_how_much_a_turned_box_may_grow() -> None:
    said = of("transform: {__class_fullname__: Rotate, p: 1.0, limit: [-15, 10]}", "dent")["grown"]
    assert "up to 15 degrees" in said
    assert "up to 50% of its area" in said  # (cos 15 + sin 15)^2 - 1 = sin 30
    assert "grown" not in of("transform: {__class_fullname__: RandomRotate90, p: 1.0}", "dent")


def test_what_bends_lines_or_mirrors_at_the_border() -> None:
    assert "because of GridDistortion:" in of("transform: {__class_fullname__: GridDistortion, p: 1.0}", "a")["bent"]
    mirrored = of("transform: {__class_fullname__: Affine, p: 1.0, scale: 0.5, border_mode: 4}", "a")
    assert "Affine fills the border" in mirrored["border"]
    assert "bent" in mirrored


def test_what_the_trainer_does_besides() -> None:
    said = of("trainer: {mosaic: 1.0, close_mosaic: 10}", "a")
    assert said["not-shown"].startswith("the trainer also puts four images together in 100% of the cases (mosaic)")
    assert "the last 10 epochs" in of("trainer: {mosaic: 1.0, close_mosaic: 10}", "a", mosaic=True)["not-shown"]
    for setting in ("mixup", "cutmix", "copy_paste", "bgr", "multi_scale"):
        assert f"({setting})" in of(f"trainer: {{{setting}: 0.2}}", "a")["not-shown"]
    assert of("trainer: {mosaic: 1.0}", "a", mosaic=True) == {}


def test_without_boxes_nothing_is_said_of_boxes() -> None:
    assert find_remarks(read_augmentation("field"), ["dent"], boxes=False) == []
