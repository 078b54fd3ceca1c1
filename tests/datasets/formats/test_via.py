"""VGG Image Annotator: what its files say and the traps in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from labelloop.datasets.formats.via import FORMAT
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Json
from tests.datasets.formats.via_sources import entry, kinds, opened, picture, rect, refused, shaped, via_file

ANNOTATION = """\
{"a b.jpg1234": {"filename": "a b.jpg", "size": 1234, "file_attributes": {"quality": "good"}, "regions": [
  {"shape_attributes": {"name": "rect", "x": 10, "y": 20.5, "width": 40, "height": 30},
   "region_attributes": {"type": "천원", "worn": {"edge": true}}},
  {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4},
   "region_attributes": {"type": "동전"}}]}}
"""

VERSION_1 = """\
{"a b.jpg1234": {"fileref": "", "filename": "a b.jpg", "size": 1234, "base64_img_data": "", "file_attributes": {}, "regions": {
  "0": {"shape_attributes": {"name": "rect", "x": 10, "y": 20, "width": 40, "height": 30},
        "region_attributes": {"coin": "동전"}}}}}
"""


class TestReading:
    def test_an_annotation_file(self, tmp_path: Path) -> None:
        picture(tmp_path / "a b.jpg")
        (tmp_path / "export.json").write_text(ANNOTATION, encoding="utf-8")
        assert open_source(tmp_path).format == "via"
        dataset, reading = opened(tmp_path)
        assert kinds(reading) == {}
        (sample,) = dataset.samples
        assert sample.extra == {"quality": "good"}
        assert sample.boxes == (
            Box("천원", 10, 20.5, 50, 50.5, attributes={"worn": {"edge": True}}),
            Box("동전", 1, 2, 4, 6),
        )

    def test_regions_of_version_1(self, tmp_path: Path) -> None:
        picture(tmp_path / "a b.jpg")
        (tmp_path / "export.json").write_text(VERSION_1, encoding="utf-8")
        dataset, reading = opened(tmp_path)
        assert kinds(reading) == {}
        assert dataset.samples[0].boxes == (Box("동전", 10, 20, 50, 50),)

    def test_a_json_of_another_kind_is_said_to_be_ignored(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        via_file(tmp_path / "via.json", entry("a.jpg", rect()))
        (tmp_path / "coco.json").write_text('{"images": [], "annotations": []}')
        (tmp_path / "broken.json").write_text("{")
        _, reading = opened(tmp_path)
        assert kinds(reading) == {"ignored-file": 1, "unreadable-label-file": 1}

    @pytest.mark.parametrize("text", ['{"images": []}', "{}", '{"_via_img_metadata": []}', "[1]", "{"])
    def test_other_jsons_are_not_recognised(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "a.json").write_text(text)
        assert FORMAT.detect(open_source(tmp_path, format="via").source.tree) == 0

    def test_classes_come_in_the_order_of_the_options(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        via_file(tmp_path / "via.json", entry("a.jpg", rect("cat")), options=("won", "cat", "ant"))
        dataset, reading = opened(tmp_path)
        assert dataset.classes == ("won", "cat", "ant")
        assert reading.findings.counts() == {}

    def test_two_projects_that_order_their_classes_differently(self, tmp_path: Path) -> None:
        for name, options in (("a", ("cat", "dog")), ("b", ("dog", "cat"))):
            picture(tmp_path / f"{name}/x.jpg")
            via_file(tmp_path / f"{name}/via.json", entry("x.jpg", rect()), options=options)
        _, reading = opened(tmp_path)
        assert [str(each) for each in reading.findings] == ["b/via.json: classes are dog, cat here and cat, dog before"]


class TestLabels:
    def regions(self, root: Path, *attributes: dict[str, Json]) -> Path:
        picture(root / "a.jpg")
        shape: dict[str, Json] = {"name": "rect", "x": 1, "y": 1, "width": 9, "height": 9}
        regions: list[Json] = [{"shape_attributes": shape, "region_attributes": each} for each in attributes]
        via_file(root / "via.json", entry("a.jpg", *regions))
        return root

    def test_the_recipe_says_which_attribute_is_the_class(self, tmp_path: Path) -> None:
        root = self.regions(tmp_path, {"type": "coin", "value": "10"})
        dataset, _ = opened(root, Recipe(fields={"label": "value"}))
        assert [(box.label, box.attributes) for box in dataset.samples[0].boxes] == [("10", {"type": "coin"})]

    def test_two_usual_names_are_not_guessed_between(self, tmp_path: Path) -> None:
        _, reading = opened(self.regions(tmp_path, {"type": "coin", "class": "10"}))
        (message,) = map(str, reading.findings.stopping())
        assert "one region attribute must hold the class, received class, type; a recipe says which" in message

    def test_a_choice_of_several_is_no_class(self, tmp_path: Path) -> None:
        root = self.regions(tmp_path, {"class": {"cat": True, "dog": True}, "comment": "hm"})
        (message,) = refused(root)
        assert message.startswith(
            "bad-box via.json:a.jpg-1:regions[0]: class must be one class, received the choice of"
        )

    def test_a_region_without_a_class(self, tmp_path: Path) -> None:
        assert "label must be text, received null" in refused(self.regions(tmp_path, {"label": "cat"}, {}))[0]
        assert "region must have a class, received none" in refused(self.regions(tmp_path, {}))[0]

    def test_an_empty_class(self, tmp_path: Path) -> None:
        message = "bad-box via.json:a.jpg-1:regions[0]: box must have a label, received an empty one"
        assert message in refused(self.regions(tmp_path, {"label": ""}))

    def test_a_score_that_is_no_number_is_an_attribute(self, tmp_path: Path) -> None:
        dataset, _ = opened(self.regions(tmp_path, {"label": "cat", "score": "high"}))
        assert dataset.samples[0].boxes[0].attributes == {"score": "high"}


SHAPES: dict[str, tuple[dict[str, Json], tuple[float, float, float, float]]] = {
    "polygon": ({"all_points_x": [10, 50, 30], "all_points_y": [20, 20, 60]}, (10, 20, 50, 60)),
    "polyline": ({"all_points_x": [10, 50], "all_points_y": [20, 60]}, (10, 20, 50, 60)),
    "circle": ({"cx": 30, "cy": 40, "r": 20}, (10, 20, 50, 60)),
    "ellipse": ({"cx": 30, "cy": 40, "rx": 20, "ry": 10}, (10, 30, 50, 50)),
}


class TestShapes:
    @pytest.mark.parametrize("kind", SHAPES)
    def test_via_polygons_do_not_silently_become_boxes(self, tmp_path: Path, kind: str) -> None:
        """anylabeling#223."""
        picture(tmp_path / "a.jpg")
        shape, corners = SHAPES[kind]
        via_file(tmp_path / "via.json", entry("a.jpg", shaped(name=kind, **shape)))
        why = f"{kind} is no upright rectangle; `polygons: boxes` reads the box around it"
        assert refused(tmp_path) == [f"unsupported-shape via.json:a.jpg-1:regions[0]: {why}"]
        dataset, reading = opened(tmp_path, Recipe(polygons="boxes"))
        assert dataset.samples[0].boxes[0].corners == corners
        assert kinds(reading) == {"boxed-shape": 1}

    def test_a_turned_ellipse(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        shape = shaped(name="ellipse", cx=30, cy=40, rx=20, ry=10, theta=1.5707963267948966)
        via_file(tmp_path / "via.json", entry("a.jpg", shape))
        dataset, _ = opened(tmp_path, Recipe(polygons="boxes"))
        assert dataset.samples[0].boxes[0].corners == pytest.approx((20, 20, 40, 60))

    def test_a_point_is_never_a_box(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        via_file(tmp_path / "via.json", entry("a.jpg", shaped(name="point", cx=3, cy=4)))
        assert refused(tmp_path, Recipe(polygons="boxes")) == [
            "unsupported-shape via.json:a.jpg-1:regions[0]: point has no area and cannot be a box"
        ]

    @pytest.mark.parametrize(
        ("shape", "why"),
        [
            ({"name": {}}, "unsupported-shape {}: an object has no area and cannot be a box"),
            ({"name": ["rect"]}, "unsupported-shape {}: a list of 1 has no area and cannot be a box"),
            ({"name": "x" * 90}, f"unsupported-shape {{}}: {'x' * 40} has no area and cannot be a box"),
            (
                {"name": "polygon", "all_points_x": [1, 5, 9], "all_points_y": [1, 5]},
                "bad-box {}: all_points_x and all_points_y must be as many, received 3 and 2",
            ),
            (
                {"name": "ellipse", "cx": 9, "cy": 9, "rx": 2, "ry": 2, "theta": float("inf")},
                "bad-box {}: theta must be finite, received inf",
            ),
            ({"name": "circle", "cx": 9, "cy": 9}, "bad-box {}: r must be a number, received null"),
        ],
    )
    def test_a_shape_that_is_none_is_named_with_its_place(
        self, tmp_path: Path, shape: dict[str, Json], why: str
    ) -> None:
        picture(tmp_path / "a.jpg")
        via_file(tmp_path / "via.json", entry("a.jpg", shaped(**shape)))
        assert refused(tmp_path, Recipe(polygons="boxes"))[-1] == why.format("via.json:a.jpg-1:regions[0]")

    @pytest.mark.parametrize(
        ("region", "why"),
        [
            (rect(width=-5), "box must have x1 < x2, received (10.0, 20.0, 5.0, 50.0)"),
            (rect(height=0), "box must have y1 < y2, received (10.0, 20.0, 50.0, 20.0)"),
            (rect(x="10"), "x must be a number, received '10'"),
            (rect(x=float("nan")), "box must have finite corners, received (nan, 20.0, nan, 50.0)"),
            ({"shape_attributes": []}, "region must have shape_attributes and region_attributes, both objects"),
            (None, "region must be an object, received null"),
        ],
    )
    def test_a_bad_box_is_named_with_its_place(self, tmp_path: Path, region: Json, why: str) -> None:
        """label-studio#5014, make-sense#171: negative sizes."""
        picture(tmp_path / "a.jpg")
        via_file(tmp_path / "via.json", entry("a.jpg", rect(), region))
        assert refused(tmp_path) == [f"bad-box via.json:a.jpg-1:regions[1]: {why}"]

    def test_polygon_points_of_nan_are_refused(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        shape = shaped(name="polygon", all_points_x=[1, float("nan"), 9], all_points_y=[1, 2, 3])
        via_file(tmp_path / "via.json", entry("a.jpg", shape))
        assert refused(tmp_path, Recipe(polygons="boxes"))[-1].endswith("box must have finite corners, received NaN")

    def test_a_box_far_outside_says_which_image(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        via_file(tmp_path / "via.json", entry("a.jpg", rect(x=400)))
        assert refused(tmp_path)[0].startswith(
            "size-unknown via.json:a.jpg-1: labels reach beyond the image's 100x80 px"
        )


class TestStates:
    def source(self, root: Path, **attributes: Json) -> Path:
        picture(root / "a.jpg")
        via_file(root / "via.json", entry("a.jpg", size=-1, **attributes))
        return root

    def test_an_image_without_regions_has_been_loaded_not_looked_at(self, tmp_path: Path) -> None:
        dataset, reading = opened(self.source(tmp_path))
        assert [sample.state for sample in dataset.samples] == ["unlabelled"]
        assert kinds(reading) == {"orphan-image": 1}

    def test_the_recipe_may_say_that_it_is_a_negative(self, tmp_path: Path) -> None:
        dataset, _ = opened(self.source(tmp_path), Recipe(missing="negative"))
        assert [sample.state for sample in dataset.samples] == ["negative"]

    @pytest.mark.parametrize("state", ["negative", "unlabelled"])
    @pytest.mark.parametrize("recipe", [Recipe(), Recipe(missing="negative")])
    def test_the_file_may_say_it_itself(self, tmp_path: Path, state: str, recipe: Recipe) -> None:
        dataset, reading = opened(self.source(tmp_path, labelloop_state=state), recipe)
        assert [(sample.state, sample.extra) for sample in dataset.samples] == [(state, {})]
        assert kinds(reading) == {}

    def test_an_image_in_no_file_is_found(self, tmp_path: Path) -> None:
        self.source(tmp_path, labelloop_state="negative")
        picture(tmp_path / "b.jpg")
        dataset, reading = opened(tmp_path)
        assert [sample.state for sample in dataset.samples] == ["negative", "unlabelled"]
        assert [str(each) for each in reading.findings] == ["b.jpg: image is in no VIA file: not labelled yet"]


class TestPairs:
    @pytest.mark.parametrize(
        ("image", "label", "filename"),
        [
            ("a.jpg", "via.json", "a.jpg"),
            ("photos/1000/a.jpg", "via.json", "photos/1000/a.jpg"),
            ("photos/1000/a.jpg", "photos/via.json", "1000\\a.jpg"),
            ("photos/a.jpg", "labels/via.json", "photos/a.jpg"),
            ("photos/a.jpg", "labels/via.json", "../photos/a.jpg"),
            ("2023.03.20. 미니 (1)/가 나.jpg", "via.json", "가 나.jpg"),
        ],
    )
    def test_an_image_is_found(self, tmp_path: Path, image: str, label: str, filename: str) -> None:
        picture(tmp_path / image)
        via_file(tmp_path / label, entry(filename, rect()))
        dataset, reading = opened(tmp_path)
        assert [sample.key for sample in dataset.samples] == [image]
        assert kinds(reading) == {}

    @pytest.mark.parametrize(
        "name", ["../secret.jpg", "..\\secret.jpg", "/etc/secret.jpg", "C:\\secret.jpg", "https://x.org/secret.jpg"]
    )
    def test_a_name_that_leads_out_is_never_followed(self, tmp_path: Path, name: str) -> None:
        picture(tmp_path / "secret.jpg")
        picture(tmp_path / "source/secret.jpg")
        via_file(tmp_path / "source/via.json", entry(name, rect()))
        dataset, reading = opened(tmp_path / "source")
        assert [sample.state for sample in dataset.samples] == ["unlabelled"]
        assert kinds(reading) == {"path-outside": 1, "orphan-image": 1}

    def test_a_lost_image_is_found(self, tmp_path: Path) -> None:
        via_file(tmp_path / "via.json", entry("a.jpg", rect()))
        assert refused(tmp_path) == ["orphan-label via.json:a.jpg-1: image 'a.jpg' is not there"]

    def test_a_name_in_a_folder_that_is_not_there_is_repaired_and_said(self, tmp_path: Path) -> None:
        picture(tmp_path / "new/a.jpg")
        via_file(tmp_path / "via.json", entry("old/a.jpg", rect()))
        dataset, reading = opened(tmp_path)
        assert [sample.key for sample in dataset.samples] == ["new/a.jpg"]
        assert kinds(reading) == {"path-repaired": 1}

    def test_via_labels_never_land_on_another_image_of_the_same_name(self, tmp_path: Path) -> None:
        """fiftyone#3269, #2870: VIA knows an image by name and size in bytes; where both are alike, nothing is guessed."""
        first, second = picture(tmp_path / "1/a.jpg"), picture(tmp_path / "2/a.jpg", (100, 90), 200)
        assert first.stat().st_size != second.stat().st_size
        via_file(tmp_path / "via.json", entry("a.jpg", rect(), size=second.stat().st_size))
        dataset, _ = opened(tmp_path)
        assert [(sample.key, sample.state) for sample in dataset.samples] == [
            ("1/a.jpg", "unlabelled"),
            ("2/a.jpg", "labelled"),
        ]
        shutil.copyfile(second, first)
        assert refused(tmp_path) == [
            f"pair-conflict via.json:a.jpg{second.stat().st_size}: image 'a.jpg' may be 1/a.jpg and 2/a.jpg: which is meant?"
        ]

    def test_an_image_that_stands_twice_in_a_file_is_found(self, tmp_path: Path) -> None:
        """Two projects put together by hand: JSON parsers keep the last and lose the regions of the first."""
        picture(tmp_path / "a.jpg")
        first, second = (json.dumps(entry("a.jpg", rect(x=x))) for x in (1, 2))
        (tmp_path / "via.json").write_text(f'{{"_via_img_metadata": {{"a.jpg-1": {first}, "a.jpg-1": {second}}}}}')
        _, reading = opened(tmp_path)
        assert [str(finding) for finding in reading.findings.stopping()] == [
            "via.json: 'a.jpg-1' must stand once in an object, received it twice"
        ]

    def test_a_backslash_in_a_name_is_no_folder_where_the_file_is_called_so(self, tmp_path: Path) -> None:
        picture(tmp_path / "b\\a.jpg")
        picture(tmp_path / "c/a.jpg")
        via_file(tmp_path / "via.json", entry("b\\a.jpg", rect()), entry("c\\a.jpg", rect()))
        dataset, reading = opened(tmp_path)
        assert [(sample.key, len(sample.boxes)) for sample in dataset.samples] == [("b\\a.jpg", 1), ("c/a.jpg", 1)]
        assert kinds(reading) == {}

    def test_two_claims_on_one_image(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        via_file(tmp_path / "a.json", entry("a.jpg", rect()))
        via_file(tmp_path / "b.json", entry("a.jpg", rect(x=3)))
        dataset, reading = opened(tmp_path)
        assert [sample.boxes[0].x1 for sample in dataset.samples] == [10]
        assert [str(finding) for finding in reading.findings.stopping()] == [
            "b.json:a.jpg-1: regions are for a.jpg, which a.json:a.jpg-1 claims already"
        ]
