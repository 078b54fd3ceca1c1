"""Complaints about round trips, where they concern files.

What other tests own already: names that two images share and names that lead out of the source, for
VOC and VIA (`formats/test_voc.py`, `test_via.py`); rotated boxes in VOC (`formats/test_voc.py`); any
legal sample written and read again, all formats (`formats/test_contract.py`); ten saves and chains of
formats (`test_coordinates.py`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import LOSSES, export
from labelloop.datasets.reading import Dataset, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Json, Sample, Size, meaningful
from tests.datasets.complaints.drawn import (
    OF_BOXES,
    WITH_NEGATIVES,
    WRITABLE,
    Picture,
    colors_of,
    draw,
    measure,
    write_coco,
    write_labelme,
    write_via,
    write_voc,
    write_yolo,
)
from tests.datasets.complaints.plain_readers import read_export

CLASSES = ("b", "a")
WRITERS: dict[str, Callable[[Path, Sequence[Picture]], None]] = {
    "labelme": write_labelme,
    "voc": write_voc,
    "via": write_via,
    "yolo": lambda root, pictures: write_yolo(root, pictures, CLASSES),
    "coco": lambda root, pictures: write_coco(root, pictures, CLASSES),
}
FOLDERS = {"yolo": "images/", "voc": "JPEGImages/"}


def pictures_of(source: str, count: int = 7) -> list[Picture]:
    """Pictures whose names sort otherwise than their numbers, each with its box elsewhere; the third has no label."""
    names = [f"{FOLDERS.get(source, '')}{'xy'[n % 2]}/{(n * 37) % 11}_{n}.png" for n in range(count)]
    return [
        Picture(name, None if n == 2 else () if n == 4 else [(CLASSES[n % 2], (2 + 9 * n, 3 + 5 * n, 14 + 9 * n, 20 + 5 * n))])
        for n, name in enumerate(names)
    ]  # fmt: skip


def check_pixels(target: Path, name: str) -> int:
    """How many boxes an export has, each compared with what is drawn at its place."""
    boxes = 0
    for image, seen in read_export(target, name).items():
        drawn = {label: measure(target / image, color) for label, color in colors_of(CLASSES).items()}
        assert {label for label, where in drawn.items() if where} == {label for label, _ in seen.labels or []}, image
        for label, where in seen.labels or []:
            assert where == pytest.approx(drawn[label], abs=1e-3)
            boxes += 1
    return boxes


class TestLabelsLandOnTheWrongImage:
    @pytest.mark.parametrize("target", OF_BOXES)
    @pytest.mark.parametrize("source", sorted(WRITERS))
    def test_labels_are_paired_by_name_and_never_by_order(self, source: str, target: str, tmp_path: Path) -> None:
        """fiftyone#3269, #2870: entries in any order, one image without labels in the middle, one negative."""
        pictures = pictures_of(source)
        draw(tmp_path / "source", pictures, CLASSES)
        random.Random(source).shuffle(pictures)
        WRITERS[source](tmp_path / "source", pictures)
        if source == "coco":
            _shuffle_coco(tmp_path / "source" / "annotations" / "instances.json")
        convert(tmp_path / "source", tmp_path / "target", target, source_format=source, unlabelled=True)
        assert len(read_export(tmp_path / "target", target)) == (7 if target in WITH_NEGATIVES else 6)
        assert check_pixels(tmp_path / "target", target) == 5

    @pytest.mark.parametrize("source", sorted(WRITERS))
    def test_a_lost_image_is_named_and_moves_no_label_to_its_neighbour(self, source: str, tmp_path: Path) -> None:
        """fiftyone#3269: one image is gone, and from there on all labels belong to the next one."""
        pictures = pictures_of(source)
        draw(tmp_path / "source", pictures, CLASSES)
        WRITERS[source](tmp_path / "source", pictures)
        lost = pictures[1].key
        (tmp_path / "source" / lost).unlink()
        with pytest.raises(LabelloopError, match=Path(lost).stem):
            convert(tmp_path / "source", tmp_path / "target", "coco", source_format=source)
        assert not (tmp_path / "target").exists()
        convert(tmp_path / "source", tmp_path / "target", "coco", source_format=source, skip_bad=True)
        assert check_pixels(tmp_path / "target", "coco") == 4


