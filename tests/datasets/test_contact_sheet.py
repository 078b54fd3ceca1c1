"""The contact sheet, looked at pixel by pixel, and the preview that fills it."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from labelloop.datasets.augment_preview import MAX_ROWS, choose, preview, write_sheet
from labelloop.datasets.augmentation import parse_augmentation, read_augmentation
from labelloop.datasets.contact_sheet import CELL, ContactSheet, Tile
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.palette import class_colour
from labelloop.datasets.picture_fonts import find_font, missing_letters
from labelloop.datasets.reading import Dataset
from labelloop.datasets.schema import Box, Sample, Size

CLASSES = ("10", "50", "한글")


def black(width: int = CELL, height: int = CELL) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def cell(sheet: Image.Image, row: int, column: int) -> np.ndarray:
    """The pixels of a place; places lie 10 pixels apart, below 94 pixels of heading."""
    left, top = 20 + column * (CELL + 10), 94 + row * (CELL + 28)
    return np.asarray(sheet)[top : top + CELL, left : left + CELL]


def colours(pixels: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(int(level) for level in pixel) for pixel in pixels.reshape(-1, 3)}


def test_a_box_is_drawn_at_its_corners_in_the_colour_of_its_class() -> None:
    sheet = ContactSheet(["original", "copy"], 2, "won", "light", CLASSES, "")
    sheet.add(1, 1, Tile(black(512, 512), [Box("50", 100, 200, 300, 500)], "1 box"))
    drawn = cell(sheet.sheet, 1, 1)
    colour = ImageColor.getrgb(class_colour(1))
    rows, columns = np.nonzero((drawn == colour).all(axis=2))
    tag = rows < 100
    assert (columns[~tag].min(), columns[~tag].max()) == (51, 148)  # half the size, one pixel of black around
    assert (rows[~tag].min(), rows[~tag].max()) == (101, 248)
    assert tag.any()
    assert {columns[tag].min(), rows[tag].min()} == {50, 84}
    assert colours(cell(sheet.sheet, 0, 0)) == {(255, 255, 255)}


def test_a_picture_that_is_no_square_is_in_the_middle_of_its_place() -> None:
    sheet = ContactSheet(["original"], 1, "won", "light", CLASSES, "")
    sheet.add(0, 0, Tile(black(100, 50), [], "no boxes"))
    drawn = cell(sheet.sheet, 0, 0)
    assert colours(drawn[64:192]) == {(0, 0, 0)}
    assert colours(drawn[:64]) == colours(drawn[192:]) == {(238, 238, 238)}


def test_a_tiny_box_and_one_at_the_edge_are_seen() -> None:
    sheet = ContactSheet(["original"], 1, "won", "light", CLASSES, "")
    sheet.add(0, 0, Tile(black(1000, 1000), [Box("10", 999, 999, 1000, 1000), Box("50", 0, 0, 1000, 1000)], "2 boxes"))
    assert {ImageColor.getrgb(class_colour(number)) for number in (0, 1)} <= colours(cell(sheet.sheet, 0, 0))


def test_many_boxes_have_no_names_over_them() -> None:
    sheet = ContactSheet(["original"], 1, "won", "light", CLASSES, "")
    boxes = [Box("10", x, y, x + 20, y + 20) for x in range(0, 120, 40) for y in range(100, 220, 40)]
    sheet.add(0, 0, Tile(black(), boxes, "9 boxes"))
    coloured = (cell(sheet.sheet, 0, 0) == ImageColor.getrgb(class_colour(0))).all(axis=2).sum()
    assert coloured == 9 * (18 * 18 - 14 * 14)


def test_captions_and_sentences_never_leave_the_sheet() -> None:
    long = "folder/" + "a very long name " * 40 + ".jpg"
    sheet = ContactSheet(["original", "copy"], 1, long, long, CLASSES, long)
    sheet.add(0, 0, Tile(black(), [Box("10", 0, 0, 9, 9)], long, alarm=True))
    whole = np.asarray(sheet.finish({"10": 3, "한글": 2, "no class " * 50: 1}, [long, "Short."]))
    assert (whole[:, -20:] == 255).all()
    assert (whole[:, :20] == 255).all()
    between = whole[94 + CELL : 94 + CELL + 18, 20 + CELL : 20 + CELL + 10]
    assert (between == 255).all(), "a caption reaches into the next column"


def test_only_the_sheet_stays_in_memory() -> None:
    sheet = ContactSheet(["original"], 1, "won", "light", CLASSES, "")
    picture = black()
    gone = weakref.ref(picture)
    sheet.add(0, 0, Tile(picture, [], ""))
    del picture
    gc.collect()
    assert gone() is None


def test_a_letter_that_no_font_has_is_a_question_mark_and_said() -> None:
    sheet = ContactSheet(["original"], 1, "a\U000e0fffb", "", CLASSES[:2], "")
    assert sheet.unwritable == "\U000e0fff"


def test_a_font_with_hangul_is_found_where_there_is_one() -> None:
    plain = find_font(14, "won 10/10_1.jpg")
    assert plain.getname()[0] == "Aileron"  # type: ignore[union-attr]  # Pillow's own
    assert missing_letters(plain, "앞면 a") == "앞면"
    found = find_font(14, "앞면 a")
    if found.getname()[0] == "Aileron":  # type: ignore[union-attr]
        pytest.skip("no font with Hangul on this machine")
    assert missing_letters(found, "앞면 a") == ""


def photo(folder: Path, key: str, *boxes: Box, label: str | None = None, color: int = 90) -> Sample:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (80, 60), (color, 40, 160)).save(path)
    return Sample(key, path, Size(80, 60), state="labelled" if boxes or label else "negative", boxes=boxes, label=label)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    box = Box("10", 20, 15, 60, 45)
    made = [
        photo(tmp_path, f"{number}.png", replace(box, label=CLASSES[number % 3]), color=number) for number in range(9)
    ]
    return Dataset((*made, photo(tmp_path, "none.png")), CLASSES)


def test_images_are_chosen_from_each_class_in_turn(dataset: Dataset) -> None:
    chosen = choose(dataset, 6, 0)
    assert sorted(each.boxes[0].label for each in chosen) == sorted(2 * CLASSES)
    assert len({each.key for each in choose(dataset, 100, 0)}) == 9
    assert choose(dataset, 6, 0) == chosen
    assert choose(dataset, 6, 1) != chosen


def test_originals_are_as_the_detector_gets_them(dataset: Dataset) -> None:
    """In a gray square, the box at half the height: 80x60 is 256x192, 32 pixels of gray above it."""
    made = preview(dataset, read_augmentation("none"), title="won", images=1, copies=1, side=CELL)
    original, copy = cell(made.sheet, 0, 0), cell(made.sheet, 0, 1)
    assert (original == copy).all()
    assert colours(original[:32]) == colours(original[224:]) == {(114, 114, 114)}
    colour = ImageColor.getrgb(class_colour(0))
    rows, _ = np.nonzero((original == colour).all(axis=2))
    assert rows.max() == 32 + 144 - 2
    assert [(row.boxes, [copy.boxes for copy in row.copies]) for row in made.rows] == [(1, [1])]
    assert made.remarks == ()
    assert made.growth == 1.0


def test_a_photo_with_exif_orientation_is_upright(tmp_path: Path) -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "p.jpg", exif=exif, quality=95)
    turned = Sample("p.jpg", tmp_path / "p.jpg", Size(40, 80), orientation=6, boxes=(Box("10", 0, 0, 40, 40),))
    made = preview(Dataset((turned,), CLASSES), read_augmentation("none"), title="won", copies=1, side=CELL)
    middle = cell(made.sheet, 0, 0)[:, CELL // 2, 0]
    assert middle[20:120].min() > 200
    assert middle[140:].max() < 60


def test_dropped_boxes_are_counted(dataset: Dataset) -> None:
    away = parse_augmentation(
        json.dumps({"transform": {"__class_fullname__": "Affine", "p": 1.0, "translate_percent": {"x": [0.65, 0.65], "y": [0, 0]}}}),
        "away",
    )  # fmt: skip
    made = preview(dataset, away, title="won", images=2, copies=3, side=100)
    drops = [drop for row in made.rows for copy in row.copies for drop in copy.dropped]
    assert len(drops) == 6
    assert [drop.visible for drop in drops] == pytest.approx(6 * [0.2])


def test_the_trainers_mosaic_is_shown(dataset: Dataset) -> None:
    made = preview(dataset, read_augmentation("trainer"), title="won", images=3, copies=2, side=100)
    copies = [copy for row in made.rows for copy in row.copies]
    assert {copy.images for copy in copies} == {4}
    assert all(copy.boxes + len(copy.dropped) <= 4 for copy in copies)
    assert any("last 10 epochs" in remark.message for remark in made.remarks)


def test_what_a_detector_would_refuse_or_leave_out_is_said(tmp_path: Path, dataset: Dataset) -> None:
    smaller = parse_augmentation("transform: {__class_fullname__: Crop, p: 1.0, x_max: 50, y_max: 50}", "crop")
    made = preview(dataset, smaller, title="won", images=1, copies=1, side=100)
    assert [remark.kind for remark in made.remarks] == ["resized"]
    speck = Dataset((photo(tmp_path, "speck.png", Box("10", 5, 5, 6, 40), Box("10", 20, 15, 60, 45)),), CLASSES)
    made = preview(speck, read_augmentation("none"), title="won", copies=1, side=100)
    assert "1 of the 2 boxes shown" in made.remarks[0].message


def test_images_with_labels_of_their_own_keep_their_shape(tmp_path: Path) -> None:
    made = preview(
        Dataset((photo(tmp_path, "a.png", label="10"), photo(tmp_path, "b.png", label="50")), CLASSES),
        read_augmentation("field"), title="cars", images=2, copies=2, side=640,
    )  # fmt: skip
    assert [row.boxes for row in made.rows] == [0, 0]
    assert colours(cell(made.sheet, 0, 0)[:30]) == {(238, 238, 238)}


def test_an_image_that_cannot_be_read_is_said_and_the_rest_is_shown(dataset: Dataset) -> None:
    dataset.samples[0].path.unlink()
    made = preview(dataset, read_augmentation("light"), title="won", copies=1, side=100)
    assert len(made.rows) == 9
    assert len(made.unreadable) == 1
    assert made.unreadable[0].startswith("0.png: ")


@pytest.mark.parametrize(("images", "copies"), [(3, 0), (3, 13)])
def test_a_sheet_has_its_limits(dataset: Dataset, images: int, copies: int) -> None:
    with pytest.raises(LabelloopError, match="1 to 60 images with 1 to 12 copies each"):
        preview(dataset, read_augmentation("none"), title="won", images=images, copies=copies)
    many = replace(dataset, samples=dataset.samples * (MAX_ROWS // 10 + 1))
    with pytest.raises(LabelloopError, match="received 70 and 4"):
        preview(many, read_augmentation("none"), title="won")


def test_a_sheet_is_written_in_one_step_and_replaced(tmp_path: Path) -> None:
    place = tmp_path / "new" / "sheet.png"
    for size in (10, 20):
        write_sheet(Image.new("RGB", (size, size)), place)
        with Image.open(place) as read:
            assert read.size == (size, size)
    assert [path.name for path in place.parent.iterdir()] == ["sheet.png"]
    with pytest.raises(LabelloopError, match="preview cannot be written"):
        write_sheet(Image.new("RGB", (9, 9)), place / "below.png")
