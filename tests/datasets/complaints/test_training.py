"""Complaints about training, where they concern files: stale caches, rewritten sources, dropped images.

ultralytics#26207, #20132, yolov5#306 (`labels.cache` is judged by names and sizes, so a corrected label of
the same length is not seen); yolov5#4548 (an image that is held to be corrupt is saved anew, through a link
into the source); ultralytics#731, yolov5#3656 (one bad label drops its whole image, with a warning that
scrolls by). What other tests own already: nothing is merged into a folder that exists
(`test_background.py`); an export shares no file with its source (`formats/test_contract.py`).
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.recipe import Recipe
from labelloop.tools.cli import verbs
from tests.datasets.complaints.drawn import (
    OF_BOXES,
    WRITABLE,
    Picture,
    draw,
    exported,
    make_source,
    write_labelme,
    write_via,
    write_voc,
    write_yolo,
)
from tests.datasets.complaints.plain_readers import images_of, read_export

CLASSES = ("b", "a")
OLD, NEW = "0 0.500000 0.500000 0.200000 0.200000\n", "1 0.510000 0.480000 0.230000 0.190000\n"
"""Two labels of the same length, which Ultralytics' cache cannot tell apart."""


def state_of(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Content, time of change and number of names of every file and folder."""
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.lstat().st_mtime_ns,
            path.lstat().st_nlink if path.is_file() else 0,
        )
        for path in sorted(folder.rglob("*"))
    }


class TestStaleLabelCache:
    @pytest.mark.parametrize("name", OF_BOXES)
    def test_no_cache_of_the_source_travels_into_an_export(self, name: str, tmp_path: Path) -> None:
        """ultralytics#26207, yolov5#306: a data set that was trained on carries `labels.cache`, at several places."""
        pictures = [Picture(f"images/train/{n}.png", [("a", (1, 2, 30, 40))]) for n in range(2)]
        draw(tmp_path / "s", pictures, CLASSES)
        write_yolo(tmp_path / "s", pictures, CLASSES)
        for place in ("labels/train.cache", "labels/train/labels.cache", "train.cache", "images/train/0.npy"):
            (tmp_path / "s" / place).write_bytes(b"stale")
        convert(tmp_path / "s", tmp_path / "t", name)
        suffixes = {path.suffix for path in (tmp_path / "t").rglob("*") if path.is_file()}
        assert suffixes <= {".png", ".txt", ".yaml", ".json", ".xml", ".csv"}

    def test_new_labels_never_come_to_lie_beside_an_old_cache(self, tmp_path: Path) -> None:
        """ultralytics#26207, #20132: an export goes into a folder that is not there, never over one that was trained on."""
        pictures = [Picture("images/0.png", [("a", (1, 2, 30, 40))])]
        draw(tmp_path / "s", pictures, CLASSES)
        write_yolo(tmp_path / "s", pictures, CLASSES)
        (tmp_path / "s/labels/0.txt").write_text(OLD)
        convert(tmp_path / "s", tmp_path / "t", "yolo")
        (tmp_path / "t/labels/train.cache").write_bytes(b"of the old labels")
        (tmp_path / "s/labels/0.txt").write_text(NEW)
        with pytest.raises(LabelloopError, match="must not exist"):
            convert(tmp_path / "s", tmp_path / "t", "yolo")
        assert [path.read_text() for path in (tmp_path / "t/labels").rglob("*.txt")] == [OLD]
        convert(tmp_path / "s", tmp_path / "again", "yolo")
        assert [path.read_text() for path in (tmp_path / "again/labels").rglob("*.txt")] == [NEW]
        assert not list((tmp_path / "again").rglob("*.cache"))


class TestSourcesRewritten:
    @pytest.mark.parametrize("source", ["labelme", "yolo", "voc", "via", "coco", "folders"])
    def test_no_command_writes_into_the_source(
        self, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """yolov5#4548: contents, times and links of every file and folder, after each command that reads it."""
        folder = {"yolo": "images/", "voc": "JPEGImages/"}.get(source, "")
        pictures = [Picture(f"{folder}{n}.png", [("ab"[n % 2], (1, 2, 30, 40))]) for n in range(4)]
        if source in ("coco", "folders"):
            make_source("yolo" if source == "coco" else "folders", tmp_path / "s", pictures, CLASSES)
        else:
            draw(tmp_path / "s", pictures, CLASSES)
            if source == "yolo":
                write_yolo(tmp_path / "s", pictures, CLASSES)
            else:
                {"labelme": write_labelme, "voc": write_voc, "via": write_via}[source](tmp_path / "s", pictures)
        monkeypatch.chdir(tmp_path)
        before = state_of(tmp_path / "s")
        target = "folders" if source == "folders" else "yolo"
        for arguments in (
            ["check", "s"], ["recipe", "s", "--yes"], ["split", "s", "--no-near-duplicates"],
            ["convert", "s", "t", "--format", target], ["convert", "s", "u", "--format", target, "--leave-images"],
        ):  # fmt: skip
            done = CliRunner().invoke(verbs, arguments)
            assert not done.exception or isinstance(done.exception, SystemExit), arguments
            assert done.exit_code in (0, 1)
            assert state_of(tmp_path / "s") == before, arguments
        assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "s-splits.csv", "t", "u"]

    @pytest.mark.parametrize("name", WRITABLE)
    def test_an_image_in_an_export_is_a_file_of_its_own(self, name: str, tmp_path: Path) -> None:
        """yolov5#4548: neither a symbolic nor a hard link leads a trainer back into the source."""
        target = exported(name, tmp_path, [Picture(f"{n}.png", [("a", (1, 2, 30, 40))]) for n in range(3)], CLASSES)
        for image in images_of(target):
            assert not os.path.islink(target / image)
            assert (target / image).stat().st_nlink == 1


class TestImagesDropped:
    @pytest.mark.parametrize("bad", ["7 .5 .5 .2 .2", "0 .5 .5 .2 nan", "0 .5 .5 .2", "0 1.2 .5 .1 .1"])
    def test_a_bad_label_stops_and_never_drops_its_image_silently(self, bad: str, tmp_path: Path) -> None:
        """ultralytics#731, yolov5#3656: the place is named, and what is left out on request is named too."""
        pictures = [Picture(f"images/{n}.png", [("a", (1, 2, 30, 40))]) for n in range(3)]
        draw(tmp_path / "s", pictures, CLASSES)
        write_yolo(tmp_path / "s", pictures, CLASSES)
        (tmp_path / "s/labels/1.txt").write_text(f"0 .5 .5 .2 .2\n{bad}\n")
        with pytest.raises(LabelloopError, match=r"1 problem\n  labels/1\.txt:2: "):
            convert(tmp_path / "s", tmp_path / "t", "yolo")
        report, findings = convert(tmp_path / "s", tmp_path / "t", "yolo", skip_bad=True)
        assert report.images == 2
        assert [each.place for each in findings if each.severity == "stops"] == ["labels/1.txt:2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Ultralytics' data loading says and does: twice the same export with labels corrected in between."""
    if find_spec("ultralytics") is None:  # not imported here: it changes Pillow for the whole process
        pytest.skip("Ultralytics is not installed")
    root = tmp_path_factory.mktemp("trained")
    pictures = [Picture(f"x/{n}.jpg", [("a", (2.0 + n, 3.0, 41.0 + n, 37.0)), ("b", (0, 0, 80, 60))]) for n in range(4)]
    pictures += [Picture("x/empty.jpg", ())]
    source = root / "source"
    draw(source, pictures, CLASSES)
    write_labelme(source, pictures)
    with open(source / "x/0.jpg", "ab") as file:
        file.write(b"appended by a phone")  # Ultralytics holds such a file to be corrupt
    before = state_of(source)
    recipe = Recipe(classes=CLASSES)
    seen: list[dict[str, Any]] = []
    for labels in (OLD, NEW):
        document = json.loads((source / "x/1.json").read_text())
        number, cx, cy, width, height = map(float, labels.split())
        corners = [[(cx - width / 2) * 80, (cy - height / 2) * 60], [(cx + width / 2) * 80, (cy + height / 2) * 60]]
        document["shapes"] = [{"label": CLASSES[int(number)], "points": corners, "shape_type": "rectangle"}]
        (source / "x/1.json").write_text(json.dumps(document))
        before["x/1.json"] = state_of(source)["x/1.json"]
        if (root / "export").exists():
            (root / "export").rename(root / "export of yesterday")
        convert(source, root / "export", "yolo", recipe=recipe)
        assert (root / "export/labels/all/x/1.txt").read_text() == labels
        seen.append(_load(root / "export"))
    return {"root": root, "first": seen[0], "second": seen[1], "before": before, "after": state_of(source)}


@pytest.mark.slow
def test_ultralytics_sees_a_corrected_label_of_the_same_length(trained: Mapping[str, Any]) -> None:
    """ultralytics#26207, #20132, yolov5#306: the same path, the same sizes, a cache of the old labels made before."""
    assert [path.name for path in (trained["root"] / "export of yesterday").rglob("*.cache")] == ["x.cache"]
    for run, labels in (("first", OLD), ("second", NEW)):
        assert trained[run]["boxes"]["1.jpg"] == [pytest.approx([float(field) for field in labels.split()], abs=1e-6)]


@pytest.mark.slow
def test_ultralytics_repairs_its_own_copy_and_not_the_source(trained: Mapping[str, Any]) -> None:
    """yolov5#4548: bytes after a JPEG's end make it save the image anew; that happens, and the source stays."""
    repaired = (trained["root"] / "export/images/all/x/0.jpg").read_bytes()
    assert not repaired.endswith(b"appended by a phone")
    assert trained["after"] == trained["before"]


@pytest.mark.slow
def test_ultralytics_uses_every_image_and_every_box_of_an_export(trained: Mapping[str, Any]) -> None:
    """ultralytics#731, yolov5#3656: as many images and boxes as the manifest and the label files say."""
    with open(trained["root"] / "export/manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    used = trained["second"]["boxes"]
    assert (
        sorted(used)
        == sorted(Path(row["image"]).name for row in rows)
        == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "empty.jpg"]
    )
    meant = {
        Path(image).name: len(each.labels or [])
        for image, each in read_export(trained["root"] / "export", "yolo").items()
    }
    assert {name: len(boxes) for name, boxes in used.items()} == meant
    assert used["empty.jpg"] == []


def _load(export: Path) -> dict[str, Any]:
    """The boxes by image file, as `YOLODataset` of Ultralytics loads them in a process of its own."""
    code = """
import json, sys
from pathlib import Path
from ultralytics.data.dataset import YOLODataset
data = {"names": {0: "b", 1: "a"}, "nc": 2, "channels": 3}
loaded = YOLODataset(img_path=sys.argv[1], data=data, task="detect", augment=False, imgsz=64)
boxes = {Path(each["im_file"]).name: [[float(c[0]), *map(float, b)] for c, b in zip(each["cls"], each["bboxes"])] for each in loaded.labels}
print("RESULT" + json.dumps({"boxes": boxes}))
"""
    home = str(export.parent)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(export / "images" / "all")],
        capture_output=True, text=True, check=False, cwd=home,
        env={"PATH": "/usr/bin:/bin", "YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": home, "HOME": home},
    )  # fmt: skip
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT")), None)
    assert line, done.stdout + done.stderr
    return json.loads(line.removeprefix("RESULT"))
