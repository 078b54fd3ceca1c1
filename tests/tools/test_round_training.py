"""The report of a round with its trainings: those that are there already are not trained again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Sample
from labelloop.datasets.workspace import Workspace
from labelloop.tools.round_training import report_round
from labelloop.training.rounds.round import Round
from labelloop.training.runs import list_runs
from tests.training.finished_runs import COINS_AND_NOTES, money
from tests.training.finished_runs import detector as finished
from tests.training.rounds.ledgers import answer, new_round, suspect


def begin(home: Path) -> tuple[Ledger, list[Sample], Round]:
    """A ledger of money, and a round about the first image, which is labelled wrong."""
    true = [
        replace(each, boxes=tuple(replace(box, id=f"{number:024}") for box in each.boxes))
        for number, each in enumerate(money())
    ]
    wrong = [replace(true[0], boxes=(replace(true[0].boxes[0], label="50"),)), *true[1:]]
    ledger = Ledger.create(Workspace(home).ledger("won"), "ann", COINS_AND_NOTES)
    ledger.commit(
        {each.key: each for each in wrong}, base=0, author="ann", tool="import", message="m", classes=COINS_AND_NOTES
    )
    return ledger, true, new_round(home, ledger, suspect(true[0].key, 1))


def test_runs_that_are_there_are_not_trained_again_and_the_verdict_is_in_the_history(tmp_path: Path) -> None:
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1), {"10": 8, "50": 6, "1000": 6})
    answer(ledger, round.id, true[0])
    finished(tmp_path, ledger.samples(), {}, version=2)
    report, page = report_round(Workspace(tmp_path), ledger, round, train=True, author="ann")
    assert (report.old, report.new) == (("won-1",), ("won-2",))
    assert len(list_runs(Workspace(tmp_path))) == 2
    assert page.is_file()
    last = ledger.commits()[-1]
    assert (last.author, last.round) == ("ann", round.id)
    assert "Gain: the new model is better" in last.message
    assert last.details == {"old": "won-1", "new": "won-2", "looks": "3"}


def test_a_second_report_finds_the_same_although_the_first_made_a_version(tmp_path: Path) -> None:
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1), {"10": 8})
    answer(ledger, round.id, true[0])
    finished(tmp_path, ledger.samples(), {}, version=2)
    first, _ = report_round(Workspace(tmp_path), ledger, round, train=True, author="ann")
    assert ledger.version() == 3
    second, _ = report_round(Workspace(tmp_path), ledger, round, train=True, author="ann")
    assert first.new == second.new == ("won-2",)


def test_which_classifier_to_train_nobody_has_said(tmp_path: Path) -> None:
    samples = [replace(each, boxes=(), label="10") for each in money(2)]
    ledger = Ledger.create(Workspace(tmp_path).ledger("won"), "ann", COINS_AND_NOTES)
    ledger.commit({each.key: each for each in samples}, base=0, author="ann", tool="import", message="m")
    round = new_round(tmp_path, ledger, suspect(samples[0].key, 1))
    with pytest.raises(LabelloopError, match="labelloop train classifier won --version 1"):
        report_round(Workspace(tmp_path), ledger, round, train=True, author="ann")
