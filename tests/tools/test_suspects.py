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
from labelloop.tools.commands import suspects as command
from labelloop.training.suspects.suspect import KINDS, read_suspects
from tests.training.finished_runs import COINS_AND_NOTES, classifier, detector, money, numbered
from tests.training.rounds.ledgers import answer, confirmed, new_round, one, suspect


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


def test_what_people_confirmed_in_a_round_is_counted_and_not_listed_again(home: Path) -> None:
    ledger = Ledger(Workspace(home).ledger("won"))
    round = new_round(home, ledger, suspect("10/test 3.jpg", 1))
    before = json.loads(run(home, "--json")[1])
    answer(ledger, round.id, confirmed(one(ledger, "10/test 3.jpg")))
    said = json.loads(run(home, "--json")[1])
    assert before["suspects"][0]["key"] == "10/test 3.jpg"
    assert "10/test 3.jpg" not in [each["key"] for each in said["suspects"]]
    assert (before["looked_at"], said["looked_at"]) == (0, len(before["suspects"]) - len(said["suspects"]))
    assert "1 more is on an image that people have looked at in a round" in run(home)[2]


def test_json_is_the_whole_list(home: Path) -> None:
    status, out, _ = run(home, "--run", "won-1", "--limit", "1", "--json")
    said = json.loads(out)
    assert status == 0
    assert said["source"]["runs"] == ["won-1"]
    assert said["suspects"][0]["proposed"]["label"] == "10"


def test_one_kind_is_shown_and_all_are_kept(home: Path) -> None:
    status, out, _ = run(home, "--kind", "class", "--json")
    assert status == 0
    assert {each["kind"] for each in json.loads(out)["suspects"]} == {"class"}
    _, none, _ = run(home, "--kind", "image-label", "--json")
    assert json.loads(none)["suspects"] == []
    kept = read_suspects(Workspace(home), "won")
    assert kept is not None
    assert kept.suspects[0].kind == "class"
    assert command.KINDS == KINDS


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


def test_labels_of_images_stand_with_what_they_should_rather_be(tmp_path: Path) -> None:
    samples = [replace(each, boxes=(), label=each.boxes[0].label) for each in money(15)]
    classifier(tmp_path, samples, ["50/test 2.jpg"], origin="labels")
    ledger = Ledger.create(Workspace(tmp_path).ledger("won"), "ann", COINS_AND_NOTES)
    changed = {each.key: each for each in samples}
    ledger.commit(changed, base=0, author="ann", tool="test", message="first", classes=COINS_AND_NOTES)
    page = tmp_path / "page.html"
    status, _, said = run(tmp_path, "--html", str(page))
    assert status == 0
    assert "50/test 2.jpg" in said.splitlines()[3]
    text = page.read_text(encoding="utf-8")
    assert "1. 50, rather 1000, " in text
    assert "Red is" not in text
