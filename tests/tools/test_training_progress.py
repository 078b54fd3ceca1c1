"""What trainings say while they go on: several after each other here, and one from another process."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.tools.fold_training import watched_folds
from labelloop.tools.training_progress import EpochTeller, epoch_line, training_progress
from labelloop.training.runs import Run
from labelloop.training.suspects import folds
from labelloop.training.trainer_files import Progress
from tests.training.finished_runs import detector, money


def begun(home: Path, fold: str = "") -> Run:
    run = detector(home, money(1), losses=(), done=False)
    if fold:
        path = run.folder / "run.json"
        path.write_text(path.read_text("utf-8").replace('"nbs"', f'"fold": "{fold}",\n    "nbs"'), "utf-8")
    return Run(run.folder)


def train(run: Run, watch: object, epochs: int = 2) -> None:
    assert callable(watch)
    watch(run, Progress("start"))
    for epoch in range(1, epochs + 1):
        run.add_epoch({"epoch": epoch, "seconds": 1.5, "train/loss": 1 / epoch})
        watch(run, Progress("train", epoch, epochs))


def test_each_of_several_trainings_has_its_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with training_progress(2, epoch_line) as watch:
        for _ in range(2):
            train(begun(tmp_path), watch)
    said = capsys.readouterr().err
    assert said.count("epoch 1 of 2, 1.5 s; train loss 1.000") == 2
    assert said.count("epoch 2 of 2, 1.5 s; train loss 0.500") == 2
    assert said.count("starting the trainer") == 2


def test_what_is_gone_on_with_says_only_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = begun(tmp_path, "2 of 3")
    run.add_epoch({"epoch": 1, "seconds": 1.0, "train/loss": 1.0})
    tell = pickle.loads(pickle.dumps(EpochTeller(epoch_line)))
    tell(run, Progress("start"))
    run.add_epoch({"epoch": 2, "seconds": 1.0, "train/loss": 0.5})
    tell(run, Progress("train", 2, 2))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("fold 2 of 3: yolov8n begins on ")
    assert second == "fold 2 of 3: epoch 2 of 0, 1.0 s; train loss 0.500"


def test_folds_say_which_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [begun(tmp_path, f"{number} of 2") for number in (1, 2)]

    def learn(_workspace: object, run: Run, watch: object) -> None:
        train(run, watch)

    monkeypatch.setattr(folds, "train_detector", learn)
    assert [run.id for run in watched_folds(Workspace(tmp_path), runs, "here")] == [run.id for run in runs]
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("fold")] == [
        "fold 1 of 2: yolov8n on 8 images",
        "fold 2 of 2: yolov8n on 8 images",
    ]
    assert len([line for line in lines if "epoch" in line]) == 4


def test_a_fold_whose_workspace_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match="the workspace must lie on storage that all nodes share"):
        folds.train_fold(str(tmp_path), str(tmp_path / "gone"))
