"""`labelloop inspect`, typed as a user would."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box
from labelloop.tools.cli import verbs
from labelloop.training.predictions import from_boxes, write_predictions
from labelloop.training.runs import Run
from tests.training.finished_runs import classifier, detector, image, money, numbered

pytest.importorskip("deltalake")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELLOOP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def wrong(home: Path) -> Run:
    """A detector that takes all ten 10s for 50s, misses three 1000s, and finds one 5000 twice."""
    made = detector(home, numbered([*money(), *(image(f"empty/val {at}.jpg", "val") for at in range(10))]))
    found: dict[str, list[Box]] = {}
    for sample in made.samples():
        if sample.split == "test":
            label = "50" if sample.key.startswith("10/") else sample.boxes[0].label
            found[sample.key] = [replace(sample.boxes[0], label=label, score=0.9)]
    for at in range(3):
        found[f"1000/test {at}.jpg"] = []
    found["5000/test 4.jpg"].append(Box("5000", 12, 20, 112, 220, score=0.8))
    write_predictions(made.folder / "predictions", "test", from_boxes(found))
    return made


def inspect(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(verbs, ["inspect", *words])
    assert done.exit_code == status, (words, done.output, done.exception)
    return done


def inspect_json(*words: str) -> dict[str, Any]:
    return json.loads(inspect(*words, "--json").stdout)


def contents(run: Run) -> dict[str, str]:
    return {
        str(path.relative_to(run.folder)): sha256(path.read_bytes()).hexdigest()
        for path in run.folder.rglob("*")
        if path.is_file()
    }


def test_what_would_gain_most_is_said_first(wrong: Run) -> None:
    done = inspect("won-1")
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "won-1 on test: 40 images"
    assert lines[1].strip().startswith("Mending class errors would gain most: AP50 is ")
    kinds = [line.split()[0] for line in lines if any(mark in line for mark in (" +0.", "AP50 if mended"))][:3]
    assert kinds == ["error", "class", "missed"]
    assert "27 of 40 boxes are found." in done.stderr
    assert "10/test 0.jpg" in done.stderr
    assert "and 6 more images" in done.stderr


def test_the_page_lies_beside_the_run_whose_files_stay_as_they_are(wrong: Run, tmp_path: Path) -> None:
    before = contents(wrong)
    page = wrong.folder / "inspection" / "test.html"
    assert str(page) in inspect("won-1").stderr
    assert "What won-1 gets wrong" in page.read_text(encoding="utf-8")
    after = contents(wrong)
    assert after.keys() - before.keys() == {"inspection/test.html"}
    assert {name: after[name] for name in before} == before
    elsewhere = tmp_path / "a folder" / "한글.html"
    assert inspect_json("won-1", "--split", "val", "--html", str(elsewhere))["page"] == str(elsewhere)
    assert elsewhere.is_file()


def test_json_has_all_of_it(wrong: Run) -> None:
    said = inspect_json("won-1")
    assert said["counts"] == {
        "correct": 27, "class": 10, "location": 0, "both": 0, "duplicate": 1, "background": 0, "missed": 3,
    }  # fmt: skip
    assert sum(map(sum, said["confusion"])) == 40 + 1, "every box, and the one prediction that is on none of its own"
    assert len(said["labels"]) == 40
    assert {each["kind"] for each in said["predictions"]} == {"correct", "class", "duplicate"}
    assert said["parts"][0]["name"] == "in=10"
    assert said["thresholds"]["split"] == "val"
    assert said["thresholds"]["at_alarms"]["0.01"]["recall"] == 1
    assert {"worth", "ap50", "scores", "calibration", "worst", "hidden", "sentences", "window"} <= said.keys()
    assert said["window"] == "", "nobody has opened one"


def test_another_split(wrong: Run) -> None:
    said = inspect("won-1", "--split", "val").stderr
    assert said.startswith("won-1 on val: 18 images")
    assert "AP50 is 1.000, and no kind of error is worth more" in said
    assert "To find something on at most 1% of the images without a box" in said


def test_a_classifier(home: Path) -> None:
    made = classifier(home, numbered(money()), [f"50/test {at}.jpg" for at in range(4)])
    said = inspect("won-1", "--no-heat-maps").stderr
    assert "Accuracy is 0.900: 4 of 40 are wrong." in said
    assert "Most often 50 is taken for 1000: 4 times." in said
    assert "50/test 0.jpg#" in said
    assert (made.folder / "inspection" / "test.html").is_file()
    told = inspect_json("won-1", "--no-heat-maps")
    assert [each["predicted"] for each in told["worst"]] == ["1000"] * 4
    assert told["thresholds"]["at_accuracy"]["0.99"]["kept"] == 1
    assert "predictions" not in told


def test_a_classifier_that_cannot_be_explained_is_inspected_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_weights(*_: object) -> None:
        raise LabelloopError("won-1 could not be explained: no weights")

    monkeypatch.setattr("labelloop.tools.inspecting.heat_of", no_weights)
    classifier(home, numbered(money()))
    said = inspect("won-1").stderr
    assert "Accuracy is 1.000" in said
    assert "There are no heat maps: won-1 could not be explained: no weights" in said


def test_what_is_not_there_is_said(wrong: Run) -> None:
    for words, message in (
        (["won-7"], "no run won-7"),
        (["won-1", "--split", "tset"], "no predictions for the split tset; there are: test, val"),
    ):
        done = CliRunner().invoke(verbs, ["inspect", *words])
        assert isinstance(done.exception, LabelloopError)
        assert message in str(done.exception)
