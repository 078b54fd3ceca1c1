"""Pascal VOC: what its files say and the traps in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.datasets.formats.voc import FORMAT
from labelloop.datasets.reading import open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box
from labelloop.datasets.tree import stem
from tests.datasets.formats.voc_sources import GOLDEN, annotation, kinds, one, opened, picture, refused, thing


class TestDetect:
    def test_an_annotation_is_recognised(self, tmp_path: Path) -> None:
        picture(tmp_path / "JPEGImages/a.jpg")
        annotation(tmp_path / "Annotations/a.xml", thing())
        assert open_source(tmp_path).format == "voc"

    def test_a_dataset_without_a_single_label_is_recognised_by_its_folder(self, tmp_path: Path) -> None:
        picture(tmp_path / "JPEGImages/a/a.jpg")
        picture(tmp_path / "JPEGImages/b/a.jpg")
        assert open_source(tmp_path).format == "voc"

    def test_other_xml_is_not(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        (tmp_path / "a.xml").write_text("<annotations><image/></annotations>")
        assert FORMAT.detect(open_source(tmp_path, format="voc").source.tree) == 0


class TestReading:
    def test_boxes_attributes_id_and_score(self, tmp_path: Path) -> None:
        picture(tmp_path / "JPEGImages/1000/a b.jpg")
        (tmp_path / "Annotations/1000").mkdir(parents=True)
        (tmp_path / "Annotations/1000/a b.xml").write_text(GOLDEN, encoding="utf-8")
        sample = one(tmp_path)
        assert sample.key == "JPEGImages/1000/a b.jpg"
        assert sample.boxes == (
            Box("<천원> & co", 10, 20.25, 50, 60.1, "65f0c0ffee65f0c0ffee65f0", 0.5, {"pose": "Left"}),
        )

    def test_every_object_is_read_not_only_the_first_or_last(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", *(thing(corners=f"{x} 2 {x + 5} 9") for x in (1, 11, 21)))
        assert [box.x1 for box in one(tmp_path).boxes] == [1, 11, 21]

    def test_custom_attributes_nested_ones_and_cvats(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        more = (
            "<difficult>1</difficult><occluded>0</occluded><actions><running>1</running></actions>"
            "<attributes><attribute><name>worn out</name><value>yes</value></attribute>"
            "<attribute><name>part</name><value>rim</value></attribute></attributes>"
        )
        annotation(tmp_path / "a.xml", thing(more=more))
        (box,) = one(tmp_path).boxes
        expected = {"difficult": "1", "occluded": "0", "actions": {"running": "1"}, "worn out": "yes", "part": "rim"}
        assert box.attributes == expected

    def test_what_says_nothing_is_no_attribute(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        more = "<pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>"
        annotation(tmp_path / "a.xml", thing(more=more), head="<segmented>0</segmented>")
        sample = one(tmp_path)
        assert (sample.boxes[0].attributes, sample.extra) == ({}, {})

    def test_what_is_said_of_the_image_besides(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        head = "<folder>x</folder><source><database>VOC</database></source><owner><name>me</name></owner>"
        annotation(tmp_path / "a.xml", thing(), head=head)
        assert one(tmp_path).extra == {"source": {"database": "VOC"}, "owner": {"name": "me"}}

    def test_no_object_is_a_negative_and_no_file_is_not_labelled_yet(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        picture(tmp_path / "b.jpg")
        annotation(tmp_path / "a.xml")
        dataset, reading = opened(tmp_path)
        assert [sample.state for sample in dataset.samples] == ["negative", "unlabelled"]
        assert kinds(reading) == {"orphan-image": 1}

    def test_voc_counts_from_one_where_the_recipe_says_so(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", thing(corners="1 1 100 80"))
        assert one(tmp_path, Recipe(voc_origin=1)).boxes[0].corners == (0, 0, 100, 80)
        assert one(tmp_path).boxes[0].corners == (1, 1, 100, 80)

    def test_labels_for_a_larger_photo_are_scaled(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg", (25, 20))
        annotation(tmp_path / "a.xml", thing())
        assert one(tmp_path, Recipe(accept=("scaled",))).boxes[0].corners == (2.5, 5, 12.5, 15)

    @pytest.mark.parametrize("size", ["<size/>", "", "<size><width>0</width><height>0</height></size>"])
    def test_without_a_size_the_image_is_the_frame(self, tmp_path: Path, size: str) -> None:
        picture(tmp_path / "a.jpg")
        (tmp_path / "a.xml").write_text(f"<annotation><filename>a.jpg</filename>{size}{thing()}</annotation>")
        assert one(tmp_path).boxes[0].corners == (10, 20, 50, 60)

    def test_a_size_that_is_none_is_a_broken_file(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", thing(), size="100 -80")
        expected = "unreadable-label-file a.xml: size must be whole numbers above 0, received 100 and -80"
        assert refused(tmp_path) == [expected]


OUTLINES = {
    "numbered": "<polygon><x1>10</x1><y1>20</y1><x2>50</x2><y2>20</y2><x3>30</x3><y3>60</y3></polygon>",
    "points": "<polygon><pt><x>10</x><y>20</y></pt><pt><x>50</x><y>20</y></pt><pt><x>30</x><y>60</y></pt></polygon>",
    "rotated": "<robndbox><cx>30</cx><cy>40</cy><w>40</w><h>40</h><angle>1.5707963267948966</angle></robndbox>",
    "cvat": "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>50</xmax><ymax>60</ymax></bndbox>"
    "<attributes><attribute><name>rotation</name><value>90.0</value></attribute></attributes>",
}


class TestTraps:
    @pytest.mark.parametrize(
        ("corners", "why"),
        [
            ("50 20 10 60", "box must have x1 < x2, received (50.0, 20.0, 10.0, 60.0)"),
            ("10 20 10 60", "box must have x1 < x2, received (10.0, 20.0, 10.0, 60.0)"),
            ("10 60 50 20", "box must have y1 < y2, received (10.0, 60.0, 50.0, 20.0)"),
            ("nan 20 50 60", "box must have finite corners, received (nan, 20.0, 50.0, 60.0)"),
            ("ten 20 50 60", "bndbox.xmin must be a number, received 'ten'"),
            ("1_0 20 50 60", "bndbox.xmin must be a number, received '1_0'"),
            ("\u0661 20 50 60", "bndbox.xmin must be a number, received '\u0661'"),
            ("1,5 20 50 60", "bndbox.xmin must be a number, received '1,5'"),
            ("1e400 20 50 60", "box must have finite corners, received (inf, 20.0, 50.0, 60.0)"),
        ],
    )
    def test_a_bad_box_is_named_with_its_place(self, tmp_path: Path, corners: str, why: str) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", thing(), thing(corners=corners))
        assert refused(tmp_path) == [f"bad-box a.xml:object[1]: {why}"]

    def test_an_object_without_box_or_name(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", "<object><name>cat</name></object>")
        assert refused(tmp_path) == ["bad-box a.xml:object[0]: object must have a bndbox, received none"]
        annotation(tmp_path / "a.xml", thing(name=""))
        assert refused(tmp_path) == ["bad-box a.xml:object[0]: box must have a label, received an empty one"]

    def test_a_file_of_another_encoding_and_one_with_entities(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        text = f'<?xml version="1.0" encoding="EUC-KR"?><annotation><size/>{thing("천원")}</annotation>'
        (tmp_path / "a.xml").write_text(text, encoding="cp949")
        assert one(tmp_path).boxes[0].label == one(tmp_path, Recipe(encoding="cp949")).boxes[0].label == "천원"
        (message,) = refused(tmp_path, Recipe(encoding="utf-8"))
        assert message.startswith("unreadable-label-file a.xml: file is not utf-8 text")
        (tmp_path / "a.xml").write_text(f'<!DOCTYPE a [<!ENTITY e "x">]><annotation>{thing("&e;")}</annotation>')
        (message,) = refused(tmp_path)
        assert message.startswith("unreadable-label-file a.xml: file is no XML that can be trusted")

    def test_xml_of_another_kind_beside_an_image_is_found(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        (tmp_path / "a.xml").write_text("<html/>")
        (tmp_path / "b.xml").write_text("<html/>")
        assert refused(tmp_path) == [
            "unreadable-label-file a.xml: root must be an <annotation> of VOC, received <html>",
            "ignored-file b.xml: XML that is no VOC annotation, without an image beside it",
        ]

    def test_parts_are_said_to_be_lost(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", thing(more="<part><name>head</name></part>"))
        dataset, reading = opened(tmp_path)
        assert [len(sample.boxes) for sample in dataset.samples] == [1]
        assert kinds(reading) == {"not-kept": 1}
        assert dataset.samples[0].boxes[0].attributes == {}

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ("<bndbox><xmin>1</xmin></bndbox>", "object must have one bndbox, received 2"),
            ("<name>dog</name>", "object must have one name, received 2"),
            ("<polygon/><polygon/>", "object must have one polygon, received 2"),
        ],
    )
    def test_of_two_nothing_says_which_is_meant(self, tmp_path: Path, more: str, why: str) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", thing(more=more))
        assert refused(tmp_path)[-1] == f"bad-box a.xml:object[0]: {why}"
        annotation(tmp_path / "a.xml", thing().replace("<xmin>", "<xmin>1</xmin><xmin>"))
        assert refused(tmp_path) == ["bad-box a.xml:object[0]: bndbox must have one xmin, received 2"]

    @pytest.mark.parametrize("tag", ["Object", "OBJECT", "v:object"])
    def test_objects_of_another_name_do_not_make_a_negative(self, tmp_path: Path, tag: str) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", thing().replace("object>", f"{tag}>"))
        text = (tmp_path / "a.xml").read_text().replace("<annotation>", '<annotation xmlns:v="u">')
        (tmp_path / "a.xml").write_text(text)
        (message,) = refused(tmp_path)
        assert message.startswith("unreadable-label-file a.xml: objects must be elements named object, received ")

    @pytest.mark.parametrize("angle", ["inf", "nan"])
    def test_a_rotation_that_is_no_number_is_refused(self, tmp_path: Path, angle: str) -> None:
        picture(tmp_path / "a.jpg")
        outline = OUTLINES["rotated"].replace("1.5707963267948966", angle)
        annotation(tmp_path / "a.xml", f"<object><name>cat</name>{outline}</object>")
        message = f"bad-box a.xml:object[0]: rotation must be finite, received {angle}"
        assert refused(tmp_path, Recipe(polygons="boxes")) == [message]

    @pytest.mark.parametrize("box", ["<polygon><pt><x>1</x><y>1</y></pt></polygon>", thing()])
    def test_a_deleted_object_is_no_box(self, tmp_path: Path, box: str) -> None:
        picture(tmp_path / "a.jpg")
        inside = box.removeprefix("<object><name>cat</name>").removesuffix("</object>")
        gone = f"<object><name>cat</name><deleted>1</deleted>{inside}</object>"
        annotation(tmp_path / "a.xml", thing(), gone)
        dataset, reading = opened(tmp_path)
        assert [len(sample.boxes) for sample in dataset.samples] == [1]
        assert kinds(reading) == {"not-kept": 1}

    @pytest.mark.parametrize("outline", OUTLINES)
    def test_voc_polygons_do_not_silently_become_boxes(self, tmp_path: Path, outline: str) -> None:
        """anylabeling#223; cvat#4745 for the rotation that CVAT writes beside an upright bndbox."""
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", f"<object><name>cat</name>{OUTLINES[outline]}</object>")
        (message,) = refused(tmp_path)
        assert message.startswith("unsupported-shape a.xml:object[0]: ")
        dataset, reading = opened(tmp_path, Recipe(polygons="boxes"))
        assert dataset.samples[0].boxes[0].corners == pytest.approx((10, 20, 50, 60))
        assert kinds(reading) == {"boxed-shape": 1}

    def test_a_polygon_beside_its_box_is_said_to_be_lost(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", thing(more=OUTLINES["numbered"]))
        dataset, reading = opened(tmp_path)
        assert dataset.samples[0].boxes[0].corners == (10, 20, 50, 60)
        assert kinds(reading) == {"not-kept": 1}

    def test_a_polygon_of_nan_is_refused(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        outline = OUTLINES["numbered"].replace("<x2>50", "<x2>nan")
        annotation(tmp_path / "a.xml", f"<object><name>cat</name>{outline}</object>")
        assert refused(tmp_path, Recipe(polygons="boxes"))[0].startswith("bad-box a.xml:object[0]: polygon must have")


class TestPairs:
    @pytest.mark.parametrize(
        ("image", "label", "filename", "head"),
        [
            ("JPEGImages/a.jpg", "Annotations/a.xml", "a.jpg", ""),
            ("VOC2012/JPEGImages/1000/a.jpg", "VOC2012/Annotations/1000/a.xml", "a.jpg", ""),
            ("images/1000/a.jpg", "Annotations/1000/a.xml", "1000/a.jpg", ""),
            ("images/a.jpg", "annotations/xmls/a.xml", "a.jpg", ""),
            ("a.jpg", "a.xml", "a", ""),
            ("2023.03.20. 미니 (1)/a.b.jpg", "2023.03.20. 미니 (1)/a.b.xml", "a.b", ""),
            ("photos/a.jpg", "boxes/a.xml", "a.jpg", "<folder>photos</folder>"),
            ("photos/a.jpg", "boxes/a.xml", " ", r"<path>C:\Users\me\photos\a.jpg</path>"),
            ("JPEGImages/b.jpg", "Annotations/0001.xml", "b.jpg", ""),
            ("JPEGImages/b.jpg", "Annotations/0001.xml", "b", ""),
            ("a.jpg", "a.jpg.xml", "a.jpg", ""),
        ],
    )
    def test_an_image_is_found(self, tmp_path: Path, image: str, label: str, filename: str, head: str) -> None:
        picture(tmp_path / image)
        annotation(tmp_path / label, thing(), filename=filename, head=head)
        assert one(tmp_path).key == image

    @pytest.mark.parametrize("name", ["../../secret.jpg", "/etc/secret.jpg", "C:\\secret.jpg", "..\\..\\secret.jpg"])
    def test_a_name_that_leads_out_is_never_followed(self, tmp_path: Path, name: str) -> None:
        picture(tmp_path / "secret.jpg")
        source = tmp_path / "source"
        picture(source / "JPEGImages/a.jpg")
        annotation(source / "Annotations/b.xml", thing(), filename=name)
        dataset, reading = opened(source)
        assert [sample.state for sample in dataset.samples] == ["unlabelled"]
        assert kinds(reading) == {"path-outside": 1, "orphan-image": 1}

    def test_a_dead_name_is_repaired_and_said(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        annotation(tmp_path / "a.xml", thing(), filename="IMG_0001.HEIC.jpg")
        dataset, reading = opened(tmp_path)
        assert [sample.key for sample in dataset.samples] == ["a.jpg"]
        assert kinds(reading) == {"path-repaired": 1}

    def test_voc_labels_never_land_on_an_image_of_the_same_name_elsewhere(self, tmp_path: Path) -> None:
        """fiftyone#3269, #2870: the image is lost, another of its name lies in another folder."""
        for key in ("JPEGImages/a.jpg", "JPEGImages/1000/b.jpg", "JPEGImages/500/a.jpg"):
            picture(tmp_path / key)
        annotation(tmp_path / "Annotations/1000/a.xml", thing(), head="<folder>JPEGImages</folder>")
        dataset, reading = opened(tmp_path)
        assert {sample.state for sample in dataset.samples} == {"unlabelled"}
        assert kinds(reading)["orphan-label"] == 1

    def test_two_claims_on_one_image(self, tmp_path: Path) -> None:
        picture(tmp_path / "JPEGImages/a.jpg")
        annotation(tmp_path / "Annotations/a.xml", thing())
        annotation(tmp_path / "Annotations/b.xml", thing(), filename="a.jpg")
        _, reading = opened(tmp_path)
        assert kinds(reading) == {"pair-conflict": 1}

    def test_name_and_place_that_contradict_each_other(self, tmp_path: Path) -> None:
        picture(tmp_path / "JPEGImages/a.jpg")
        picture(tmp_path / "JPEGImages/b.jpg")
        annotation(tmp_path / "Annotations/a.xml", thing(), filename="b.jpg")
        assert [message.split()[0] for message in refused(tmp_path)] == ["pair-conflict"]


class TestSplits:
    def lists(self, root: Path, **lists: str) -> Path:
        for name in ("a", "b c", "3 1", "d"):
            picture(root / f"JPEGImages/{name}.jpg")
            annotation(root / f"Annotations/{name}.xml", thing())
        (root / "ImageSets/Main").mkdir(parents=True)
        for split, lines in lists.items():
            (root / f"ImageSets/Main/{split}.txt").write_text(lines)
        return root

    def test_splits_come_from_the_lists(self, tmp_path: Path) -> None:
        root = self.lists(
            tmp_path,
            train="a\r\nb c\n",
            val="3 1\n",
            trainval="a\nb c\n3 1\nd\n",
            cat_train="a 1\nb c -1\nd 0\n",
            default="d\n",
        )
        dataset, reading = opened(root)
        assert kinds(reading) == {}
        found = {stem(sample.key).removeprefix("JPEGImages/"): sample.split for sample in dataset.samples}
        assert found == {"a": "train", "b c": "train", "3 1": "val", "d": "train"}

    def test_a_second_column_a_suffix_and_quotes_are_understood(self, tmp_path: Path) -> None:
        dataset, reading = opened(self.lists(tmp_path, test='a  1\n"b c"\n3 1 -1\nJPEGImages/d.jpg\n'))
        assert kinds(reading) == {}
        assert {sample.split for sample in dataset.samples} == {"test"}

    def test_lists_and_classes_of_an_old_mac(self, tmp_path: Path) -> None:
        root = self.lists(tmp_path, train="a\rb c\r", val="3 1\r")
        (root / "classes.txt").write_bytes(b"dog\rcat\r")
        dataset, reading = opened(root)
        assert kinds(reading) == {}
        assert ([sample.split for sample in dataset.samples], dataset.classes) == (
            ["val", "train", "train", None],
            ("dog", "cat"),
        )

    def test_a_line_for_no_image_and_an_image_in_two_lists_are_found(self, tmp_path: Path) -> None:
        _, reading = opened(self.lists(tmp_path, train="a\nzzz\n", test="a\n"))
        assert [str(finding) for finding in reading.findings if finding.kind != "class-order-assumed"] == [
            "ImageSets/Main/train.txt:2: image 'zzz' is not there",
            "ImageSets/Main/test.txt:1: JPEGImages/a.jpg is in train too",
        ]

    def test_an_image_that_nobody_has_labelled_has_its_split_too(self, tmp_path: Path) -> None:
        root = self.lists(tmp_path, test="e\n")
        picture(root / "JPEGImages/e.jpg")
        dataset, _ = opened(root)
        assert [(sample.state, sample.split) for sample in dataset.samples][-1] == ("unlabelled", "test")
