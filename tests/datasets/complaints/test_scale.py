"""Complaints about scale, where they concern files: label-studio#940, an import that dies above 1,000 files.

`tests/bench` measures speed; here, more files than anybody may hold open go through the command line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.datasets.complaints.drawn import OF_BOXES, WRITABLE
from tests.datasets.complaints.plain_readers import read_export

COUNT = 1300


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,300 images in one folder, in COCO, with one box each, and class folders of the same files."""
    root = tmp_path_factory.mktemp("many")
    Image.new("RGB", (20, 16)).save(root / "one.png")
    data = (root / "one.png").read_bytes()
    for number in range(COUNT):
        for path in (root / "coco/photos" / f"{number}.png", root / "folders" / "ab"[number % 2] / f"{number}.png"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    document = {
        "images": [{"id": n, "file_name": f"photos/{n}.png", "width": 20, "height": 16} for n in range(COUNT)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": [1 + n % 7, 2, 5, 6]} for n in range(COUNT)
        ],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    }
    (root / "coco/instances.json").write_text(json.dumps(document))
    return root


@pytest.mark.parametrize("name", WRITABLE)
def test_1300_files_are_read_checked_and_written_with_64_open_files(name: str, source: Path, tmp_path: Path) -> None:
    """label-studio#940: here the limit of open files is 64, and every image and box arrives."""
    given = source / ("coco" if name in OF_BOXES else "folders")
    command = 'ulimit -n 64 && "$0" -m labelloop convert "$1" "$2" --format "$3" --json'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(given), str(tmp_path / "t"), name], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["images"] == COUNT
    assert report["boxes"] == (COUNT if name in OF_BOXES else 0)
    seen = read_export(tmp_path / "t", name)
    assert len(seen) == COUNT
    for image, each in seen.items():
        number = int(image.rpartition("/")[2].removesuffix(".png"))
        ((label, (x1, *_)),) = each.labels or []
        assert label == "ab"[number % 2]
        if name in OF_BOXES:
            assert x1 == pytest.approx(1 + number % 7, abs=1e-3)


def test_check_of_1300_files_decodes_every_picture_with_64_open_files(source: Path) -> None:
    """label-studio#940."""
    command = 'ulimit -n 64 && "$0" -m labelloop check "$1" --json'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(source / "coco")], capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    assert (report["images"], report["boxes"], report["left_out"], report["stopping"]) == (COUNT, COUNT, 0, 0)
