"""VGG Image Annotator: what its files say, the traps in them, and that what is written is read again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from labelloop.datasets.export import export as export_dataset
from labelloop.datasets.format import Export, Placed
from labelloop.datasets.formats.via import FORMAT
from labelloop.datasets.reading import Dataset, Reading, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Json, Sample, Size

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

GOLDEN = """\
{
  "_via_settings": {
    "ui": {
      "image": {
        "region_label": "label",
        "region_color": "label"
      }
    },
    "core": {
      "buffer_size": 18,
      "filepath": {},
      "default_filepath": ""
    },
    "project": {
      "name": "labelloop"
    }
  },
  "_via_img_metadata": {
    "1000/a b.jpg-1": {
      "filename": "1000/a b.jpg",
      "size": -1,
      "regions": [
        {
          "shape_attributes": {
            "name": "rect",
            "x": 10,
            "y": 20.25,
            "width": 40,
            "height": 30
          },
          "region_attributes": {
            "label": "천원",
            "box_id": "65f0c0ffee65f0c0ffee65f0",
            "score": 0.5,
            "pose": "left"
          }
        }
      ],
      "file_attributes": {}
    },
    "b.jpg-1": {
      "filename": "b.jpg",
      "size": -1,
      "regions": [],
      "file_attributes": {
        "labelloop_state": "negative"
      }
    }
  },
  "_via_attributes": {
    "region": {
      "label": {
        "type": "dropdown",
        "description": "class",
        "options": {
          "천원": "천원",
          "10": "10"
        },
        "default_options": {},
        "labelloop_order": [
          "천원",
          "10"
        ]
      }
    },
    "file": {
      "labelloop_state": {
        "type": "radio",
        "description": "an image without boxes",
        "options": {
          "negative": "looked at, nothing there",
          "unlabelled": "not labelled yet"
        },
        "default_options": {}
      }
    }
  },
  "_via_data_format_version": "2.0.10",
  "_via_image_id_list": [
    "1000/a b.jpg-1",
    "b.jpg-1"
  ]
}"""


SETTINGS: dict[str, dict[str, type]] = {
    "ui": {"image": dict, "image_grid": dict, "leftsidebar_width": int},
    "core": {"buffer_size": int, "filepath": dict, "default_filepath": str},
    "project": {"name": str},
}
"""What VIA 2.0.11 has before a project is loaded: it copies a project's settings key by key into these."""


