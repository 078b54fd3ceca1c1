"""What docs/formats.md says: its tables are run, and every format has its section in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.export import export
from labelloop.datasets.findings import KINDS
from labelloop.datasets.reading import Dataset, open_source
from labelloop.datasets.schema import Box, Sample, Size
from tests.datasets.complaints.plain_readers import READABLE

TEXT = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}
COLUMNS = (
    "boxes", "image_labels", "negatives", "unlabelled", "scores", "attributes", "ids", "image_extra", "class_order",
)  # fmt: skip


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


@pytest.mark.parametrize("name", formats.names())
def test_every_format_has_its_section_and_its_lines_in_both_tables(name: str) -> None:
    shown = {row[0].split("`")[1]: row[3].strip() == "yes" for row in rows(TEXT.split("\n## ")[0])}
    holds = {row[0].strip("`") for row in rows(SECTIONS["What each can hold"])}
    missing = [
        what
        for what, there in (("a line in the first table", shown), ("one in the second", holds), ("a section", SECTIONS))
        if name not in there
    ]
    assert not missing, f"docs/formats.md has not yet, for {name}: {', '.join(missing)}"
    assert shown[name] == (formats.load(name).write is not None)


@pytest.mark.parametrize("name", formats.writable_names())
def test_every_format_can_be_read_by_something_that_is_not_labelloop(name: str) -> None:
    assert name in READABLE, f"tests/datasets/complaints/plain_readers.py has no reader for {name} yet"


def test_the_tables_name_no_format_that_there_is_not() -> None:
    assert {row[0].split("`")[1] for row in rows(TEXT.split("\n## ")[0])} <= set(formats.names())


def test_the_table_of_what_each_can_hold_is_what_it_holds() -> None:
    said = {
        row[0].strip("`"): [cell.strip() == "yes" for cell in row[1:]] for row in rows(SECTIONS["What each can hold"])
    }
    for name, cells in said.items():
        holds = formats.load(name).holds
        assert cells == [getattr(holds, column) for column in COLUMNS], name


CASES = [
    (name, *row) for name in formats.names() for row in rows(SECTIONS.get(name, ""))
    if len(row) == 3 and row[0].startswith("`")
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
    assert refusing == {name for name in SECTIONS.keys() & formats.writable_names() if formats.load(name).holds.boxes}


def test_every_kind_of_finding_that_the_text_names_exists() -> None:
    named = set(re.findall(r"`([a-z]+-[a-z-]+)`", TEXT))
    assert len(named) > 8
    assert named <= KINDS.keys()


@pytest.mark.parametrize("name", [name for name in formats.writable_names() if name in SECTIONS])
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
