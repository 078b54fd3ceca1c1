"""What a classifier's run says of any picture: on those of its test split the same as it said when it was trained."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.training.classifier import begin_classifier, train_classifier
from labelloop.training.classifier_settings import Request
from labelloop.training.classifying import classify, examples_of
from labelloop.training.inspection.robustness import try_robustness
from labelloop.training.predictions import read_predictions
from tests.training.class_folders import draw_folders, imported, split_by_number
from tests.training.finished_runs import classifier, detector, money

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is missing")]


def test_it_says_the_same_as_in_the_training_and_leaves_out_what_it_cannot_read(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", draw_folders(tmp_path / "사진", {"across": 20, "down": 20})
    ledger = split_by_number(imported(home, photos))
    workspace = Workspace(home)
    run = begin_classifier(
        workspace, ledger, Request("small-cnn", epochs=30, imgsz=32, batch=8, patience=30, augment="none")
    )
    train_classifier(workspace, run)

    examples = examples_of(run, "test")
    gone = replace(examples[0].sample, key="gone.png", path=tmp_path / "gone.png")
    calls: list[tuple[int, int]] = []
    asked = [*examples, replace(examples[0], sample=gone)]
    found = classify(run, asked, progress=lambda done, total: calls.append((done, total)))
    rows = read_predictions(run.folder / "predictions", "test")
    said = dict(zip(rows["key"].to_list(), rows["scores"].to_list(), strict=True))
    assert set(found) == set(said)
    for key, scores in found.items():
        assert scores == pytest.approx(said[key], abs=1e-5)
    assert calls[-1] == (len(asked), len(asked))
    assert classify(run, []) == {}

    tried = try_robustness(run, families=["turned"])
    assert tried.images == len(examples)
    accuracy = {point.level: point.scores["accuracy"] or 0.0 for point in tried.families["turned"]}
    assert (tried.untouched.scores["accuracy"] or 0.0) >= 0.75
    assert accuracy[90] <= 0.25  # what goes across goes down then
    assert accuracy[180] >= 0.75
    assert {each.said for each in tried.broken} <= {"across", "down"}


def test_what_is_no_classifier_or_not_done_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match="must be a classifier's run, received a detector's"):
        classify(detector(tmp_path / "a", money(1)), [])
    with pytest.raises(LabelloopError, match=r"has no model any more: .*model\.keras is gone"):
        classify(classifier(tmp_path / "b", money(1)), [])