def find_what_via_would_refuse(project: dict[str, Any]) -> list[str]:
    """What keeps VIA 2 from loading a project, or from showing what is in it; [] for a sound one.

    Reference: https://gitlab.com/vgg/via, `via-2.x.y/src/via.js`: project_open_parse_json_file,
    project_import_settings, set_file_annotations_to_default_value, annotation_editor_get_metadata_row_html.
    """
    wrong = [
        name
        for name in ("_via_settings", "_via_img_metadata", "_via_attributes")
        if not isinstance(project.get(name), dict)
    ]
    for name, values in project["_via_settings"].items():
        wrong += [
            f"setting {name}.{key}"
            for key, value in values.items()
            if not isinstance(value, SETTINGS.get(name, {}).get(key, ()))
        ]
    images, attributes = project["_via_img_metadata"], project["_via_attributes"]
    if sorted(project["_via_image_id_list"]) != sorted(images):
        wrong.append("_via_image_id_list")
    if project["_via_data_format_version"] != "2.0.10":
        wrong.append("_via_data_format_version")
    for kind in ("region", "file"):
        for name, attribute in attributes[kind].items():
            if attribute["type"] not in ("text", "checkbox", "radio", "image", "dropdown") or "__" in name:
                wrong.append(f"attribute {name}")
            if attribute["type"] != "text" and not (
                isinstance(attribute["options"], dict) and isinstance(attribute["default_options"], dict)
            ):
                wrong.append(f"options of {name}")
    for image_id, image in images.items():
        if not {"filename", "size", "regions", "file_attributes"} <= image.keys():
            wrong.append(f"{image_id}: discarded as malformed")
        if image_id != f"{image['filename']}{image['size']}" or type(image["size"]) is not int:
            wrong.append(f"{image_id}: no id of VIA's")
        for region in image["regions"]:
            shape, said = region["shape_attributes"], region["region_attributes"]
            numbers = [shape.get(side) for side in ("x", "y", "width", "height")]
            if shape["name"] != "rect" or not all(type(value) in (int, float) for value in numbers):
                wrong.append(f"{image_id}: {shape}")
            if said["label"] not in attributes["region"]["label"]["options"]:
                wrong.append(f"{image_id}: {said}")
    return wrong


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

    def test_two_claims_on_one_image(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        via_file(tmp_path / "a.json", entry("a.jpg", rect()))
        via_file(tmp_path / "b.json", entry("a.jpg", rect(x=3)))
        dataset, reading = opened(tmp_path)
        assert [sample.boxes[0].x1 for sample in dataset.samples] == [10]
        assert [str(finding) for finding in reading.findings.stopping()] == [
            "b.json:a.jpg-1: regions are for a.jpg, which a.json:a.jpg-1 claims already"
        ]


class TestWriting:
    BOX = Box("천원", 10, 20.25, 50, 50.25, "65f0c0ffee65f0c0ffee65f0", 0.5, {"pose": "left"})

    def test_the_file_is_this(self, tmp_path: Path) -> None:
        samples = [labelled(tmp_path, "1000/a b.jpg", self.BOX), labelled(tmp_path, "b.jpg")]
        (tmp_path / "out").mkdir()
        assert FORMAT.write is not None
        FORMAT.write(Export(tmp_path / "out", ("천원", "10"), [Placed(sample, sample.key) for sample in samples]))
        assert (tmp_path / "out/via.json").read_text(encoding="utf-8") == GOLDEN

    def test_a_project_is_what_via_loads(self, tmp_path: Path) -> None:
        unlabelled = Sample("c.png", picture(tmp_path / "source/c.png"), Size(100, 80), state="unlabelled")
        samples = [labelled(tmp_path, "1000/a b.jpg", self.BOX), labelled(tmp_path, "b.jpg"), unlabelled]
        project = json.loads((written(tmp_path / "out", *samples, classes=("천원", "10")) / "via.json").read_text())
        assert find_what_via_would_refuse(project) == []
        assert [entry["size"] for entry in project["_via_img_metadata"].values()] == [
            (tmp_path / "out" / sample.key).stat().st_size for sample in samples
        ]
        assert find_what_via_would_refuse({**project, "_via_image_id_list": [], "_via_settings": {"x": {"y": 1}}}) == [
            "setting x.y",
            "_via_image_id_list",
        ]

    def test_the_same_samples_are_read_again(self, tmp_path: Path) -> None:
        keys = [
            "천원/가 나.jpg",
            "#%&+.jpg",
            "2023.03.20. 미니 (1)/a.b.jpg",
            "1/a.jpg",
            "2/a.jpg",
            "a.jpg",
            "images/a.jpg",
        ]
        attributes: dict[str, Json] = {"label": "x", "score": "y", "box_id": None, "n": [1, {"a": 2.5}]}
        samples = sorted(
            (
                labelled(tmp_path, key, Box("dog", i, i, i + 9.3, i + 7, attributes=attributes))
                for i, key in enumerate(keys)
            ),
            key=lambda sample: sample.key,
        )
        dataset, reading = opened(written(tmp_path / "out", *samples))
        assert reading.findings.counts() == {}
        assert dataset.classes == ("cat", "dog")
        assert [(sample.key, sample.state, sample.boxes) for sample in dataset.samples] == [
            (sample.key, sample.state, sample.boxes) for sample in samples
        ]

    def test_via_images_without_boxes_do_not_vanish(self, tmp_path: Path) -> None:
        """label-studio#1470, pylabel#56; and a negative stays apart from what nobody has labelled."""
        path = picture(tmp_path / "source/b.jpg")
        unlabelled = Sample("b.jpg", path, Size(100, 80), state="unlabelled", extra={"quality": "good"})
        out = written(tmp_path / "out", labelled(tmp_path, "a.jpg"), unlabelled)
        dataset, reading = opened(out, Recipe(missing="negative"))
        assert [sample.state for sample in dataset.samples] == ["negative", "unlabelled"]
        assert dataset.samples[1].extra == {"quality": "good"}
        assert kinds(reading) == {}

    def test_via_box_does_not_drift_per_save(self, tmp_path: Path) -> None:
        """labelImg#730, label-studio#5014: VIA says width and height, and the far corner is the same to the last bit."""
        corners = [
            (0.1 + 0.2, 1 / 3, 99.99999999999999, 80),
            (1e-3, 7.7, 32.000000000000004, 64),
            (63.9, 3.1, 64.3, 3.2),
        ]
        first = labelled(tmp_path, "a.jpg", *(Box("cat", *each) for each in corners))
        sample = first
        for number in range(10):
            dataset, _ = opened(written(tmp_path / str(number), sample))
            (sample,) = dataset.samples
            assert sample.boxes == first.boxes

    def test_via_class_order_does_not_change_by_itself(self, tmp_path: Path) -> None:
        """label-studio#6416 and others: JavaScript sorts options that are numbers, VIA saves them so."""
        out = written(tmp_path / "out", labelled(tmp_path, "a.jpg", Box("50", 1, 1, 9, 9)), classes=("won", "50", "10"))
        project = cast("dict[str, dict[str, dict[str, dict[str, Json]]]]", json.loads((out / "via.json").read_text()))
        project["_via_attributes"]["region"]["label"]["options"] = {"10": "10", "50": "50", "won": "won", "new": ""}
        (out / "via.json").write_text(json.dumps(project))
        dataset, _ = opened(out)
        assert dataset.classes == ("won", "50", "10", "new")

    def test_via_boxes_are_for_the_photo_as_displayed(self, tmp_path: Path) -> None:
        """label-studio#6608, fiftyone#3778: VIA draws on what the browser shows, which is upright."""
        exif = Image.Exif()
        exif[0x0112] = 6
        (tmp_path / "source").mkdir()
        Image.new("RGB", (80, 100)).save(tmp_path / "source/a.jpg", exif=exif)
        sample = Sample("a.jpg", tmp_path / "source/a.jpg", Size(100, 80), 6, boxes=(Box("cat", 1, 1, 99, 79),))
        dataset, _ = opened(written(tmp_path / "out", sample))
        assert (dataset.samples[0].size, dataset.samples[0].boxes) == (sample.size, sample.boxes)

    def test_via_does_not_mix_two_images_of_one_name(self, tmp_path: Path) -> None:
        """label-studio#6438, datumaro#2201."""
        samples = [labelled(tmp_path, f"{name}/a.jpg", Box(name, 1, 1, 9, 9)) for name in ("cat", "dog")]
        dataset, _ = opened(written(tmp_path / "out", *samples))
        assert [(sample.key, sample.boxes[0].label) for sample in dataset.samples] == [
            ("cat/a.jpg", "cat"),
            ("dog/a.jpg", "dog"),
        ]

    def test_an_export_is_read_back_as_it_was_meant(self, tmp_path: Path) -> None:
        samples = (labelled(tmp_path, "1/a.jpg", self.BOX), labelled(tmp_path, "1/a.png"))
        for number, leave in enumerate((False, True)):
            report = export_dataset(Dataset(samples, ("천원",)), tmp_path / f"{number}", "via", leave_images=leave)
            assert (report.images, report.boxes, report.moved) == (2, 1, 0)
