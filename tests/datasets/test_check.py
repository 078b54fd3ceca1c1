"""What `check` says of a source whose splits leak."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from labelloop.datasets.check import check
from labelloop.datasets.recipe import Recipe


def yolo(root: Path, images: dict[str, int]) -> Path:
    """A YOLO source of one class: image keys under images/, each with the colour of its picture."""
    for key, colour in images.items():
        for folder, suffix in (("images", ".png"), ("labels", ".txt")):
            (root / folder / key).parent.mkdir(parents=True, exist_ok=True)
            path = (root / folder / key).with_suffix(suffix)
            if folder == "images":
                Image.new("RGB", (32, 24), (colour, 0, 0)).save(path)
            else:
                path.write_text("0 0.5 0.5 0.25 0.25\n")
    (root / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: [note]\n")
    return root


def test_a_copy_of_a_training_image_in_another_split_is_a_leak(tmp_path: Path) -> None:
    source = yolo(tmp_path / "s", {"train/a": 1, "val/b": 1, "train/c": 2, "train/d": 2, "val/e": 3})
    leaks = [finding for finding in check(source).findings if finding.kind == "split-leak"]
    assert [(leak.place, leak.message) for leak in leaks] == [
        ("images/val/b.png", "image is in val, its copy images/train/a.png in train")
    ]


def test_a_group_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    source = yolo(tmp_path / "s", {"train/s1_1": 1, "train/s2_1": 2, "val/s1_2": 3, "val/s3_1": 4})
    report = check(source, Recipe(group=("(?P<shot>s[0-9]+)_",)))
    leaks = [finding for finding in report.findings if finding.kind == "split-leak"]
    assert [leak.place for leak in leaks] == ["images/val/s1_2.png"]
    assert "same group" in leaks[0].message
