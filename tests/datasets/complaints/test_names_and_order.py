"""Complaints about export fidelity: classes, file names, images that vanish, EXIF.

What other tests own already: the order of two classes through our own reader, all formats
(`formats/test_contract.py`); VOC's, VIA's and class folders' own variants of the same complaints
(`formats/test_voc.py`, `test_via.py`, `test_folders.py`); Korean names through Ultralytics'
and pycocotools' loaders (`formats/test_goldens.py`).
"""

from __future__ import annotations

import json
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelloop.datasets import formats
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import LOSSES
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import Recipe
from tests.datasets.complaints.drawn import (
    OF_BOXES,
    WITH_NEGATIVES,
    WRITABLE,
    Labels,
    Picture,
    colors_of,
    draw,
    exported,
    measure,
    write_coco,
    write_labelme,
    write_yolo,
)
from tests.datasets.complaints.plain_readers import class_order, images_of, read_export, upright_size

CLASSES = ("number_plate", "10", "2", "0", "zebra", "ant")
_FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def box(number: int) -> tuple[float, float, float, float]:
    """A place that no other number has."""
    return (3.0 + 5 * number, 4.0 + 3 * number, 23.0 + 5 * number, 24.0 + 3 * number)


def near(one: Labels, other: Labels, by: float) -> bool:
    """Whether the labels are the same in any order, corners to so many pixels."""
    return len(one) == len(other) and all(
        a == b and max(abs(p - q) for p, q in zip(x, y, strict=True)) <= by
        for (a, x), (b, y) in zip(sorted(one), sorted(other), strict=True)
    )


