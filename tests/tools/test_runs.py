"""`labelloop runs`, typed as a user would."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from labelloop.datasets.errors import LabelloopError
from labelloop.tools.cli import verbs
from labelloop.tools.run_reports import result_text
from labelloop.tools.train_detector import sized
from labelloop.tools.training_progress import duration, epoch_line
from labelloop.training.runs import Run
from tests.training.finished_runs import detector, hidden_ruin, money

pytest.importorskip("deltalake")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELLOOP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(verbs, ["runs", *words])
    assert done.exit_code == status, (words, done.output, done.exception)
    return done


def run_json(*words: str) -> dict:
    return json.loads(run(*words, "--json").stdout)


def test_without_runs(home: Path) -> None:
    assert "labelloop train makes one" in run().stderr
    assert run_json() == {"runs": []}


def test_all_of_a_workspace_and_those_of_a_data_set(home: Path) -> None:
    detector(home, money())
    detector(home, money(), done=False)
    said = run().stderr
    assert "won-1  detector  yolov8n        1  done          3" in said
    assert "mAP50-95 1.000 on test" in said
    assert "stopped" in said
    assert [each["status"] for each in run_json()["runs"]] == ["done", "stopped"]
    assert run_json("list")["runs"] == run_json()["runs"]
    done = CliRunner().invoke(verbs, ["runs", "other"])
    assert isinstance(done.exception, LabelloopError)
    assert "no data set other" in str(done.exception)


def test_one_in_full(home: Path) -> None:
    made = detector(home, money(), {"50": 4}, losses=((5, 6), (4, 5), (3, 4), (2, 4.5), (1.5, 5), (1, 6)))
    said = run("show", "won-1").stderr
    assert "won-1: yolov8n on won, version 1 (8 train, 8 val, 40 test)" in said
    assert "overfitting from epoch 4 on" in said
    assert "On test, 40 images: mAP50-95 0.9" in said
    assert "folder=50" in said
    assert (made.folder / "learning.png").exists()
    told = run_json("show", "won-1", "--to", "curve.png")
    assert told["curve"]["overfitting"] == 4
    assert told["plan"]["labels"]["test"] == made.plan.labels["test"]
    assert Path(told["plot"]).name == "curve.png"
    assert Path("curve.png").exists()
    assert run_json("show", "won-1", "--no-plot")["plot"] is None
    done = CliRunner().invoke(verbs, ["runs", "show", "won-7"])
    assert "no run won-7" in str(done.exception)


def test_a_run_without_a_result_says_why(home: Path) -> None:
    made = detector(home, money(), done=False)
    made.fail("the disk is full")
    assert "won-1 is failed: the disk is full" in run("show", "won-1").stderr


def test_two_beside_each_other(home: Path) -> None:
    detector(home, money())
    second = detector(home, money(), {"50": 8})
    said = run("compare", "won-1", "won-2").stderr
    assert said.startswith("mAP50-95 went from 1.000 to 0.80")
    lines = said.splitlines()
    first = next(at for at, line in enumerate(lines) if "class (AP50-95)" in line)
    assert lines[first + 1].split()[:1] == ["50"]
    assert "with 95 % certainty" in said
    assert "boxes" not in said.partition("class (AP50-95)")[0]
    assert (second.folder / "compared-with-won-1.png").exists()
    told = run_json("compare", "won-1", "won-2", "--to", "c.png")
    assert told["classes"][0]["name"] == "50"
    assert told["sentence"] in said
    done = CliRunner().invoke(verbs, ["runs", "compare", "won-1"])
    assert isinstance(done.exception, LabelloopError)


def test_the_ruin_in_the_documentation_is_what_the_command_says(home: Path) -> None:
    hidden_ruin(home)
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    assert run("compare", "won-1", "won-2", "--no-plot").stderr.rstrip("\n") in page


def test_names_from_strangers_do_not_reach_the_terminal(home: Path) -> None:
    made = detector(home, money())
    said = json.loads((made.folder / "result.json").read_text())
    lost = {"key": "a\x1b[2Jb.jpg", "what": "image", "boxes": 1, "reason": "bad\x07"}
    counts = {"images_sent": 2, "images_used": 1, "boxes_sent": 2, "boxes_used": 1, "lost": [lost] * 12}
    (made.folder / "result.json").write_text(json.dumps({**said, "reconciled": {"train": counts}}))
    text = result_text(Run(made.folder))
    assert r"a\x1b[2Jb.jpg: image, 1 boxes lost: bad\x07" in text
    assert "... and 2 more" in text


def test_sizes_are_of_the_models_own_family() -> None:
    assert sized("yolov8n", "") == ["yolov8n"]
    assert sized("yolo11n", "n, s,x") == ["yolo11n", "yolo11s", "yolo11x"]
    assert sized("yolov8n.yaml", "n,m") == ["yolov8n.yaml", "yolov8m.yaml"]
    assert sized("rtdetr-l", "l,x") == ["rtdetr-l", "rtdetr-x"]
    with pytest.raises(click.UsageError, match="must be of n, s, m, l, x for yolov8n, received n,q"):
        sized("yolov8n", "n,q")
    with pytest.raises(click.UsageError, match="known family"):
        sized("mine.pt", "n,s")


def test_times_and_epochs_for_people() -> None:
    assert [duration(seconds) for seconds in (4.21, 185, 7900)] == ["4.2 s", "3 min 5 s", "2 h 11 min"]
    row = {"epoch": 2, "seconds": 26.0, "train/loss": 3.2111, "val/loss": None, "val/mAP50": 0.5}
    assert epoch_line(row, 12, 260.0) == (
        "epoch 2 of 12, 26.0 s; train loss 3.211; val mAP50 0.500 (about 4 min 20 s left)"
    )
