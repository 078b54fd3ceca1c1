"""Complaints about export fidelity: coordinates out of range, drift, boxes lost or invented, silent boxes for polygons.

What other tests own already: any legal box through our own reader, all formats (`formats/test_contract.py`);
negative sizes, polygons and ten saves of VOC and VIA (`formats/test_voc.py`, `test_via.py`); outlines in
jsons of any schema (`formats/test_jsons.py`); clipping of LabelMe boxes (`test_background.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import export
from labelloop.datasets.fidelity import FidelityError
from labelloop.datasets.format import Export
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Sample
from tests.datasets.complaints.drawn import (
    OF_BOXES,
    Corners,
    Picture,
    draw,
    exported,
    write_coco,
    write_labelme,
    write_via,
    write_voc,
    write_yolo,
)
from tests.datasets.complaints.plain_readers import read_export

CLASSES = ("b", "a")
_FEW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MAKE_SENSE_171 = [(444.0, 998.0, 534.0, 1080.0), (1828.0, 710.0, 1920.0, 814.0), (0.0, 138.0, 80.0, 208.0)]
"""On 1920x1080: the boxes whose YOLO lines reached to 1.0000005 and -0.0000005."""
LABELIMG_730 = (6.0, 11.0, 96.0, 98.0)
"""On 416x295: the box that moved by a pixel."""


def spans(side: int) -> st.SearchStrategy[tuple[float, float]]:
    """Low and high on a side, often on its very edge or a hair inside."""
    edge = st.sampled_from([0.0, 1e-9, 1 / 3, side / 3, side - 1 / 3, side - 1e-9, float(side)])
    value = edge | st.integers(0, side).map(float) | st.floats(0, side, allow_subnormal=False)
    return st.tuples(value, value).map(sorted).filter(lambda v: v[1] - v[0] > 2e-6 * side).map(tuple)  # pyright: ignore


@st.composite
def corners(draw: st.DrawFn, size: tuple[int, int]) -> Corners:
    """A legal box on an image of this size."""
    (x1, x2), (y1, y2) = draw(spans(size[0])), draw(spans(size[1]))
    return (x1, y1, x2, y2)


def only(target: Path, name: str) -> list[tuple[str, Corners]]:
    """The labels of an export's only image."""
    ((_, seen),) = read_export(target, name).items()
    assert seen.labels is not None
    return seen.labels


