"""A look at unknown sources: the recipe that is proposed reads back what was drawn."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from labelloop.datasets.discovery import propose
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import format_recipe, parse_recipe
from tests.datasets import json_sources
from tests.datasets.json_sources import SCHEMAS, Truth, draw, truths

DATA = Path(__file__).parents[3] / "shared" / "data"
Schema = Callable[[Truth], Any]


def real(name: str) -> Path:
    """The folder with real photos of this name; the test is skipped where it is not there."""
    if not (DATA / name).is_dir():
        pytest.skip(f"the real photos of {name} are not there: no folder {DATA / name}")
    return DATA / name


def wanted(images: list[Truth], schema: Schema) -> dict[str, list[tuple[str, float, float, float, float]]]:
    """The boxes that should be read; bare lists have one label for a whole file."""
    if schema is json_sources.bare_lists:
        return {each.key: [(each.boxes[0][0], *box[1:]) for box in each.boxes] for each in images}
    return {each.key: each.boxes for each in images}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_a_json_of_an_unknown_schema_is_read_as_it_was_drawn(schema: Schema, seed: int, tmp_path: Path) -> None:
    images = truths(seed=seed, boxes=1 if schema is json_sources.one_each else 4)
    proposal = propose(draw(tmp_path, images, schema))
    assert proposal.recipe.format == "jsons"
    assert proposal.recipe.classes == ("cat", "dog", "owl")
    expected = wanted(images, schema)
    samples = list(open_source(tmp_path, proposal.recipe).samples())
    assert {sample.key for sample in samples} == set(expected)
    for sample in samples:
        assert [box.label for box in sample.boxes] == [box[0] for box in expected[sample.key]]
        for box, (_, *corners) in zip(sample.boxes, expected[sample.key], strict=True):
            assert box.corners == pytest.approx(corners, abs=1e-6)
    assert not proposal.preview.stopping
    assert sum(proposal.preview.labels.values()) == sum(len(each.boxes) for each in images)
    assert parse_recipe(format_recipe(proposal.recipe)) == proposal.recipe


def test_the_same_source_gets_the_same_proposal(tmp_path: Path) -> None:
    draw(tmp_path, truths(), json_sources.nested)
    assert propose(tmp_path) == propose(tmp_path)


def test_negatives_and_images_without_json_do_not_hide_the_schema(tmp_path: Path) -> None:
    images = truths(20)
    empty = [replaced._replace(boxes=[]) for replaced in images[10:]]
    draw(tmp_path, [*images[:10], *empty], json_sources.nested)
    (tmp_path / images[0].key).with_suffix(".json").unlink()
    proposal = propose(tmp_path)
    assert proposal.preview.images == {"labelled": 9, "negative": 10, "unlabelled": 1}
    assert proposal.recipe.missing == "unlabelled"
    assert any(reason.startswith("missing: 1 images") for reason in proposal.reasons)


def test_what_fits_two_ways_is_said(tmp_path: Path) -> None:
    """Small boxes near the middle: the same numbers can be a corner or a centre with the sides."""
    images = [Truth(f"{n:02}.jpg", 320, 240, [("cat", 150 + n, 110 + n, 160 + n, 130)]) for n in range(6)]
    draw(tmp_path, images, json_sources.sides)
    proposal = propose(tmp_path)
    assert proposal.recipe.fields["kind"] == "xywh"
    assert any(reason.startswith("AMBIGUOUS") and "cxcywh" in reason for reason in proposal.reasons)


def test_a_size_that_the_boxes_contradict_is_left_out(tmp_path: Path) -> None:
    """The json states the photo's size, but the boxes are for the small jpg that ships."""

    def lying(image: Truth) -> Any:
        document = json_sources.nested(image)
        document["meta"]["size"] = [4 * image.width, 4 * image.height]
        return document

    images = truths()
    proposal = propose(draw(tmp_path, images, lying))
    assert "width" not in proposal.recipe.fields
    assert any("left out" in reason for reason in proposal.reasons)
    first = proposal.preview.samples[0]
    assert first.boxes[0].corners == images[0].boxes[0][1:]


def test_height_before_width_is_seen_by_the_images(tmp_path: Path) -> None:
    def turned(image: Truth) -> Any:
        document = json_sources.nested(image)
        document["meta"]["size"] = [image.height, image.width]
        return document

    proposal = propose(draw(tmp_path, truths(), turned))
    assert (proposal.recipe.fields["width"], proposal.recipe.fields["height"]) == ("meta.size.1", "meta.size.0")


def test_jsons_in_a_folder_of_their_own(tmp_path: Path) -> None:
    images = truths()
    draw(tmp_path / "images", images, json_sources.named_corners)
    (tmp_path / "labels").mkdir()
    for path in (tmp_path / "images").glob("*.json"):
        path.rename(tmp_path / "labels" / path.name)
    proposal = propose(tmp_path)
    assert proposal.preview.images == {"labelled": len(images)}


