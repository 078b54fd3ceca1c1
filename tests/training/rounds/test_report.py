"""The report: verdict, ruler, what was looked at, kept in the folder and for ever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Sample
from labelloop.datasets.workspace import Workspace
from labelloop.training.rounds.frozen_split import count_looks, read_scores_kept
from labelloop.training.rounds.page import write_report
from labelloop.training.rounds.progress import judge_round
from labelloop.training.rounds.report import Report, make_report, new_runs, old_runs, read_verdicts
from labelloop.training.rounds.round import Round

from ..finished_runs import COINS_AND_NOTES, money
from ..finished_runs import detector as finished
from .ledgers import answer, audit, confirmed, new_round, suspect


def with_ids(samples: list[Sample]) -> list[Sample]:
    return [
        replace(each, boxes=tuple(replace(box, id=f"{number:022}{at:02}") for at, box in enumerate(each.boxes)))
        for number, each in enumerate(samples)
    ]


def begin(home: Path) -> tuple[Ledger, list[Sample], Round]:
    """A ledger of money in which two images are labelled wrong, one of them in test, and a round about them."""
    true = with_ids(money())
    wrong = [
        replace(each, boxes=(replace(each.boxes[0], label="50"),)) if at in (0, 4) else each
        for at, each in enumerate(true)
    ]
    ledger = Ledger.create(Workspace(home).ledger("won"), "ann", COINS_AND_NOTES)
    ledger.commit(
        {each.key: each for each in wrong},
        base=0,
        author="ann",
        tool="import",
        message="first",
        classes=COINS_AND_NOTES,
    )
    sent = (suspect(true[0].key, 1), suspect(true[4].key, 2, blind=True), suspect(true[1].key, 3), audit(true[-1].key))
    return ledger, true, new_round(home, ledger, *sent)


def answered(ledger: Ledger, true: list[Sample], round: Round) -> None:
    answer(ledger, round.id, true[0], true[4], confirmed(true[1]), confirmed(true[-1]))


def report_of(home: Path, ledger: Ledger, round: Round) -> Report:
    workspace = Workspace(home)
    old = old_runs(workspace, round)
    return make_report(
        workspace, ledger, judge_round(ledger, round), old, new_runs(workspace, ledger, round, old), draws=200
    )


def test_a_gain_is_told_from_a_moved_ruler(tmp_path: Path):
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1), {"10": 7, "50": 7, "1000": 5})
    answered(ledger, true, round)
    finished(tmp_path, ledger.samples(), {}, version=2)
    report = report_of(tmp_path, ledger, round)
    assert (report.old, report.new) == (("won-1",), ("won-2",))
    assert report.verdict().startswith("Gain: the new model is better: mAP50-95")
    assert report.ruler().startswith("The ruler moved: on 1 of 40 test images")
    assert report.errors["missed"][0] > 0
    assert report.errors["missed"][1] == pytest.approx(0, abs=1e-9)
    assert report.agreement is not None
    assert (report.agreement.blind, report.agreement.other) == (1, 0)


def test_without_a_new_model_the_report_says_what_is_missing(tmp_path: Path):
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1), {"10": 2})
    answered(ledger, true, round)
    report = report_of(tmp_path, ledger, round)
    assert "--train" in report.verdict()
    assert report.new == ()
    assert report.status.corrected.counted("kind") == {"class": 2}


def test_without_any_model_what_changed_is_reported_all_the_same(tmp_path: Path):
    ledger, true, round = begin(tmp_path)
    answered(ledger, true, round)
    report = report_of(tmp_path, ledger, round)
    assert report.table is None
    assert report.remarks[0].startswith("No model was judged on the split test")


def test_equal_models_are_no_evidence(tmp_path: Path):
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1), {"10": 2})
    answered(ledger, true, round)
    finished(tmp_path, ledger.samples(), {"10": 2}, version=2)
    assert report_of(tmp_path, ledger, round).verdict().startswith("No evidence that the model got better or worse")


def test_every_look_is_counted_and_kept(tmp_path: Path):
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1), {"10": 2})
    answered(ledger, true, round)
    finished(tmp_path, ledger.samples(), {}, version=2)
    first, second = (report_of(tmp_path, ledger, round) for _ in range(2))
    assert (first.looks, second.looks) == (3, 4)
    kept = read_scores_kept(Workspace(tmp_path), "won")
    assert len(kept) == 8
    assert {row["labels"] for row in kept} == {1, 2}
    assert count_looks(Workspace(tmp_path), "won") == 4


def test_what_is_written_can_be_read(tmp_path: Path):
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1), {"10": 6, "1000": 6, "50": 6})
    answered(ledger, true, round)
    finished(tmp_path, ledger.samples(), {}, version=2)
    said, page = write_report(Workspace(tmp_path), report_of(tmp_path, ledger, round))
    told = orjson.loads(said.read_bytes())
    assert told["verdict"] == "gain"
    assert told["table"]["model"]["value"] > 0
    assert (told["errors_found"], told["kinds"]) == (2, {"class": 2})
    assert read_verdicts(Workspace(tmp_path), [round]) == {round.id: "gain"}
    text = page.read_text(encoding="utf-8")
    assert "Gain: the new model is better" in text
    assert "old model" in text


def test_an_unfinished_round_says_so(tmp_path: Path):
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1))
    answer(ledger, round.id, true[0])
    report = report_of(tmp_path, ledger, round)
    assert any("3 of 4 images have no answer yet" in remark for remark in report.remarks)


def test_a_run_that_is_none_is_refused(tmp_path: Path):
    _, _, round = begin(tmp_path)
    with pytest.raises(LabelloopError, match="won-9 must be a run"):
        old_runs(Workspace(tmp_path), round, "won-9")


def test_a_new_model_that_learned_nothing_new_is_named_as_the_reason(tmp_path: Path):
    ledger, true, round = begin(tmp_path)
    finished(tmp_path, ledger.samples(1), {"10": 2})
    in_test = next(sample for sample in (true[0], true[4]) if sample.split == "test")
    answer(ledger, round.id, in_test)
    finished(tmp_path, ledger.samples(), {"10": 2}, version=2)
    said = "won-2 learned from the same labels as won-1: none of the split train was corrected"
    assert any(remark.startswith(said) for remark in report_of(tmp_path, ledger, round).remarks)
    answered(ledger, true, round)
    finished(tmp_path, ledger.samples(), {"10": 2}, version=3)
    assert not any("learned from the same labels" in remark for remark in report_of(tmp_path, ledger, round).remarks)
