"""`labelloop suspects`: what it prints, keeps and draws."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.workspace import Workspace
from labelloop.tools.cli import verbs
from labelloop.training.suspects.suspect import read_suspects
from tests.training.finished_runs import COINS_AND_NOTES, detector, money, numbered


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data set with a run, and one wrong label among those that it judges."""
    samples = numbered(money(15))
    detector(tmp_path, samples)
    spoilt = [
        replace(each, boxes=(replace(each.boxes[0], label="5000"),)) if each.key == "10/test 3.jpg" else each
        for each in samples
    ]
    ledger = Ledger.create(Workspace(tmp_path).ledger("won"), "ann", COINS_AND_NOTES)
    changed = {each.key: each for each in spoilt}
    ledger.commit(changed, base=0, author="ann", tool="test", message="first", classes=COINS_AND_NOTES)
    return tmp_path


def run(home: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(verbs, ["suspects", "won", *words, "--home", str(home)])
    return done.exit_code, done.stdout, done.stderr


def test_the_worst_label_is_shown_first_and_the_list_is_kept(home: Path) -> None:
    status, out, said = run(home)
    assert (status, out) == (0, "")
    assert "10/test 3.jpg" in said.splitlines()[3]
    assert "says 10 with .90 where the label is" in said
    kept = read_suspects(Workspace(home), "won")
    assert kept is not None
    assert kept.suspects[0].key == "10/test 3.jpg"


def test_json_is_the_whole_list(home: Path) -> None:
    status, out, _ = run(home, "--run", "won-1", "--limit", "1", "--json")
    said = json.loads(out)
    assert status == 0
    assert said["source"]["runs"] == ["won-1"]
    assert said["suspects"][0]["proposed"]["label"] == "10"


def test_the_page_shows_pictures_and_needs_no_network(home: Path) -> None:
    page = home / "쪽.html"
    status, _, said = run(home, "--html", str(page), "--limit", "3")
    text = page.read_text(encoding="utf-8")
    assert status == 0
    assert str(page) in said.replace("\n", "")
    assert text.count("data:image/jpeg") >= 1
    assert "10/test 3.jpg" in text
    assert "http://" not in text


def test_both_run_and_folds_are_refused(home: Path) -> None:
    status, _, said = run(home, "--run", "won-1", "--folds", "3")
    assert status == 2
    assert "either --run or --folds" in said


def test_without_a_run_it_says_what_to_do(tmp_path: Path) -> None:
    Ledger.create(Workspace(tmp_path).ledger("won"), "ann", COINS_AND_NOTES)
    with pytest.raises(LabelloopError, match=r"no run that is done.*--folds 3"):
        CliRunner().invoke(verbs, ["suspects", "won", "--home", str(tmp_path)], catch_exceptions=False)
