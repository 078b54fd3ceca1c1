"""Augmented copies in an export: of train alone, read back like everything else, and told from their originals."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelloop.datasets.augment_baking import Baking, plan_copies
from labelloop.datasets.augmentation import read_augmentation
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import export
from labelloop.datasets.reading import Dataset, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Sample, Size
from tests.datasets.export_runs import contents

CLASSES = ("10", "50")


def sample(folder: Path, key: str, split: str | None, *boxes: Box, **more: object) -> Sample:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(len(key))
    Image.fromarray(draw.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(path)
    values: dict[str, object] = {"state": "labelled" if boxes else "negative", "group": f"group of {key}", **more}
    return Sample(key, path, Size(80, 60), split=split, boxes=boxes, **values)  # type: ignore[arg-type]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    photos = tmp_path / "photos"
    made = [
        sample(photos, "a/한글 1.jpg", "train", Box("10", 20, 15, 60, 45, id="a" * 24, attributes={"pose": "left"})),
        sample(photos, "a/x.png", "train", Box("50", 5, 5, 30, 30), Box("10", 40, 20, 70, 50)),
        sample(photos, "b/none.jpg", "train"),
        sample(photos, "b/unknown.jpg", "train", state="unlabelled"),
        sample(photos, "c/v.jpg", "val", Box("10", 20, 15, 60, 45)),
        sample(photos, "c/t.jpg", "test", Box("50", 20, 15, 60, 45)),
    ]
    return Dataset(tuple(sorted(made, key=lambda each: each.key)), CLASSES)


def baking(name: str = "light", copies: int = 2, seed: int = 0) -> Baking:
    return Baking(read_augmentation(name), copies, seed)


@pytest.mark.parametrize("format", ["yolo", "coco", "voc", "labelme", "via"])
def test_copies_are_of_train_alone_in_the_group_of_their_original(
    dataset: Dataset, format: str, tmp_path: Path
) -> None:
    report = export(dataset, tmp_path / "out", format, baking=baking())
    assert report.augmented == 6
    assert report.splits == {"train": 9, "val": 1, "test": 1}
    back = open_source(tmp_path / "out", Recipe(format=format, classes=CLASSES)).dataset()
    copies = {each.key: each for each in back.samples if "_aug" in each.key}
    assert sorted(copies) == [
        "a/x_aug1.jpg", "a/x_aug2.jpg", "a/한글 1_aug1.jpg", "a/한글 1_aug2.jpg", "b/none_aug1.jpg", "b/none_aug2.jpg",
    ]  # fmt: skip
    assert {each.split for each in copies.values()} == {"train"}
    assert copies["a/x_aug2.jpg"].group == "group of a/x.png"
    assert copies["b/none_aug1.jpg"].state == "negative"
    assert copies["a/한글 1_aug1.jpg"].boxes
    assert not any(box.id or "pose" in box.attributes for box in copies["a/한글 1_aug1.jpg"].boxes)


def test_a_table_says_what_each_copy_was_made_of(dataset: Dataset, tmp_path: Path) -> None:
    export(dataset, tmp_path / "out", "yolo", baking=baking("field", 1, seed=3))
    with open(tmp_path / "out" / "augmented.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["key"], row["original"], row["augmentation"], row["seed"]) for row in rows] == [
        ("images/train/a/x_aug1.jpg", "a/x_aug1.jpg", "a/x.png", "field", "3"),
        ("images/train/a/한글 1_aug1.jpg", "a/한글 1_aug1.jpg", "a/한글 1.jpg", "field", "3"),
        ("images/train/b/none_aug1.jpg", "b/none_aug1.jpg", "b/none.jpg", "field", "3"),
    ]
    assert all((tmp_path / "out" / row["image"]).is_file() for row in rows)


def test_the_same_seed_bakes_the_same_bytes_and_another_image_changes_no_other(
    dataset: Dataset, tmp_path: Path
) -> None:
    export(dataset, tmp_path / "one", "yolo", baking=baking(), jobs=1)
    export(dataset, tmp_path / "two", "yolo", baking=baking(), jobs=4)
    export(dataset, tmp_path / "other", "yolo", baking=baking(seed=1))
    fewer = replace(dataset, samples=tuple(each for each in dataset.samples if each.key != "a/x.png"))
    export(fewer, tmp_path / "fewer", "yolo", baking=baking())
    one, other = contents(tmp_path / "one"), contents(tmp_path / "other")
    assert one == contents(tmp_path / "two")
    copies = [path for path in one if path.endswith("_aug1.jpg")]
    assert all(one[path] != other[path] for path in copies)
    left = contents(tmp_path / "fewer")
    assert all(left[path] == one[path] for path in copies if "/x_" not in path)


def test_originals_are_copied_as_they_are(dataset: Dataset, tmp_path: Path) -> None:
    export(dataset, tmp_path / "plain", "yolo")
    export(dataset, tmp_path / "baked", "yolo", baking=baking())
    plain, baked = contents(tmp_path / "plain"), contents(tmp_path / "baked")
    assert all(baked[path] == plain[path] for path in plain if path.startswith(("images/", "labels/")))


def test_none_bakes_the_picture_itself(dataset: Dataset, tmp_path: Path) -> None:
    export(dataset, tmp_path / "out", "yolo", baking=baking("none", 1))
    original = np.asarray(Image.open(tmp_path / "photos" / "a" / "x.png"), np.int16)
    copy = np.asarray(Image.open(tmp_path / "out" / "images" / "train" / "a" / "x_aug1.jpg"), np.int16)
    assert np.abs(copy - original).mean() < 4  # JPEG of noise
    labels = tmp_path / "out" / "labels" / "train" / "a"
    assert (labels / "x_aug1.txt").read_text() == (labels / "x.txt").read_text()


def test_a_photo_with_exif_orientation_is_baked_upright(tmp_path: Path) -> None:
    """The left half of the stored picture is the top of the upright one."""
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "photos").mkdir()
    Image.fromarray(pixels).save(tmp_path / "photos" / "p.jpg", exif=exif, quality=95)
    turned = Sample(
        "p.jpg",
        tmp_path / "photos" / "p.jpg",
        Size(40, 80),
        orientation=6,
        split="train",
        boxes=(Box("10", 0, 0, 40, 40),),
    )
    export(Dataset((turned,), CLASSES), tmp_path / "out", "yolo", baking=baking("none", 1))
    with Image.open(tmp_path / "out" / "images" / "train" / "p_aug1.jpg") as copy:
        assert copy.size == (40, 80)
        assert copy.getexif().get(0x0112, 1) == 1
        assert np.asarray(copy)[:36].min() > 200
        assert np.asarray(copy)[44:].max() < 60


def test_a_copy_on_which_no_box_is_left_is_left_out_and_counted(tmp_path: Path) -> None:
    away = tmp_path / "away.yaml"
    away.write_text("transform: {__class_fullname__: Affine, p: 1.0, translate_px: {x: [70, 70], y: [0, 0]}}")
    made = Dataset((sample(tmp_path / "photos", "a.jpg", "train", Box("10", 20, 15, 60, 45)),), CLASSES)
    report = export(made, tmp_path / "out", "yolo", baking=Baking(read_augmentation(str(away)), 2))
    assert (report.images, report.augmented) == (1, 0)
    assert [str(loss) for loss in report.losses] == [
        "augmented copies left out, on which no box would be left: 2 (first: a.jpg)"
    ]
    assert "left out" in (tmp_path / "out" / "losses.txt").read_text()


def test_names_that_are_taken_are_passed_over(tmp_path: Path) -> None:
    box = Box("10", 20, 15, 60, 45)
    made = [sample(tmp_path, key, "train", box) for key in ("a.jpg", "a.png", "a_aug1.jpg")]
    assert {key: (original.key, copy) for key, (original, copy) in plan_copies(made, baking()).items()} == {
        "a_aug2.jpg": ("a.jpg", 1),
        "a_aug3.jpg": ("a.jpg", 2),
        "a_aug4.jpg": ("a.png", 1),
        "a_aug5.jpg": ("a.png", 2),
        "a_aug1_aug1.jpg": ("a_aug1.jpg", 1),
        "a_aug1_aug2.jpg": ("a_aug1.jpg", 2),
    }


def test_without_a_train_split_nothing_is_baked_or_written(dataset: Dataset, tmp_path: Path) -> None:
    unsplit = replace(dataset, samples=tuple(replace(each, split=None) for each in dataset.samples))
    with pytest.raises(LabelloopError, match="none is in it: `labelloop split` first"):
        export(unsplit, tmp_path / "out", "yolo", baking=baking())
    with pytest.raises(LabelloopError, match="an export that leaves images out"):
        export(dataset, tmp_path / "out", "yolo", baking=baking(), leave_images=True)
    with pytest.raises(LabelloopError, match="copies must be at least 1, received 0"):
        export(dataset, tmp_path / "out", "yolo", baking=baking(copies=0))
    assert not (tmp_path / "out").exists()


def test_a_transform_that_fails_leaves_nothing(dataset: Dataset, tmp_path: Path) -> None:
    crop = tmp_path / "crop.yaml"
    crop.write_text("transform: {__class_fullname__: RandomCrop, p: 1.0, height: 500, width: 500}")
    with pytest.raises(LabelloopError, match="fails on an image of 80x60"):
        export(dataset, tmp_path / "out", "yolo", baking=Baking(read_augmentation(str(crop)), 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crop.yaml", "photos"]


def test_class_folders_get_copies_too(tmp_path: Path) -> None:
    made = [
        sample(tmp_path / "photos", f"{label}/{split}.jpg", split, state="labelled", label=label)
        for label in CLASSES
        for split in ("train", "val")
    ]
    dataset = Dataset(tuple(sorted(made, key=lambda each: each.key)), CLASSES)
    report = export(dataset, tmp_path / "out", "folders", baking=baking())
    assert (report.augmented, report.splits) == (4, {"train": 6, "val": 2})
    assert (tmp_path / "out" / "train" / "50" / "train_aug2.jpg").is_file()
