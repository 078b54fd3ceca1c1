"""What the other tools' own loaders see in our exports: the same boxes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets.export import export
from labelloop.datasets.formats.folders import FORMAT as FOLDERS
from labelloop.datasets.reading import Dataset
from labelloop.datasets.schema import Box, Sample, Size


def _dataset(root: Path) -> Dataset:
    samples: list[Sample] = []
    for number, split in enumerate(("train", "train", "val")):
        key = f"images/한글 #{number}/a b.jpg"
        path = root / key
        path.parent.mkdir(parents=True)
        exif = Image.Exif()
        exif[0x0112] = 6 if number == 0 else 1
        size = (60, 80) if number == 0 else (80, 60)
        Image.effect_noise(size, 60).convert("RGB").save(path, exif=exif)
        boxes = (
            Box("note", 3.25, 7.5, 41.125, 59.0),
            Box("coin", 0.0, 0.0, 80.0, 60.0),
            Box("note", 79.0, 1 / 3, 80.0, 60.0),
        )
        samples.append(Sample(key, path, Size(80, 60), 6 if number == 0 else 1, "labelled", boxes, None, split))
    key = "leer.jpg"
    Image.new("RGB", (80, 60)).save(root / key)
    samples.append(Sample(key, root / key, Size(80, 60), 1, "negative", split="train"))
    return Dataset(tuple(sorted(samples, key=lambda sample: sample.key)), ("note", "coin"))


@pytest.mark.slow
def test_ultralytics_sees_the_same_boxes(tmp_path: Path) -> None:
    if find_spec("ultralytics") is None:  # not imported here: it changes Pillow for the whole process
        pytest.skip("Ultralytics is not installed")
    dataset = _dataset(tmp_path / "source")
    export(dataset, tmp_path / "yolo", "yolo")
    code = """
import json, sys
from ultralytics.data.utils import check_det_dataset
from ultralytics.data.dataset import YOLODataset
data = check_det_dataset(sys.argv[1], autodownload=False)
seen = {"names": data["names"]}
for split in ("train", "val"):
    loaded = YOLODataset(img_path=data[split], data=data, task="detect", augment=False, imgsz=64)
    for label in loaded.labels:
        seen[label["im_file"]] = [[int(c[0]), *map(float, b)] for c, b in zip(label["cls"], label["bboxes"])]
        seen[label["im_file"] + "#shape"] = label["shape"]
print("RESULT" + json.dumps(seen))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "yolo" / "data.yaml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    assert line, done.stdout + done.stderr
    seen = json.loads(line.removeprefix("RESULT"))
    assert seen["names"] == {"0": "note", "1": "coin"}
    for sample in dataset.samples:
        (name,) = [
            file
            for file in seen
            if file.endswith(f"/images/{sample.split}/{sample.key.replace('images/', 'images_/')}")
        ]
        assert seen[f"{name}#shape"] == [60, 80]
        assert len(seen[name]) == len(sample.boxes)
        for (number, cx, cy, width, height), box in zip(seen[name], sample.boxes, strict=True):
            assert dataset.classes[number] == box.label
            corners = ((cx - width / 2) * 80, (cy - height / 2) * 60, (cx + width / 2) * 80, (cy + height / 2) * 60)
            assert corners == pytest.approx(box.corners, abs=2e-4)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' masks under numpy 2
