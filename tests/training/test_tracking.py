"""Trackers are told what a training measures, offline too, and can neither end it nor learn where photos lie."""

from __future__ import annotations

import json
import pickle
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.training import trackers
from labelloop.training.classifier import begin_classifier, train_classifier
from labelloop.training.classifier_settings import Request
from labelloop.training.runs import Run
from labelloop.training.trackers import TRACKERS, choose_trackers, folder_of, key_of, mode_lines, tracking_lines
from labelloop.training.tracking import Tracking, harmless, parameters
from labelloop.training.ultralytics_tracking import Shown, Trackers
from tests.training import detector_runs
from tests.training.class_folders import draw_folders, imported, split_by_number
from tests.training.finished_runs import detector, money
from tests.training.told_trackers import comet_told, mlflow_told, tensorboard_told, wandb_told

NOWHERE = "http://127.0.0.1:9"
EPOCHS = 15
"""Of a tenth of a second each, so that a training can be stopped in between."""


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a network, a user without keys, and trackers that do not know that they are tested."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    for name in ("NO_PROXY", "no_proxy", "WANDB_API_KEY", "COMET_API_KEY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("WANDB_MODE", "COMET_MODE", "COMET_START_ONLINE", "NETRC", "COMET_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    return tmp_path


def need(*names: str) -> None:
    """Skip where a tracker, or a trainer, is not installed."""
    for name in names:
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed")


# Chosen


def test_a_mode_is_chosen_by_what_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda _: True)
    bare = {"HOME": str(tmp_path)}
    assert choose_trackers((), bare) == {}
    assert choose_trackers(TRACKERS, bare) == dict.fromkeys(TRACKERS, "offline")
    keys = {**bare, "WANDB_API_KEY": "k", "COMET_API_KEY": "k", "MLFLOW_TRACKING_URI": "http://tracking"}
    assert choose_trackers(TRACKERS, keys) == {
        "tensorboard": "offline", "wandb": "online", "comet": "online", "mlflow": "online"
    }  # fmt: skip
    assert choose_trackers(["wandb"], {**keys, "WANDB_MODE": "offline"}) == {"wandb": "offline"}
    assert choose_trackers(["comet"], {**keys, "COMET_START_ONLINE": "0"}) == {"comet": "offline"}
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password k\n")
    (tmp_path / ".comet.config").write_text("[comet]\napi_key=k\n")
    assert choose_trackers(["wandb", "comet"], bare) == {"wandb": "online", "comet": "online"}


def test_what_cannot_track_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabelloopError, match="track must be of tensorboard, wandb, comet, mlflow, received neptune"):
        choose_trackers(["neptune"])
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    with pytest.raises(LabelloopError, match=r"--track wandb needs wandb, not installed here: .*labelloop\[track\]"):
        choose_trackers(["wandb"])
    with pytest.raises(LabelloopError, match=r"needs mlflow and sqlalchemy and alembic, not installed"):
        choose_trackers(["mlflow"])


# Told


def test_settings_are_told_without_paths() -> None:
    said = {
        "lr0": 0.01, "rect": False, "data": "/home/ada/data.yaml", "model": "C:\\x.pt", "freeze": [1, 2], "cfg": None,
        "augmentations": [object()], "optimizer": "auto", "home": "~", "long": "x" * 300,
    }  # fmt: skip
    assert harmless(said) == {
        "lr0": 0.01, "rect": False, "data": "", "model": "", "freeze": "[1, 2]", "cfg": None, "augmentations": "",
        "optimizer": "auto", "home": "", "long": "",
    }  # fmt: skip


def test_a_run_has_one_id_at_its_trackers(tmp_path: Path) -> None:
    run = detector(tmp_path, money(1))
    assert key_of(run.plan) == key_of(Run(run.folder).plan)
    assert len(key_of(run.plan)) == 32
    assert key_of(run.plan) != key_of(detector(tmp_path, money(1)).plan)
    assert parameters(run.plan) == {
        "epochs": 3,
        "run": "won-1",
        "dataset": "won",
        "version": 1,
        "model": "yolov8n",
        "seed": 0,
    }
    assert tracking_lines(run) == mode_lines(run.plan) == []


