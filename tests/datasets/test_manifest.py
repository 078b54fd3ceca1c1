"""manifest.csv and splits as they may come from a stranger: no key and no split chooses where on the disk is written."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import export
from labelloop.datasets.findings import Findings
from labelloop.datasets.format import Placed
from labelloop.datasets.manifest import COLUMNS, MANIFEST, format_manifest, is_below, read_manifest
from labelloop.datasets.reading import Dataset
from labelloop.datasets.schema import Box, Sample, Size

OUTSIDE = [
    "../evil.png",
    "a/../../evil.png",
    "/evil.png",
    "",
    ".",
    "..",
    "a//b.png",
    "./a.png",
    ".hidden.png",
    "a/",
    "a\0.png",
]


def sample(root: Path, key: str = "a.png", split: str | None = None) -> Sample:
    Image.new("RGB", (8, 6)).save(root / "a.png")
    return Sample(key, root / "a.png", Size(8, 6), boxes=(Box("a", 1, 1, 5, 5),), split=split)


@pytest.mark.parametrize("path", ["a.png", "한글/a b.png", "a/b/c..d.png", "a\n.png", "~/a.png"])
def test_paths_below(path: str) -> None:
    assert is_below(path)


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_that_lead_out_or_are_hidden(path: str) -> None:
    assert not is_below(path)


@pytest.mark.parametrize("key", OUTSIDE)
def test_a_key_that_leads_out_is_a_finding_with_its_line(key: str, tmp_path: Path) -> None:
    placed = [Placed(sample(tmp_path), "images/a.png"), Placed(sample(tmp_path, key), "images/b.png")]
    (tmp_path / MANIFEST).write_text(format_manifest(placed), encoding="utf-8")
    findings = Findings()
    assert read_manifest(tmp_path / MANIFEST, findings) == {}
    (found,) = findings.stopping()
    assert str(found).startswith("manifest.csv: line 3 must have a path below the source as its key, received ")


@pytest.mark.parametrize("name", formats.writable_names())
def test_a_source_with_a_hostile_manifest_writes_nothing_outside(name: str, tmp_path: Path) -> None:
    export(Dataset((sample(tmp_path, split="train"),), ("a",)), tmp_path / "source", "yolo")
    with open(tmp_path / "source" / MANIFEST, "w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, ("images/train/a.png", "../../../evil.png", "train", "", "labelled")])
    (tmp_path / "deep").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LabelloopError, match="line 2 must have a path below the source"):
        convert(tmp_path / "source", tmp_path / "deep/target", name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("split", ["../../evil", "..", "/evil", "a/b", ".hidden", "a\0b"])
@pytest.mark.parametrize("name", formats.writable_names())
def test_a_split_that_is_no_name_is_refused(name: str, split: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    dataset = Dataset((sample(tmp_path, split=split),), ("a",))
    if not formats.load(name).holds.boxes:
        dataset = Dataset((Sample("a.png", tmp_path / "a.png", Size(8, 6), label="a", split=split),), ("a",))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LabelloopError, match="split must be one name"):
        export(dataset, tmp_path / "deep/target", name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("key", ["../../../evil.png", "a/../../../../evil.png"])
@pytest.mark.parametrize("name", ["coco", "labelme", "via", "voc", "yolo"])
def test_a_key_that_leads_out_is_refused_by_the_export_itself(name: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    dataset = Dataset((sample(tmp_path, key),), ("a",))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LabelloopError, match="must be below the export's folder"):
        export(dataset, tmp_path / "deep/target", name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("images/b.png,b.txt,,,labelled", "line 3 must have an image's name as its key, received 'b.txt'"),
        ("images/a.png,b.png,,,labelled", "line 3 must have an image of its own, received 'images/a.png' again"),
    ],
)
def test_a_row_that_no_export_writes_is_a_finding_with_its_line(tmp_path: Path, row: str, why: str) -> None:
    (tmp_path / MANIFEST).write_text(f"{','.join(COLUMNS)}\nimages/a.png,a.png,,,labelled\n{row}\n", encoding="utf-8")
    findings = Findings()
    assert read_manifest(tmp_path / MANIFEST, findings) == {}
    assert [str(finding) for finding in findings] == [f"manifest.csv: {why}"]
