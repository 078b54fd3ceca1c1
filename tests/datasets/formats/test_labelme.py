"""LabelMe: traps in its files that must not end in wrong labels."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

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
