"""The report of a round with several seeds, its models really trained: a classifier's and a detector's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from labelloop.datasets.ledger import Ledger
from labelloop.datasets.workspace import Workspace
from labelloop.tools.round_training import report_round
from labelloop.training.classifier import begin_classifier, train_classifier
from labelloop.training.classifier_settings import Request as ClassifierRequest
from labelloop.training.detector import Request as DetectorRequest
from labelloop.training.detector import begin_detector, train_detector
from labelloop.training.rounds.report import report_json
from labelloop.training.runs import Run, list_runs
from tests.training.class_folders import draw_folders, imported, split_by_number
from tests.training.detector_runs import CLASSES, new_signs
from tests.training.rounds.ledgers import answer, new_round, suspect

Begun = tuple[Ledger, Run, str]


def labels(folder: Path) -> Begun:
    """A small classifier of stripes; an image of train lies in the wrong folder."""
    ledger = split_by_number(imported(folder / "home", draw_folders(folder / "photos", {"across": 60, "down": 60})))
    wrong = next(each for each in ledger.samples() if each.split == "train" and each.label == "down")
    ledger.commit(
        {wrong.key: replace(wrong, label="across")}, base=ledger.version(), author="ann", tool="t", message="m"
    )
    workspace = Workspace(folder / "home")
    run = begin_classifier(workspace, ledger, ClassifierRequest("small-cnn", epochs=3, imgsz=32, augment="none"))
    return ledger, train_classifier(workspace, run), wrong.key


def boxes(folder: Path) -> Begun:
    """A detector of signs, from scratch for an epoch."""
    ledger = new_signs(folder, (8, 4, 12))
    asked = {"epochs": 1, "imgsz": 64, "batch": 4, "device": "cpu", "plots": False, "seed": 0}
    workspace = Workspace(folder / "home")
    run = begin_detector(workspace, ledger, DetectorRequest("yolov8n.yaml", asked=asked))
    wrong = next(each for each in ledger.samples() if each.split == "train")
    return ledger, train_detector(workspace, run), wrong.key


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize(
    ("begin", "needs"),
    [pytest.param(labels, "tensorflow", id="labels"), pytest.param(boxes, "ultralytics", id="boxes")],
)
def test_two_seeds_of_old_and_new(begin: Callable[[Path], Begun], needs: str, tmp_path: Path) -> None:
    if find_spec(needs) is None:
        pytest.skip(f"{needs} is missing")
    ledger, old, key = begin(tmp_path)
    workspace = Workspace(tmp_path / "home")
    name = ledger.folder.name
    round = new_round(workspace.home, ledger, suspect(key, 1), dataset=name, run=old.id)
    (wrong,) = ledger.samples(keys=[key])
    if wrong.boxes:
        first = replace(wrong.boxes[0], label=next(name for name in CLASSES if name != wrong.boxes[0].label))
        right = replace(wrong, boxes=(first, *wrong.boxes[1:]))
    else:
        right = replace(wrong, label="down")
    answer(ledger, round.id, right)

    report, page = report_round(workspace, ledger, round, train=True, seeds=2, author="ann")
    runs = {run.id: run for run in list_runs(workspace, name)}
    assert [runs[each].plan.seed for each in report.old] == [runs[each].plan.seed for each in report.new] == [0, 1]
    assert report.old[0] == old.id
    assert len(runs) == 4
    assert {runs[each].plan.version for each in report.old} == {round.version}
    assert {runs[each].plan.version for each in report.new} == {round.version + 1}
    for each in runs.values():
        told = {**each.plan.settings, "seed": 0, "left_out": 0}
        assert told == {**old.plan.settings, "seed": 0, "left_out": 0}
    assert report.table is not None
    assert report.table.model is not None
    assert len(report.table.model.seeds) == 2
    assert not any("One seed" in remark for remark in report.remarks)
    said = report_json(report)
    assert said["verdict"] in ("gain", "loss", "no evidence")
    assert "With each seed" in page.read_text("utf-8")

    again, _ = report_round(workspace, ledger, round, train=True, seeds=2, author="ann")
    assert (again.old, again.new) == (report.old, report.new)
    assert len(list_runs(workspace, name)) == 4
