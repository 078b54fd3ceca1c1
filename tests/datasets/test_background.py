"""The troubles of the two projects that labelloop grew out of: each is impossible or visible."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets.check import check
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.geometry import same_shape, to_upright
from labelloop.datasets.images import ImageProblem, read_header
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import Recipe, read_recipe
from labelloop.datasets.schema import Size

EXAMPLE = """{"version": "4.5.7", "flags": {},
 "shapes": [{"line_color": null, "fill_color": null, "label": "Thousand_back",
   "points": [[502.71428571428555, 879.9999999999999], [2505.5714285714284, 1879.9999999999998]],
   "group_id": null, "shape_type": "rectangle", "flags": {}}],
 "imagePath": "1000_B_DESK_0_4.jpg", "imageData": null,
 "imageHeight": 3024, "imageWidth": 3024, "lineColor": [0, 255, 0, 128], "fillColor": [255, 0, 0, 128]}"""


def pair(folder: Path, stem: str, size: tuple[int, int], document: str | dict[str, object], **saving: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 60)).save(folder / f"{stem}.jpg", **saving)  # pyright: ignore
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / f"{stem}.json").write_text(text, encoding="utf-8")


def labelme(stem: str, size: tuple[int, int], *boxes: tuple[str, float, float, float, float]) -> dict[str, object]:
    shapes = [{"label": b[0], "points": [[b[1], b[2]], [b[3], b[4]]], "shape_type": "rectangle"} for b in boxes]
    return {
        "version": "4.5.7",
        "shapes": shapes,
        "imagePath": f"{stem}.jpg",
        "imageWidth": size[0],
        "imageHeight": size[1],
    }


def test_the_example_gives_exactly_this_yolo_line(tmp_path: Path) -> None:
    pair(tmp_path / "won" / "1000", "1000_B_DESK_0_4", (756, 756), EXAMPLE)
    convert(tmp_path / "won", tmp_path / "yolo", "yolo", recipe=read_recipe("won"))
    label = tmp_path / "yolo" / "labels" / "all" / "1000" / "1000_B_DESK_0_4.txt"
    assert label.read_text() == "4 0.497402 0.456349 0.662320 0.330688\n"


def test_an_aspect_that_differs_is_an_error_with_both_sizes(tmp_path: Path) -> None:
    pair(tmp_path / "s", "a", (100, 80), labelme("a", (400, 400), ("x", 1, 1, 50, 50)))
    (found,) = [each for each in check(tmp_path / "s").findings if each.kind == "aspect-differs"]
    assert "100x80" in found.message
    assert "400x400" in found.message
    with pytest.raises(LabelloopError, match="not the same shape"):
        convert(tmp_path / "s", tmp_path / "t", "yolo")
    assert not (tmp_path / "t").exists()


def test_every_shape_is_read_not_the_first_or_the_last(tmp_path: Path) -> None:
    pair(tmp_path, "a", (100, 100), labelme("a", (100, 100), ("x", 1, 1, 5, 5), ("y", 2, 2, 6, 6), ("x", 3, 3, 7, 7)))
    (sample,) = open_source(tmp_path).dataset().samples
    assert [box.label for box in sample.boxes] == ["x", "y", "x"]


def test_orphans_on_both_sides_are_named(tmp_path: Path) -> None:
    pair(tmp_path, "a", (10, 10), labelme("a", (10, 10), ("x", 1, 1, 5, 5)))
    (tmp_path / "gone.json").write_text(json.dumps(labelme("gone", (10, 10), ("x", 1, 1, 5, 5))))
    Image.new("RGB", (10, 10)).save(tmp_path / "new.jpg")
    kinds = {finding.kind: finding.place for finding in check(tmp_path).findings}
    assert kinds["orphan-label"] == "gone.json"
    assert kinds["orphan-image"] == "new.jpg"


def test_folder_and_file_prefix_are_checked_against_the_label(tmp_path: Path) -> None:
    pair(tmp_path / "500", "500_1_1", (100, 100), labelme("500_1_1", (100, 100), ("Hundred_front", 1, 1, 50, 50)))
    report = check(tmp_path, read_recipe("won"))
    assert [f.message for f in report.findings if f.kind == "label-disagrees"] == [
        "box is labelled 100, its path says 500"
    ]


@pytest.mark.parametrize("folder", ["2023.03.20. 미니프로젝트 3차 (1)", "a b", "x[1]", "#%&+", "NFD 한글"])
def test_paths_with_anything_in_them_work(tmp_path: Path, folder: str) -> None:
    pair(tmp_path / "s" / folder, "a.b", (10, 10), labelme("a.b", (10, 10), ("x", 1, 1, 5, 5)))
    convert(tmp_path / "s", tmp_path / "t t" if " " in folder else tmp_path / "t", "yolo")
    (line,) = list(tmp_path.rglob("labels/all/**/*.txt"))
    assert line.name == "a.b.txt"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_labels_on_the_raw_and_on_the_upright_photo_are_told_apart_by_size(tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = Image.new("L", (60, 40))
    raw.paste(255, (10, 5, 30, 25))
    raw.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as stored:
        upright = ImageOps.exif_transpose(stored)
        bounds, size = upright.getbbox(), Size(*upright.size)
    assert to_upright((10, 5, 30, 25), (60, 40), orientation) == bounds
    assert read_header(tmp_path / "a.png").size == size
    for on_raw, frame, box in ((True, (60, 40), (10, 5, 30, 25)), (False, size, bounds)):
        (tmp_path / "a.json").write_text(json.dumps({**labelme("a", frame, ("x", *box)), "imagePath": "a.png"}))
        # From 5 on the sides are swapped, and the size alone tells; below, the recipe must.
        recipe = Recipe(orientation="raw") if on_raw and orientation < 5 else Recipe()
        (sample,) = open_source(tmp_path, recipe).dataset().samples
        assert sample.boxes[0].corners == bounds
        assert sample.size == size


def test_a_thumbnail_rounded_to_whole_pixels_has_the_same_shape() -> None:
    assert same_shape(Size(3024, 4032), Size(605, 806))
    assert same_shape(Size(3024, 3024), Size(605, 605))
    assert not same_shape(Size(3024, 4032), Size(806, 605))
    assert not same_shape(Size(1000, 1000), Size(1000, 990))


def test_boxes_over_the_edge_are_clipped_and_counted_and_outside_is_an_error(tmp_path: Path) -> None:
    pair(tmp_path, "a", (100, 100), labelme("a", (100, 100), ("x", -5, 10, 50, 120)))
    pair(tmp_path, "b", (100, 100), labelme("b", (100, 100), ("x", 150, 10, 180, 20)))
    reading = open_source(tmp_path)
    (sample,) = reading.dataset().samples
    assert sample.boxes[0].corners == (0, 10, 50, 100)
    assert reading.findings.counts() == {"box-outside": 1, "clipped": 1, "class-order-assumed": 1}


def test_broken_images_are_named(tmp_path: Path) -> None:
    Image.effect_noise((200, 200), 90).save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    for name, content in (("cut.jpg", data[: len(data) // 2]), ("empty.jpg", b""), ("text.jpg", b"hello" * 100)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageProblem) as caught:
            read_header(tmp_path / name)
        assert caught.value.kind == ("truncated-image" if name == "cut.jpg" else "unreadable-image")
    with pytest.raises(ImageProblem, match="limit"):
        read_header(tmp_path / "whole.jpg", max_pixels=100)


def test_nothing_is_merged_into_a_folder_and_nothing_left_half(tmp_path: Path) -> None:
    pair(tmp_path / "s", "a", (100, 100), labelme("a", (100, 100), ("x", 1, 1, 50, 50)))
    (tmp_path / "t").mkdir()
    with pytest.raises(LabelloopError, match="must not exist"):
        convert(tmp_path / "s", tmp_path / "t", "yolo")
    with pytest.raises(LabelloopError, match="outside the source"):
        convert(tmp_path / "s", tmp_path / "s" / "out", "yolo")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "t"]


def test_a_group_in_two_splits_is_refused_with_its_images(tmp_path: Path) -> None:
    for split in ("train", "val"):
        Image.new("RGB", (20, 20)).save(_made(tmp_path / "s" / "images" / split) / f"cap_{split}.jpg")
        (_made(tmp_path / "s" / "labels" / split) / f"cap_{split}.txt").write_text("0 .5 .5 .5 .5\n")
    recipe = Recipe(classes=("0",), group=("(cap)_",))
    with pytest.raises(LabelloopError, match=r"cap_train\.jpg is in train, .*cap_val\.jpg .* in val"):
        convert(tmp_path / "s", tmp_path / "t", "coco", recipe=recipe)
    convert(tmp_path / "s", tmp_path / "t", "coco", recipe=recipe, allow_leak=True)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_images_with_the_same_bytes_are_found_and_their_labels_compared(tmp_path: Path) -> None:
    for stem, label in (("a", "x"), ("b", "y"), ("c", "x")):
        pair(tmp_path, stem, (40, 40), labelme(stem, (40, 40), (label, 1, 1, 20, 20)))
    data = bytearray((tmp_path / "c.jpg").read_bytes())
    data[20] ^= 1  # the same length and the same middle, other bytes
    (tmp_path / "c.jpg").write_bytes(data)
    found = [(f.kind, f.place) for f in check(tmp_path, decode=False).findings if f.kind.startswith("duplicate-")]
    assert found == [("duplicate-image", "b.jpg"), ("duplicate-disagrees", "b.jpg")]
