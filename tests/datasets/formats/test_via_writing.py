"""VGG Image Annotator: that what is written is what VIA loads, and is read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from PIL import Image

from labelloop.datasets.export import export as export_dataset
from labelloop.datasets.format import Export, Placed
from labelloop.datasets.formats.via import FORMAT
from labelloop.datasets.reading import Dataset
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Json, Sample, Size
from tests.datasets.formats.via_sources import kinds, labelled, opened, picture, written

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
