"""Complaints about honesty, where they concern files: a test set that holds copies of what was trained on.

RIAWELC#2 (all 2,443 test images were copies of train; 93 % became 82 % on clean splits), PlantSeg#11,
digitalsreeni-image-annotator#93. What other tests own already: which pictures are near-duplicates
(`test_near_duplicates.py`); groups stay together and images stay where they are (`test_splits.py`);
a recipe's group in two splits is refused (`test_background.py`).
"""

from __future__ import annotations

import json
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageOps

from labelloop.datasets.check import check
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.reading import open_source
from labelloop.datasets.split_files import read_splits
from labelloop.datasets.splitting import split_samples
from labelloop.tools.cli import verbs
from tests.datasets.complaints.drawn import Picture, draw, write_yolo


def labelloop(*arguments: str | Path) -> Result:
    return CliRunner().invoke(verbs, [str(each) for each in arguments])


def picture(seed: int, side: int = 24) -> Image.Image:
    """A picture of colored blots, like no other seed's."""
    tile = bytes(
        (seed * 7919 + index * index * 31 + index * 17) * 2654435761 >> 7 & 255 for index in range(side * side * 3)
    )
    return Image.frombytes("RGB", (side, side), tile).resize((240, 180), Image.Resampling.BICUBIC)


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    """A YOLO source of ten images in train and the same ten, under other names, in test."""
    pictures: list[Picture] = []
    for split in ("train", "test"):
        pictures += [
            Picture(f"images/{split}/{split}_{n}.png", [("a", (n, n, 30 + n, 20 + n))], split=split) for n in range(10)
        ]
    draw(tmp_path / "source", pictures, ["a"])
    write_yolo(tmp_path / "source", pictures, ["a"])
    for n in range(10):
        shutil.copy(tmp_path / f"source/images/train/train_{n}.png", tmp_path / f"source/images/test/test_{n}.png")
    (tmp_path / "source/data.yaml").write_text("train: images/train\ntest: images/test\nnames: [a]\n")
    return tmp_path / "source"


def test_copies_of_one_image_never_get_into_train_and_test(tmp_path: Path) -> None:
    """RIAWELC#2: 30 pictures, each three times under other names and in other folders, split by the command line."""
    for n in range(30):
        for copy in range(3):
            path = tmp_path / "source" / "ab"[n % 2] / f"{(n * 7 + copy * 31) % 97:03d}" / f"img{n * 3 + copy}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(n).save(path)
    done = labelloop("split", tmp_path / "source", "--no-near-duplicates", "--to", tmp_path / "s.csv")
    assert done.exit_code == 0, done.stderr
    rows = read_splits(tmp_path / "s.csv")
    sides: dict[int, set[str]] = {}
    for key, row in rows.items():
        sides.setdefault(int(key.rpartition("/img")[2].removesuffix(".png")) // 3, set()).add(row.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert {split for splits in sides.values() for split in splits} == {"train", "val", "test"}
    assert labelloop(
        "convert", tmp_path / "source", tmp_path / "t", "--format", "folders", "--splits", tmp_path / "s.csv"
    ).exit_code == 0  # fmt: skip


def test_near_duplicates_never_get_into_train_and_test(tmp_path: Path) -> None:
    """PlantSeg#11: the same shot, recompressed, mirrored or a little darker. Every picture is a candidate of every other."""
    numpy = pytest.importorskip("numpy", reason="numpy is not installed")
    pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
    from labelloop.datasets.embeddings import Embedder

    everything = Embedder("alike", 16, lambda pictures: numpy.ones((len(pictures), 4), numpy.float32))
    for n in range(8):
        path = tmp_path / "ab"[n % 2]
        path.mkdir(exist_ok=True)
        shot = picture(n)
        buffer = BytesIO()
        shot.save(buffer, "JPEG", quality=40)
        for name, copy in {
            "x": shot, "recompressed": Image.open(buffer), "mirrored": ImageOps.mirror(shot),
            "darker": shot.point(lambda value: value * 3 // 4),
        }.items():  # fmt: skip
            copy.save(path / f"{name}{n * 13 % 8}.png")
    samples = open_source(tmp_path, format="folders").dataset().samples
    found = split_samples(samples, embedder=everything)
    assert len(samples) == 32
    sides: dict[str, set[str | None]] = {}
    for key, split in found.splits.split_of.items():
        sides.setdefault(key[0] + key[-5], set()).add(split)
    assert len(sides) == 8
    assert all(len(splits) == 1 for splits in sides.values())


def test_a_source_whose_test_images_are_copies_of_train_is_found_and_not_exported(leaking: Path) -> None:
    """RIAWELC#2: `check` names every copy, `split` says that the source's own splits leak, `convert` refuses them."""
    copies = [each for each in check(leaking).findings if each.kind == "duplicate-image"]
    assert sorted((each.place, each.message.rpartition(" ")[2]) for each in copies) == [
        (f"images/train/train_{n}.png", f"images/test/test_{n}.png") for n in range(10)
    ]
    table = leaking.with_name("s.csv")
    done = labelloop("split", leaking, "--no-near-duplicates", "--keep-source", "--to", table, "--json")
    assert done.exit_code == 1, done.stderr
    leaks = [each for each in json.loads(done.stdout)["findings"] if each["kind"] == "split-leak"]
    assert [each["place"] for each in leaks] == [f"images/train/train_{n}.png" for n in range(10)]
    refused = labelloop("convert", leaking, leaking.with_name("t"), "--format", "coco", "--splits", table)
    assert isinstance(refused.exception, LabelloopError)
    assert "groups lie in two splits, so a test would see what was trained on: 10 problems" in str(refused.exception)
    assert not leaking.with_name("t").exists()
    allowed = labelloop(
        "convert", leaking, leaking.with_name("t"), "--format", "coco", "--splits", table, "--allow-leak"
    )
    assert allowed.exit_code == 0, allowed.stderr


def test_more_copies_make_no_split_better(tmp_path: Path) -> None:
    """digitalsreeni-image-annotator#93: results improved with the redundancy of the data. Copies follow their original."""
    for n in range(20):
        path = tmp_path / "ab"[n % 2] / f"{n}.png"
        path.parent.mkdir(exist_ok=True)
        picture(n).save(path)
    before = split_samples(open_source(tmp_path, format="folders").dataset().samples).splits.split_of
    fixed = {key: split for key, split in before.items() if split}
    for key in before:
        for copy in range(3):
            shutil.copy(tmp_path / key, tmp_path / key[0] / f"{copy}_{key[2:]}")
    after = split_samples(open_source(tmp_path, format="folders").dataset().samples, fixed=fixed)
    assert len(after.splits.split_of) == 80
    assert not list(after.findings)
    for key, split in after.splits.split_of.items():
        assert split == before[f"{key[0]}/{key.rpartition('_')[2].removeprefix(key[:2])}"]
