"""Class folders: what they say, the traps in them, and that what is written is read again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from unicodedata import normalize

import pytest
from PIL import Image

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import export as export_dataset
from labelloop.datasets.format import Export, Placed
from labelloop.datasets.formats.folders import FORMAT
from labelloop.datasets.reading import Dataset, Reading, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Sample, Size


def pictures(root: Path, *keys: str) -> Path:
    for number, key in enumerate(keys):
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (number * 20 % 256, 120, 60)).save(path)
    return root


def opened(root: Path, recipe: Recipe | None = None) -> tuple[Dataset, Reading]:
    reading = open_source(root, recipe, format="folders")
    return reading.dataset(), reading


def said(dataset: Dataset) -> dict[str, tuple[str | None, str | None]]:
    """The split and the class of each image."""
    return {sample.key: (sample.split, sample.label) for sample in dataset.samples}


def looks(root: Path) -> int:
    return FORMAT.detect(open_source(root, format="folders").source.tree)


def sample(root: Path, key: str, label: str, split: str | None = None) -> Sample:
    pictures(root / "source", key)
    return Sample(normalize("NFC", key), root / "source" / key, Size(8, 6), label=label, split=split)


def written(folder: Path, *samples: Sample, classes: tuple[str, ...] = ("normal", "abnormal")) -> Path:
    placed = [Placed(each, FORMAT.image_place(each)) for each in samples]
    for each in placed:
        target = folder / each.image
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each.sample.path, target)
    assert FORMAT.write is not None
    FORMAT.write(Export(folder, classes, placed))
    return folder


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


class TestDetect:
    def test_class_folders_are_recognised(self, tmp_path: Path) -> None:
        pictures(tmp_path, "normal/a.jpg", "abnormal/b.jpg")
        assert open_source(tmp_path).format == "folders"

    def test_class_folders_in_splits_are_recognised(self, tmp_path: Path) -> None:
        pictures(tmp_path, "Train/normal/a.jpg", "Train/abnormal/b.jpg", "valid/normal/c.jpg")
        assert looks(tmp_path) == 70

    @pytest.mark.parametrize(
        ("keys", "others", "least"),
        [
            (["photos/a.jpg", "photos/b.jpg"], [], 0),
            (["a.jpg", "b.jpg"], [], 0),
            (["train/a.jpg", "val/b.jpg"], [], 0),
            (["10/a.jpg", "50/b.jpg"], ["10/a.json"], 0),
            (["10/a.jpg", "50/b.jpg"], ["10/a.xml"], 0),
            (["10/a.jpg", "50/b.jpg"], ["50/b.txt"], 0),
            (["10/a.jpg", "50/b.jpg", "c.jpg"], [], 10),
            (["10/a.jpg", "50/b.jpg"], ["via.json"], 30),
            (["10/a.jpg", "50/b.jpg"], ["classes.txt", "manifest.csv", "README.txt"], 70),
        ],
    )
    def test_what_may_be_something_else_is_not_taken_for_it(
        self, tmp_path: Path, keys: list[str], others: list[str], least: int
    ) -> None:
        pictures(tmp_path, *keys)
        for other in others:
            (tmp_path / other).write_text("")
        assert looks(tmp_path) == least


class TestReading:
    def test_the_class_is_the_folder(self, tmp_path: Path) -> None:
        pictures(tmp_path, "normal/a.jpg", "abnormal/2023.03.20. (1)/b.jpg", "train/c.jpg")
        dataset, reading = opened(tmp_path)
        assert said(dataset) == {
            "abnormal/2023.03.20. (1)/b.jpg": (None, "abnormal"),
            "normal/a.jpg": (None, "normal"),
            "train/c.jpg": (None, "train"),
        }
        assert reading.findings.counts() == {"class-order-assumed": 1}

    @pytest.mark.parametrize(
        ("folder", "split"),
        [
            ("train", "train"),
            ("Training", "train"),
            ("val", "val"),
            ("valid", "val"),
            ("validation", "val"),
            ("test", "test"),
            ("TESTING", "test"),
        ],
    )
    def test_splits_where_all_top_folders_are_such(self, tmp_path: Path, folder: str, split: str) -> None:
        pictures(tmp_path, f"{folder}/normal/deep/a.jpg", "test/abnormal/b.jpg")
        assert said(opened(tmp_path)[0])[f"{folder}/normal/deep/a.jpg"] == (split, "normal")

    @pytest.mark.parametrize(
        ("key", "split"), [("c.jpg", None), ("train/c.jpg", "train")], ids=["in the root", "in a split"]
    )
    def test_an_image_in_no_class_folder_is_not_labelled(self, tmp_path: Path, key: str, split: str | None) -> None:
        pictures(tmp_path, "train/normal/a.jpg", "test/abnormal/b.jpg", key)
        dataset, reading = opened(tmp_path)
        assert said(dataset)[key] == (split, None)
        assert {each.state for each in dataset.samples} == {"labelled", "unlabelled"}
        (finding,) = reading.findings.of("orphan-image")
        assert str(finding) == f"{key}: image lies in no class folder: not labelled yet"

    def test_classes_txt_pins_the_order(self, tmp_path: Path) -> None:
        pictures(tmp_path, "abnormal/a.jpg", "normal/b.jpg")
        (tmp_path / "classes.txt").write_text("\ufeffnormal\r\nabnormal\r\nwrecked\r\n\r\n", encoding="utf-8")
        dataset, reading = opened(tmp_path)
        assert dataset.classes == ("normal", "abnormal", "wrecked")
        assert reading.findings.counts() == {}

    def test_folders_that_classes_txt_does_not_name_are_found(self, tmp_path: Path) -> None:
        pictures(tmp_path, "abnormal/a.jpg", "odd/b.jpg")
        (tmp_path / "classes.txt").write_text("normal\nabnormal\nnormal\n")
        _, reading = opened(tmp_path)
        assert [str(each) for each in reading.findings] == [
            "classes.txt: class names must each stand once",
            "labels without a place in the class order: odd",
        ]

    def test_declared_classes_tell_a_class_called_test_from_the_split(self, tmp_path: Path) -> None:
        pictures(tmp_path, "test/a.jpg", "train/b.jpg", "test/deep/c.jpg")
        (tmp_path / "classes.txt").write_text("train\ntest\n")
        assert said(opened(tmp_path)[0]) == {
            "test/a.jpg": (None, "test"),
            "test/deep/c.jpg": (None, "test"),
            "train/b.jpg": (None, "train"),
        }

    def test_declared_classes_tell_a_split_called_field_from_a_class(self, tmp_path: Path) -> None:
        pictures(tmp_path, "field/normal/a.jpg", "train/normal/b.jpg", "validation/abnormal/c.jpg")
        (tmp_path / "classes.txt").write_text("normal\nabnormal\n")
        assert [split for split, _ in said(opened(tmp_path)[0]).values()] == ["field", "train", "val"]

    def test_a_recipe_maps_folders_to_classes(self, tmp_path: Path) -> None:
        pictures(tmp_path, "abnormal/a.jpg", "normal/b.jpg")
        dataset, _ = opened(tmp_path, Recipe(classes=("ok", "damaged"), labels={"abnormal": "damaged", "normal": "ok"}))
        assert [label for _, label in said(dataset).values()] == ["damaged", "ok"]

    def test_korean_folders_in_nfd_are_the_class_in_nfc(self, tmp_path: Path) -> None:
        pictures(tmp_path, normalize("NFD", "천원/가.jpg"), "만원/나.jpg")
        (tmp_path / "classes.txt").write_text("천원\n만원\n", encoding="utf-8")
        dataset, reading = opened(tmp_path)
        assert said(dataset)["천원/가.jpg"] == (None, "천원")
        assert reading.findings.counts() == {}


class TestWriting:
    def test_where_images_go(self, tmp_path: Path) -> None:
        places = {
            ("photos/a.jpg", "normal", None): "normal/photos/a.jpg",
            ("normal/deep/a.jpg", "normal", None): "normal/deep/a.jpg",
            ("train/normal/a.jpg", "normal", "train"): "train/normal/a.jpg",
            ("normal/a.jpg", "normal", "val"): "validation/normal/a.jpg",
            ("normal/a.jpg", "abnormal", "test"): "test/abnormal/normal/a.jpg",
            ("a.jpg", "천원", "field"): "field/천원/a.jpg",
        }
        for (key, label, split), place in places.items():
            assert FORMAT.image_place(sample(tmp_path, key, label, split)) == place

    def test_folders_read_and_written_stay_what_they_were(self, tmp_path: Path) -> None:
        keys = [
            "normal/1/a.jpg",
            "normal/2/a.jpg",
            "abnormal/가 나.jpg",
            "abnormal/#%&+.jpg",
            "abnormal/2023.03. (1)/a.b.jpg",
        ]
        pictures(tmp_path / "source", *keys)
        dataset, _ = opened(tmp_path / "source", Recipe(classes=("normal", "abnormal")))
        out = written(tmp_path / "out", *dataset.samples, classes=dataset.classes)
        assert files(out) == sorted([*keys, "README.txt", "classes.txt"])
        again, reading = opened(out)
        assert said(again) == said(dataset)
        assert reading.findings.counts() == {}

    def test_splits_read_and_written_stay_what_they_were(self, tmp_path: Path) -> None:
        keys = ["train/normal/a.jpg", "train/abnormal/a.jpg", "validation/normal/b.jpg", "test/abnormal/c.jpg"]
        pictures(tmp_path / "source", *keys)
        dataset, _ = opened(tmp_path / "source")
        out = written(tmp_path / "out", *dataset.samples, classes=dataset.classes)
        assert files(out) == sorted([*keys, "README.txt", "classes.txt"])
        assert said(opened(out)[0]) == said(dataset)

    def test_every_split_has_every_class_so_that_keras_numbers_them_alike(self, tmp_path: Path) -> None:
        samples = [sample(tmp_path, "a.jpg", "normal", "train"), sample(tmp_path, "b.jpg", "abnormal", "val")]
        out = written(tmp_path / "out", *samples)
        for split in ("train", "validation"):
            # What image_dataset_from_directory and flow_from_directory take for classes.
            assert sorted(name for name in os.listdir(out / split) if (out / split / name).is_dir()) == [
                "abnormal",
                "normal",
            ]
        assert sorted(name for name in os.listdir(out) if (out / name).is_dir()) == ["train", "validation"]

    def test_folder_class_order_does_not_become_alphabetical(self, tmp_path: Path) -> None:
        """label-studio#6416, ultralytics#23930: Keras sorts, so classes.txt keeps the declared order."""
        out = written(tmp_path / "out", sample(tmp_path, "a.jpg", "50"), classes=("50", "10", "천원"))
        assert (out / "classes.txt").read_bytes() == "50\n10\n천원\n".encode()
        assert opened(out)[0].classes == ("50", "10", "천원")

    def test_folder_same_name_in_two_folders_stays_two_files(self, tmp_path: Path) -> None:
        """label-studio#6438, fiftyone#1516: one overwritten by the other."""
        samples = (
            sample(tmp_path, "1/normal/a.jpg", "normal"),
            sample(tmp_path, "2/normal/a.jpg", "normal"),
            sample(tmp_path, "3/normal/a.png", "normal"),
        )
        report = export_dataset(Dataset(samples, ("normal", "abnormal")), tmp_path / "out", "folders")
        assert report.images == 3
        assert files(tmp_path / "out/normal") == ["a.jpg", "a.png", "a_2.jpg"]

    def test_korean_and_accented_class_names_are_kept(self, tmp_path: Path) -> None:
        """label-studio#3177, ultralytics#20977; also those that are not in Unicode NFC."""
        names = ("천원 (1)", "café", normalize("NFD", "é만원"), "50% & #1")
        samples = tuple(sample(tmp_path, f"{number}.jpg", name) for number, name in enumerate(names))
        export_dataset(Dataset(samples, names), tmp_path / "out", "folders")
        dataset, reading = opened(tmp_path / "out")
        assert dataset.classes == names
        assert [each.label for each in dataset.samples] == list(names)
        assert reading.findings.counts() == {}

    @pytest.mark.parametrize(
        ("name", "rule"),
        [
            ("", "have a name without / and NUL"),
            ("a/b", "have a name without / and NUL"),
            ("../x", "have a name without / and NUL"),
            ("a\0b", "have a name without / and NUL"),
            (".", "not start with a dot"),
            ("..", "not start with a dot"),
            (".hidden", "not start with a dot"),
            (" a", "be one line without outer spaces"),
            ("a\nb", "be one line without outer spaces"),
            ("__MACOSX", "not be named like a file"),
            ("classes.txt", "not be named like a file"),
            ("readme.txt", "not be named like a file"),
            ("천" * 86, "have at most 255 bytes"),
        ],
    )
    def test_a_class_that_cannot_be_a_folder_is_refused_by_name(self, tmp_path: Path, name: str, rule: str) -> None:
        with pytest.raises(ValueError, match=rule) as caught:
            written(tmp_path / "out", classes=("normal", name))
        assert repr(name) in str(caught.value)
        if name:
            with pytest.raises(ValueError, match=rule):
                FORMAT.image_place(sample(tmp_path, "a.jpg", name))
        assert not (tmp_path / "out").exists()

    def test_classes_that_would_share_a_folder_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="must differ in Unicode NFC"):
            written(tmp_path / "out", classes=("é", normalize("NFD", "é")))

    def test_an_image_without_a_class_has_no_place(self, tmp_path: Path) -> None:
        unlabelled = Sample("a.jpg", tmp_path / "a.jpg", Size(8, 6), state="unlabelled")
        with pytest.raises(ValueError, match=r"must have a class of its own .* received none for a\.jpg"):
            FORMAT.image_place(unlabelled)

    def test_images_without_a_split_never_stand_beside_splits(self, tmp_path: Path) -> None:
        """Keras would take `train` for a class beside theirs."""
        samples = (sample(tmp_path, "a.jpg", "normal", "train"), sample(tmp_path, "b.jpg", "abnormal"))
        why = r"received 1 images without one \(first: b\.jpg\) beside 1 with; `labelloop split` gives every image one"
        with pytest.raises(LabelloopError, match=f"folders must have a split for every image or for none, {why}"):
            export_dataset(Dataset(samples, ("normal", "abnormal")), tmp_path / "out", "folders")
        assert not (tmp_path / "out").exists()
        for chosen, folder in ((samples[:1], "train/normal"), (samples[1:], "abnormal")):
            export_dataset(Dataset(chosen, ("normal", "abnormal")), tmp_path / folder.replace("/", " "), "folders")
            assert len(list((tmp_path / folder.replace("/", " ") / folder).glob("*.jpg"))) == 1

    def test_what_others_wrote_with_and_without_splits_is_read(self, tmp_path: Path) -> None:
        pictures(tmp_path, "train/normal/a.jpg", "abnormal/b.jpg")
        (tmp_path / "classes.txt").write_text("normal\nabnormal\n")
        dataset, reading = opened(tmp_path)
        assert said(dataset) == {"abnormal/b.jpg": (None, "abnormal"), "train/normal/a.jpg": ("train", "normal")}
        assert reading.findings.counts() == {}

    def test_what_keras_passes_over_is_said(self, tmp_path: Path) -> None:
        samples = tuple(
            sample(tmp_path, f"{number}{suffix}", "normal") for number, suffix in enumerate((".JPG", ".webp", ".gif"))
        )
        report = export_dataset(Dataset(samples, ("normal",)), tmp_path / "out", "folders")
        assert [str(loss) for loss in report.losses] == [
            "images that readers of folders pass over for their suffix .gif: 1 (first: 2.gif)",
            "images that readers of folders pass over for their suffix .webp: 1 (first: 1.webp)",
        ]
        assert report.images == 3

    def test_images_that_have_no_class_are_counted(self, tmp_path: Path) -> None:
        keep = sample(tmp_path, "a.jpg", "normal")
        rest = [Sample(f"{state}.jpg", keep.path, Size(8, 6), state=state) for state in ("negative", "unlabelled")]
        boxed = Sample("x.jpg", keep.path, Size(8, 6), boxes=(Box("normal", 1, 1, 3, 3),))
        report = export_dataset(
            Dataset((keep, *rest, boxed), ("normal",)), tmp_path / "out", "folders", unlabelled=True
        )
        assert [str(loss) for loss in report.losses] == [
            "boxes: 1 (first: x.jpg)",
            "images left out that have boxes and no label: 1 (first: x.jpg)",
            "images left out: the format cannot say 'not labelled yet': 1 (first: unlabelled.jpg)",
            "looked-at negatives left out: the format has no place for them: 1 (first: negative.jpg)",
        ]

    @pytest.mark.parametrize(
        ("classes", "said"),
        [
            (("a", "b"), "alphabetical order: a, b;\nwhich is the order that was declared."),
            (("50", "10"), "alphabetical order: 10, 50;\nnot in the order that was declared, 50, 10."),
        ],
    )
    def test_the_readme_says_what_keras_does_with_the_order(
        self, tmp_path: Path, classes: tuple[str, ...], said: str
    ) -> None:
        out = written(tmp_path / "out", sample(tmp_path, "a.jpg", classes[0], "val"), classes=classes)
        text = (out / "README.txt").read_text(encoding="utf-8")
        assert said in text
        assert "image_dataset_from_directory('validation', class_names=names)" in text