HOSTILE: dict[str, bytes] = {
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "fairly deep": b'{"a":' * 900 + b"1" + b"}" * 900,
    "wide": orjson.dumps({f"key{n}": [n, n, n, n] for n in range(30_000)}),
    "long": orjson.dumps({"boxes": [[n, n, n] for n in range(30_000)]}),
    "numbers": b'{"boxes": [{"label": 1e999, "box": [1e999, -1e999, NaN, 123456789012345678901234567890]}]}',
    "digits": b'{"boxes": [{"label": "a", "box": [' + b"9" * 5000 + b",1,1,1]}]}",
    "types": b'{"boxes": [1, null, "x", [], {}, {"label": [], "box": {}}], "width": "wide", "height": true}',
    "empty": b"",
    "null": b"null",
    "text": b'"text"',
    "bytes": bytes(range(256)),
    "surrogate": b'{"boxes": [{"label": "\\ud800", "box": [1, 2, 3, 4]}]}',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_jsons_end_in_an_error_that_says_what_was_looked_at(content: bytes, tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (40, 30)).save(tmp_path / f"{number}.jpg")
        (tmp_path / f"{number}.json").write_bytes(content)
    with pytest.raises(LabelloopError, match="nothing to propose"):
        propose(tmp_path)


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_one_hostile_json_among_good_ones_is_a_finding(content: bytes, tmp_path: Path) -> None:
    images = truths(30)
    draw(tmp_path, images, json_sources.nested)
    (tmp_path / "shot000.json").write_bytes(content)
    proposal = propose(tmp_path)
    assert proposal.recipe.fields["boxes"] == "result.objects"
    assert proposal.preview.left_out == 1
    assert proposal.preview.stopping >= 1
    assert "shot000.json" in proposal.preview.messages[0]


def test_an_empty_folder_and_one_without_anything_known(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match="empty folder"):
        propose(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(LabelloopError, match="nothing to propose"):
        propose(tmp_path)


WORDS = {10: "Ten", 50: "Fifty", 100: "Hundred", 500: "Five_Hundred", 1000: "Thousand", 5000: "Five_Thousand"}


def labelme(label: str, size: tuple[int, int]) -> bytes:
    """A LabelMe document with one box, for a photo four times larger than the image."""
    shape = {"label": label, "points": [[40, 40], [200, 160]], "shape_type": "rectangle"}
    return orjson.dumps({"shapes": [shape], "imageWidth": 4 * size[0], "imageHeight": 4 * size[1], "imagePath": ""})


def draw_won(root: Path, wrong: tuple[str, ...] = ()) -> None:
    """Coins with two sides and notes in bursts, in the won layout; those named in `wrong` get a label of 10 won."""
    names = [
        f"{coin}/{coin}_{capture}_{side}" for coin in (10, 50, 100, 500) for capture in range(1, 7) for side in (1, 9)
    ]
    names += [f"{note}/{note}_{side}_{place}_0_{n}" for note in (1000, 5000) for side in "FB" for place in ("DESK", "HAND") for n in range(1, 5)]  # fmt: skip
    for name in names:
        path = root / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (80, 60)).save(path)
        word = WORDS[10] if name in wrong else WORDS[int(name.partition("/")[0])]
        back = name.endswith("_9") or "_B_" in name
        path.with_suffix(".json").write_bytes(labelme(f"{word}_{'back' if back else 'front'}", (80, 60)))


def test_the_won_layout_is_proposed_as_it_ships(tmp_path: Path) -> None:
    draw_won(tmp_path)
    recipe = propose(tmp_path).recipe
    assert recipe.format == "labelme"
    assert recipe.classes == ("10", "50", "100", "500", "1000", "5000")
    assert recipe.labels == {
        f"{word}_{side}": str(value) for value, word in WORDS.items() for side in ("front", "back")
    }
    assert recipe.accept == ("scaled",)
    assert recipe.group_of("10/10_3_9.jpg") == recipe.group_of("10/10_3_1.jpg") == "10_3"
    assert recipe.group_of("1000/1000_F_DESK_0_3.jpg") is None
    assert recipe.said_by_path("1000/1000_F_DESK_0_3.jpg") == ["1000", "1000"]


def test_labels_against_the_folder_are_reported_and_do_not_change_the_classes(tmp_path: Path) -> None:
    draw_won(tmp_path, wrong=("1000/1000_F_HAND_0_2",))
    proposal = propose(tmp_path)
    assert proposal.recipe.labels["Ten_front"] == "10"
    assert any("1000/1000_F_HAND_0_2.jpg" in reason for reason in proposal.reasons)
    assert proposal.preview.findings["label-disagrees"] == 1


def test_classes_that_folders_do_not_follow_are_the_labels(tmp_path: Path) -> None:
    images = [replaced._replace(key=f"day{n % 3}/{replaced.key}") for n, replaced in enumerate(truths(30))]
    proposal = propose(draw(tmp_path, images, json_sources.nested))
    assert proposal.recipe.classes == ("cat", "dog", "owl")
    assert not proposal.recipe.labels
    assert not proposal.recipe.agree


def draw_names(root: Path, names: list[str]) -> None:
    """Images of these names, with a LabelMe json of random labels."""
    rng = random.Random(0)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (80, 60)).save(path)
        path.with_suffix(".json").write_bytes(labelme(rng.choice(["cat", "dog"]), (80, 60)))


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        ([f"photo{p}_{n}.jpg" for p in range(8) for n in range(3)], 8),
        ([f"a{p % 2}/photo{p}_{n}.jpg" for p in range(8) for n in range(2)], 8),
        ([f"20250210_1120{v}_{n:03}.jpg" for v in (10, 26, 32) for n in range(40)], 3),
        ([f"trip-{v}_frame_{n:04}.png" for v in "abc" for n in range(40)], 3),
        ([f"{n:03}_jpg.rf.{h}{n:08x}{n:023x}.jpg" for n in range(12) for h in "ab"], 12),
        ([f"capture{c}/{n}.jpg" for c in range(9) for n in range(4)], 9),
        ([f"IMG_{n}.jpg" for n in range(40)], None),
        ([f"cat_{n}.jpg" for n in range(20)] + [f"dog_{n}.jpg" for n in range(20)], None),
        ([f"{c}/{n}.jpg" for c in ("left", "right") for n in range(20)], None),
    ],
)
def test_groups_are_proposed_only_where_names_bear_them_out(
    names: list[str], groups: int | None, tmp_path: Path
) -> None:
    draw_names(tmp_path, names)
    proposal = propose(tmp_path)
    found = Counter(proposal.recipe.group_of(name) for name in names)
    assert len(found) == (groups or 1)
    assert (None in found) == (groups is None)
    assert any(reason.startswith("group: ") for reason in proposal.reasons)


