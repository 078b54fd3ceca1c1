"""COCO: what its jsons say, the traps in them, and that nothing of them is lost without a word."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic

import pytest
from PIL import Image

from labelloop.datasets.export import export
from labelloop.datasets.reading import Dataset, Reading, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Json, Sample, Size

BOXES = Recipe(polygons="boxes")
UNCOMPRESSED: dict[str, Json] = {"size": [8, 10], "counts": [17, 3, 5, 3, 52]}
"""Object in rows 1 to 3 of columns 2 and 3 of an image of 10x8 px."""
COMPRESSED: dict[str, Json] = {"size": [8, 10], "counts": "a0350_1"}


def picture(path: Path, size: tuple[int, int] = (10, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 60)).save(path)
    return path


def image(image_id: Json = 1, file_name: Json = "a.jpg", **more: Json) -> dict[str, Json]:
    return {"id": image_id, "file_name": file_name, "width": 10, "height": 8, **more}


def thing(**more: Json) -> dict[str, Json]:
    return {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], **more}


def mask(segmentation: Json, **more: Json) -> dict[str, Json]:
    return {"id": 1, "image_id": 1, "category_id": 1, "segmentation": segmentation, **more}


def coco(root: Path, images: list[Json], annotations: list[Json], name: str = "labels.json", **more: Json) -> Path:
    categories = more.pop("categories", [{"id": 1, "name": "cat"}, {"id": 7, "name": "dog"}])
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories, **more}))
    return root


def opened(root: Path, recipe: Recipe | None = None) -> tuple[Dataset, Reading]:
    reading = open_source(root, recipe, format="coco")
    return reading.dataset(), reading


def refused(root: Path, recipe: Recipe | None = None) -> list[str]:
    """The findings of a source of which nothing can be read."""
    dataset, reading = opened(root, recipe)
    assert dataset.samples == ()
    return [f"{finding.kind} {finding}" for finding in reading.findings]


class TestMasks:
    @pytest.mark.parametrize("segmentation", [UNCOMPRESSED, COMPRESSED])
    @pytest.mark.parametrize("bbox", [{}, {"bbox": None}, {"bbox": []}])
    def test_a_mask_is_a_box_only_where_that_is_asked_for(
        self, tmp_path: Path, segmentation: dict[str, Json], bbox: dict[str, Json]
    ) -> None:
        """anylabeling#223, for masks."""
        picture(tmp_path / "a.jpg")
        coco(tmp_path, [image()], [mask(segmentation, **bbox)])
        why = "annotation has a mask and no bbox; `polygons: boxes` reads the box around it"
        assert refused(tmp_path) == [f"unsupported-shape labels.json:annotations[0]: {why}"]
        dataset, reading = opened(tmp_path, BOXES)
        assert dataset.samples[0].boxes[0].corners == (2, 1, 4, 4)
        assert reading.findings.counts() == {"boxed-shape": 1}

    def test_a_mask_beside_a_bbox_is_said_to_be_lost(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        coco(tmp_path, [image()], [thing(segmentation=UNCOMPRESSED)])
        dataset, reading = opened(tmp_path, BOXES)
        assert dataset.samples[0].boxes[0].corners == (1, 2, 4, 6)
        assert reading.findings.counts() == {"not-kept": 1}

    def test_a_mask_says_what_size_its_box_is_for(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg", (20, 16))
        coco(tmp_path, [image(width=None, height=None)], [mask(UNCOMPRESSED)])
        dataset, reading = opened(tmp_path, BOXES)
        assert dataset.samples[0].boxes[0].corners == (4, 2, 8, 8)
        assert reading.findings.counts() == {"boxed-shape": 1, "scaled": 1}

    @pytest.mark.parametrize(
        ("width", "others", "said"), [(12, [], "10x8 and 12x8"), (None, [{"size": [4, 5], "counts": [1, 19]}], "5x4 and 10x8")]
    )  # fmt: skip
    def test_masks_of_another_size_than_the_image_are_found(
        self, tmp_path: Path, width: Json, others: list[Json], said: str
    ) -> None:
        picture(tmp_path / "a.jpg")
        height = 8 if width else None
        coco(tmp_path, [image(width=width, height=height)], [mask(each) for each in (UNCOMPRESSED, *others)])
        assert refused(tmp_path, BOXES)[-1] == (
            f"unreadable-label-file labels.json:images[0]: image and masks must be of one size, received {said}"
        )

    @pytest.mark.parametrize(
        ("segmentation", "why"),
        [
            ({"size": [8, 10], "counts": [3]}, "mask's counts must fill its 10x8 px, received 3 of 80 pixels"),
            ([], "annotation has neither a bbox nor a polygon nor a mask"),
            (None, "annotation has neither a bbox nor a polygon nor a mask"),
            ("x", "annotation has neither a bbox nor a polygon nor a mask"),
            ([[1, 2, 3, 4]], "polygon must be a list of three corners or more, two numbers each"),
            ([[1, 2, 3, 4, 5, 6, 7]], "polygon must be a list of three corners or more, two numbers each"),
            ([[1, 2, 3, 4, float("nan"), 6]], "polygon must have finite corners"),
            ([[1, 2, 3, 4, "5", 6]], "segmentation must be a number, received '5'"),
        ],
    )
    def test_a_broken_outline_is_named_with_its_place(self, tmp_path: Path, segmentation: Json, why: str) -> None:
        picture(tmp_path / "a.jpg")
        coco(tmp_path, [image()], [mask(segmentation)])
        assert refused(tmp_path, BOXES) == [f"bad-box labels.json:annotations[0]: {why}"]

    def test_an_integer_that_no_float_can_hold_is_a_finding(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        coco(tmp_path, [image()], [thing(segmentation=[[10**400, 2, 3, 4, 5, 6, 7, 8]], note=float("nan"))])
        _, reading = opened(tmp_path)
        assert reading.findings.counts() == {"not-kept": 1}


class TestCrowds:
    @pytest.mark.parametrize("value", [1, True])
    def test_a_crowd_is_said_kept_and_written_again(self, tmp_path: Path, value: Json) -> None:
        picture(tmp_path / "in/a.jpg")
        coco(tmp_path / "in", [image()], [thing(iscrowd=value, attributes={"iscrowd": 0}), thing(iscrowd=0)])
        dataset, reading = opened(tmp_path / "in")
        assert reading.findings.counts() == {"crowd": 1, "duplicate-box": 1}
        assert [box.attributes for box in dataset.samples[0].boxes] == [{"iscrowd": 1}, {}]
        export(dataset, tmp_path / "out", "coco")
        written = json.loads((tmp_path / "out/annotations/instances.json").read_text())
        assert [each["iscrowd"] for each in written["annotations"]] == [1, 0]

    @pytest.mark.parametrize("value", [2, "1", [], float("nan")])
    def test_what_is_neither_a_crowd_nor_none_is_a_finding(self, tmp_path: Path, value: Json) -> None:
        picture(tmp_path / "a.jpg")
        coco(tmp_path, [image()], [thing(iscrowd=value)])
        assert "iscrowd must be 0 or 1" in refused(tmp_path)[0]

    def test_an_image_with_nothing_but_a_crowd_is_no_background(self, tmp_path: Path) -> None:
        """A format without crowds would make a negative of it: the picture is full of what it would be negative for."""
        for name in ("a", "b"):
            picture(tmp_path / f"in/{name}.jpg")
        annotations: list[Json] = [thing(iscrowd=1), thing(image_id=2), thing(image_id=2, iscrowd=1)]
        dataset, _ = opened(coco(tmp_path / "in", [image(), image(2, "b.jpg")], annotations))
        report = export(dataset, tmp_path / "out", "yolo")
        assert [str(loss) for loss in report.losses] == [
            "boxes left out that are around crowds: 2 (first: a.jpg)",
            "images left out whose only boxes are around crowds: 1 (first: a.jpg)",
        ]
        assert [path.name for path in (tmp_path / "out").rglob("*.jpg")] == ["b.jpg"]


class TestTraps:
    def test_two_images_of_one_id_are_both_left_out(self, tmp_path: Path) -> None:
        """fiftyone#3269, #2870: nothing says whose labels are whose."""
        for name in ("a", "b", "c"):
            picture(tmp_path / f"{name}.jpg")
        dataset, reading = opened(
            coco(tmp_path, [image(), image(1, "b.jpg"), image(2, "c.jpg")], [thing(), thing(image_id=2)])
        )
        assert {sample.key: sample.state for sample in dataset.samples if sample.state == "labelled"} == {
            "c.jpg": "labelled"
        }
        assert [finding.place for finding in reading.findings.of("unreadable-label-file")] == [
            "labels.json:images[0]",
            "labels.json:images[1]",
        ]

    @pytest.mark.parametrize(
        ("name", "split"),
        [
            ("annotations/instances_val2017.json", "val"),
            ("train/_annotations.coco.json", "train"),
            ("Training.json", "train"),
            ("valid/labels.json", "val"),
            ("image_info_test-dev2017.json", "test"),
            ("latest.json", None),
            ("interval/contest.json", None),
            ("trainval.json", None),
            ("train_and_val.json", None),
        ],
    )
    def test_a_split_is_a_word_of_the_name(self, tmp_path: Path, name: str, split: str | None) -> None:
        picture(tmp_path / "a.jpg")
        dataset, _ = opened(coco(tmp_path, [image()], [thing()], name))
        assert [sample.split for sample in dataset.samples] == [split]

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            (image(width=10.5), "width and height must be whole numbers above 0, received 10.5 and 8"),
            (image(width=-10), "width and height must be whole numbers above 0, received -10 and 8"),
            (image(width=0), "width and height must be whole numbers above 0, received 0 and 8"),
            (image(width="10"), "width must be a number, received '10'"),
            (image(width=float("nan")), "width and height must be whole numbers above 0"),
            (image(width=10**400, note=float("inf")), "width must be a number of ordinary size"),
            (image(True), "id must be a whole number or text, received True"),
            (image(None), "id must be a whole number or text, received null"),
            (image(1.5), "id must be a whole number or text, received 1.5"),
            (image(1, None), "file_name must be text, received null"),
            (image(1, "\ud800.jpg"), "file_name must be text, received broken Unicode"),
            (None, "image must be an object, received null"),
        ],
    )
    def test_a_broken_image_entry_is_named_with_its_place(self, tmp_path: Path, given: Json, why: str) -> None:
        picture(tmp_path / "a.jpg")
        coco(tmp_path, [image(2, "b.jpg"), given], [])
        _, reading = opened(tmp_path)
        (finding,) = reading.findings.of("unreadable-label-file")
        assert str(finding).startswith(f"labels.json:images[1]: {why}")

    def test_sizes_of_zero_and_ids_as_floats_are_read(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        dataset, reading = opened(coco(tmp_path, [image(1.0, width=0, height=0)], [thing()]))
        assert [(sample.size, len(sample.boxes)) for sample in dataset.samples] == [(Size(10, 8), 1)]
        assert reading.findings.counts() == {}

    def test_annotations_for_an_image_that_is_not_listed(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        _, reading = opened(coco(tmp_path, [image()], [thing(image_id="1"), thing(image_id=3), thing(image_id=3)]))
        assert [str(finding) for finding in reading.findings.of("orphan-label")] == [
            "labels.json:annotations[0]: 1 annotations are for image id '1', which is not listed",
            "labels.json:annotations[1]: 2 annotations are for image id 3, which is not listed",
        ]

    @pytest.mark.parametrize("name", ["../a.jpg", "..\\a.jpg", "/in/a.jpg", "C:\\in\\a.jpg", "x/../../a.jpg"])
    def test_a_name_that_leads_out_is_never_followed(self, tmp_path: Path, name: str) -> None:
        picture(tmp_path / "a.jpg")
        picture(tmp_path / "in/a.jpg")
        _, reading = opened(coco(tmp_path / "in", [image(1, name)], [thing()]))
        assert reading.findings.counts() == {"path-outside": 1, "orphan-image": 1}

    @pytest.mark.parametrize("name", ["photos\\a.jpg", "./photos/a.jpg", "photos//a.jpg"])
    def test_names_of_other_machines_are_found(self, tmp_path: Path, name: str) -> None:
        picture(tmp_path / "photos/a.jpg")
        dataset, reading = opened(coco(tmp_path, [image(1, name)], [thing()]))
        assert [sample.key for sample in dataset.samples] == ["photos/a.jpg"]
        assert reading.findings.counts() == {}

    def test_a_backslash_in_a_name_is_no_folder_where_the_file_is_called_so(self, tmp_path: Path) -> None:
        picture(tmp_path / "b\\a.jpg")
        dataset, _ = opened(coco(tmp_path, [image(1, "b\\a.jpg")], [thing()]))
        assert [sample.key for sample in dataset.samples] == ["b\\a.jpg"]

    def test_a_list_that_stands_twice_is_found(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        root = coco(tmp_path, [image()], [thing()])
        text = (root / "labels.json").read_text()
        (root / "labels.json").write_text(f'{text[:-1]}, "annotations": []}}')
        _, reading = opened(root)
        assert "labels.json: 'annotations' must stand once in an object, received it twice" in map(
            str, reading.findings
        )

    def test_a_class_without_a_name_is_found_and_nothing_is_written_of_it(self, tmp_path: Path) -> None:
        picture(tmp_path / "in/a.jpg")
        categories: Json = [{"id": 1, "name": "cat"}, {"id": 2, "name": ""}]
        dataset, reading = opened(coco(tmp_path / "in", [image()], [thing()], categories=categories))
        assert (dataset.classes, reading.findings.counts()) == (("cat",), {"classes-differ": 1})
        assert export(dataset, tmp_path / "out", "yolo").boxes == 1

    def test_a_hundred_thousand_classes_take_no_minute(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        categories: Json = [{"id": number, "name": f"c{number}"} for number in range(100_000)]
        started = monotonic()
        dataset, _ = opened(coco(tmp_path, [image()], [thing()], categories=categories))
        assert (len(dataset.classes), monotonic() - started < 20) == (100_000, True)

    def test_two_entries_for_one_image_are_found(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        _, reading = opened(coco(tmp_path, [image(1), image(2)], [thing(), thing(image_id=2)]))
        assert reading.findings.counts() == {"pair-conflict": 1}


class TestTurnedBoxes:
    def test_a_box_that_cvat_turned_is_a_box_only_where_that_is_asked_for(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg", (100, 80))
        turned = thing(bbox=[40, 30, 20, 10], attributes={"rotation": 90.0, "occluded": False})
        coco(tmp_path, [{**image(), "width": 100, "height": 80}], [turned])
        (found,) = refused(tmp_path)
        assert found.startswith("unsupported-shape labels.json:annotations[0]: box is turned by 90 degrees")
        dataset, _ = opened(tmp_path, BOXES)
        (box,) = dataset.samples[0].boxes
        assert box.corners == pytest.approx((45, 25, 55, 45))
        assert box.attributes == {"occluded": False}, "an upright box is turned no more, wherever it goes"

    @pytest.mark.parametrize("rotation", [0, 0.0, 360, True, "90"])
    def test_one_that_is_not_turned_is_what_it_is(self, tmp_path: Path, rotation: Json) -> None:
        picture(tmp_path / "a.jpg")
        coco(tmp_path, [image()], [thing(attributes={"rotation": rotation})])
        dataset, _ = opened(tmp_path)
        assert dataset.samples[0].boxes[0].corners == (1, 2, 4, 6)
        assert dataset.samples[0].boxes[0].attributes == {"rotation": rotation}


def test_what_a_source_says_of_an_image_under_cocos_own_names_comes_back(tmp_path: Path) -> None:
    said: dict[str, Json] = {
        "id": "A7", "state": "worn", "width": "wide", "file_name": None, "labelloop_extra": 3, "camera": "left",
    }  # fmt: skip
    path = picture(tmp_path / "photos" / "a.jpg")
    sample = Sample("a.jpg", path, Size(10, 8), boxes=(Box("cat", 1, 2, 3, 4),), extra=said)
    export(Dataset((sample,), ("cat",)), tmp_path / "out", "coco")
    dataset, _ = opened(tmp_path / "out")
    assert dataset.samples[0].extra == said


@pytest.mark.parametrize("target", ["coco", "labelme", "via"])
def test_numbers_that_json_cannot_hold_are_a_loss_and_no_failure(tmp_path: Path, target: str) -> None:
    path = picture(tmp_path / "photos" / "a.jpg")
    box = Box("cat", 1, 2, 3, 4, attributes={"sharpness": float("nan"), "side": "left"})
    sample = Sample("a.jpg", path, Size(10, 8), boxes=(box, Box("cat", 2, 2, 5, 6)), extra={"gain": float("inf")})
    report = export(Dataset((sample,), ("cat",)), tmp_path / "out", target)
    losses = {loss.what: loss.count for loss in report.losses}
    assert losses.pop("attributes that are NaN, infinite or nest too deep, written as null") == 2
    reading = open_source(tmp_path / "out", format=target)
    kept = reading.dataset().samples[0].boxes
    assert [each.attributes.get("side") for each in kept] == ["left", None]
