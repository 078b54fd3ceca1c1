"""The commands on a data set, typed one after the other as a user would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from labelloop.datasets.errors import LabelloopError
from labelloop.tools.cli import verbs

pytest.importorskip("deltalake")


def labelme(folder: Path, name: str, *boxes: tuple[str, int, int, int, int], color: int = 0) -> None:
    """An image of 64x48 px with its LabelMe file."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (color, 40, 40)).save(folder / f"{name}.png")
    shapes = [
        {"label": label, "points": [[x1, y1], [x2, y2]], "shape_type": "rectangle", "group_id": None, "flags": {}}
        for label, x1, y1, x2, y2 in boxes
    ]
    document = {"version": "5.0.1", "flags": {}, "shapes": shapes, "imagePath": f"{name}.png", "imageData": None,
                "imageHeight": 48, "imageWidth": 64}  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(document))


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELLOOP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LABELLOOP_AUTHOR", "mina")
    folder = tmp_path / "photos"
    for number in range(6):
        labelme(folder, f"shot {number}", ("10" if number % 2 else "50", 1, 1, 20, 20), color=number)
    labelme(folder / "한글", "빈", color=99)
    return folder


def run(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(verbs, words)
    assert done.exit_code == status, (words, done.output, done.exception)
    return done


def run_json(*words: str, status: int = 0) -> dict:
    return json.loads(run(*words, "--json", status=status).stdout)


def test_from_import_to_export_and_back(photos: Path, tmp_path: Path) -> None:
    first = run_json("import", "photos", "--name", "won")
    assert (first["added"], first["commit"]["version"], first["commit"]["author"]) == (7, 1, "mina")
    assert first["commit"]["counts"] == {"image-added": 7, "box-added": 6}
    assert run_json("import", "photos", "--name", "won")["commit"] is None

    status = run_json("status")["datasets"][0]
    assert (status["images"], status["boxes"], status["states"]) == (7, 6, {"labelled": 6, "negative": 1})
    assert [each["name"] for each in status["classes"]] == ["10", "50"]

    split = run_json("split", "won", "--no-near-duplicates", "--ratios", "train=50,test=50")
    assert split["commit"]["version"] == 2
    assert run_json("split", "won", "--no-near-duplicates", "--ratios", "train=50,test=50")["commit"] is None
    again = run("split", "won", "--no-near-duplicates", "--seed", "1").stderr
    assert "every image stays in the split that it is in. labelloop split won --anew" in again
    assert list(run_json("status", "won")["datasets"][0]["splits"]) == ["train", "test"]
    run("export", "won", "--format", "yolo", "--to", "first")
    run("export", "won", "--format", "yolo", "--to", "again")
    files = sorted(path.relative_to("first") for path in Path("first").rglob("*") if path.is_file())
    assert files == sorted(path.relative_to("again") for path in Path("again").rglob("*") if path.is_file())
    assert all((Path("first") / file).read_bytes() == (Path("again") / file).read_bytes() for file in files)
    back = run_json("export", "won", "--format", "coco", "--to", "unsplit", "--version", "1")
    assert back["splits"] == {"": 7}

    log = run_json("log", "won")["commits"]
    assert [each["tool"] for each in log] == ["split", "import", "labelloop"]


def test_splitting_what_is_not_there_says_so_before_a_model_is_loaded(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelloop.datasets.splitting.load_embedder_or_say", lambda *_: pytest.fail("loaded a model"))
    done = CliRunner().invoke(verbs, ["split", "won"])
    assert isinstance(done.exception, LabelloopError)
    assert "no data set won" in str(done.exception)


def test_a_format_that_is_only_read_is_not_offered_for_writing(photos: Path) -> None:
    said = run("export", "won", "--format", "jsons", "--to", "out", status=2).output
    assert "'jsons' is none of coco, folders, labelme, via, voc, yolo" in said


def test_a_label_that_changed_in_the_source_comes_in_with_its_history(photos: Path) -> None:
    run("import", "photos", "--name", "won")
    labelme(photos, "shot 1", ("50", 1, 1, 20, 22), ("10", 30, 30, 40, 40), color=1)
    again = run_json("import", "photos", "--name", "won", "--author", "jun")
    assert (again["updated"], again["unchanged"]) == (1, 6)
    diff = run_json("diff", "won")
    assert diff["counts"] == {"box-added": 1, "box-moved": 1, "box-renamed": 1}
    assert diff["changes"][0]["iou"] == pytest.approx(361 / 399)
    shown = run("diff", "won").stderr
    assert "renamed from 10 to 50" in shown
    assert "IoU 0.905" in shown
    steps = run_json("blame", "won", "shot 1.png")["steps"]
    assert [(step["version"], step["author"]) for step in steps] == [(2, "jun"), (1, "mina")]

    undone = run_json("revert", "won", "--commit", "2")
    assert undone["kept"] == []
    assert run_json("diff", "won", "1")["counts"] == {}
    run("restore", "won", "--version", "2")
    assert run_json("diff", "won", "2")["changes"] == []
    assert len(run_json("log", "won", "-n", "1")["commits"]) == 1


def test_what_later_changes_build_upon_is_listed_and_stays(photos: Path) -> None:
    run("import", "photos", "--name", "won")
    for author, right in (("jun", 25), ("mina", 30)):
        labelme(photos, "shot 1", ("10", 1, 1, right, 20), color=1)
        run("import", "photos", "--name", "won", "--author", author)
    done = run_json("revert", "won", "--author", "jun", status=1)
    assert [(each["what"], each["key"]) for each in done["kept"]] == [("corners", "shot 1.png")]
    assert done["commit"] is None


def test_where_and_names_that_are_none(photos: Path) -> None:
    run("import", "photos", "--name", "won")
    some = run_json("export", "won", "--format", "coco", "--to", "fifties", "--where", "array_contains(labels, '50')")
    assert some["images"] == 3
    for words, said in (
        (("export", "won", "--format", "coco", "--to", "x", "--where", "nope = 1"), "SQL condition"),
        (("export", "won", "--format", "coco", "--to", "x", "--version", "9"), "0 to 1"),
        (("log", "nothing"), "there are won"),
        (("import", "photos", "--name", "../x"), "name must be"),
        (("revert", "won", "--commit", "7"), "1 to 1"),
        (("revert", "won", "--author", "nobody"), "there are mina"),
        (("blame", "won", "no such.png"), "never had"),
    ):
        done = CliRunner().invoke(verbs, words)
        assert done.exit_code == 1
        assert said in str(done.exception), (words, done.exception)
    run("revert", "won", status=2)


def test_an_image_that_changed_or_is_gone_is_not_exported_as_if_it_had_not(photos: Path) -> None:
    run("import", "photos", "--name", "won")
    Image.new("RGB", (64, 48), (200, 0, 0)).save(photos / "shot 2.png")
    (photos / "shot 3.png").unlink()
    done = CliRunner().invoke(verbs, ["export", "won", "--format", "yolo", "--to", "made"])
    assert "shot 2.png: image has other bytes" in str(done.exception)
    assert "shot 3.png: no image at" in str(done.exception)
    assert not Path("made").exists()


def test_a_source_that_moved_is_found_again(photos: Path, tmp_path: Path) -> None:
    run("import", "photos", "--name", "won")
    photos.rename(tmp_path / "elsewhere")
    assert CliRunner().invoke(verbs, ["export", "won", "--format", "yolo", "--to", "made"]).exit_code == 1
    moved = run_json("import", "elsewhere", "--name", "won")
    assert (moved["moved"], moved["added"]) == (7, 0)
    run("export", "won", "--format", "yolo", "--to", "made")