class TestClassOrderChangesByItself:
    @pytest.mark.parametrize("name", WRITABLE)
    def test_the_order_is_the_declared_one_not_the_alphabet_nor_that_of_use(self, name: str, tmp_path: Path) -> None:
        """label-studio#2886 (`number_plate, 0, 1` became `0, 1, number_plate`), #3324, #4129, #6416, #8858."""
        pictures = [Picture(f"{n}.png", [(CLASSES[n], box(n))]) for n in (4, 0, 2)]
        target = exported(name, tmp_path, pictures, CLASSES)
        assert class_order(target, name) == (list(CLASSES) if formats.load(name).holds.class_order else None)
        labels = {image.rpartition("/")[2]: seen.labels for image, seen in read_export(target, name).items()}
        assert {key: [label for label, _ in found or []] for key, found in labels.items()} == {
            each.key: [label for label, _ in each.boxes or ()] for each in pictures
        }

    def test_where_no_order_can_be_written_it_is_said_and_not_made_up(self, tmp_path: Path) -> None:
        """label-studio#6416: LabelMe has no place for an order, so reading one says that it is assumed."""
        target = exported("labelme", tmp_path, [Picture("a.png", [("zebra", box(0)), ("ant", box(1))])], CLASSES)
        reading = open_source(target)
        assert reading.dataset().classes == ("ant", "zebra")
        (found,) = reading.findings.of("class-order-assumed")
        assert "a recipe pins it" in found.message

    @pytest.mark.parametrize("name", ["yolo", "coco", "voc", "via", "folders"])
    def test_ids_do_not_move_when_images_come_or_a_class_is_not_used(self, name: str, tmp_path: Path) -> None:
        """mmdetection#1732, ultralytics#23930: train and val, or today and tomorrow, number their classes differently."""
        pictures = [Picture(f"{n}.png", [(CLASSES[n], box(n))]) for n in range(6)]
        for day, chosen in enumerate((pictures[3:], pictures[:1], pictures)):
            target = exported(name, tmp_path / str(day), chosen, CLASSES)
            assert class_order(target, name) == list(CLASSES)

    @given(classes=st.permutations(CLASSES))
    @_FEW
    def test_the_order_survives_a_chain_of_formats(
        self, classes: list[str], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """label-studio#3324, roboflow-python#100: two classes come out exchanged. No recipe here: files alone say it."""
        folder = tmp_path_factory.mktemp("chain")
        pictures = [Picture("a.png", [(classes[0], box(0)), (classes[5], box(1))])]
        source = folder / "source"
        draw(source, pictures, classes)
        write_coco(source, pictures, classes)
        for name in ("yolo", "voc", "via", "coco", "yolo"):
            target = folder / f"{len(list(folder.iterdir()))}-{name}"
            convert(source, target, name)
            assert class_order(target, name) == list(classes)
            source = target

    def test_coco_categories_that_are_listed_out_of_order_keep_their_ids(self, tmp_path: Path) -> None:
        """mmdetection#1732: `angle, top` in train.json and `top, angle` in val.json, with the same ids."""
        classes = ["angle", "top", "head"]
        pictures = [
            Picture(f"{split}.png", [("angle", box(0)), ("top", box(1))], split=split) for split in ("train", "val")
        ]
        draw(tmp_path / "s", pictures, classes)
        write_coco(tmp_path / "s", pictures, classes)
        path = tmp_path / "s" / "annotations" / "instances_val.json"
        document = json.loads(path.read_text())
        document["categories"].reverse()
        path.write_text(json.dumps(document))
        convert(tmp_path / "s", tmp_path / "t", "yolo")
        assert class_order(tmp_path / "t", "yolo") == classes
        for seen in read_export(tmp_path / "t", "yolo").values():
            assert near(seen.labels or [], [("angle", box(0)), ("top", box(1))], 1e-3)
        document["categories"] = [{"id": 2, "name": "angle"}, {"id": 1, "name": "top"}, {"id": 3, "name": "head"}]
        path.write_text(json.dumps(document))
        with pytest.raises(LabelloopError, match="differ from those of another json"):
            convert(tmp_path / "s", tmp_path / "u", "yolo")

    def test_yolo_names_that_are_listed_out_of_order_keep_their_numbers(self, tmp_path: Path) -> None:
        """roboflow-python#100: two names of data.yaml exchanged."""
        pictures = [Picture("images/a.png", [("logo", box(0)), ("logo carre", box(1))])]
        draw(tmp_path / "s", pictures, ["logo", "logo carre"])
        write_yolo(tmp_path / "s", pictures, ["logo", "logo carre"])
        (tmp_path / "s" / "data.yaml").write_text("train: images\nnames: {1: logo carre, 0: logo}\n")
        convert(tmp_path / "s", tmp_path / "t", "coco")
        assert class_order(tmp_path / "t", "coco") == ["logo", "logo carre"]
        (seen,) = read_export(tmp_path / "t", "coco").values()
        assert near(seen.labels or [], [(label, tuple(where)) for label, where in pictures[0].boxes or ()], 1e-6)


class TestSameFileNameInTwoFolders:
    @pytest.mark.parametrize("name", WRITABLE)
    def test_no_image_and_no_label_file_is_overwritten(self, name: str, tmp_path: Path) -> None:
        """label-studio#6438 (five images went in, three came out), #7096, datumaro#2201, darwin-py#630, fiftyone#1516."""
        keys = ["dir_1/image_1", "dir_1/image_2", "dir_1/image_3", "dir_2/image_1", "dir_2/image_2"]
        pictures = [Picture(f"{key}.png", [("0", box(n))]) for n, key in enumerate(keys)]
        target = exported(name, tmp_path, pictures, CLASSES)
        seen = read_export(target, name)
        assert sorted(seen) == images_of(target)
        drawn = {measure(target / image, colors_of(CLASSES)["0"]) for image in seen}
        assert drawn == {box(n) for n in range(5)}
        if name in OF_BOXES:
            for image, each in seen.items():
                assert near(each.labels or [], [("0", measure(target / image, colors_of(CLASSES)["0"]) or ())], 1e-3)

    @pytest.mark.parametrize("name", OF_BOXES)
    def test_names_that_differ_in_case_or_suffix_alone_stay_apart(self, name: str, tmp_path: Path) -> None:
        """label-studio#7096: where an image finds its labels by its stem, `a.jpg` and `a.png` would share one file."""
        keys = ["a.png", "a.jpg", "A.png", "a_2.png", "x/a.jpg", "x/a.png"]
        pictures = [Picture(key, [("2", box(n))]) for n, key in enumerate(keys)]
        target = exported(name, tmp_path, pictures, CLASSES)
        seen = read_export(target, name)
        assert len({image.casefold() for image in seen}) == len(keys)
        for image, each in seen.items():
            shown = measure(target / image, colors_of(CLASSES)["2"])
            assert shown is not None
            assert near(each.labels or [], [("2", shown)], 1.5 if image.endswith("jpg") else 1e-3)
        again = open_source(target, Recipe(classes=CLASSES), format=name).dataset()
        assert {sample.key for sample in again.samples} == set(keys)

    @pytest.mark.parametrize("name", OF_BOXES)
    def test_one_name_in_train_and_in_val_is_two_images(self, name: str, tmp_path: Path) -> None:
        """fiftyone#1516: merged splits overwrite each other's files."""
        pictures = [
            Picture(f"{split}/0001.png", [("0", box(n))], split=split) for n, split in enumerate(("train", "val"))
        ]
        target = exported(name, tmp_path, pictures, CLASSES)
        assert len(images_of(target)) == 2
        assert {sample.key: sample.split for sample in open_source(target, format=name).dataset().samples} == {
            "train/0001.png": "train", "val/0001.png": "val",
        }  # fmt: skip


class TestImagesWithoutBoxesVanish:
    @pytest.mark.parametrize("name", WITH_NEGATIVES)
    def test_a_negative_stays_and_is_told_from_an_image_that_nobody_labelled(self, name: str, tmp_path: Path) -> None:
        """label-studio#1470, pylabel#56, label-studio-converter#140."""
        pictures = [Picture("a.png", [("0", box(0))]), Picture("empty.png", ()), Picture("new.png", None)]
        target = exported(name, tmp_path, pictures, CLASSES, unlabelled=True)
        seen = {image.rpartition("/")[2]: each.labels for image, each in read_export(target, name).items()}
        assert seen["empty.png"] == []
        assert seen["new.png"] is None
        assert len(seen["a.png"] or []) == 1

    @pytest.mark.parametrize("name", OF_BOXES)
    @given(states=st.lists(st.sampled_from(["box", "empty", "new"]), min_size=1, max_size=6), unlabelled=st.booleans())
    @_FEW
    def test_every_image_is_in_the_export_or_counted_as_left_out(
        self, name: str, states: list[str], unlabelled: bool, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """label-studio#1470, pylabel#56: nothing goes without being said."""
        folder = tmp_path_factory.mktemp("counted")
        said = {"box": [("0", box(0))], "empty": (), "new": None}
        pictures = [Picture(f"{n}.png", said[state]) for n, state in enumerate(["box", *states])]
        draw(folder / "source", pictures, CLASSES)
        write_coco(folder / "source", pictures, CLASSES)
        report, _ = convert(folder / "source", folder / "target", name, unlabelled=unlabelled)
        left_out = sum(loss.count for loss in report.losses if "left out" in loss.what)
        without = 0 if name in WITH_NEGATIVES else states.count("empty")
        assert left_out == without + (0 if unlabelled else states.count("new"))
        assert report.images + left_out == len(pictures)
        assert len(images_of(folder / "target")) == report.images
        written = folder / "target" / LOSSES
        assert (written.read_text() if written.exists() else "") == "".join(f"{loss}\n" for loss in report.losses)

    def test_class_folders_count_what_they_have_no_place_for(self, tmp_path: Path) -> None:
        """label-studio#1470: class folders can hold neither negatives nor images that nobody has labelled."""
        draw(tmp_path / "s", [Picture("0/a.png"), Picture("ant/b.png"), Picture("c.png"), Picture("d.png")], CLASSES)
        for unlabelled in (False, True):
            recipe = Recipe(format="folders", classes=CLASSES)
            target = tmp_path / str(unlabelled)
            report, _ = convert(tmp_path / "s", target, "folders", recipe=recipe, unlabelled=unlabelled)
            assert [(loss.count, loss.first) for loss in report.losses] == [(2, "c.png")]
            assert "left out" in (target / LOSSES).read_text()
        draw(tmp_path / "boxes", [Picture("a.png", [("0", box(0))]), Picture("b.png")], CLASSES)
        write_coco(tmp_path / "boxes", [Picture("a.png", [("0", box(0))]), Picture("b.png")], CLASSES)
        with pytest.raises(LabelloopError, match=r"boxes and no label: 1 .*looked-at negatives left out.*: 1 "):
            convert(tmp_path / "boxes", tmp_path / "t", "folders")


class TestNamesLostOrPercentEncoded:
    @pytest.mark.parametrize("form", ["NFC", "NFD"])
    @pytest.mark.parametrize("name", WRITABLE)
    def test_korean_accented_and_percent_names_stay_letter_by_letter(
        self, name: str, form: str, tmp_path: Path
    ) -> None:
        """label-studio#3177, #1266 (`Capture_d%C3%A9cran.txt` for `Capture_décran.png`), yolov5#1515, ultralytics#20977.

        macOS stores such names in Unicode NFD; an export has them in NFC, whichever the source had.
        """
        keys = ["한글 이름/Capture_décran.png", "100% (1)/a%20b.png", "100% (1)/a b.png", "ラベル/日本 #1.png"]
        classes = ["앞면", "Élan vital", "Straße"]
        pictures = [Picture(normalize(form, key), [(classes[n % 3], box(n))]) for n, key in enumerate(keys)]
        target = exported(name, tmp_path, pictures, classes)
        seen = read_export(target, name)
        assert len(seen) == 4
        assert {image[-len(key) :] for image in seen for key in keys if image.endswith(key)} == set(keys)
        order = class_order(target, name)
        assert order in (classes, None)
        for image, each in seen.items():
            ((label, _),) = each.labels or []
            assert measure(target / image, colors_of(classes)[label]) is not None
        files = [path.relative_to(target).as_posix() for path in target.rglob("*")]
        assert not any("%ED" in file or "%C3" in file or file != normalize("NFC", file) for file in files)


class TestExifSwapsWidthAndHeight:
    @pytest.mark.parametrize("raw", [False, True], ids=["labels on the upright photo", "labels on the raw photo"])
    @pytest.mark.parametrize("name", OF_BOXES)
    def test_boxes_and_sizes_are_those_of_the_photo_as_displayed(self, name: str, raw: bool, tmp_path: Path) -> None:
        """label-studio#6608, fiftyone#3778, supervision#2577, X-AnyLabeling#1347: measured in the exported pixels."""
        where = (8.0, 16.0, 40.0, 24.0)
        shapes = range(5, 9) if raw else range(1, 9)  # below 5, no size tells a raw label from an upright one
        pictures = [Picture(f"{n}.jpg", [("0", where)], (96, 64), orientation=n) for n in shapes]
        draw(tmp_path / "source", pictures, CLASSES)
        if raw:
            plain = [Picture(f"{n}.jpg", [("0", _on_raw(where, n))], (64, 96)) for n in shapes]
            write_labelme(tmp_path / "source", plain)
        else:
            write_labelme(tmp_path / "source", pictures)
        convert(tmp_path / "source", tmp_path / "target", name, recipe=Recipe(classes=CLASSES))
        seen = read_export(tmp_path / "target", name)
        assert len(seen) == len(pictures)
        for image, each in seen.items():
            path = tmp_path / "target" / image
            assert upright_size(path) == (96, 64)
            assert each.size in ((96, 64), None)
            assert near(each.labels or [], [("0", measure(path, (255, 0, 0)) or ())], 1.0)
            assert near(each.labels or [], [("0", where)], 1e-3)


def _on_raw(corners: tuple[float, float, float, float], orientation: int) -> tuple[float, float, float, float]:
    """Where a box of the upright 96x64 photo lies on the stored 64x96 one."""
    x1, y1, x2, y2 = corners
    return {
        5: (y1, x1, y2, x2), 6: (y1, 96 - x2, y2, 96 - x1), 7: (64 - y2, 96 - x2, 64 - y1, 96 - x1),
        8: (64 - y2, x1, 64 - y1, x2),
    }[orientation]  # fmt: skip
