"""`labelloop preview` and `labelloop export --augment`, typed as a user would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from labelloop.tools.cli import verbs
from tests.tools.test_ledger_commands import labelme

pytest.importorskip("deltalake")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELLOOP_HOME", str(tmp_path / "home"))
    for number in range(9):
        labelme(
            tmp_path / "photos", f"shot {number}", ("10" if number % 2 else "앞면", 9, 9, 40, 40), color=20 * number
        )
    run("import", "photos", "--name", "won")
    return tmp_path / "home"


def run(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(verbs, words)
    assert done.exit_code == status, (words, done.output, done.exception)
    return done


def test_a_sheet_is_written_into_the_workspace(home: Path) -> None:
    said = run("preview", "won").stderr
    path = home / "previews" / "won-light.png"
    assert said.startswith(f"{path}: 6 images with 24 augmented copies\n")
    assert "HorizontalFlip mirrors, and the class 10 is digits" in said
    with Image.open(path) as sheet:
        assert sheet.width == 1360


def test_json_says_what_became_of_each_box(home: Path, tmp_path: Path) -> None:
    words = ("preview", "won", "--augment", "field", "--limit", "2", "--copies", "3", "--to", "sheet.png", "--json")
    said = json.loads(run(*words).stdout)
    assert (said["name"], said["version"], said["augmentation"], said["file"]) == ("won", 1, "field", "sheet.png")
    assert [len(image["copies"]) for image in said["images"]] == [3, 3]
    assert all(copy["boxes"] + len(copy["dropped"]) == 1 for image in said["images"] for copy in image["copies"])
    assert [remark["kind"] for remark in said["remarks"]] == ["grown"]
    assert (tmp_path / "sheet.png").is_file()
    assert json.loads(run(*words).stdout) == said


def test_a_file_will_do(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("transform: {__class_fullname__: VerticalFlip, p: 1.0}")
    said = json.loads(run("preview", "won", "--augment", "mine.yaml", "--limit", "1", "--json").stdout)
    assert said["augmentation"] == "mine.yaml"
    assert said["file"] == str(home / "previews" / "won-mine.png")
    assert said["remarks"][0]["kind"] == "mirrored"


def test_the_images_are_those_that_are_asked_for(home: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("shot 3.png\nshot 1.png\n")
    said = json.loads(run("preview", "won", "--keys", "keys.txt", "--copies", "1", "--json").stdout)
    assert [image["key"] for image in said["images"]] == ["shot 1.png", "shot 3.png"]
    said = json.loads(run("preview", "won", "--where", "key = 'shot 4.png'", "--copies", "1", "--json").stdout)
    assert [image["key"] for image in said["images"]] == ["shot 4.png"]


def test_what_is_wrong_is_a_sentence(home: Path) -> None:
    assert "one of none, light, field" in str(run("preview", "won", "--augment", "phone", status=1).exception)
    assert "no data set coins" in str(run("preview", "coins", status=1).exception)
    assert "1 to 12 copies" in str(run("preview", "won", "--copies", "99", status=1).exception)


def test_copies_are_baked_into_an_export_of_a_split_data_set(home: Path, tmp_path: Path) -> None:
    export = ("export", "won", "--format", "yolo", "--augment", "digits")
    assert "`labelloop split` first" in str(run(*export, "--to", "unsplit", status=1).exception)
    run("split", "won", "--no-near-duplicates", "--ratios", "60/20/20")
    said = json.loads(run(*export, "--to", "baked", "--copies", "2", "--seed", "5", "--json").stdout)
    assert said["augmented"] == said["splits"]["train"] * 2 // 3
    assert said["images"] == 9 + said["augmented"]
    assert len((tmp_path / "baked" / "augmented.csv").read_text().splitlines()) == 1 + said["augmented"]
    text = run("export", "won", "--format", "coco", "--to", "coco", "--augment", "trainer").stderr
    assert "of the images are augmented copies" in text
    assert "(mosaic); no copy here has that" in text


def test_an_export_without_augment_says_nothing_of_it(home: Path) -> None:
    said = json.loads(run("export", "won", "--format", "yolo", "--to", "plain", "--json").stdout)
    assert "augmented" not in said
    run("export", "won", "--format", "yolo", "--to", "more", "--copies", "2", status=2)
