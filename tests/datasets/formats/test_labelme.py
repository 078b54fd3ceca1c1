"""LabelMe: traps in its files that must not end in wrong labels."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from PIL import Image

from labelloop.datasets.export import export
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import Recipe

DOCUMENT = (
    '{"shapes": [{"label": "cat", "points": [[1, 2], [30, 40]], "shape_type": "rectangle"}], "imagePath": "a.jpg"}'
)


def found(root: Path, text: str, recipe: Recipe | None = None) -> list[str]:
    """The findings of an image with this json, of which nothing can be read."""
    Image.new("RGB", (100, 80)).save(root / "a.jpg")
    (root / "a.json").write_text(text)
    reading = open_source(root, recipe, format="labelme")
    assert reading.dataset().samples == ()
    return [f"{finding.kind} {finding}" for finding in reading.findings]


def test_shapes_that_stand_twice_do_not_make_a_negative(tmp_path: Path) -> None:
    text = f'{DOCUMENT[:-1]}, "shapes": []}}'
    assert json.loads(text)["shapes"] == []
    why = "'shapes' must stand once in an object, received it twice"
    assert found(tmp_path, text) == [f"unreadable-label-file a.json: {why}"]


def test_a_circle_has_two_points(tmp_path: Path) -> None:
    text = DOCUMENT.replace("[30, 40]", "[30, 40], [5, 5]").replace("rectangle", "circle")
    message = "bad-box a.json:shapes[0]: circle must have two points, received 3"
    assert found(tmp_path, text, Recipe(polygons="boxes"))[-1] == message


def test_an_image_inside_a_json_of_another_encoding_is_exported(tmp_path: Path) -> None:
    Image.new("RGB", (100, 80), (9, 99, 200)).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").unlink()
    shape = {"label": "앞면", "points": [[1, 2], [30, 40]], "shape_type": "rectangle"}
    document = {"shapes": [shape], "imagePath": "a.png", "imageData": base64.b64encode(data).decode()}
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.json").write_text(json.dumps(document, ensure_ascii=False), encoding="cp949")
    dataset = open_source(tmp_path / "in", Recipe(encoding="cp949"), format="labelme").dataset()
    export(dataset, tmp_path / "out", "labelme")
    assert (tmp_path / "out/a.png").read_bytes() == data