class TestCoordinatesOutOfRange:
    @pytest.mark.parametrize("name", OF_BOXES)
    @given(data=st.data(), size=st.sampled_from([(1920, 1080), (416, 295), (7, 5)]))
    @_FEW
    def test_no_exported_corner_is_outside_its_image(
        self, name: str, data: st.DataObject, size: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """make-sense#171 (1.0000005), label-studio#5014 and #5481 (1.0004, -0.001), albumentations#937, #1497."""
        boxes = data.draw(st.lists(corners(size), min_size=1, max_size=4))
        boxes += MAKE_SENSE_171 if size == (1920, 1080) else [(0.0, 0.0, float(size[0]), float(size[1]))]
        folder = tmp_path_factory.mktemp("edge")
        target = exported(name, folder, [Picture("a.png", [("a", each) for each in boxes], size)], CLASSES)
        for _, (x1, y1, x2, y2) in only(target, name):
            assert 0 <= x1 < x2 <= size[0]
            assert 0 <= y1 < y2 <= size[1]
        for path in target.rglob("labels/**/*.txt"):
            for line in path.read_text().splitlines():
                cx, cy, width, height = map(Decimal, line.split()[1:])
                for centre, length in ((cx, width), (cy, height)):
                    assert centre - length / 2 >= 0
                    assert centre + length / 2 <= 1

    def test_yolo_labels_over_the_edge_are_cut_and_noise_is_not_called_so(self, tmp_path: Path) -> None:
        """label-studio#5014: the very line, 1.00044 high, which made trainers drop its image; and make-sense#171's."""
        Image.new("RGB", (1920, 1080)).save(tmp_path / "x1.png")
        lines = "4 0.3040172304425921 0.5002812148481438 0.6080344608851842 1.0004374453193348\n"
        noise = "4 0.254728 0.961913 0.046957 0.076175\n"
        (tmp_path / "x1.txt").write_text(lines + noise)
        (tmp_path / "classes.txt").write_text("0\n1\n2\n3\n4\n")
        _, findings = convert(tmp_path, tmp_path.with_name(f"{tmp_path.name}-t"), "yolo")
        assert [(each.kind, each.place) for each in findings] == [("clipped", "x1.txt:1")]
        (_, (_, y1, _, y2)), (_, (_, _, _, low)) = only(tmp_path.with_name(f"{tmp_path.name}-t"), "yolo")
        assert y1 == pytest.approx(0.0675, abs=1e-3)
        assert y2 == 1080
        assert low == 1080

    @pytest.mark.parametrize("negative", [(40.0, 20.0, 10.0, 40.0), (10.0, 40.0, 60.0, 20.0)], ids=["width", "height"])
    @pytest.mark.parametrize("name", ["yolo", "coco", "voc", "via"])
    def test_a_negative_size_is_refused_with_its_place(self, name: str, negative: Corners, tmp_path: Path) -> None:
        """label-studio#5014 and its kin: `height: -60.7` in an export."""
        key = {"yolo": "images/a.png", "voc": "JPEGImages/a.png"}.get(name, "a.png")
        picture = Picture(key, [("a", (1, 2, 30, 40)), ("b", negative)])
        draw(tmp_path / "s", [replace(picture, boxes=())], CLASSES)
        _write(name, tmp_path / "s", picture)
        with pytest.raises(
            LabelloopError, match=r"(regions\[1\]|annotations\[1\]|object\[1\]|a\.txt:2): (box|bbox) must"
        ):
            convert(tmp_path / "s", tmp_path / "t", "yolo")
        assert not (tmp_path / "t").exists()

    @pytest.mark.slow
    def test_albumentations_takes_every_exported_box(self, tmp_path: Path) -> None:
        """albumentations#937, #1497: `Expected y_max for bbox to be in the range [0.0, 1.0]`, for three notations."""
        if find_spec("albumentations") is None:
            pytest.skip("albumentations is not installed")
        edges = [(0.0, 1 / 3, 2 / 3, 1080.0), (1919.9, 0.0, 1920.0, 1e-2), (1e-3, 1e-3, 1919.999, 1079.999)]
        boxes = [("a", each) for each in (*MAKE_SENSE_171, *edges, (0.0, 0.0, 1920.0, 1080.0))]
        picture = Picture("a.png", boxes, (1920, 1080))
        files = {"yolo": "labels/all/a.txt", "coco": "annotations/instances.json", "voc": "Annotations/a.xml"}
        for name in files:
            exported(name, tmp_path / name, [picture], CLASSES)
        code = """
import json, sys
from xml.etree import ElementTree
import albumentations, numpy
yolo, coco, voc = sys.argv[1:]
boxes = {"yolo": [list(map(float, line.split()[1:])) for line in open(yolo)]}
boxes["coco"] = [each["bbox"] for each in json.load(open(coco))["annotations"]]
boxes["pascal_voc"] = [[float(side.text) for side in each.find("bndbox")] for each in ElementTree.parse(voc).iter("object")]
image = numpy.zeros((1080, 1920, 3), numpy.uint8)
for format, given in boxes.items():
    turn = albumentations.Compose([albumentations.HorizontalFlip(p=1)], bbox_params=albumentations.BboxParams(format, label_fields=["l"]))
    print(format, len(turn(image=image, bboxes=numpy.array(given), l=[0] * len(given))["bboxes"]))
"""
        paths = [tmp_path / name / "target" / file for name, file in files.items()]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, *map(str, paths)],
            capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "NO_ALBUMENTATIONS_UPDATE": "1"},
        )  # fmt: skip
        assert done.stdout.splitlines() == [f"yolo {len(boxes)}", f"coco {len(boxes)}", f"pascal_voc {len(boxes)}"], (
            done.stderr
        )


