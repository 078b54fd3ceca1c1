"""Pascal VOC: what its files say, the traps in them, and that what is written is read again."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.export import export as export_dataset
from labelloop.datasets.format import Export, Placed
from labelloop.datasets.formats.voc import FORMAT, format_annotation
from labelloop.datasets.reading import Dataset, Reading, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Json, Sample, Size
from labelloop.datasets.tree import stem

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

    @pytest.mark.parametrize(
        ("head", "encoding", "label"),
        [
            ('<?xml version="1.0" encoding="EUC-KR"?>', "euc-kr", "천원"),
            ("<?xml version='1.0' encoding='ks_c_5601-1987' standalone='yes'?>", "euc-kr", "천원"),
            ('<?xml version="1.0" encoding="euc-kr"?>', "cp949", "뷁"),
            ('<?xml version="1.0" encoding="GB2312"?>', "gb18030", "𠮷"),
            ('<?xml version="1.0" encoding="iso-8859-1"?>', "latin-1", "café"),
            ('<?xml version="1.0" encoding="windows-1252"?>', "cp1252", "café €"),
            ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16", "천원"),
            ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16-be", "천원"),
            ("", "utf-16", "천원"),
            ('<?xml version="1.0"?>', "utf-32", "천원"),
            ('<?xml version="1.0" encoding="utf-16"?>', "utf-8", "천원"),
            ('<?xml version="1.0" encoding="utf-8"?>', "utf-8-sig", "천원"),
            ("", "utf-8-sig", "천원"),
        ],
    )
    def test_a_file_is_read_in_the_encoding_that_it_says(
        self, tmp_path: Path, head: str, encoding: str, label: str
    ) -> None:
        picture(tmp_path / "a.jpg")
        text = f"{head}<annotation><filename>a.jpg</filename>{thing(label)}</annotation>"
        (tmp_path / "a.xml").write_text(text, encoding=encoding)
        assert one(tmp_path).boxes[0].label == label

    def test_a_recipe_goes_before_what_a_file_says(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        head = '<?xml version="1.0" encoding="iso-8859-1"?>'
        (tmp_path / "a.xml").write_text(f"{head}<annotation><size/>{thing('천원')}</annotation>", encoding="cp949")
        assert one(tmp_path, Recipe(encoding="cp949")).boxes[0].label == "천원"
        (tmp_path / "a.xml").write_text(f"{head}<annotation><size/>{thing('천원')}</annotation>", encoding="utf-8")
        assert one(tmp_path, Recipe(encoding="utf-8")).boxes[0].label == "천원"

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (f"<annotation><size/>{thing('천원')}</annotation>".encode("cp949"), "file is not utf-8 text"),
            (b'<?xml version="1.0" encoding="euc-kr"?><annotation><size/>\xff</annotation>', "file is not cp949 text"),
            (b'<?xml version="1.0" encoding="klingon"?><annotation><size/></annotation>', "file is not klingon text"),
            (b'<?xml version="1.0" encoding="rot13"?><annotation><size/></annotation>', "file is not rot-13 text"),
            (b'<?xml version="1.0" encoding="base64"?><annotation><size/></annotation>', "file is not base64 text"),
            (b'<?xml version="1.0" encoding="unicode_escape"?><annotation/>', "file must declare the encoding"),
            (b'\xff\xfe<\0a\0n', "file is not utf-16 text"),
            (b"\xff\xfe<\0a\0", "file is no XML that can be trusted"),
            (b"<annotation>" + b"<a>" * 100 + b"</a>" * 100 + b"<size/></annotation>", "file is nested too deep"),
            (b"<annotation>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</annotation>", "file is nested too deep"),
        ],
    )  # fmt: skip
    def test_a_file_that_cannot_be_read_says_why(self, tmp_path: Path, data: bytes, why: str) -> None:
        picture(tmp_path / "a.jpg")
        (tmp_path / "a.xml").write_bytes(data)
        (message,) = refused(tmp_path)
        assert message.startswith(f"unreadable-label-file a.xml: {why}")


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

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    @pytest.mark.parametrize(
        "entity",
        [
            '<!ENTITY e SYSTEM "file:///etc/passwd">',
            '<!ENTITY e PUBLIC "x" "http://127.0.0.1/">',
            '<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;',
            '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY e "&b;&b;&b;&b;">',
        ],
    )
    def test_entities_are_refused(self, tmp_path: Path, entity: str, encoding: str) -> None:
        picture(tmp_path / "a.jpg")
        text = f"<!DOCTYPE a [{entity}]><annotation>{thing('&e;')}</annotation>"
        (tmp_path / "a.xml").write_text(text, encoding=encoding)
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

    def test_a_deleted_object_is_no_box(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        gone = "<object><name>cat</name><deleted>1</deleted><polygon><pt><x>1</x><y>1</y></pt></polygon></object>"
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


class TestWriting:
    BOX = Box("<천원> & co", 10, 20.25, 50, 60.1, "65f0c0ffee65f0c0ffee65f0", 0.5, {"pose": "Left"})

    def sample(self, root: Path, key: str, *boxes: Box, **more: str) -> Sample:
        path = picture(root / "source" / key)
        state = "labelled" if boxes else "negative"
        return Sample(key, path, Size(100, 80), 1, state, boxes, split=more.get("split"))

    def test_the_text_is_this(self, tmp_path: Path) -> None:
        sample = self.sample(tmp_path, "1000/a b.jpg", self.BOX)
        assert format_annotation(Placed(sample, FORMAT.image_place(sample))) == GOLDEN

    def test_other_readers_understand_it(self, tmp_path: Path) -> None:
        sample = self.sample(tmp_path, "1000/a b.jpg", self.BOX)
        written(tmp_path / "out", sample, classes=("<천원> & co",))
        root = ElementTree.parse(tmp_path / "out/Annotations/1000/a b.xml").getroot()
        assert root.findtext("object/name") == "<천원> & co"
        assert root.findtext("object/difficult") == "0"
        assert [float(side.text or "") for side in root.iterfind("object/bndbox/*")] == [10, 20.25, 50, 60.1]

    def test_the_same_samples_are_read_again(self, tmp_path: Path) -> None:
        keys = [
            "천원/가 나.jpg",
            "#%&+.jpg",
            "2023.03.20. 미니 (1)/a.b.jpg",
            "1/a.jpg",
            "2/a.jpg",
            "Annotations/images/a.jpg",
        ]
        samples = sorted(
            (self.sample(tmp_path, key, Box("dog", i, i, i + 9.3, i + 7)) for i, key in enumerate(keys)),
            key=lambda sample: sample.key,
        )
        dataset, reading = opened(written(tmp_path / "out", *samples))
        assert reading.findings.counts() == {}
        assert dataset.classes == ("cat", "dog")
        assert [said(sample) for sample in dataset.samples] == [said(sample) for sample in samples]

    def test_voc_class_order_does_not_change_by_itself(self, tmp_path: Path) -> None:
        """label-studio#6416 and many others: VOC declares no order, so classes.txt does."""
        sample = self.sample(tmp_path, "a.jpg", Box("50", 1, 1, 9, 9))
        dataset, _ = opened(written(tmp_path / "out", sample, classes=("50", "10", " odd", "가")))
        assert dataset.classes == ("50", "10", "odd", "가")

    def test_voc_box_does_not_drift_per_save(self, tmp_path: Path) -> None:
        """labelImg#730, label-studio#5014: ten times read and written, bit by bit the same."""
        box = Box("cat", 0.1 + 0.2, 1 / 3, 99.99999999999999, 80)
        sample = first = self.sample(tmp_path, "a.jpg", box)
        for number in range(10):
            dataset, _ = opened(written(tmp_path / str(number), sample))
            (sample,) = dataset.samples
            assert sample.boxes == first.boxes

    def test_voc_same_name_in_two_folders_stays_two_files(self, tmp_path: Path) -> None:
        """label-studio#6438, datumaro#2201."""
        samples = [self.sample(tmp_path, f"{name}/a.jpg", Box(name, 1, 1, 9, 9)) for name in ("cat", "dog")]
        out = written(tmp_path / "out", *samples)
        assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.xml")) == [
            "Annotations/cat/a.xml",
            "Annotations/dog/a.xml",
        ]

    def test_two_images_that_would_share_a_file_are_refused(self, tmp_path: Path) -> None:
        samples = [self.sample(tmp_path, f"a.{suffix}", self.BOX) for suffix in ("jpg", "png")]
        with pytest.raises(ValueError, match=r"more than the suffix, received JPEGImages/a\.jpg and JPEGImages/a\.png"):
            written(tmp_path / "out", *samples)

    def test_voc_images_without_boxes_do_not_vanish(self, tmp_path: Path) -> None:
        """label-studio#1470, pylabel#56: a negative has an XML without objects, an unlabelled image none."""
        negative = self.sample(tmp_path, "a.jpg")
        path = picture(tmp_path / "source/b.jpg")
        out = written(tmp_path / "out", negative, Sample("b.jpg", path, Size(100, 80), state="unlabelled"))
        assert [sample.state for sample in opened(out)[0].samples] == ["negative", "unlabelled"]

    def test_voc_keeps_width_and_height_of_a_turned_photo(self, tmp_path: Path) -> None:
        """label-studio#6608, fiftyone#3778: the size is that of the upright image."""
        path = tmp_path / "source/a.jpg"
        path.parent.mkdir()
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (80, 100)).save(path, exif=exif)
        sample = Sample("a.jpg", path, Size(100, 80), 6, boxes=(Box("cat", 1, 1, 99, 79),))
        dataset, reading = opened(written(tmp_path / "out", sample))
        assert reading.findings.counts() == {}
        assert dataset.samples[0].boxes == sample.boxes

    def test_splits_are_written_and_read(self, tmp_path: Path) -> None:
        keys = {"a 1.jpg": "train", "천원/b.jpg": "val", "c.jpg": "test", "d.jpg": "field", "e.jpg": None}
        samples = [
            self.sample(tmp_path, key, Box("cat", 1, 1, 9, 9), **({"split": split} if split else {}))
            for key, split in keys.items()
        ]
        out = written(tmp_path / "out", *samples)
        assert (out / "ImageSets/Main/val.txt").read_text(encoding="utf-8") == "천원/b\n"
        dataset, reading = opened(out)
        assert reading.findings.counts() == {}
        assert {sample.key.removeprefix("JPEGImages/"): sample.split for sample in dataset.samples} == keys

    @pytest.mark.parametrize("name", ["a\x01b", "a\nb", "\ufffe", "\ud800"])
    def test_a_class_that_xml_cannot_hold_is_refused_by_name(self, tmp_path: Path, name: str) -> None:
        sample = self.sample(tmp_path, "a.jpg", self.BOX)
        with pytest.raises(ValueError, match="class must be one line without control characters"):
            written(tmp_path / "out", sample, classes=(name,))

    def test_the_bytes_are_the_same_each_time(self, tmp_path: Path) -> None:
        sample = self.sample(tmp_path, "a.jpg", self.BOX, split="train")
        first, second = (written(tmp_path / name, sample) for name in ("1", "2"))
        for path in first.rglob("*.*"):
            assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()

    def test_an_export_is_read_back_as_it_was_meant(self, tmp_path: Path) -> None:
        samples = (self.sample(tmp_path, "1/a.jpg", self.BOX, split="train"), self.sample(tmp_path, "1/a.png"))
        report = export_dataset(Dataset(samples, ("<천원> & co",)), tmp_path / "out", "voc")
        assert (report.images, report.boxes, report.moved) == (2, 1, 0)
        assert "voc" in formats.writable_names()


texts = st.text(max_size=8)
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
sides = st.tuples(st.floats(0, 49.9), st.floats(50, 80))
labels = st.text(min_size=1, max_size=8).filter(
    lambda text: text.splitlines() == [text] and text.isprintable() and text.isascii()
)


@settings(max_examples=40, deadline=None)
@given(label=labels, across=sides, down=sides, attributes=st.dictionaries(texts, values, max_size=4), extra=values)
def test_whatever_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory,
    label: str,
    across: tuple[float, float],
    down: tuple[float, float],
    attributes: dict[str, Json],
    extra: Json,
) -> None:
    root = tmp_path_factory.mktemp("voc")
    box = Box(label, across[0], down[0], across[1], down[1], attributes=attributes)
    of_image: dict[str, Json] = {"any thing": extra, "segmented": extra, "depth": extra}
    sample = Sample("a.jpg", picture(root / "source/a.jpg"), Size(100, 80), boxes=(box,), extra=of_image)
    dataset, reading = opened(written(root / "out", sample, classes=(label,)))
    assert reading.findings.counts() == {}
    assert dataset.samples[0].boxes == (box,)
    assert dataset.samples[0].extra == of_image
    assert dataset.classes == (label,)