def test_a_tracker_that_fails_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = detector(tmp_path, money(1))
    tracking = Tracking(run)
    tracking.opened["wandb"] = "open"

    def fail() -> None:
        raise OSError("the disk is\nfull")

    assert tracking.guard("wandb", lambda: 5) == 5
    assert tracking.guard("wandb", fail) is None
    assert tracking.guard("wandb", lambda: 5) is None
    assert tracking.guard("comet", lambda: 5) is None
    assert json.loads((folder_of(run) / "problems.json").read_text()) == {"wandb": "OSError: the disk is full"}
    assert "WARNING wandb is left out: OSError: the disk is full" in capsys.readouterr().err


def test_a_tracker_sees_a_trainer_without_photos_weights_and_paths(tmp_path: Path) -> None:
    run = detector(tmp_path, money(1))
    own = tmp_path / "own"
    own.mkdir()
    for name in ("results.csv", "results.png", "train_batch0.jpg", "val_batch0_pred.jpg", "args.yaml", "best.pt"):
        (own / name).write_text("x")
    plots = {own / "results.png": 1, own / "train_batch0.jpg": 2}
    args = SimpleNamespace(data=str(own / "data.yaml"), lr0=0.01, resume=False, save=True)
    trainer = SimpleNamespace(
        args=args, save_dir=own, best=own / "best.pt", plots=plots, epoch=3,
        validator=SimpleNamespace(plots={own / "val_batch0_pred.jpg": 3}, metrics=5),
    )  # fmt: skip
    shown = Shown(trainer, Tracking(run), "wandb")
    assert vars(shown.args) == {
        "data": "", "lr0": 0.01, "resume": False, "save": False, "project": "won", "name": "won-1", "model": "yolov8n"
    }  # fmt: skip
    assert (shown.epoch, shown.validator.metrics, dict(shown.validator.plots)) == (3, 5, {})
    assert dict(shown.plots) == {own / "results.png": 1}
    shown.look("on_train_end")
    assert sorted(path.name for path in shown.save_dir.iterdir()) == ["results.csv", "results.png", "weights"]
    assert not shown.best.exists()
    shown._mlflow_active = True
    assert not hasattr(trainer, "_mlflow_active")
    sent = pickle.loads(pickle.dumps(Trackers(run.folder)))  # as to the processes of several GPUs
    assert sent.folder == run.folder
    assert set(sent.callbacks()) >= {"on_fit_epoch_end", "teardown"}


