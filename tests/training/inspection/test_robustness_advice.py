"""Advice: the first augmentation that goes as far as it must, by what its file says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("albumentations")

from labelloop.datasets.augment_library import parse_transforms
from labelloop.datasets.augmentation import parse_augmentation, read_augmentation
from labelloop.training.inspection.robustness_advice import advise, reaches
from labelloop.training.inspection.robustness_conditions import FAMILIES
from labelloop.training.inspection.robustness_results import Point, Robustness
from tests.training.inspection.seeing import detector, photos


@pytest.mark.parametrize(
    ("name", "family", "level", "expected"),
    [
        ("none", "turned", 15, False), ("light", "turned", 15, False), ("digits", "turned", 345, False),
        ("field", "turned", 15, True), ("field", "turned", 105, True), ("field", "turned", 180, True),
        ("field", "turned", 45, False), ("trainer", "turned", 15, False),
        ("trainer", "scaled", 0.5, True), ("trainer", "scaled", 0.35, False), ("digits", "scaled", 0.75, True),
        ("field", "scaled", 0.5, False), ("field", "scaled", 1.5, False),
        ("trainer", "blurred", 1, False), ("digits", "blurred", 2, True), ("field", "blurred", 3, True),
        ("field", "blurred", 8, False),
        ("trainer", "darkened", 0.7, True), ("trainer", "darkened", 0.5, False), ("digits", "darkened", 0.7, True),
        ("field", "darkened", 0.7, True), ("field", "darkened", 0.35, False),
        ("field", "recompressed", 60, True), ("field", "recompressed", 30, False), ("digits", "recompressed", 60, False),
    ],
)  # fmt: skip
def test_how_far_the_presets_go(name: str, family: str, level: float, expected: bool) -> None:
    assert reaches(read_augmentation(name), FAMILIES[family], level, 640) is expected


def test_a_blur_counts_at_the_size_that_is_trained_at() -> None:
    field = read_augmentation("field")
    assert reaches(field, FAMILIES["blurred"], 5, 320)
    assert not reaches(field, FAMILIES["blurred"], 5, 640)


def test_numbers_and_mappings_are_understood_as_pairs_are() -> None:
    turn = parse_augmentation("transform: {__class_fullname__: Rotate, limit: 40, p: 0.5}", "mine")
    assert reaches(turn, FAMILIES["turned"], 330, 640)
    assert not reaches(turn, FAMILIES["turned"], 45, 640)
    jitter = parse_augmentation("transform: {__class_fullname__: ColorJitter, brightness: 0.4, p: 0.5}", "mine")
    assert reaches(jitter, FAMILIES["darkened"], 0.7, 640)
    assert not reaches(jitter, FAMILIES["darkened"], 0.5, 640)
    scale = parse_augmentation(
        "transform: {__class_fullname__: Affine, scale: {x: [0.3, 1], y: [0.4, 1]}, p: 1}", "mine"
    )
    assert reaches(scale, FAMILIES["scaled"], 0.35, 640)


def result(family: str, falling: dict[float, float]) -> Robustness:
    """A result in which recall and AP50 are 1 but for some levels of one kind of change."""

    def point(level: float, value: float) -> Point:
        scores = {"mAP50": value, "recall": value, "loose": value}
        classes = {
            name: {"AP50": value, "recall": value * part, "loose": value * part, "boxes": 3}
            for name, part in (("coin", 1), ("note", 0.5 + value / 2))
        }
        return Point(level, scores, classes)

    points = tuple(point(level, falling.get(level, 1.0)) for level in FAMILIES[family].levels)
    return Robustness("money-1", "test", 6, 6, 0.5, 320, point(0, 1.0), {family: points}, (), {})


def test_nothing_to_do_where_all_is_borne(tmp_path: Path) -> None:
    plan = detector(tmp_path, photos(tmp_path)).plan
    (said,) = advise(result("turned", {15: 0.95}), plan)
    assert said.level is None
    assert said.command == ""
    assert said.sentence.startswith("It bears all that was tried of this: 0 to 345")


def test_the_preset_that_goes_far_enough_with_its_command(tmp_path: Path) -> None:
    plan = detector(tmp_path, photos(tmp_path)).plan
    (said,) = advise(result("turned", {90: 0.5, 105: 0.4}), plan)
    assert (said.level, said.augmentation) == (90, "field")
    assert said.command == "labelloop train detector money --model yolov8n --augment field"
    assert said.weakest == ("note", 1, 0.375)
    assert "own" not in said.sentence  # field reaches 105 too


def test_what_no_preset_reaches_gets_a_line_that_albumentations_takes(tmp_path: Path) -> None:
    made = detector(tmp_path, photos(tmp_path)).plan
    plan = replace(made, settings={**made.settings, "imgsz": 640})
    for family, falling in (
        ("turned", {45: 0.2}), ("scaled", {0.25: 0.1, 2: 0.3}), ("blurred", {8: 0.1}), ("darkened", {0.1: 0}),
        ("recompressed", {4: 0.5}),
    ):  # fmt: skip
        (said,) = advise(result(family, falling), plan)
        assert said.augmentation == "", family
        line = said.sentence.partition("with the line ")[2].partition("}")[0] + "}"
        mine = parse_augmentation(f"transform: {{__class_fullname__: Compose, p: 1.0, transforms: [{line}]}}", "mine")
        assert parse_transforms(mine.transforms, "mine")
        assert all(reaches(mine, FAMILIES[family], level, 640) for level in falling), family


def test_a_run_that_has_learned_with_it_needs_more_than_that(tmp_path: Path) -> None:
    plan = detector(tmp_path, photos(tmp_path), "field").plan
    (said,) = advise(result("turned", {15: 0.5}), plan)
    assert said.command == ""
    assert "It has learned with field, which goes that far already" in said.sentence


def test_nothing_is_said_of_a_run_that_finds_nothing(tmp_path: Path) -> None:
    plan = detector(tmp_path, photos(tmp_path)).plan
    empty = result("turned", {})
    none = Robustness(**{**{name: getattr(empty, name) for name in Robustness.__slots__},
                         "untouched": Point(0, {"mAP50": 0.0, "recall": 0.0, "loose": 0.0}, {})})  # fmt: skip
    assert advise(none, plan)[0].sentence == "It finds nothing to begin with."