def test_a_bare_number_is_the_same_photo_only_in_its_own_folder(tmp_path: Path) -> None:
    names = [f"a{f}/{p}_{n}.jpg" for f in range(2) for p in range(6) for n in range(2)]
    draw_names(tmp_path, names)
    recipe = propose(tmp_path).recipe
    assert recipe.group_of("a0/3_0.jpg") == recipe.group_of("a0/3_1.jpg") != recipe.group_of("a1/3_0.jpg")


def test_nothing_in_the_source_is_touched(tmp_path: Path) -> None:
    draw(tmp_path, truths(), json_sources.nested)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(tmp_path.rglob("*"))}
    propose(tmp_path)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(tmp_path.rglob("*"))} == before


def test_a_folder_with_dots_hangul_and_brackets(tmp_path: Path) -> None:
    root = tmp_path / "2023.03.20. 미니프로젝트 3차 (1)" / "[a] b.c"
    proposal = propose(draw(root, truths(), json_sources.nested))
    assert proposal.preview.images == {"labelled": 14}


def test_real_banknotes() -> None:
    proposal = propose(real("banknotes-vnd-raw"))
    assert proposal.recipe.classes == ("10000", "20000", "50000", "100000", "200000", "500000")
    assert proposal.recipe.labels["Twenty_Thousand"] == "20000"
    assert proposal.preview.images == {"labelled": 295, "unlabelled": 4}
    assert proposal.preview.stopping == 0
    # Three labels are wrong, and the file names say so.
    assert proposal.preview.findings["label-disagrees"] == 6
    video = "100000/20250210_112032_0{}_jpg.rf.0123456789abcdef.jpg"
    assert proposal.recipe.group_of(video.format(16)) == proposal.recipe.group_of(video.format(25)) is not None


def test_real_polygons_are_read_as_boxes_and_said_so() -> None:
    proposal = propose(real("labelme-fruit"))
    assert proposal.recipe.polygons == "boxes"
    assert proposal.preview.labels == {"date": 71, "fig": 41, "hazelnut": 53}
    assert any("165 outlines" in reason for reason in proposal.reasons)


@pytest.mark.parametrize(("name", "classes"), [("car-damage-crops", 2), ("clothing", 10)])
def test_real_class_folders(name: str, classes: int) -> None:
    proposal = propose(real(name))
    assert proposal.recipe.format == "folders"
    assert len(proposal.recipe.classes) == classes


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_json_that_may_not_be_read_is_a_finding(tmp_path: Path) -> None:
    draw(tmp_path, truths(20), json_sources.nested)
    (tmp_path / "shot003.json").chmod(0)
    proposal = propose(tmp_path)
    assert proposal.preview.left_out == 1


def test_the_proposal_reads_what_a_person_changes_in_it(tmp_path: Path) -> None:
    draw(tmp_path, truths(), json_sources.nested)
    recipe = replace(propose(tmp_path).recipe, classes=("owl", "dog", "cat"))
    assert open_source(tmp_path, recipe).dataset().classes == ("owl", "dog", "cat")
