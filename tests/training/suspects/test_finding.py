"""Suspects of a data set, from runs that are done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Sample
from labelloop.datasets.workspace import Workspace
from labelloop.training.predictions import read_predictions, write_predictions
from labelloop.training.runs import Run
from labelloop.training.suspects.finding import find_suspects
from labelloop.training.suspects.reasons import classifier_reason
from tests.training.finished_runs import COINS_AND_NOTES, classifier, detector, money, numbered


def ledger_of(home: Path, samples: list[Sample]) -> Ledger:
    ledger = Ledger.create(Workspace(home).ledger("won"), "ann", COINS_AND_NOTES)
    ledger.commit(
        {each.key: each for each in samples},
        base=0,
        author="ann",
        tool="test",
        message="first",
        classes=COINS_AND_NOTES,
    )
    return ledger


@pytest.fixture
def found(tmp_path: Path) -> tuple[Ledger, Run, str]:
    """A run that is right, and labels of which one on test became wrong."""
    samples = numbered(money(20))
    run = detector(tmp_path, samples)
    wrong = next(each for each in samples if each.key == "10/test 3.jpg")
    spoilt = replace(wrong, boxes=(replace(wrong.boxes[0], label="5000"),))
    return ledger_of(tmp_path, [spoilt if each is wrong else each for each in samples]), run, spoilt.boxes[0].id


def test_the_wrong_label_is_first_and_says_why(found: tuple[Ledger, Run, str]) -> None:
    ledger, run, box = found
    said = find_suspects(ledger, [run])
    first = said.suspects[0]
    assert (first.key, first.kind, first.box, first.label, first.proposed_label) == (
        "10/test 3.jpg", "class", box, "5000", "10",
    )  # fmt: skip
    assert first.reason.startswith(
        "labelled 5000, but the model that was not trained on this photo says 10 with .90 where the label is"
    )
    assert {"held-out", "folder"} <= set(first.evidence)
    assert said.source["in_sample"] == 0
    assert said.source["images"] == 88
    assert said.source["images_without_predictions"] == 8


def test_what_was_trained_on_is_judged_only_when_asked_and_is_marked(found: tuple[Ledger, Run, str]) -> None:
    ledger, run, _ = found
    rows = read_predictions(run.folder / "predictions", "test").clear()
    write_predictions(run.folder / "predictions", "train", rows)
    assert all("in-sample" not in each.evidence for each in find_suspects(ledger, [run]).suspects)
    said = find_suspects(ledger, [run], in_sample=True)
    assert said.source["in_sample"] == 8


def test_two_runs_are_asked_apart(found: tuple[Ledger, Run, str], tmp_path: Path) -> None:
    ledger, run, _ = found
    blind = detector(tmp_path, numbered(money(20)), {"10": 20})
    said = find_suspects(ledger, [run, blind])
    assert said.suspects[0].key == "10/test 3.jpg"
    alone = find_suspects(ledger, [run]).suspects[0]
    assert said.suspects[0].probability != alone.probability


def test_runs_that_cannot_judge_are_refused(found: tuple[Ledger, Run, str], tmp_path: Path) -> None:
    ledger, _, _ = found
    begun = detector(tmp_path, numbered(money(4)), done=False)
    with pytest.raises(LabelloopError, match="must be done, received one that is stopped"):
        find_suspects(ledger, [begun])
    with pytest.raises(LabelloopError, match="received none"):
        find_suspects(ledger, [])


def test_labels_of_images(tmp_path: Path) -> None:
    samples = [replace(each, boxes=(), label=each.boxes[0].label) for each in money(20)]
    run = classifier(tmp_path, samples, ["50/test 2.jpg"], origin="labels")
    said = find_suspects(ledger_of(tmp_path, samples), [run])
    assert (said.suspects[0].key, said.suspects[0].kind) == ("50/test 2.jpg", "image-label")
    assert "says 1000 with .90 and 50 with .03" in said.suspects[0].reason


def test_what_the_model_says_is_said_as_it_is() -> None:
    usual = classifier_reason("50", "1000", 0.9, 0.03, "held-out", [])
    assert usual == "labelled 50, but the model that was not trained on this photo says 1000 with .90 and 50 with .03"
    leaning = classifier_reason("50", "1000", 0.42, 0.58, "out-of-fold", [], leans=True)
    assert leaning == (
        "labelled 50; the model that has not seen this photo says 50 with .58 and 1000 with .42, and of all images it says 50"
        " of more than are labelled so"
    )
    place = classifier_reason("50", "10", 0.1, 0.8, "out-of-fold", ["9 of 10 labels in the folder 10 say 10"])
    assert place.endswith("says 50 with .80 and 10 with .10; 9 of 10 labels in the folder 10 say 10")


def test_a_label_that_the_model_shares_is_no_suspect_unless_its_folder_speaks(tmp_path: Path) -> None:
    samples = [replace(each, boxes=(), label=each.boxes[0].label) for each in money(20)]
    odd = next(at for at, each in enumerate(samples) if each.key == "50/test 2.jpg")
    samples[odd] = replace(samples[odd], label="1000")
    run = classifier(tmp_path, samples, origin="labels")
    (only,) = find_suspects(ledger_of(tmp_path, samples), [run]).suspects
    assert (only.key, only.proposed_label, only.evidence) == ("50/test 2.jpg", "50", ("folder",))
    assert "says 1000 with .90" in only.reason
    assert "in the folder 50 say 50" in only.reason
