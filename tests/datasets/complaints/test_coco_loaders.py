"""Complaints about export fidelity: COCO files that break the loaders of trainers.

globox#30, mmdetection#1297, #8543, detectron2#485, Rectlabel-support#250: no `area`, no
`segmentation`, or `segmentation: []`. What other tests own already: that pycocotools sees the
same boxes (`formats/test_goldens.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from labelloop.tools.cli import verbs
from tests.datasets.complaints.drawn import Picture, draw, write_coco

CLASSES = ("angle", "top")
PICTURES = [
    Picture("a/1.png", [("angle", (1.0, 2.0, 30.5, 40.0)), ("top", (0.0, 0.0, 80.0, 60.0))], split="train"),
    Picture("b/1.png", [("top", (79.25, 1.0, 80.0, 60.0))], split="train"),
    Picture("empty.png", (), split="train"),
    Picture("c.png", [("angle", (10.0, 10.0, 20.0, 20.0))], split="val"),
]


@pytest.fixture(params=["left out", "empty", "zero"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A source as tools write it that break loaders: no area and no segmentation, `[]` for it, or an area of 0."""
    draw(tmp_path / "source", PICTURES, CLASSES)
    write_coco(tmp_path / "source", PICTURES, CLASSES)
    added = {"left out": {}, "empty": {"segmentation": [], "iscrowd": 0}, "zero": {"area": 0}}[request.param]
    for path in (tmp_path / "source" / "annotations").iterdir():
        document = json.loads(path.read_text())
        for annotation in document["annotations"]:
            annotation.update(added)
        path.write_text(json.dumps(document))
    return tmp_path / "source"


def convert(source: Path, *options: str) -> dict[str, dict[str, Any]]:
    """The COCO documents of the export that the command line makes, by split."""
    target = source.with_name("target")
    done = CliRunner().invoke(verbs, ["convert", str(source), str(target), "--format", "coco", *options])
    assert done.exit_code == 0, done.stderr
    return {
        split: json.loads((target / "annotations" / f"instances_{split}.json").read_text())
        for split in ("train", "val")
    }


@pytest.mark.parametrize("options", [(), ("--segmentation",)], ids=["boxes", "with polygons"])
def test_area_is_always_there_and_segmentation_is_never_empty(source: Path, options: tuple[str, ...]) -> None:
    """globox#30 (no area), mmdetection#8543 (`segmentation: []`), mmdetection#1297, Rectlabel-support#250 (none)."""
    documents = convert(source, *options)
    for document in documents.values():
        for annotation in document["annotations"]:
            width, height = annotation["bbox"][2:]
            assert annotation["area"] == width * height > 0
            assert annotation["iscrowd"] == 0
            assert type(annotation["iscrowd"]) is int
            if options:
                ((*outline,),) = annotation["segmentation"]
                assert len(outline) == 8
                xs, ys = outline[0::2], outline[1::2]
                x, y = annotation["bbox"][:2]
                assert (min(xs), min(ys), max(xs), max(ys)) == (x, y, x + width, y + height)
            else:
                assert "segmentation" not in annotation
    ids = [each["id"] for document in documents.values() for each in document["annotations"]]
    assert len(set(ids)) == len(ids) == 4
    assert all(type(each) is int and 0 < each < 2**53 for each in ids)


@pytest.mark.parametrize("options", [(), ("--segmentation",)], ids=["boxes", "with polygons"])
def test_detectron2_and_mmdetection_load_every_box(source: Path, options: tuple[str, ...]) -> None:
    """detectron2#485, mmdetection#1297, #8543: every annotation passes the checks of their loaders."""
    for split, document in convert(source, *options).items():
        meant = {each.key: len(each.boxes or ()) for each in PICTURES if each.split == split}
        detectron = _detectron2(document)
        assert {key: len(boxes) for key, boxes in detectron.items()} == meant
        assert all(("segmentation" in each) == bool(options) for boxes in detectron.values() for each in boxes)
        assert _mmdetection(document) == {key: count for key, count in meant.items() if count}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' masks under numpy 2
def test_cocoeval_finds_each_box_in_its_range_of_areas(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """globox#30: `KeyError: 'area'` in COCOeval. Detections that are the boxes themselves score 1 in each range."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    evaluation = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")
    document = convert(source, "--segmentation")["train"]
    truth = coco.COCO(str(source.with_name("target") / "annotations" / "instances_train.json"))
    names = ("image_id", "category_id", "bbox")
    found = truth.loadRes([{**{name: each[name] for name in names}, "score": 1.0} for each in document["annotations"]])
    run = evaluation.COCOeval(truth, found, "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    overall, _, _, small, medium, large = run.stats[:6]
    # 44 and 1121 and 4800 square pixels: one box is small, two are medium, none is large.
    assert (overall, small, medium, large) == pytest.approx((1, 1, 1, -1))
    assert all(truth.annToMask(each).sum() > 0 for each in truth.loadAnns(truth.getAnnIds()))
    capsys.readouterr()


def _detectron2(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The boxes of each image as `load_coco_json` takes them; what it refuses fails an assertion.

    Reference: https://github.com/facebookresearch/detectron2, `detectron2/data/datasets/coco.py`.
    """
    annotations = document["annotations"]
    assert len({each["id"] for each in annotations}) == len(annotations), "annotation ids are not unique"
    contiguous = {number: at for at, number in enumerate(sorted(each["id"] for each in document["categories"]))}
    loaded: dict[str, list[dict[str, Any]]] = {}
    for image in document["images"]:
        assert image["height"] > 0
        assert image["width"] > 0
        boxes = loaded.setdefault(image["file_name"], [])
        for annotation in annotations:
            if annotation["image_id"] != image["id"]:
                continue
            assert annotation.get("ignore", 0) == 0
            box: dict[str, Any] = {key: annotation[key] for key in ("iscrowd", "bbox", "category_id")}
            assert len(box["bbox"]) == 4
            outline = annotation.get("segmentation")
            if outline is not None:
                valid = [part for part in outline if len(part) % 2 == 0 and len(part) >= 6]
                if not valid:
                    continue  # an empty outline drops the whole annotation, without a word
                box["segmentation"] = valid
            box["category_id"] = contiguous[box["category_id"]]
            boxes.append(box)
    return loaded


def _mmdetection(document: Mapping[str, Any]) -> dict[str, int]:
    """How many boxes `CocoDataset.parse_data_info` and `filter_data` take of each image that they keep.

    Reference: https://github.com/open-mmlab/mmdetection, `mmdet/datasets/coco.py`.
    """
    kept: dict[str, int] = {}
    known = {each["id"] for each in document["categories"]}
    for image in document["images"]:
        for each in document["annotations"]:
            if each["image_id"] == image["id"] and not each.get("ignore", False):
                x, y, width, height = each["bbox"]
                inside = max(0, min(x + width, image["width"]) - max(x, 0)) * max(
                    0, min(y + height, image["height"]) - max(y, 0)
                )
                if inside and each["area"] > 0 and height >= 1 and each["category_id"] in known:
                    assert each.get("segmentation", True), "an empty outline breaks pycocotools' masks"
                    kept[image["file_name"]] = kept.get(image["file_name"], 0) + 1
    return kept
