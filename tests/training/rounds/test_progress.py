"""How far a round is, from the ledger alone."""

from __future__ import annotations

from pathlib import Path

from labelloop.training.rounds.progress import NOT_SENT, judge_round
from labelloop.training.rounds.round import Waiting

from .ledgers import answer, audit, confirmed, moved, new_ledger, new_round, one, other, renamed, suspect


def test_nothing_is_known_before_an_answer(tmp_path: Path):
    ledger = new_ledger(tmp_path)
    round = new_round(tmp_path, ledger, suspect("0.jpg", 1), audit("9.jpg"))
    status = judge_round(ledger, round)
    assert (status.done, status.precision, status.lift) == (frozenset(), {}, None)
    assert status.worth.going_on is None
    assert not status.finished


def test_answers_are_counted_by_rank_and_against_the_audit(tmp_path: Path):
    ledger = new_ledger(tmp_path)
    sent = [suspect(f"{at}.jpg", at + 1) for at in range(4)]
    round = new_round(tmp_path, ledger, *sent, audit("9.jpg"), waiting=[Waiting("8.jpg", 0.4, 10.0)])
    wrong = [renamed(one(ledger, f"{at}.jpg"), other(one(ledger, f"{at}.jpg").boxes[0].label)) for at in (0, 1)]
    answer(ledger, round.id, *wrong, confirmed(one(ledger, "2.jpg")), confirmed(one(ledger, "9.jpg")))
    status = judge_round(ledger, round, answered=["3.jpg"])
    assert status.finished
    assert status.precision == {4: 0.5}
    assert (status.suspects.wrong, status.suspects.looked) == (2, 4)
    assert (status.audit.wrong, status.audit.looked) == (0, 1)
    assert status.by_reason == {"suspect": (4, 4), "audit": (1, 1)}
    assert status.lift is not None
    assert {each.part for each in status.left} == {NOT_SENT, "suspects that were not sent", "images without a suspect"}


def test_commits_of_other_rounds_and_other_images_do_not_count(tmp_path: Path):
    ledger = new_ledger(tmp_path)
    round = new_round(tmp_path, ledger, suspect("0.jpg", 1))
    answer(ledger, "won-round-9", moved(one(ledger, "0.jpg"), 50))
    answer(ledger, "", moved(one(ledger, "1.jpg"), 50))
    assert judge_round(ledger, round).corrected.corrections == ()


def test_what_nobody_has_settled_is_neither_right_nor_wrong(tmp_path: Path):
    ledger = new_ledger(tmp_path)
    round = new_round(tmp_path, ledger, suspect("0.jpg", 1), suspect("15.jpg", 2, blind=True))
    status = judge_round(ledger, round, answered=["0.jpg", "15.jpg"], differ=["15.jpg"])
    assert status.suspects.looked == 1
    assert not status.finished
    blind = answer(ledger, "", moved(one(ledger, "15.jpg"), 60))
    settled = judge_round(ledger, round, answered=["0.jpg", "15.jpg"], blind=[blind])
    assert (settled.suspects.wrong, settled.suspects.looked) == (1, 2)
    assert settled.finished
