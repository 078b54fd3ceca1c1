"""Pascal VOC: that what is written is what others read, and is read again."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.export import export as export_dataset
from labelloop.datasets.format import Placed
from labelloop.datasets.formats.voc import FORMAT, format_annotation
from labelloop.datasets.reading import Dataset
from labelloop.datasets.schema import Box, Json, Sample, Size
from tests.datasets.formats.voc_sources import GOLDEN, opened, picture, said, written


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
