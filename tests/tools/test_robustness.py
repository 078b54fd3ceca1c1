"""`labelloop robustness`, typed as a user would; a stand-in finds what is bright in place of Ultralytics."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("albumentations")
pytest.importorskip("hotcoco")

from labelloop.datasets.errors import LabelloopError
from labelloop.tools.cli import verbs
from labelloop.tools.robustness_reports import steps_progress
from labelloop.training.inspection import robustness_detector
from tests.training.inspection.seeing import detector, photos, see


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELLOOP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(robustness_detector, "detect", see)
    detector(tmp_path / "home", photos(tmp_path / "photos", 4))
    return tmp_path / "home"


def run(*words: str) -> Result:
    done = CliRunner().invoke(verbs, ["robustness", *words])
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done


def test_where_it_fails_and_what_answers_it(home: Path) -> None:
    said = run("money-1", "--only", "darkened", "--only", "recompressed").stderr
    assert "money-1 on 4 of 4 images of test, as they are: AP50 1.000, recall 1.000 at confidence 0.25" in said
    assert re.search(r"darkened +0\.400 +0\.000 at 0\.35 +0\.35", said)
    assert "--augment FILE" in said
    assert "about" in said  # how long it takes
    page = home / "runs" / "money-1" / "robustness" / "test.html"
    assert str(page) in said
    assert page.is_file()


def test_as_json_and_to_another_place(home: Path) -> None:
    done = run("money-1", "--only", "darkened", "--json", "--html", "here.html", "--limit", "3")
    told = json.loads(done.stdout)
    assert told["page"] == "here.html"
    assert Path("here.html").is_file()
    (one,) = told["runs"]
    assert (one["images"], one["there"]) == (3, 4)
    assert [point["level"] for point in one["families"]["darkened"]] == [0.7, 0.5, 0.35, 0.2, 0.1]
    assert [point["scores"]["recall"] for point in one["families"]["darkened"]] == [1, 1, 0, 0, 0]
    assert one["advice"][0]["level"] == 0.35
    assert one["broken"][0]["missed"] == ["coin"]


def test_refusals(home: Path) -> None:
    done = CliRunner().invoke(verbs, ["robustness", "money-9"])
    assert isinstance(done.exception, LabelloopError)
    assert "no run money-9" in str(done.exception)
    assert CliRunner().invoke(verbs, ["robustness"]).exit_code == 2
    assert CliRunner().invoke(verbs, ["robustness", "money-1", "--only", "melted"]).exit_code == 2


def test_a_line_at_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with steps_progress("won-3") as progress:
        for done in range(1, 101):
            progress(done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("  won-3: 10 of 100 steps, about ")


def test_the_choices_are_the_changes_that_there_are() -> None:
    from labelloop.tools.commands.robustness import _CHANGES
    from labelloop.training.inspection.robustness_conditions import FAMILIES

    assert tuple(FAMILIES) == _CHANGES
