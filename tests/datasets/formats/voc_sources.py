"""Pascal VOC sources for the tests: pictures, annotations, and what is read of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

from labelloop.datasets.format import Export, Placed
from labelloop.datasets.formats.voc import FORMAT
from labelloop.datasets.reading import Dataset, Reading, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Sample

GOLDEN = """\
<annotation>
\t<folder>JPEGImages/1000</folder>
\t<filename>a b.jpg</filename>
\t<size>
\t\t<width>100</width>
\t\t<height>80</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
\t<object>
\t\t<name>&lt;천원&gt; &amp; co</name>
\t\t<box_id>65f0c0ffee65f0c0ffee65f0</box_id>
\t\t<score>0.5</score>
\t\t<pose>Left</pose>
\t\t<truncated>0</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>10</xmin>
\t\t\t<ymin>20.25</ymin>
\t\t\t<xmax>50</xmax>
\t\t\t<ymax>60.1</ymax>
\t\t</bndbox>
\t</object>
</annotation>
"""


def picture(path: Path, size: tuple[int, int] = (100, 80)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 60)).save(path)
    return path


def annotation(path: Path, *objects: str, filename: str = "", head: str = "", size: str = "100 80") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size.split()
    path.write_text(
        f"<annotation>{head}<filename>{filename or path.stem + '.jpg'}</filename>"
        f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>{''.join(objects)}</annotation>",
        encoding="utf-8",
    )


def thing(name: str = "cat", corners: str = "10 20 50 60", more: str = "") -> str:
    x1, y1, x2, y2 = corners.split()
    return (
        f"<object><name>{name}</name>{more}<bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
    )


def opened(root: Path, recipe: Recipe | None = None) -> tuple[Dataset, Reading]:
    reading = open_source(root, recipe, format="voc")
    return reading.dataset(), reading


def kinds(reading: Reading) -> dict[str, int]:
    """Findings by kind, without the one that every VOC source without classes.txt has."""
    return {kind: count for kind, count in reading.findings.counts().items() if kind != "class-order-assumed"}


def one(root: Path, recipe: Recipe | None = None) -> Sample:
    dataset, reading = opened(root, recipe)
    assert kinds(reading) == {}
    (sample,) = dataset.samples
    return sample


def refused(root: Path, recipe: Recipe | None = None) -> list[str]:
    """The findings of a source of which nothing can be read."""
    dataset, reading = opened(root, recipe)
    assert dataset.samples == ()
    return [f"{finding.kind} {finding}" for finding in reading.findings]


def written(folder: Path, *samples: Sample, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    placed = [Placed(sample, FORMAT.image_place(sample)) for sample in samples]
    for each in placed:
        target = folder / each.image
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each.sample.path, target)
    assert FORMAT.write is not None
    FORMAT.write(Export(folder, classes, placed))
    return folder


def said(sample: Sample) -> tuple[object, ...]:
    key = sample.key.removeprefix("JPEGImages/")
    return key, sample.size, sample.state, sample.boxes, sample.split, dict(sample.extra)