@pytest.mark.slow
def test_a_detector_is_told_to_all_trackers_offline(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # where that is set, Ultralytics leaves its trackers out
    need("ultralytics", "tensorboard", "wandb", "comet_ml", "mlflow", "sqlalchemy")
    detector_runs.new_signs(alone)
    words = [word for name in TRACKERS for word in ("--track", name)]
    plots = ("--set", "plots=true")
    said = detector_runs.train(alone, detector_runs.NAME, *detector_runs.QUICK, *plots, "--epochs", "2", *words)
    run = detector_runs.only_run(alone)
    folder = folder_of(run)
    assert "track Comet offline, in the run's folder, since no key is set" in said
    assert f"tensorboard --logdir {folder / 'tensorboard'}" in said
    assert "wandb sync --append" in said
    rows = run.epochs()
    maps = [row["val/mAP50"] for row in rows]
    losses = [row["train/box_loss"] for row in rows]

    events = tensorboard_told(folder / "tensorboard")
    assert [step for step, _ in events["metrics/mAP50(B)"]] == [1, 2]
    assert [value for _, value in events["train/box_loss"]] == pytest.approx(losses, abs=1e-5)

    history, config, wandb_text = wandb_told(folder)
    assert history["metrics/mAP50(B)"] == pytest.approx(maps, abs=1e-5)
    assert history["train/box_loss"] == pytest.approx(losses, abs=1e-5)
    assert (config["run"], config["epochs"], config["data"]) == ("signs-1", 2, "")

    metrics, told, comet_text = comet_told(folder)
    assert metrics["train/box_loss"] == pytest.approx(losses, abs=1e-5)
    assert (told["run"], told["imgsz"]) == ("signs-1", 64)

    result = run.result() or {}
    assert {name: each["mode"] for name, each in result["tracking"].items()} == dict.fromkeys(TRACKERS, "offline")
    assert all(each["problem"] is None for each in result["tracking"].values())
    values, params, mlflow_text = mlflow_told(folder, result["tracking"]["mlflow"]["id"])
    assert [value for _, value in values["train/box_loss"]] == pytest.approx(losses, abs=1e-5)
    assert (params["data"], params["epochs"]) == ("", "2")
    assert mlflow_text.startswith("FINISHED")
    assert "results.png" in mlflow_text

    # No photo and no weights, and nowhere the place of the photos; offline, W&B keeps where its own tables lie.
    for text in (wandb_text, comet_text, mlflow_text):
        assert "photos" not in text
        assert "train_batch" not in text
        assert "best.pt" not in text
    assert str(alone) not in comet_text
    assert not (folder / ".plots").exists()
    assert not [path for path in folder.rglob("*") if path.suffix == ".pt" or "batch" in path.name]


@pytest.mark.slow
def test_a_classifier_that_is_gone_on_with_is_one_run_at_its_trackers(alone: Path) -> None:
    need("tensorflow", "tensorboard", "wandb", "comet_ml", "mlflow", "sqlalchemy")
    source = draw_folders(alone / "photos", {"down": 20, "across": 20})
    ledger = split_by_number(imported(alone / "home", source))
    workspace = Workspace(alone / "home")
    request = Request("small-cnn", imgsz=32, epochs=EPOCHS, patience=EPOCHS, batch=16, track=TRACKERS)
    run = begin_classifier(workspace, ledger, request)

    def stop(seen: Run, _progress: object) -> None:
        if len(seen.epochs()) >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_classifier(workspace, run, stop)
    done = train_classifier(workspace, run)
    folder = folder_of(run)
    losses = [row["val/loss"] for row in done.epochs()]
    assert len(losses) == EPOCHS

    events = tensorboard_told(folder / "tensorboard")
    assert dict(events["validation/epoch_loss"]) == pytest.approx(dict(enumerate(losses)), abs=1e-5)
    tracking = (done.result() or {})["tracking"]
    values, params, text = mlflow_told(folder, tracking["mlflow"]["id"])
    assert dict(values["val_loss"]) == pytest.approx(dict(enumerate(losses)), abs=1e-5)
    assert params["lr"] == str(run.plan.settings["lr"])
    assert "model_summary.txt" in text
    history, config, text = wandb_told(folder)
    assert sorted(set(history["epoch/epoch"])) == list(range(EPOCHS))
    assert config["model"] == "small-cnn"
    assert "photos" not in text
    (place,) = {path.name.rpartition("-")[2] for path in folder.glob("wandb/offline-run-*")}
    assert place == key_of(run.plan) == tracking["wandb"]["id"] == tracking["comet"]["id"]
    metrics, _, text = comet_told(folder)
    assert metrics["val_loss"][-1] == pytest.approx(losses[-1], abs=1e-5)
    assert "photos" not in text
    assert all(each["problem"] is None for each in tracking.values())


@pytest.mark.slow
def test_a_server_that_does_not_answer_costs_no_training(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("ultralytics", "mlflow")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    detector_runs.new_signs(alone)
    words = ("--epochs", "1", "--track", "mlflow", "--track", "tensorboard")
    said = detector_runs.train(alone, detector_runs.NAME, *detector_runs.QUICK, *words)
    run = detector_runs.only_run(alone)
    assert run.status() == "done"
    assert "MLflow was left out, and the training went on without it: MlflowException" in said
    tracking = (run.result() or {})["tracking"]
    assert tracking["tensorboard"]["problem"] is None
    assert "MlflowException" in tracking["mlflow"]["problem"]
    assert NOWHERE not in (run.folder / "run.json").read_text()
