"""Folds are planned such that no group lies on both sides, and found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.hashing import hash_files
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.training.runs import list_runs
from labelloop.training.suspects.folds import Folds, begin_folds, estimate_cost, folds_workspace

ASKED = Folds(3, model="yolov8n.yaml", asked={"epochs": 2, "imgsz": 64, "device": "cpu"})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A data set of 24 images, two of a capture each, half of each class."""
    photos = tmp_path / "사진"
    photos.mkdir()
    samples: list[Sample] = []
    for number in range(24):
        path = photos / f"{number}.png"
        Image.new("RGB", (64, 64), (number * 9, 255 - number * 9, 40)).save(path)
        label = "10" if number % 4 < 2 else "50"
        box = Box(label, 8, 8, 40, 40, id=f"{number:024x}")
        samples.append(Sample(path.name, path, Size(64, 64), boxes=(box,), group=f"capture {number // 2}"))
    made = Workspace(tmp_path / "home")
    digests = hash_files([str(each.path) for each in samples], made.hashes)
    named = {each.key: replace(each, sha256=digest or "") for each, digest in zip(samples, digests, strict=True)}
    ledger = Ledger.create(made.ledger("won"), "ann", ("10", "50"))
    roots = {each.key: str(photos) for each in samples}
    ledger.commit(
        named, base=0, author="ann", tool="test", message="first", classes=("10", "50"), roots=roots
    )  # fmt: skip
    return made


def test_each_image_is_predicted_once_and_its_group_is_not_learned(workspace: Workspace) -> None:
    runs = begin_folds(workspace, Ledger(workspace.ledger("won")), ASKED)
    judged = [sample.key for run in runs for sample in run.samples() if sample.split == "test"]
    assert sorted(judged) == sorted({f"{number}.png" for number in range(24)})
    for run in runs:
        groups = {split: {s.group for s in run.samples() if s.split == split} for split in ("train", "val", "test")}
        assert all(groups.values())
        assert not groups["test"] & (groups["train"] | groups["val"])
        assert not groups["val"] & groups["train"]


def test_the_same_request_goes_on_and_another_begins_anew(workspace: Workspace) -> None:
    ledger = Ledger(workspace.ledger("won"))
    runs = begin_folds(workspace, ledger, ASKED)
    assert [run.id for run in begin_folds(workspace, ledger, ASKED)] == [run.id for run in runs]
    others = begin_folds(workspace, ledger, replace(ASKED, seed=1))
    assert not {run.id for run in others} & {run.id for run in runs}
    assert list_runs(workspace) == []
    assert len(list_runs(folds_workspace(workspace, "won"))) == 6


def test_the_cost_is_images_times_epochs(workspace: Workspace) -> None:
    runs = begin_folds(workspace, Ledger(workspace.ledger("won")), ASKED)
    cost = estimate_cost(workspace, runs)
    assert cost.images == sum(run.plan.images["train"] for run in runs)
    assert (cost.epochs, cost.known_from) == (2, "")
    assert cost.seconds > 0
    for run in runs:
        run.add_epoch({"epoch": 1, "seconds": 3.0})
    known = estimate_cost(workspace, runs)
    assert known.known_from == runs[0].id
    assert known.seconds == pytest.approx(3.0 * cost.images / runs[0].plan.images["train"], rel=0.01)


def test_more_folds_than_groups_are_refused(workspace: Workspace) -> None:
    with pytest.raises(LabelloopError, match="from 2 to 20"):
        Folds(1)
    with pytest.raises(LabelloopError, match="too few labelled images or groups for 15 folds"):
        begin_folds(workspace, Ledger(workspace.ledger("won")), replace(ASKED, count=15))
