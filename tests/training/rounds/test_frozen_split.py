"""The test split: looks are counted and kept, and edits that follow the model are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from labelloop.datasets.schema import Box
from labelloop.datasets.workspace import Workspace
from labelloop.training.predictions import from_boxes
from labelloop.training.rounds.corrections import Correction
from labelloop.training.rounds.frozen_split import (
    add_scores,
    count_looks,
    edits_of_test,
    judge_edits,
    read_scores_kept,
    shared_test,
)

from ..finished_runs import detector as finished
from ..finished_runs import money
from .ledgers import ADA, BEN, answer, new_ledger, new_round, one, other, renamed, suspect


def test_scores_are_added_and_never_rewritten(tmp_path: Path):
    workspace = Workspace(tmp_path)
    add_scores(workspace, "won", [{"look": "a", "value": 0.5}, {"look": "a", "value": 0.6}])
    add_scores(workspace, "won", [{"look": "b", "value": 0.7}])
    assert [row["value"] for row in read_scores_kept(workspace, "won")] == [0.5, 0.6, 0.7]
    assert count_looks(workspace, "won") == 2


def test_a_training_that_was_judged_on_test_is_a_look(tmp_path: Path):
    finished(tmp_path, money())
    finished(tmp_path, money(), done=False)
    assert count_looks(Workspace(tmp_path), "won") == 1


def test_edits_are_told_apart_by_whether_they_were_blind(tmp_path: Path):
    ledger = new_ledger(tmp_path)
    round = new_round(tmp_path, ledger, suspect("15.jpg", 1, blind=True), suspect("16.jpg", 2, blind=True))
    for key, name in (("15.jpg", ""), ("17.jpg", ""), ("16.jpg", round.id), ("0.jpg", "")):
        sample = one(ledger, key)
        answer(ledger, name, renamed(sample, other(sample.boxes[0].label)), author=ADA)
    settled = 2
    blind, others = edits_of_test(ledger, 1, [round], {settled})
    assert [each.key for each in blind] == ["15.jpg", "16.jpg"]
    assert [each.key for each in others] == ["17.jpg"]


def test_an_edit_agrees_with_the_model_or_not(tmp_path: Path):
    samples = money()
    run = finished(tmp_path, samples)
    seen = next(each for each in samples if each.split == "test")
    box = replace(seen.boxes[0], score=0.9)
    rows = from_boxes({seen.key: (box,)})
    true, far = seen.boxes[0], Box("10", 400, 300, 500, 400)

    def edit(kind: str, before: Box | None, after: Box | None) -> Correction:
        names = (before.label if before else "", after.label if after else "")
        return Correction(kind, seen.key, *names, BEN, 2, (before, after))

    with_it = [
        edit("class", replace(true, label="50"), true), edit("missing", None, true), edit("spurious", far, None),
        edit("location", replace(true, x2=true.x2 + 60), true),
    ]  # fmt: skip
    against = [
        edit("class", true, replace(true, label="50")), edit("missing", None, far), edit("spurious", true, None),
        edit("location", true, replace(true, x2=true.x2 + 60)),
    ]  # fmt: skip
    found = judge_edits(against, with_it, run, rows, 0.5)
    assert (found.blind, found.blind_agree, found.other, found.other_agree) == (4, 0, 4, 4)
    assert found.chance is not None
    assert found.chance < 0.02


def test_images_that_all_predicted_and_nobody_trained_on(tmp_path: Path):
    samples = money()
    run = finished(tmp_path, samples)
    gone = next(each for each in samples if each.split == "test").key
    changed = [replace(each, split="train") for each in samples if each.key != gone]
    before, after = shared_test([run], samples, changed)
    assert len(before) == len(after) == 39
    assert {each.split for each in after} == {"test"}
    assert [each.key for each in before] == [each.key for each in after]
