"""A json of any schema: fields, geometries, sizes, and what is wrong with either said with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.json_fields import find_objects, format_path, parse_fields, parse_path, to_points, without
from labelloop.datasets.reading import Reading, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Sample

FIELDS = {"boxes": "objects", "label": "label", "geometry": "box", "kind": "xyxy"}


def read(root: Path, document: Any, fields: dict[str, str], **lines: Any) -> tuple[list[Sample], Reading]:
    """What is read of one image of 200x100 px and its json."""
    Image.new("RGB", (200, 100)).save(root / "a.jpg")
    content = document if isinstance(document, bytes) else orjson.dumps(document)
    (root / "a.json").write_bytes(content)
    reading = open_source(root, Recipe(format="jsons", fields=fields, **lines))
    return list(reading.samples()), reading


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ([20, 10, 60, 40], {"kind": "xyxy"}),
        (["20", "10.0", " 60 ", "4e1"], {"kind": "xyxy"}),
        ("20, 10, 60, 40", {"kind": "xyxy"}),
        ([20, 10, 40, 30], {"kind": "xywh"}),
        ([40, 25, 40, 30], {"kind": "cxcywh"}),
        ([0.2, 0.25, 0.2, 0.3], {"kind": "cxcywh", "units": "fractions"}),
        ([10, 10, 20, 30], {"kind": "xywh", "units": "percent"}),
        ([[60, 40], [20, 10]], {"kind": "points"}),
        ([{"x": 20, "y": 40}, {"x": "60", "y": 10}], {"kind": "points"}),
        ([[20, 10], [60, 10], [60, 40], [20, 40]], {"kind": "points"}),
        ([[20, 10], [60, 10], [60, 40], [20, 40], [20, 10]], {"kind": "points"}),
        ([20, 10, 60, 10, 60, 40, 20, 40], {"kind": "points"}),
    ],
)
def test_each_geometry_is_the_same_box(value: Any, lines: dict[str, str], tmp_path: Path) -> None:
    samples, reading = read(tmp_path, {"objects": [{"label": "cat", "box": value}]}, {**FIELDS, **lines})
    assert [str(finding) for finding in reading.findings] == [
        "no class order is declared; taken: cat (a recipe pins it)"
    ][: len(reading.findings)]
    assert samples[0].boxes[0].corners == pytest.approx((20, 10, 60, 40))


@pytest.mark.parametrize(
    ("each", "paths"),
    [
        ({"b": {"l": 20, "t": 10}, "c": {"r": 60, "u": 40}}, {"x1": "b.l", "y1": "b.t", "x2": "c.r", "y2": "c.u"}),
        ({"x": 20, "y": 10, "w": "40", "h": 30}, {"x": "x", "y": "y", "w": "w", "h": "h"}),
        ({"m": [40, 25], "s": [40, 30]}, {"cx": "m.0", "cy": "m.1", "w": "s.0", "h": "s.1"}),
        ({"box_2d": [10, 20, 40, 60]}, {"y1": "box_2d.0", "x1": "box_2d.1", "y2": "box_2d.2", "x2": "box_2d.3"}),
    ],
)
def test_named_numbers(each: dict[str, Any], paths: dict[str, str], tmp_path: Path) -> None:
    fields = {"boxes": "objects", "label": "label", "kind": "named", **paths}
    samples, _ = read(tmp_path, {"objects": [{"label": "cat", **each}]}, fields)
    assert samples[0].boxes[0].corners == (20, 10, 60, 40)
    assert dict(samples[0].boxes[0].attributes) == {}


@pytest.mark.parametrize(
    ("document", "lines", "labels"),
    [
        ([{"label": "a", "box": [1, 1, 9, 9]}, {"label": 7, "box": [1, 1, 8, 8]}], {"boxes": ""}, ["a", "7"]),
        ({"label": "a", "box": [1, 1, 9, 9]}, {"boxes": ""}, ["a"]),
        ({"deep": {"one": {"label": "a", "box": [1, 1, 9, 9]}}}, {"boxes": "deep.one"}, ["a"]),
        (
            {"a": {"label": "a", "box": [1, 1, 9, 9]}, "b": {"label": "b", "box": [1, 1, 9, 9]}},
            {"boxes": "*"},
            ["a", "b"],
        ),
        ({"p": [{"o": [{"label": "a", "box": [1, 1, 9, 9]}]}, {"o": []}]}, {"boxes": "p.*.o"}, ["a"]),
        (
            {"kind": {"of": "a"}, "objects": [[1, 1, 9, 9], [2, 2, 8, 8]]},
            {"label": "/kind.of", "geometry": ""},
            ["a", "a"],
        ),
        ({"objects": [{"v.1": {"names": ["a"]}, "box": [1, 1, 9, 9]}]}, {"label": r"v\.1.names.0"}, ["a"]),
        ({"objects": []}, {}, []),
        ({"objects": None}, {}, []),
        ([], {"boxes": ""}, []),
    ],
)
def test_where_objects_and_labels_may_be(
    document: Any, lines: dict[str, str], labels: list[str], tmp_path: Path
) -> None:
    samples, reading = read(tmp_path, document, {**FIELDS, **lines})
    assert not reading.findings.stopping()
    assert [box.label for box in samples[0].boxes] == labels
    assert samples[0].state == ("labelled" if labels else "negative")


def test_the_size_scales_the_boxes(tmp_path: Path) -> None:
    document = {"size": ["800", 400], "objects": [{"label": "cat", "box": [80, 40, 240, 160]}]}
    samples, reading = read(tmp_path, document, {**FIELDS, "width": "size.0", "height": "size.1"})
    assert samples[0].boxes[0].corners == (20, 10, 60, 40)
    assert reading.findings.counts() == {"scaled": 1}


def test_what_else_a_json_says_travels_along(tmp_path: Path) -> None:
    document = {
        "who": "ann",
        "result": {
            "size": [200, 100],
            "objects": [{"label": "cat", "g": {"box": [1, 1, 9, 9], "angle": 3}, "hidden": True}],
        },
    }
    fields = {
        **FIELDS,
        "boxes": "result.objects",
        "geometry": "g.box",
        "width": "result.size.0",
        "height": "result.size.1",
    }
    samples, _ = read(tmp_path, document, fields)
    assert dict(samples[0].boxes[0].attributes) == {"g": {"angle": 3}, "hidden": True}
    assert samples[0].extra["who"] == "ann"
    assert "objects" not in str(samples[0].extra)


@pytest.mark.parametrize(
    ("each", "kind", "says"),
    [
        ({"box": [1, 1, 9, 9]}, "bad-box", "`label` must be there"),
        ({"label": None, "box": [1, 1, 9, 9]}, "bad-box", "label must be text"),
        ({"label": "a"}, "bad-box", "`box` must be there"),
        ({"label": "a", "box": [1, 1, 9]}, "bad-box", "four numbers, received a list of 3"),
        ({"label": "a", "box": {"x": 1}}, "bad-box", "four numbers, received an object"),
        ({"label": "a", "box": [1, 1, True, 9]}, "bad-box", "must be a number, received True"),
        ({"label": "a", "box": [1, 1, "nine", 9]}, "bad-box", "must be a number, received 'nine'"),
        ({"label": "a", "box": [1, 1, "1_0", 9]}, "bad-box", "must be a finite number, received '1_0'"),
        ({"label": "a", "box": [1, 1, "inf", 9]}, "bad-box", "must be a finite number"),
        ({"label": "a", "box": [9, 1, 1, 9]}, "bad-box", "x1 < x2"),
        ({"label": "a", "box": [900, 1, 910, 9]}, "size-unknown", "no image size is given"),
        ("text", "bad-box", "without 'label'"),
        (None, "bad-box", "received null"),
    ],
)
def test_what_is_wrong_with_an_object_is_found_with_its_place(each: Any, kind: str, says: str, tmp_path: Path) -> None:
    good = {"label": "a", "box": [1, 1, 9, 9]}
    samples, reading = read(tmp_path, {"objects": [good, good, good, each]}, FIELDS)
    assert samples == []
    found = reading.findings.of(kind)
    assert len(found) == 1
    assert says in found[0].message
    assert found[0].place == ("a.json" if kind == "size-unknown" else "a.json:objects[3]")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 200_000, "JSON|deep"),
        (b"{}", "`objects` must be there"),
        (b"[]", "`objects` must be there"),
        (b'"text"', "`objects` must be there"),
        (b'{"objects": 5}', "must be a list of objects or an object, received 5"),
        (b'{"objects": [], "w": 200}', "`h` must be there"),
        (b'{"objects": [], "w": 200, "h": "tall"}', "`h` must be a number, received 'tall'"),
        (b'{"objects": [], "w": 200, "h": [1]}', "`h` must be a number, received a list of 1"),
        (b'{"objects": [], "w": 200, "h": 0}', "image size must be whole numbers above 0"),
        (b'{"objects": [], "w": 200, "h": 0.5}', "image size must be whole numbers above 0"),
        (b'{"objects": [], "w": 1e999, "h": 5}', "finite"),
        (b'{"objects": [], "w": ' + b"9" * 400 + b', "h": 5}', "too large"),
    ],
)
def test_what_is_wrong_with_a_file_is_found_and_the_image_is_not_unlabelled(
    content: bytes, says: str, tmp_path: Path
) -> None:
    samples, reading = read(tmp_path, content, {**FIELDS, "width": "w", "height": "h"})
    assert samples == []
    assert [finding.kind for finding in reading.findings] == ["unreadable-label-file"]
    assert any(part in reading.findings.of("unreadable-label-file")[0].message for part in says.split("|"))


def test_outlines_are_refused_or_boxed_as_asked(tmp_path: Path) -> None:
    document = {"objects": [{"label": "a", "box": [[20, 10], [60, 20], [40, 40]]}]}
    fields = {**FIELDS, "kind": "points"}
    samples, reading = read(tmp_path, document, fields)
    assert samples == []
    assert reading.findings.counts() == {"unsupported-shape": 1}
    samples, reading = read(tmp_path, document, fields, polygons="boxes")
    assert samples[0].boxes[0].corners == (20, 10, 60, 40)
    assert reading.findings.counts() == {"boxed-shape": 1}


def test_pairs_orphans_and_strangers(tmp_path: Path) -> None:
    (tmp_path / "orphan.json").write_bytes(orjson.dumps({"objects": []}))
    (tmp_path / "config.json").write_bytes(b'{"theme": "dark"}')
    Image.new("RGB", (9, 9)).save(tmp_path / "bare.png")
    samples, reading = read(tmp_path, {"objects": [{"label": "a", "box": [1, 1, 9, 9]}]}, FIELDS)
    assert [(sample.key, sample.state) for sample in samples] == [("a.jpg", "labelled"), ("bare.png", "unlabelled")]
    assert {finding.place: finding.kind for finding in reading.findings} == {
        "config.json": "ignored-file", "orphan.json": "orphan-label", "bare.png": "orphan-image",
    }  # fmt: skip


def test_another_encoding(tmp_path: Path) -> None:
    content = '{"objects": [{"label": "앞면", "box": [1, 1, 9, 9]}]}'.encode("cp949")
    samples, reading = read(tmp_path, content, FIELDS)
    assert reading.findings.counts() == {"unreadable-label-file": 1}
    samples, _ = read(tmp_path, content, FIELDS, encoding="cp949")
    assert samples[0].boxes[0].label == "앞면"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "kind must be one of xyxy, xywh, cxcywh, points, named, received ''"),
        ({**FIELDS, "kind": "yxyx"}, "received 'yxyx'"),
        ({**FIELDS, "colour": "c"}, "received colour"),
        ({"kind": "xyxy", "geometry": "b"}, "label: PATH"),
        ({"kind": "xyxy", "label": "b"}, "geometry: PATH"),
        ({**FIELDS, "units": "inches"}, "received 'inches'"),
        ({**FIELDS, "width": "w"}, "both width and height"),
        ({**FIELDS, "width": "w", "height": "h", "units": "percent"}, "units: pixels only"),
        ({**FIELDS, "boxes": "a..b"}, "received 'a..b'"),
        ({**FIELDS, "kind": "named"}, "must come with the paths"),
        ({"label": "l", "kind": "named", "geometry": "g", "x1": "a", "y1": "b", "x2": "c", "y2": "d"}, "received both"),
    ],
)
def test_fields_that_break_a_rule_stop_at_once(fields: dict[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(LabelloopError) as caught:
        read(tmp_path, {}, fields)
    assert says in str(caught.value)


def test_the_format_is_read_only_and_never_found_by_itself(tmp_path: Path) -> None:
    assert "jsons" in formats.names()
    assert "jsons" not in formats.writable_names()
    read(tmp_path, {"objects": []}, FIELDS)
    with pytest.raises(LabelloopError, match="labelloop recipe"):
        open_source(tmp_path)


@given(st.lists(st.text(min_size=1, max_size=8), max_size=5))
def test_a_path_is_read_back_as_it_was_written(steps: list[str]) -> None:
    assert parse_path(format_path(tuple(steps))) == tuple(steps)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["label", "box", "a", "objects"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_document_gives_objects_or_one_sentence(document: Any) -> None:
    fields = parse_fields({**FIELDS, "boxes": "objects.*.a"})
    try:
        objects = list(find_objects(document, fields.boxes))
    except ValueError:
        objects = []
    assert all(place.startswith("objects") for place, _ in objects)
    without(document, [("objects", "*", "a"), ("a", "0"), ("box",)])


@given(JSON)
def test_any_value_is_points_or_one_sentence(value: Any) -> None:
    try:
        points = to_points(value)
    except ValueError:
        return
    assert len(points) >= 2
