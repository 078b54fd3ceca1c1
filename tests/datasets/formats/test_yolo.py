"""YOLO: what its lines and its data.yaml say, the traps in them, and what an export says besides its boxes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from PIL import Image

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.export import export
from labelloop.datasets.formats.yolo import FORMAT
from labelloop.datasets.reading import Dataset, Reading, open_source
from labelloop.datasets.recipe import Recipe
from labelloop.datasets.schema import Box, Sample, Size

LINE = "1 0.5 0.5 0.2 0.4"
NAMES = "names: [cat, dog, cow]\n"


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (100, 80), (90, 120, 60)).save(path, None if path.suffix.lower() in (".png", ".webp") else "JPEG")
    return path


def source(root: Path, lines: str | bytes = LINE, data: str | bytes | None = NAMES, **files: str) -> Path:
    """An image with labels under `images` and `labels`, with a data.yaml and whatever text files there are besides."""
    picture(root / "images/a.jpg")
    contents: dict[str, str | bytes] = {"labels/a.txt": lines, **files}
    if data is not None:
        contents["data.yaml"] = data
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def opened(root: Path, recipe: Recipe | None = None) -> tuple[Dataset, Reading]:
    reading = open_source(root, recipe, format="yolo")
    return reading.dataset(), reading


def found(root: Path, recipe: Recipe | None = None) -> list[str]:
    _, reading = opened(root, recipe)
    return [f"{finding.kind} {finding}" for finding in reading.findings]


class TestLines:
    @pytest.mark.parametrize(
        "lines",
        [
            "1\t0.5\t0.5\t0.2\t0.4\t\n",
            "+1.0 +.5 5e-1 0.2 0.4   ",
            f"\ufeff{LINE}\n",
            f"{LINE}\r\n\r\n",
            f"\r{LINE}\r",
            f"{LINE}\n".encode("utf-16"),
        ],
        ids=["tabs", "signs", "mark", "windows", "old mac", "utf-16"],
    )
    def test_lines_of_other_machines_are_read(self, tmp_path: Path, lines: str | bytes) -> None:
        dataset, reading = opened(source(tmp_path, lines))
        assert [(box.label, *box.corners) for box in dataset.samples[0].boxes] == [("dog", 40, 24, 60, 56)]
        assert reading.findings.counts() == {}

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("1_0 0.5 0.5 0.2 0.4", "line must be numbers in plain digits, received '1_0 0.5 0.5 0.2 0.4'"),
            ("1 0.5 0.5 0.2_0 0.4", "line must be numbers in plain digits"),
            ("\u0661 0.5 0.5 0.2 0.4", "line must be numbers in plain digits"),
            ("\uff11 0.5 0.5 0.2 0.4", "line must be numbers in plain digits"),
            ("1\u00a00.5\u00a00.5\u00a00.2\u00a00.4", "line must be numbers in plain digits"),
            ("0x1 0.5 0.5 0.2 0.4", "class must be a whole number, received '0x1'"),
            ("true 0.5 0.5 0.2 0.4", "class must be a whole number, received 'true'"),
            ("1 0.5 0.5 1e400 0.4", "value must be finite, received 1e400"),
            ("1,0.5,0.5,0.2,0.4", "line must have 5 fields (class cx cy w h), received 1"),
            (f"{LINE}\v{LINE}", "line must have 5 fields (class cx cy w h), received 10"),
        ],
    )
    def test_what_is_no_number_is_not_made_one(self, tmp_path: Path, line: str, why: str) -> None:
        """Python's float reads `1_000` and any script's digits; no YOLO tool means them."""
        (message,) = found(source(tmp_path, f"{LINE}\n{line}\n"))
        assert message.startswith(f"bad-box labels/a.txt:2: {why}")

    def test_an_outline_in_other_digits_is_none(self, tmp_path: Path) -> None:
        (message,) = found(source(tmp_path, "1 0.1 0.1 0.2 0.1 0.2 0.2_0"), Recipe(polygons="boxes"))
        assert message.startswith("bad-box labels/a.txt:1: line must be numbers in plain digits")


class TestDataYaml:
    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            ("{0: yes, 1: no, 2: 1e3}", ("yes", "no", "1e3")),
            ("{'2': c, '0': 010, '1': ~}", ("010", "~", "c")),
            ("[0x1F, 12:30:00, null]", ("0x1F", "12:30:00", "null")),
            ("['a''b', \"c\\\"d\", 천원]", ("a'b", 'c"d', "천원")),
        ],
    )
    def test_names_stay_the_text_that_they_are(self, tmp_path: Path, names: str, expected: tuple[str, ...]) -> None:
        dataset, reading = opened(source(tmp_path, data=f"names: {names}\n"))
        assert dataset.classes == expected
        assert reading.findings.counts() == {}

    @pytest.mark.parametrize(
        ("names", "why"),
        [
            ("{0: a, 2: b}", "names must number the classes from 0 without gaps, received [0, 2]"),
            ("{0.0: a, 1: b}", "names must be numbered by whole numbers from 0, received '0.0'"),
            ("{0: a, 0_1: b}", "names must be numbered by whole numbers from 0, received '0_1'"),
            ("{0: a, \u0661: b}", "names must be numbered by whole numbers from 0, received '\u0661'"),
            ("{no: a, yes: b}", "names must be numbered by whole numbers from 0, received 'no'"),
            ("cat, dog", "names must be a list or a mapping, received 'cat, dog'"),
            ("[[a], b]", "names must be text, received a list"),
            ("[a, b, a]", "class names must be there and each once"),
            ("[a, '', b]", "class names must be there and each once"),
            ("[a, b]\nnc: 3", "nc is 3, and there are 2 names"),
            ("[a, b]\nnc: [2]", "nc is no number, and there are 2 names"),
        ],
    )
    def test_names_that_are_none_are_found(self, tmp_path: Path, names: str, why: str) -> None:
        assert f"classes-differ data.yaml: {why}" in found(source(tmp_path, data=f"names: {names}\n"))

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            ("names: [a, b\n", "while parsing a flow sequence"),
            ("names: {0: a, 1: b, 1: c}\n", "key stands twice: 1"),
            ("names: [a, b]\nnames: [c, d]\n", "key stands twice: names"),
            ("x: &x [a, b]\nnames: *x\n", "aliases (*name) are not read"),
            ("d: &d {0: a, 1: b}\nnames:\n  <<: *d\n", "aliases (*name) are not read"),
            ("names: [a, b]\n---\nnames: [c]\n", "expected a single document"),
            ("names:\n\t- a\n", "found character '\\t'"),
            ("names: [a, b]\n\0", "unacceptable character"),
            ("names: " + "[" * 3000, "file is nested too deep"),
            ("names: [천원, 만원]\n".encode("cp949"), "file is not utf-8 text"),
            ("names: [" + "a, " * 700_000 + "]", "file must have at most 2 million characters"),
        ],
    )
    def test_a_broken_one_is_found_and_not_passed_over(self, tmp_path: Path, data: str | bytes, why: str) -> None:
        """Else every class would silently be called by its number."""
        assert FORMAT.detect(open_source(source(tmp_path, data=data), format="yolo").source.tree) == 95
        message = next(each for each in found(tmp_path) if each.startswith("unreadable-label-file data.yaml: "))
        assert why in message
        assert "\n" not in message

    def test_a_yaml_of_something_else_is_passed_over(self, tmp_path: Path) -> None:
        picture(tmp_path / "images/a.jpg")
        root = source(tmp_path, **{"compose.yaml": "x: &x 1\ny: *x\n", "hyp.yml": "lr0: 0.01\n"})
        assert found(root) == []

    def test_an_encoding_of_the_recipe_is_that_of_data_yaml_too(self, tmp_path: Path) -> None:
        root = source(tmp_path, data="names: [천원, 만원]\n".encode("cp949"))
        dataset, _ = opened(root, Recipe(encoding="cp949"))
        assert dataset.classes == ("천원", "만원")

    def test_no_tag_is_ever_obeyed(self, tmp_path: Path) -> None:
        data = f"names: !!python/object/apply:os.system ['touch {tmp_path}/pwned']\n"
        opened(source(tmp_path / "in", data=data))
        assert not (tmp_path / "pwned").exists()

    def test_two_that_disagree_are_found_and_data_yaml_is_read(self, tmp_path: Path) -> None:
        root = source(tmp_path, **{"a.yaml": "names: [x, y]\n", "same.yaml": "names: {0: cat, 1: dog, 2: cow}\n"})
        dataset, reading = opened(root)
        assert dataset.classes == ("cat", "dog", "cow")
        assert [str(finding) for finding in reading.findings] == ["a.yaml: names differ from those of data.yaml"]

    def test_names_are_lines_ended_in_any_way(self, tmp_path: Path) -> None:
        root = source(tmp_path, data=None, **{"classes.txt": "a\u2028b\rdog\r\ncow\n\n"})
        assert opened(root)[0].classes == ("a\u2028b", "dog", "cow")

    @pytest.mark.parametrize("nothing", ["", "~", "null", "[]"])
    def test_a_split_that_is_nothing_is_none(self, tmp_path: Path, nothing: str) -> None:
        root = source(tmp_path, data=f"{NAMES}train: images\nval: {nothing}\n")
        assert [sample.split for sample in opened(root)[0].samples] == ["train"]
        assert found(root) == []

    def test_one_folder_for_two_splits_is_found(self, tmp_path: Path) -> None:
        root = source(tmp_path, data=f"{NAMES}train: images\nval: images\n")
        assert found(root) == ["split-differs data.yaml: val: images is the folder of train too"]


class TestPairs:
    def test_one_label_file_for_two_images_is_not_read_for_either(self, tmp_path: Path) -> None:
        """fiftyone#3269, #2870: nothing says which of them was labelled."""
        picture(tmp_path / "images/a.png")
        root = source(tmp_path)
        assert opened(root)[0].samples == ()
        why = "labels are for images/a.jpg and for images/a.png: which is meant?"
        assert found(root) == [f"pair-conflict labels/a.txt: {why}"]

    def test_orphans_beside_images_are_found_too(self, tmp_path: Path) -> None:
        picture(tmp_path / "a.jpg")
        picture(tmp_path / "deep/b.jpg")
        files = {"a.txt": LINE, "lost.txt": LINE, "empty.txt": "", "notes.txt": "to do", "val.txt": "./a.jpg\n",
                 "data.yaml": f"{NAMES}val: val.txt\n", "deep/free.txt": LINE}  # fmt: skip
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        assert found(tmp_path) == [
            "orphan-image deep/b.jpg: image has no label file: not labelled yet",
            "orphan-label empty.txt: labels without an image",
            "orphan-label lost.txt: labels without an image",
            "ignored-file notes.txt: text file among labels that holds none",
        ]


