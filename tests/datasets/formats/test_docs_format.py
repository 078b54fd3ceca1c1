"""What docs/formats.md says: its tables are run, and the format that it teaches keeps what every format owes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import export
from labelloop.datasets.findings import KINDS
from labelloop.datasets.reading import Dataset, open_source
from labelloop.datasets.schema import Box, Sample, Size
from tests.datasets.formats import test_contract as contract

TEXT = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}
COLUMNS = ("boxes", "image_labels", "negatives", "unlabelled", "scores", "attributes", "ids", "image_extra")
WITHOUT_ORDER = ("labelme", "jsons")


TEMPLATES = {
    "labelme": ("a.json", '{"shapes": [SAID], "imagePath": "a.jpg", "imageWidth": 80, "imageHeight": 60}'),
    "yolo": ("labels/a.txt", "SAID"),
    "coco": ("coco.json", """{"images": [{"id": 1, "file_name": "a.jpg", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "cat"}], "annotations": [{"id": 1, "image_id": 1, "category_id": 1, SAID}]}"""),
    "voc": ("Annotations/a.xml", """<annotation><filename>a.jpg</filename><size><width>80</width><height>60</height></size>
        <object>SAID</object></annotation>"""),
    "via": ("via.json", """{"a.jpg": {"filename": "a.jpg", "size": -1, "file_attributes": {}, "regions": [
        {"shape_attributes": SAID, "region_attributes": {"label": "cat"}}]}}"""),
}  # fmt: skip
"""A label file of each format for one image of 80x60 px, SAID in place of what it says of a box."""


def rows(text: str) -> list[list[str]]:
    """The cells of a text's table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[2:]]


def write_source(name: str, said: str, root: Path) -> None:
    """A source with one image of 80x60 px and one label that says this."""
    image = root / {"yolo": "images/a.jpg", "voc": "JPEGImages/a.jpg"}.get(name, "a.jpg")
    image.parent.mkdir(parents=True)
    Image.new("RGB", (80, 60)).save(image)
    path, content = TEMPLATES[name]
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text(content.replace("SAID", said), encoding="utf-8")
    if name == "yolo":
        (root / "data.yaml").write_text("names: [cat, dog]\n")


def test_every_format_has_its_section_and_its_line_in_both_tables() -> None:
    written = {row[0].split("`")[1]: row[3].strip() == "yes" for row in rows(TEXT.split("\n## ")[0])}
    assert written == {name: formats.load(name).write is not None for name in written}
    assert sorted(written) == formats.names()
    assert written.keys() <= SECTIONS.keys()


def test_the_table_of_what_each_can_hold_is_what_it_holds() -> None:
    said = {
        row[0].strip("`"): [cell.strip() == "yes" for cell in row[1:]] for row in rows(SECTIONS["What each can hold"])
    }
    assert sorted(said) == formats.names()
    for name, cells in said.items():
        holds = formats.load(name).holds
        assert cells == [*(getattr(holds, column) for column in COLUMNS), name not in WITHOUT_ORDER], name


CASES = [
    (name, *row) for name in formats.names() for row in rows(SECTIONS[name]) if len(row) == 3 and row[0].startswith("`")
]  # fmt: skip


@pytest.mark.parametrize(("name", "said", "kind", "message"), CASES)
def test_what_is_refused_is_refused_in_these_words(
    name: str, said: str, kind: str, message: str, tmp_path: Path
) -> None:
    write_source(name, said.strip("`"), tmp_path / "source")
    reading = open_source(tmp_path / "source", format=name)
    dataset = reading.dataset()
    found = [(each.kind, each.message) for each in reading.findings if each.kind != "class-order-assumed"]
    assert found == [(kind.strip("`"), message)]
    assert (dataset.samples == ()) == (KINDS[kind.strip("`")][0] == "stops")


def test_there_is_a_case_for_every_format_that_can_refuse_a_box() -> None:
    refusing = {name for name, *_ in CASES}
    assert refusing == {name for name in formats.writable_names() if formats.load(name).holds.boxes}


def test_every_kind_of_finding_that_the_text_names_exists() -> None:
    named = set(re.findall(r"`([a-z]+-[a-z-]+)`", TEXT.split("\n## Writing a format")[0]))
    assert len(named) > 8
    assert named <= KINDS.keys()


@pytest.mark.parametrize("name", formats.writable_names())
def test_an_export_has_the_files_of_the_listing(name: str, tmp_path: Path) -> None:
    samples: list[Sample] = []
    for key, label, split in (("c.jpg", "dog", "val"), ("x/a.jpg", "cat", "train"), ("x/b.jpg", "", "train")):
        path = tmp_path / key.replace("/", "_")
        Image.new("RGB", (80, 60)).save(path)
        boxes = (Box(label, 1, 2, 30, 40),) if label and formats.load(name).holds.boxes else ()
        own = label if label and not boxes else None
        if own or boxes or formats.load(name).holds.negatives:
            samples.append(Sample(key, path, Size(80, 60), 1, "labelled" if label else "negative", boxes, own, split))
    export(Dataset(tuple(samples), ("cat", "dog")), tmp_path / "target", name)
    files = sorted(
        path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*") if path.is_file()
    )
    (listing,) = re.findall(r"```text\n(.*?)```", SECTIONS[name], re.DOTALL)
    assert listing.split("\n")[:-1] == files


@pytest.fixture
def taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the format of the page, found by its module's being in the package's path."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(code.splitlines()) < 60
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "rows.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(folder)])
    yield "rows"
    formats.load.cache_clear()
    sys.modules.pop(f"{formats.__name__}.rows", None)
    vars(formats).pop("rows", None)


def test_the_taught_format_keeps_the_contract(
    taught: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert taught in formats.writable_names()
    for number, test in enumerate(
        (
            contract.test_what_was_written_is_recognised,
            contract.test_the_classes_keep_their_order,
            contract.test_sources_are_left_as_they_are,
        )
    ):
        (tmp_path / str(number)).mkdir()
        test(taught, tmp_path / str(number))
    contract.test_the_same_data_gives_the_same_bytes(name=taught, tmp_path_factory=tmp_path_factory)
    contract.test_reading_what_was_written_gives_the_same(name=taught, tmp_path_factory=tmp_path_factory)


def test_the_taught_format_says_what_is_wrong_with_its_place(taught: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for key in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"):
        Image.new("RGB", (80, 60)).save(source / key)
    (source / "boxes.csv").write_text(
        "image,label,x1,y1,x2,y2\n,cat,,,,\na.jpg,cat,1,2,30,40\nb.jpg,cat,1,2,x,40\nb.jpg,cat,1,2,30,40\nc.jpg\ngone.jpg,cat,1,2,3,4\n"
    )
    reading = open_source(source)
    assert {sample.key: sample.state for sample in reading.dataset().samples} == {
        "a.jpg": "labelled", "c.jpg": "negative", "d.jpg": "unlabelled",
    }  # fmt: skip
    assert [str(finding) for finding in reading.findings.stopping()] == [
        "boxes.csv:4: corners must be numbers: could not convert string to float: 'x'",
        "boxes.csv:7: image 'gone.jpg' is not there",
    ]
    with pytest.raises(LabelloopError, match="2 problems"):
        convert(source, tmp_path / "target", "yolo")
    (source / "boxes.csv").write_bytes(b"\xff\xfe\xff")
    assert [each.kind for each in open_source(source, format=taught).findings] == []
    broken = open_source(source, format=taught)
    broken.dataset()
    assert [each.kind for each in broken.findings] == ["unreadable-label-file"]