class TestAPixelOfDriftPerSave:
    @pytest.mark.parametrize("name", OF_BOXES)
    @given(data=st.data(), size=st.sampled_from([(416, 295), (7, 5), (1333, 1000)]))
    @settings(parent=_FEW, max_examples=3)
    def test_ten_saves_move_no_corner_at_all_after_the_first(
        self, name: str, data: st.DataObject, size: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """labelImg#730, label-studio#5014, and cvat#5668: the tool's own format read and written again."""
        boxes = [LABELIMG_730] if size == (416, 295) else [(0.0, 0.0, 1 / 3, 1 / 7)]
        boxes += data.draw(st.lists(corners(size), max_size=3))
        folder = tmp_path_factory.mktemp("drift")
        meant = [("a", each) for each in boxes]
        source = exported(name, folder, [Picture("a.png", meant, size)], CLASSES)
        first = only(source, name)
        for save in range(10):
            convert(source, folder / str(save), name, recipe=Recipe(classes=CLASSES))
            source = folder / str(save)
            assert only(source, name) == first
        for (_, one), (_, other) in zip(meant, first, strict=True):
            for side in range(4):
                # Six digits are YOLO's; all others say each corner to the last bit or two.
                allowed = 1.000001e-6 * size[side % 2] if name == "yolo" else 1e-11
                assert abs(one[side] - other[side]) <= allowed

    @given(data=st.data())
    @settings(parent=_FEW, max_examples=4)
    def test_a_chain_of_all_formats_moves_no_corner_by_more_than_one_rounding(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """cvat#10885, #5668: errors of several conversions must not add up; YOLO's six digits are the only rounding."""
        size = (416, 295)
        boxes = [LABELIMG_730, *data.draw(st.lists(corners(size), max_size=3))]
        folder = tmp_path_factory.mktemp("chain")
        source = exported("coco", folder, [Picture("a.png", [("a", each) for each in boxes], size)], CLASSES)
        chain = ["yolo", "voc", "via", "labelme", "coco", "yolo", "coco", "via", "voc", "yolo"]
        texts: set[str] = set()
        for step, name in enumerate(chain):
            convert(source, folder / str(step), name, recipe=Recipe(classes=CLASSES))
            source = folder / str(step)
            texts.update(path.read_text() for path in source.rglob("labels/**/*.txt"))
        assert len(texts) == 1


class TestBoxesLostOrInvented:
    @pytest.mark.parametrize("name", OF_BOXES)
    def test_three_hundred_boxes_with_twins_stay_three_hundred(self, name: str, tmp_path: Path) -> None:
        """cvat#8291 (3 of 15 lines written), #7354, #8090; also boxes that are the same twice or lie in each other."""
        many = [("ab"[n % 2], (n % 17, n % 13, 40.0 + n % 23, 30.0 + n % 19)) for n in range(280)]
        boxes = [*many, *many[:20]]
        target = exported(name, tmp_path, [Picture("a.png", boxes), Picture("b.png", boxes[:3])], CLASSES)
        seen = {image.rpartition("/")[2]: each.labels or [] for image, each in read_export(target, name).items()}
        for key, meant in (("a.png", boxes), ("b.png", boxes[:3])):
            counted = Counter((label, *(round(side, 3) for side in where)) for label, where in seen[key])
            assert counted == Counter((label, *map(float, where)) for label, where in meant)

    @pytest.mark.parametrize("mistake", ["lost", "invented", "moved", "exchanged", "x for y", "another image"])
    @pytest.mark.parametrize("name", OF_BOXES)
    def test_a_writer_that_makes_a_mistake_leaves_nothing_behind(
        self, name: str, mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """cvat#8291, #7354, #8090: what was written is read back, so no such mistake reaches a trainer."""
        pictures = [
            Picture("a.png", [("a", (1, 2, 30, 40)), ("b", (5, 6, 17, 28))]),
            Picture("b.png", [("b", (3, 4, 20, 21)), ("a", (8, 9, 10, 12))]),
        ]
        draw(tmp_path / "source", pictures, CLASSES)
        write_labelme(tmp_path / "source", pictures)
        dataset = open_source(tmp_path / "source", Recipe(classes=CLASSES)).dataset()
        kind = formats.load(name)

        def write(given: Export) -> None:
            assert kind.write is not None
            first, second = (placed.sample for placed in given.samples)
            made = [replace(given.samples[0], sample=replace(first, boxes=_mistaken(mistake, first, second)))]
            kind.write(replace(given, samples=[*made, given.samples[1]]))

        monkeypatch.setattr(formats, "load", lambda _: replace(kind, write=write))
        with pytest.raises(FidelityError, match=r"a\.png: (must have 2 boxes, read back [13]|box 0 must be)"):
            export(dataset, tmp_path / "target", name)
        assert [path.name for path in tmp_path.iterdir()] == ["source"]


class TestPolygonsBecomeBoxesSilently:
    @pytest.mark.parametrize(
        "kind", ["polygon", "circle", "linestrip", "rotation", "oriented_rectangle", "turned rectangle"]
    )
    def test_labelme_outlines_are_refused_or_counted(self, kind: str, tmp_path: Path) -> None:
        """anylabeling#223."""
        points = [[10, 10], [50, 20], [40, 50], [12, 44]][: 2 if kind == "circle" else 4]
        shape = {"label": "a", "points": points, "shape_type": kind.removeprefix("turned ")}
        Image.new("RGB", (80, 60)).save(tmp_path / "x.png")
        document = {"shapes": [shape], "imagePath": "x.png", "imageWidth": 80, "imageHeight": 60}
        (tmp_path / "x.json").write_text(json.dumps(document))
        _refused_or_counted(tmp_path, "x.json:shapes[0]")

    @pytest.mark.parametrize(
        "line", ["0 .1 .1 .5 .2 .4 .8", "0 .1 .1 .5 .1 .5 .5 .1 .5"], ids=["outline", "oriented box"]
    )
    def test_yolo_outlines_are_refused_or_counted(self, line: str, tmp_path: Path) -> None:
        """anylabeling#223; oriented boxes (OBB) are no upright ones either."""
        draw(tmp_path, [Picture("images/x.png")], CLASSES)
        write_yolo(tmp_path, [Picture("images/x.png")], CLASSES)
        (tmp_path / "labels" / "x.txt").write_text(f"0 .5 .5 .5 .5\n{line}\n")
        _refused_or_counted(tmp_path, "labels/x.txt:2")

    @pytest.mark.parametrize("box", [{}, {"bbox": []}], ids=["no bbox", "an empty bbox"])
    def test_coco_outlines_are_refused_or_counted(self, box: dict[str, object], tmp_path: Path) -> None:
        """anylabeling#223: an annotation that has a polygon and no bbox."""
        path = _coco_with(tmp_path, {**box, "segmentation": [[10, 10, 50, 20, 40, 50]]})
        _refused_or_counted(tmp_path, f"{path}:annotations[0]")

    @pytest.mark.parametrize(
        "outline", [[[10, 10, 50, 20, 40, 50]], {"counts": "abc", "size": [60, 80]}], ids=["polygon", "mask"]
    )
    def test_a_coco_outline_beside_a_bbox_is_said_to_be_lost(self, outline: object, tmp_path: Path) -> None:
        """anylabeling#223: the box is the annotator's own; the outline has no place here, and that is said."""
        path = _coco_with(tmp_path, {"bbox": [10, 10, 40, 40], "segmentation": outline})
        _, findings = convert(tmp_path, tmp_path.with_name(f"{tmp_path.name}-t"), "yolo")
        assert [(each.kind, each.place) for each in findings] == [("not-kept", f"{path}:annotations[0]")]


def _mistaken(mistake: str, sample: Sample, other: Sample) -> tuple[Box, ...]:
    """The boxes of the first sample as a writer with this bug would write them."""
    one, two = sample.boxes
    return {
        "lost": (one,),
        "invented": (one, two, two),
        "moved": (replace(one, x1=one.x1 + 1), two),
        "exchanged": (replace(one, label=two.label), replace(two, label=one.label)),
        "x for y": (replace(one, x1=one.y1, y1=one.x1, x2=one.y2, y2=one.x2), two),
        "another image": other.boxes,
    }[mistake]


def _write(name: str, root: Path, picture: Picture) -> None:
    if name in ("yolo", "coco"):
        (write_yolo if name == "yolo" else write_coco)(root, [picture], CLASSES)
    else:
        (write_voc if name == "voc" else write_via)(root, [picture])


def _coco_with(root: Path, annotation: dict[str, object]) -> str:
    draw(root, [Picture("x.png")], CLASSES)
    write_coco(root, [Picture("x.png")], CLASSES)
    path = root / "annotations" / "instances.json"
    document = json.loads(path.read_text())
    document["annotations"] = [{"id": 1, "image_id": 0, "category_id": 1, "iscrowd": 0, **annotation}]
    path.write_text(json.dumps(document))
    return "annotations/instances.json"


def _refused_or_counted(source: Path, place: str) -> None:
    target = source.with_name(f"{source.name}-t")
    with pytest.raises(LabelloopError, match=r"polygons: boxes|outline|oriented") as caught:
        convert(source, target, "yolo")
    assert place in str(caught.value)
    assert not target.exists()
    _, findings = convert(source, target, "yolo", polygons=True)
    assert [each.place for each in findings if each.kind == "boxed-shape"] == [place]
