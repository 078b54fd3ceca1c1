"""The recipes that ship, and recipes as YAML."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets import formats
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.findings import KINDS
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import (
    SHIPPED,
    Recipe,
    format_recipe,
    parse_recipe,
    read_recipe,
    shipped_names,
    write_recipe,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
DOCS = Path(__file__).parents[2] / "docs" / "recipes.md"
WON = ("10", "50", "100", "500", "1000", "5000", "10000", "50000")


def real(name: str) -> Path:
    """The folder with real photos of this name; the test is skipped where it is not there."""
    if not (DATA / name).is_dir():
        pytest.skip(f"the real photos of {name} are not there: no folder {DATA / name}")
    return DATA / name


def test_four_recipes_ship_and_each_says_why() -> None:
    assert shipped_names() == ["car", "clothing", "vnd", "won"]
    for name in shipped_names():
        assert read_recipe(name).format in formats.names()
        assert (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8").startswith("# ")


def test_won_has_its_eight_classes_in_won_order_and_sixteen_labels() -> None:
    recipe = read_recipe("won")
    assert recipe.classes == WON
    assert Counter(recipe.labels.values()) == dict.fromkeys(WON, 2)
    assert recipe.class_of("Five_Hundred_back") == "500"
    assert recipe.class_of("Five_hundred_back") is None


@pytest.mark.parametrize(
    ("key", "group"),
    [
        ("10/10_12_1.jpg", "10_12"),
        ("10/10_12_9.jpg", "10_12"),
        ("500/500_100_9.JPG", "500_100"),
        ("2023.03.20. 미니프로젝트 3차 (1)/50/50_7_1.jpg", "50_7"),
        ("1000/1000_B_DESK_0_4.jpg", None),
        ("1000/1000_F_HAND_0_1.jpg", None),
        ("1000/1000_F_HAND_0_9.jpg", None),
        ("field/IMG_0001.jpg", None),
    ],
)
def test_won_groups_the_two_sides_of_a_capture_and_nothing_else(key: str, group: str | None) -> None:
    assert read_recipe("won").group_of(key) == group


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("1000/1000_B_DESK_0_4.jpg", ["1000", "1000"]),
        ("set/100/10_12_1.jpg", ["100", "10"]),
        ("field/IMG_0001.jpg", []),
    ],
)
def test_won_checks_folder_and_file_name(key: str, said: list[str]) -> None:
    assert read_recipe("won").said_by_path(key) == said


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("20250210_112032_016_jpg.rf.aa", "20250210_112032_030_jpg.rf.bb", True),
        ("20250210_112032_016_jpg.rf.aa", "20250210_112246_024_jpg.rf.bb", False),
        ("IMG_5285-Copy-2-_jpg.rf.aa", "IMG_5285_jpg.rf.bb", True),
        ("Ban-sao-cua-IMG_5874_jpg.rf.aa", "IMG_5874_jpg.rf.bb", True),
        ("IMG_5285_jpg.rf.aa", "IMG_5286_jpg.rf.bb", False),
        ("010000_107_png.rf.aa", "010000_107_png.rf.bb", True),
        ("010000_107_png.rf.aa", "010000_10_png.rf.bb", False),
    ],
)
def test_vnd_groups_versions_copies_and_videos(one: str, other: str, same: bool) -> None:
    recipe = read_recipe("vnd")
    first, second = recipe.group_of(f"50000/{one}.jpg"), recipe.group_of(f"20000/{other}.jpg")
    assert None not in (first, second)
    assert (first == second) == same


def test_car_puts_damage_second_and_groups_by_photo_over_both_folders() -> None:
    recipe = read_recipe("car")
    assert recipe.classes == ("normal", "abnormal")
    assert recipe.group_of("normal/train_image10_0.jpg") == recipe.group_of("abnormal/train_image10_1.jpg")
    assert recipe.group_of("normal/train_image1_0.jpg") != recipe.group_of("normal/train_image10_0.jpg")
    assert recipe.group_of("normal/val_image10_0.jpg") != recipe.group_of("normal/train_image10_0.jpg")


def test_vnd_reads_the_real_notes_and_finds_the_three_wrong_labels() -> None:
    reading = open_source(real("banknotes-vnd-raw"), read_recipe("vnd"))
    dataset = reading.dataset()
    assert Counter(sample.state for sample in dataset.samples) == {"labelled": 295, "unlabelled": 4}
    assert not reading.findings.stopping()
    assert reading.findings.accepted == {"scaled": 295}
    wrong = {finding.place.partition("_png")[0] for finding in reading.findings.of("label-disagrees")}
    assert wrong == {"20000/050000_133", "20000/050000_96", "50000/020000_188"}
    assert all(sample.group for sample in dataset.samples)


def test_car_and_clothing_read_the_real_photos() -> None:
    cars = open_source(real("car-damage-crops"), read_recipe("car"))
    samples = cars.dataset().samples
    assert Counter(sample.label for sample in samples) == {"abnormal": 110, "normal": 111}
    assert len({sample.group for sample in samples}) == 63
    clothes = open_source(real("clothing"), read_recipe("clothing"))
    assert len(clothes.dataset().samples) == 341
    assert not [*cars.findings.stopping(), *clothes.findings.stopping()]


NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name.isprintable())
PATTERNS = st.lists(st.sampled_from([r"^(\d+/\d+_\d+)_[19]\.", "(a|b)", "'\": {#", r"\.", "no", ""]), max_size=2)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """A legal recipe with any text in it that people may write."""
    classes = draw(st.lists(NAMES, unique=True, max_size=5))
    targets = st.sampled_from(classes) if classes else NAMES
    return Recipe(
        format=draw(st.sampled_from(["", "labelme", "0x1F", "no"])),
        classes=tuple(classes),
        labels=draw(st.dictionaries(NAMES, targets, max_size=4)),
        group=tuple(draw(PATTERNS)),
        agree=tuple(draw(st.lists(st.sampled_from(["^(?P<class>[^/]+)/", r"(?P<class>\d+)_"]), max_size=2))),
        missing=draw(st.sampled_from(["unlabelled", "negative"])),
        polygons=draw(st.sampled_from(["refuse", "boxes"])),
        orientation=draw(st.sampled_from(["upright", "raw"])),
        encoding=draw(st.sampled_from(["utf-8", "cp949"])),
        voc_origin=draw(st.sampled_from([0, 1])),
        accept=tuple(
            draw(st.lists(st.sampled_from([kind for kind in KINDS if KINDS[kind][0] != "stops"]), max_size=2))
        ),
        fields=draw(st.dictionaries(NAMES, st.text(max_size=8).filter(str.isprintable), max_size=3)),
    )


@given(recipes(), NAMES)
def test_a_recipe_is_read_back_as_it_was_written(recipe: Recipe, comment: str) -> None:
    assert parse_recipe(format_recipe(recipe, comment)) == recipe


def test_a_recipe_file_is_new_or_replaced_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    write_recipe(path, Recipe(classes=("a",)), "Mine.")
    with pytest.raises(LabelloopError, match="exists already"):
        write_recipe(path, Recipe(classes=("b",)))
    assert read_recipe(str(path)).classes == ("a",)
    write_recipe(path, Recipe(classes=("b",)), replace=True)
    assert read_recipe(str(path)).classes == ("b",)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.yaml"]
    with pytest.raises(LabelloopError, match="cannot be written"):
        write_recipe(tmp_path / "no" / "mine.yaml", Recipe())


def test_every_recipe_in_the_documentation_can_be_read() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        parse_recipe(block)
