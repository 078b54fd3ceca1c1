"""Folds of a classifier: planned such that each can judge what it is asked about, and found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.workspace import Workspace
from labelloop.tools.suspect_reports import cost_text
from labelloop.training.crops import find_examples
from labelloop.training.predictions import LABELS, write_predictions
from labelloop.training.results import Scores, format_result
from labelloop.training.runs import Run
from labelloop.training.suspects.finding import find_suspects
from labelloop.training.suspects.folds import Folds, begin_folds, estimate_cost
from tests.training.class_folders import draw_folders, imported
from tests.training.finished_runs import COINS_AND_NOTES, classifier, money, numbered

ASKED = Folds(3, "classifier", "small-cnn", asked={"epochs": 2, "imgsz": 32})


def stripes(home: Path, **counts: int) -> tuple[Workspace, Ledger]:
    ledger = imported(home, draw_folders(home / "photos", counts))
    return Workspace(home), ledger


def test_each_image_is_judged_once_by_a_model_of_all_classes(tmp_path: Path) -> None:
    workspace, ledger = stripes(tmp_path, across=9, down=9)
    runs = begin_folds(workspace, ledger, ASKED)
    judged = [sample.key for run in runs for sample in run.samples() if sample.split == "test"]
    assert sorted(judged) == sorted(sample.key for sample in ledger.samples())
    assert {run.plan.classes for run in runs} == {("across", "down")}
    assert {run.plan.settings["imgsz"] for run in runs} == {32}
    assert [run.id for run in begin_folds(workspace, ledger, ASKED)] == [run.id for run in runs]
    cost = estimate_cost(workspace, runs)
    assert (cost.epochs, cost.known_from) == (2, "")
    assert "a rough guess, for efficientnet-lite0 on 2 cores" in cost_text(cost, runs)


def test_a_class_that_a_fold_cannot_learn_is_judged_by_none_and_that_is_said(tmp_path: Path) -> None:
    workspace, ledger = stripes(tmp_path, across=9, down=9, slanted=1)
    runs = begin_folds(workspace, ledger, ASKED)
    assert {run.plan.classes for run in runs} == {("across", "down")}
    said = cost_text(estimate_cost(workspace, runs), runs)
    assert "Not judged, as at least one fold would have nothing to learn of them: slanted (1 image in 1 group)" in said
    for run in runs:  # as a training leaves them
        assert write_all(run)
    found = find_suspects(ledger, runs, folds=3)
    assert (found.source["images"], found.source["images_without_predictions"]) == (18, 1)
    assert not any("slanted" in each.key for each in found.suspects)


def write_all(run: Run) -> int:
    """Predictions of a model that is right about all that it knows, and the run done."""
    classes = run.plan.classes
    examples = [each for each in find_examples(run.samples(), "labels", classes).found if each.sample.split == "test"]
    rows = [
        (each.sample.key, each.sample.label, 0.9, [0.9 if name == each.sample.label else 0.1 for name in classes])
        for each in examples
    ]
    write_predictions(run.folder / "predictions", "test", pl.DataFrame(rows, schema=LABELS, orient="row"))
    run.finish(format_result({"test": Scores(len(rows), {})}))
    return len(rows)


def test_with_one_class_left_it_says_what_to_do(tmp_path: Path) -> None:
    workspace, ledger = stripes(tmp_path, across=12, down=1)
    with pytest.raises(
        LabelloopError, match=r"two classes.*stripes has across; too rare are down \(1 image in 1 group\): label more"
    ):
        begin_folds(workspace, ledger, ASKED)


def test_another_request_begins_anew(tmp_path: Path) -> None:
    workspace, ledger = stripes(tmp_path, across=9, down=9)
    runs = {run.id for run in begin_folds(workspace, ledger, ASKED)}
    others = {run.id for run in begin_folds(workspace, ledger, replace(ASKED, asked={"epochs": 3, "imgsz": 32}))}
    assert not runs & others


def test_a_classifier_of_boxes_judges_no_labels(tmp_path: Path) -> None:
    samples = numbered(money(4))
    run = classifier(tmp_path, samples)
    ledger = Ledger.create(Workspace(tmp_path).ledger("won"), "ann", COINS_AND_NOTES)
    ledger.commit({each.key: each for each in samples}, base=0, author="ann", tool="test", message="first")
    with pytest.raises(LabelloopError, match="has learned boxes cut out of images, and cannot judge labels"):
        find_suspects(ledger, [run])