class TestWriting:
    def dataset(self, root: Path, **splits: str | None) -> Dataset:
        samples = [
            Sample(f"{name}.jpg", picture(root / f"in/{name}.jpg"), Size(100, 80), 1, "labelled", (Box("dog", 1, 2, 9, 9),), split=split)
            for name, split in splits.items()
        ]  # fmt: skip
        return Dataset(tuple(samples), ("cat", "dog"))

    def test_images_without_a_split_are_kept_apart_and_said(self, tmp_path: Path) -> None:
        export(self.dataset(tmp_path, a="train", b="val", c=None, d=None), tmp_path / "out", "yolo")
        text = (tmp_path / "out/data.yaml").read_text()
        assert "# Images without a split: 2, in images/all." in text
        assert {key: value for key, value in yaml.safe_load(text).items() if key not in ("names", "nc")} == {
            "train": "images/train", "val": "images/val",
        }  # fmt: skip
        dataset, reading = opened(tmp_path / "out")
        assert [sample.split for sample in dataset.samples] == ["train", "val", None, None]
        assert reading.findings.counts() == {}

    def test_without_any_split_the_file_says_what_is_missing(self, tmp_path: Path) -> None:
        export(self.dataset(tmp_path, a=None), tmp_path / "out", "yolo")
        text = (tmp_path / "out/data.yaml").read_text()
        assert "`labelloop split` makes one" in text
        assert yaml.safe_load(text)["train"] == "images/all"

    @pytest.mark.parametrize("split", ["images", "labels"])
    def test_a_split_that_ultralytics_would_take_for_its_folder_is_refused(self, tmp_path: Path, split: str) -> None:
        why = f"cannot be written as yolo: split must not be named images or labels, received {split} for a.jpg"
        with pytest.raises(LabelloopError, match=why):
            export(self.dataset(tmp_path, a=split), tmp_path / "out", "yolo")
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".gif"])
    def test_what_ultralytics_passes_over_is_said(self, tmp_path: Path, suffix: str) -> None:
        samples = tuple(
            Sample(f"{n}{end}", picture(tmp_path / f"in/{n}{end}"), Size(100, 80), 1, "negative")
            for n, end in enumerate((".JPG", ".webp", suffix))
        )
        report = export(Dataset(samples, ("cat",)), tmp_path / "out", "yolo")
        assert [str(loss) for loss in report.losses] == [
            f"images that readers of yolo pass over for their suffix {suffix}: 1 (first: 2{suffix})"
        ]