class TestTheOwnFormatDoesNotReturnTheSameBoxes:
    def test_coco_read_and_written_has_the_same_numbers(self, tmp_path: Path) -> None:
        """cvat#10885, with its numbers."""
        given = [
            [39.34389253723204, 346.2769535900205, 489.10975420797774, 129.76159508548062], [40.7, 275.93, 497.25, 141.87],
        ]  # fmt: skip
        draw(tmp_path / "s", [Picture(f"{n}.png", (), (640, 640)) for n in range(2)], CLASSES)
        (tmp_path / "s" / "a.json").write_text(json.dumps({
            "images": [{"id": n, "file_name": f"{n}.png", "width": 640, "height": 640} for n in range(2)],
            "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": given[n], "area": 1, "iscrowd": 0} for n in range(2)],
            "categories": [{"id": 1, "name": "a"}],
        }))  # fmt: skip
        source = tmp_path / "s"
        for save in range(3):
            convert(source, tmp_path / str(save), "coco")
            source = tmp_path / str(save)
            document = json.loads((source / "annotations" / "instances.json").read_text())
            ids = {each["id"]: int(each["file_name"][0]) for each in document["images"]}
            for annotation in document["annotations"]:
                assert annotation["bbox"] == pytest.approx(given[ids[annotation["image_id"]]], abs=1e-12)

    @pytest.mark.parametrize("name", WRITABLE)
    def test_an_export_read_and_written_again_has_the_same_bytes(self, name: str, tmp_path: Path) -> None:
        """cvat#5668: nothing is added, dropped or put in another order by a second round."""
        kind = formats.load(name)
        image = tmp_path / "a.png"
        Image.new("RGB", (80, 60)).save(image)
        boxes = tuple(
            Box("ba"[n % 2], n + 0.125, 1 / 3, 40.0 + n, 50.0, f"{n:024x}" if kind.holds.ids else "",
                0.5 if kind.holds.scores else None, {"worn": True, "of": [1, "2"]} if kind.holds.attributes else {})
            for n in range(5 if kind.holds.boxes else 0)
        )  # fmt: skip
        label = None if kind.holds.boxes else "b"
        samples = tuple(
            Sample(f"x/{n}.png", image, Size(80, 60), 1, "labelled", boxes, label, "train") for n in range(3)
        )
        export(Dataset(samples, CLASSES), tmp_path / "one", name)
        convert(tmp_path / "one", tmp_path / "two", name, recipe=Recipe(classes=CLASSES), source_format=name)
        files = [path for path in sorted((tmp_path / "one").rglob("*")) if path.is_file()]
        assert files
        for path in files:
            assert (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes() == path.read_bytes()


JSONS: st.SearchStrategy[Json] = st.recursive(
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["occluded", "z_order", "note text", "위조", "truncated", "difficult", "pose", "a.b", "x-y", "1", "group_id"]
)


class TestAttributesAndRotationDropped:
    @pytest.mark.parametrize("name", [name for name in OF_BOXES if formats.load(name).holds.attributes])
    @given(attributes=st.dictionaries(NAMES, JSONS, max_size=4))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_attributes_keep_their_names_types_and_values(
        self, name: str, attributes: dict[str, Json], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """fiftyone#3324, #5315: whatever JSON can say."""
        folder = tmp_path_factory.mktemp("attributes")
        Image.new("RGB", (8, 6)).save(folder / "a.png")
        box = Box("a", 1, 1, 5, 5, attributes=attributes)
        sample = Sample("a.png", folder / "a.png", Size(8, 6), boxes=(box,))
        export(Dataset((sample,), CLASSES), folder / "target", name)
        (again,) = open_source(folder / "target", Recipe(classes=CLASSES), format=name).dataset().samples
        said = meaningful(again.boxes[0].attributes)
        assert said == meaningful(attributes)
        assert json.dumps(said, sort_keys=True) == json.dumps(meaningful(attributes), sort_keys=True)

    def test_attributes_that_a_format_cannot_hold_are_counted(self, tmp_path: Path) -> None:
        """fiftyone#3324: YOLO has no place for them, and the export says so, with the first place."""
        draw(tmp_path / "s", [Picture("a.png"), Picture("b.png")], CLASSES)
        for key in "ab":
            shapes = [
                {
                    "label": "a",
                    "points": [[n, 1], [40, 50]],
                    "shape_type": "rectangle",
                    "flags": {"worn": True},
                    "score": 0.5,
                }
                for n in range(3)
            ]
            document = {
                "shapes": shapes,
                "imagePath": f"{key}.png",
                "imageWidth": 80,
                "imageHeight": 60,
                "author": "me",
            }
            (tmp_path / "s" / f"{key}.json").write_text(json.dumps(document))
        report, _ = convert(tmp_path / "s", tmp_path / "t", "yolo")
        said = {loss.what: (loss.count, loss.first) for loss in report.losses}
        assert said == {
            "attributes of boxes": (6, "a.png"), "scores of boxes": (6, "a.png"),
            "what the source said of images besides": (2, "a.png"),
        }  # fmt: skip
        assert "attributes of boxes: 6 (first: a.png)\n" in (tmp_path / "t" / LOSSES).read_text()

    @pytest.mark.parametrize("note", [r'"\ud800"', "NaN", "1e999", "[NaN, 1180591620717411303424]"])
    @pytest.mark.parametrize("name", OF_BOXES)
    def test_what_a_format_cannot_write_is_one_sentence_and_no_half_export(
        self, name: str, note: str, tmp_path: Path
    ) -> None:
        """A lone surrogate, NaN, infinity and a huge integer: Python's json reads them, and other tools' JSON has none."""
        Image.new("RGB", (80, 60)).save(tmp_path / "a.png")
        (tmp_path / "a.json").write_text(
            '{"shapes": [{"label": "a", "points": [[1, 1], [9, 9]], "shape_type": "rectangle", "note": '
            + note
            + '}], "imagePath": "a.png", "imageWidth": 80, "imageHeight": 60}'
        )
        target = tmp_path.with_name(f"{tmp_path.name}-t")
        with suppress(LabelloopError):
            convert(tmp_path, target, name)
            assert len(read_export(target, name)) == 1
        assert not list(tmp_path.parent.glob(f".{target.name}*"))

    def test_a_rotated_box_is_never_read_as_an_upright_one(self, tmp_path: Path) -> None:
        """cvat#4745, fiftyone#5315: COCO with a fifth number in `bbox`, as rotated boxes are often written."""
        draw(tmp_path / "s", [Picture("a.png", [("a", (10, 10, 40, 30))])], CLASSES)
        write_coco(tmp_path / "s", [Picture("a.png", [("a", (10, 10, 40, 30))])], CLASSES)
        path = tmp_path / "s" / "annotations" / "instances.json"
        document = json.loads(path.read_text())
        document["annotations"][0]["bbox"].append(18.5)
        path.write_text(json.dumps(document))
        with pytest.raises(LabelloopError, match=r"annotations\[0\]: bbox must be four numbers"):
            convert(tmp_path / "s", tmp_path / "t", "yolo")


def _shuffle_coco(path: Path) -> None:
    """Images and annotations of a COCO file in another order, with ids that say nothing."""
    document = json.loads(path.read_text())
    rng = random.Random(1)
    number = {each["id"]: rng.randrange(10**9) for each in document["images"]}
    for each in document["images"]:
        each["id"] = number[each["id"]]
    for each in document["annotations"]:
        each["image_id"] = number[each["image_id"]]
    rng.shuffle(document["images"])
    rng.shuffle(document["annotations"])
    path.write_text(json.dumps(document))
