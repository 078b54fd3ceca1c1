"""VIA sources for the tests: pictures, project files, and what is read of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PIL import Image

from labelloop.datasets.format import Export, Placed
from labelloop.datasets.formats.via import FORMAT
from labelloop.datasets.reading import Dataset, Reading, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Json, Sample, Size


def picture(path: Path, size: tuple[int, int] = (100, 80), colour: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour, 120, 60)).save(path)
    return path


def rect(label: Json = "cat", x: Json = 10, y: Json = 20, width: Json = 40, height: Json = 30) -> dict[str, Json]:
    shape: dict[str, Json] = {"name": "rect", "x": x, "y": y, "width": width, "height": height}
    return {"shape_attributes": shape, "region_attributes": {"label": label}}


def shaped(**shape: Json) -> dict[str, Json]:
    return {"shape_attributes": shape, "region_attributes": {"label": "cat"}}


def entry(filename: str, *regions: Json, size: int = -1, **attributes: Json) -> dict[str, Json]:
    return {"filename": filename, "size": size, "regions": list(regions), "file_attributes": attributes}


def via_file(path: Path, *entries: dict[str, Json], options: tuple[str, ...] = ()) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, Json] = {f"{each['filename']}{each['size']}": each for each in entries}
    project: dict[str, Json] = {"_via_settings": {}, "_via_img_metadata": metadata}
    if options:
        project["_via_attributes"] = {"region": {"label": {"type": "radio", "options": dict.fromkeys(options, "")}}}
    path.write_text(json.dumps(project, ensure_ascii=False), encoding="utf-8")


def opened(root: Path, recipe: Recipe | None = None) -> tuple[Dataset, Reading]:
    reading = open_source(root, recipe, format="via")
    return reading.dataset(), reading


def kinds(reading: Reading) -> dict[str, int]:
    return {kind: count for kind, count in reading.findings.counts().items() if kind != "class-order-assumed"}


def refused(root: Path, recipe: Recipe | None = None) -> list[str]:
    """The findings of a source of which nothing can be read."""
    dataset, reading = opened(root, recipe)
    assert dataset.samples == ()
    return [f"{finding.kind} {finding}" for finding in reading.findings]


def placed(folder: Path, *samples: Sample) -> list[Placed]:
    found = [Placed(sample, FORMAT.image_place(sample)) for sample in samples]
    for each in found:
        target = folder / each.image
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each.sample.path, target)
    return found


def written(folder: Path, *samples: Sample, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    assert FORMAT.write is not None
    FORMAT.write(Export(folder, classes, placed(folder, *samples)))
    return folder


def labelled(root: Path, key: str, *boxes: Box) -> Sample:
    return Sample(key, picture(root / "source" / key), Size(100, 80), 1, "labelled" if boxes else "negative", boxes)
