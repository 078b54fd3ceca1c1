"""File names that move a cursor, turn the text around or are no Unicode, through the commands on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets import formats

NAMES = [b"\x1b[31mred", b"a\nb", b"a\rb", "\u202egpj".encode(), "c\x9bm".encode(), b'q"uo,te', b"plain"]
NOT_UTF_8 = b"bad\xff"


def draw(folder: Path, names: list[bytes], labels: list[str]) -> Path:
    """Images with a LabelMe json beside each, under names that are bytes."""
    folder.mkdir()
    for number, name in enumerate(names):
        stem = os.path.join(os.fsencode(folder), name)
        image = Image.effect_noise((40, 30), 50 + number).convert("RGB")
        with open(stem + b".jpg", "wb") as file:
            image.save(file, "JPEG")
        shape = {
            "label": labels[number % len(labels)],
            "points": [[1, 2], [20, 20 + number]],
            "shape_type": "rectangle",
        }
        document = {"shapes": [shape], "imagePath": os.fsdecode(name + b".jpg"), "imageHeight": 30, "imageWidth": 40}
        with open(stem + b".json", "w", encoding="utf-8") as file:
            json.dump(document, file)
    return folder


def on_terminal(folder: Path, *words: str | bytes) -> tuple[int, str]:
    """The exit status, and everything that a command sent to its terminal; newlines as programs write them."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "labelloop", *words]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 65536):
                seen += part
        except OSError:  # how Linux says that the last writer has gone
            pass
        os.close(ours)
    return process.returncode, seen.decode().replace("\r\n", "\n")


def assert_harmless(text: str) -> None:
    raw = {letter for letter in text if letter != "\n" and not letter.isprintable()}
    assert not raw, text
    assert not {line for line in text.split("\n") if line.startswith("b.")}, (
        "a newline in a name began a line of its own"
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw(tmp_path / "photos", NAMES, ["a", "b\x1b[7m\u202e"])


@pytest.mark.parametrize("words", [["check"], ["check", "--json"], ["recipe", "--yes"], ["recipe", "--json"],
                                   ["split", "--no-near-duplicates"], ["split", "--no-near-duplicates", "--json"]])  # fmt: skip
def test_names_and_labels_do_not_reach_the_terminal_as_they_are(photos: Path, words: list[str]) -> None:
    (photos / "\x1b[2Jbroken\n.json").write_text("{")
    status, text = on_terminal(photos.parent, *words, "photos")
    assert_harmless(text)
    assert status == 1
    if words[0] != "split" and "--json" not in words:
        assert r"\x1b[31mred.jpg" in text or r"\x1b[2Jbroken\n.json" in text


@pytest.mark.parametrize("name", formats.writable_names())
def test_every_export_ends_in_a_result_or_in_a_sentence(tmp_path: Path, name: str) -> None:
    draw(tmp_path / "photos", NAMES, ["a", "b"])
    status, text = on_terminal(tmp_path, "convert", "photos", "made", "--format", name)
    assert_harmless(text)
    assert "Traceback" not in text
    assert (tmp_path / "made").exists() == (status == 0)
    assert status == (1 if name in ("voc", "folders") else 0), text  # names with newlines are none for VOC's lists


def test_splits_of_such_names_are_read_again(photos: Path) -> None:
    words = ["split", "photos", "--no-near-duplicates", "--ratios", "50/25/25"]
    first = on_terminal(photos.parent, *words)
    assert first[0] == 0, first[1]
    before = (photos.parent / "photos-splits.csv").read_bytes()
    assert on_terminal(photos.parent, *words)[0] == 0
    assert (photos.parent / "photos-splits.csv").read_bytes() == before


def test_names_that_are_no_utf_8_are_found_and_never_lost_in_silence(tmp_path: Path) -> None:
    draw(tmp_path / "photos", [b"plain", NOT_UTF_8], ["a"])
    status, text = on_terminal(tmp_path, "check", "photos")
    assert_harmless(text)
    assert status == 1
    assert "name-not-unicode (2, stops an import)" in text
    assert r"bad\udcff.jpg" in text
    status, text = on_terminal(tmp_path, "check", "photos", "--json")
    found = {each["place"] for each in json.loads(text)["findings"] if each["kind"] == "name-not-unicode"}
    assert found == {r"bad\udcff.jpg", r"bad\udcff.json"}
    status, text = on_terminal(tmp_path, "convert", "photos", "made", "--format", "yolo")
    assert status == 1
    assert not (tmp_path / "made").exists()
    for words in (["convert", "photos", "made", "--format", "yolo", "--skip-bad"], ["recipe", "photos", "--yes"],
                  ["split", "photos", "--no-near-duplicates"]):  # fmt: skip
        _, text = on_terminal(tmp_path, *words)
        assert_harmless(text)
        assert r"bad\udcff" in text
        assert "Traceback" not in text


def test_folders_that_a_person_names_so_work_too(tmp_path: Path) -> None:
    name = b"w\xff\x1b[31m"
    source = draw(tmp_path / os.fsdecode(name), [b"1", b"2", b"3"], ["a"])
    for words in (["check"], ["check", "--json"], ["recipe", "--yes", "--save", b"r\xfe.yaml"], ["split", "--no-near-duplicates"],
                  ["convert", "--format", "yolo", b"y\xfe"], ["convert", "--format", "coco", "--json", b"c\xfe"]):  # fmt: skip
        place = words[-1] if words[0] == "convert" else None
        rest = words[:-1] if place else words
        status, text = on_terminal(tmp_path, rest[0], name, *([place] if place else []), *rest[1:])
        assert_harmless(text)
        assert status == (1 if words[0] == "check" else 0), text
    assert sorted(path.name for path in source.parent.iterdir() if path.is_dir()) == [
        "c\udcfe", "w\udcff\x1b[31m", "y\udcfe",
    ]  # fmt: skip


@pytest.mark.parametrize("words", [["check", b"nix\xff\x1b[2J"], ["check", "photos", b"\x1b[2J\xff"], [b"\x1b[2J"],
                                   ["check", "photos", b"--\x1b[2J"], ["check", "photos", "--from", b"\x1b[2J\xff"],
                                   ["check", "photos", "--recipe", b"\x1b[2J\n\xff"]])  # fmt: skip
def test_mistakes_are_told_in_printable_text(photos: Path, words: list[str | bytes]) -> None:
    status, text = on_terminal(photos.parent, *words)
    assert_harmless(text)
    assert status == (1 if "--recipe" in words else 2)
    assert "Traceback" not in text