@pytest.mark.parametrize("polygons", [False, True])
def test_pycocotools_sees_the_same_boxes(tmp_path: Path, polygons: bool, capsys: pytest.CaptureFixture[str]) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    dataset = _dataset(tmp_path / "source")
    export(dataset, tmp_path / "coco", "coco", with_polygons=polygons)
    seen: dict[str, list[tuple[str, tuple[float, ...]]]] = {}
    for split in ("train", "val"):
        loaded = coco.COCO(str(tmp_path / "coco" / "annotations" / f"instances_{split}.json"))
        names = {category["id"]: category["name"] for category in loaded.loadCats(loaded.getCatIds())}
        assert names == {1: "note", 2: "coin"}
        for image in loaded.loadImgs(loaded.getImgIds()):
            assert (tmp_path / "coco" / "images" / image["file_name"]).is_file()
            assert (image["width"], image["height"]) == (80, 60)
            annotations = loaded.loadAnns(loaded.getAnnIds(imgIds=[image["id"]]))
            seen[image["file_name"]] = []
            for annotation in annotations:
                x, y, width, height = annotation["bbox"]
                assert annotation["area"] == pytest.approx(width * height)
                assert annotation["iscrowd"] == 0
                seen[image["file_name"]].append((names[annotation["category_id"]], (x, y, x + width, y + height)))
                if polygons:
                    assert loaded.annToMask(annotation).shape == (60, 80)
                else:
                    assert "segmentation" not in annotation
    assert set(seen) == {sample.key for sample in dataset.samples}
    for sample in dataset.samples:
        assert [label for label, _ in seen[sample.key]] == [box.label for box in sample.boxes]
        for (_, corners), box in zip(seen[sample.key], sample.boxes, strict=True):
            assert corners == pytest.approx(box.corners, abs=1e-9)
    capsys.readouterr()


KERAS = """
import json, sys
import keras
from keras._tf_keras.keras.preprocessing.image import ImageDataGenerator
names = open("classes.txt", encoding="utf-8").read().splitlines()
seen = {}
for split in ("train", "validation"):
    for order, given in (("alphabetical", None), ("declared", names)):
        loaded = keras.utils.image_dataset_from_directory(
            split, labels="inferred", label_mode="int", class_names=given, shuffle=False, batch_size=None, image_size=(6, 8), verbose=False
        )
        flow = ImageDataGenerator().flow_from_directory(
            split, classes=given, class_mode="sparse", shuffle=False, batch_size=1, target_size=(6, 8)
        )
        seen[f"{split} {order}"] = {
            "names": loaded.class_names,
            "images": [[path, int(label)] for path, (_, label) in zip(loaded.file_paths, loaded)],
            "indices": flow.class_indices,
            "flow": [[f"{split}/{name}", int(label)] for name, label in zip(flow.filenames, flow.classes)],
        }
print("RESULT" + json.dumps(seen))
"""


@pytest.mark.slow
def test_keras_reads_an_export_as_it_is(tmp_path: Path) -> None:
    """Both of its loaders find every image and, told the names, the declared order; untold, the one that README.txt says."""
    if find_spec("keras") is None or find_spec("tensorflow") is None:
        pytest.skip("Keras is not installed")
    classes = ("won", "50", "10 (new)", "천원")
    keys = {
        "a/x y.jpg": ("won", "train"),
        "b.PNG": ("천원", "train"),
        "won/#%.jpeg": ("won", "train"),
        "d.jpg": ("10 (new)", "val"),
    }
    samples: list[Sample] = []
    for key, (label, split) in keys.items():
        path = tmp_path / "source" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((8, 6), 60).convert("RGB").save(path)
        samples.append(Sample(key, path, Size(8, 6), label=label, split=split))
    report = export(Dataset(tuple(samples), classes), tmp_path / "out", "folders")
    assert report.losses == ()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KERAS], capture_output=True, text=True, check=False, cwd=tmp_path / "out",
        env={"PATH": "/usr/bin:/bin", "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "HOME": str(tmp_path)},
    )  # fmt: skip
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    assert line, done.stdout + done.stderr
    seen = json.loads(line.removeprefix("RESULT"))
    for split, of_split in (("train", "train"), ("validation", "val")):
        for order, names in (("alphabetical", sorted(classes)), ("declared", list(classes))):
            found = seen[f"{split} {order}"]
            meant = sorted(
                [FOLDERS.image_place(each), names.index(each.label or "")] for each in samples if each.split == of_split
            )
            assert found["names"] == names
            assert found["indices"] == {name: number for number, name in enumerate(names)}
            assert sorted(found["images"]) == meant
            assert sorted(found["flow"]) == meant
