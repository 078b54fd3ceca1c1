"""Classifiers, planned and trained by a real Keras in its own process, on pictures drawn here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box
from labelloop.datasets.workspace import Workspace
from labelloop.tools.run_reports import show_text
from labelloop.training.classifier import begin_classifier, train_classifier
from labelloop.training.classifier_settings import Request
from labelloop.training.classifier_weights import WeightsFile, find_weights
from labelloop.training.phone_export import export_model
from labelloop.training.predictions import read_predictions
from labelloop.training.runs import Run, find_run
from tests.datasets.ledgers import write_json
from tests.training.class_folders import draw_folders, draw_stripes, imported, put_into, split_by_number

SMALL = Request("small-cnn", imgsz=32, epochs=4, batch=16, deterministic=True, seed=5)


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ledger]:
    """A workspace with the data set `stripes`: 40 pictures of two classes, in train, val and test."""
    folder = tmp_path_factory.mktemp("stripes")
    source = draw_folders(folder / "photos", {"down": 20, "across": 20})
    return folder / "home", split_by_number(imported(folder / "home", source))


@pytest.fixture(scope="module")
def trained(stripes: tuple[Path, Ledger]) -> Run:
    if find_spec("tensorflow") is None:
        pytest.skip("tensorflow is not installed")
    home, ledger = stripes
    workspace = Workspace(home)
    return train_classifier(workspace, begin_classifier(workspace, ledger, SMALL))


# Planned


def test_a_plan_says_what_will_be_done_and_why(stripes: tuple[Path, Ledger]) -> None:
    home, ledger = stripes
    plan = begin_classifier(Workspace(home), ledger, Request("small-cnn", seed=3)).plan
    assert (plan.kind, plan.model, plan.seed, plan.classes) == ("classifier", "small-cnn", 3, ("across", "down"))
    assert plan.images == {"train": 24, "val": 8, "test": 8}
    assert plan.settings["from"] == "labels"
    assert plan.reasons["from"] == "40 of 40 images have a label of their own, 0 have boxes"
    assert (plan.settings["trainable"], plan.settings["imgsz"], plan.settings["batch"]) == ("all", 128, 16)
    assert plan.settings["rescaling"] == "x / 255"
    assert str(plan.settings["batchnorm"]).startswith("statistics of each batch in all layers while training")
    assert plan.settings["class_weights"] is None
    assert plan.settings["weights_source"] == "random"
    assert plan.settings["augmentation"]["name"] == "light"  # type: ignore[index,call-overload]
    assert set(plan.reasons) >= {"from", "trainable", "imgsz", "batch", "lr", "patience", "class_weights"}


def test_images_without_a_split_or_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    source = draw_folders(tmp_path / "photos", {"down": 10, "across": 10, "rare": 2})
    draw_stripes(source / "no class.png", True, 7)
    ledger = split_by_number(imported(tmp_path / "home", source))
    # The only pictures of a class are in test, so that train does not know it.
    put_into(ledger, {"rare": "test", "across 7": None, "down 8": "field"})
    plan = begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn")).plan
    assert plan.classes == ("across", "down")
    assert plan.settings["left_out"] == {
        "in no split": 2, "in the split field": 1, "of the class rare, which train does not have": 2,
    }  # fmt: skip
    assert sum(plan.images.values()) == 18


def test_without_val_a_part_of_train_is_val_and_groups_stay_together(tmp_path: Path) -> None:
    source = draw_folders(tmp_path / "photos", {"down": 12, "across": 12})
    ledger = put_into(imported(tmp_path / "home", source), {"": "train"}, together=2)
    run = begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn"))
    assert run.plan.images == {"train": 20, "val": 4}
    assert run.plan.reasons["val"].startswith("no image is in val, so 4 of 24 images of train are, by groups")
    sides = {(sample.group, sample.split) for sample in run.samples()}
    assert len(sides) == len({group for group, _ in sides}) == 12
    assert {sample.split for sample in ledger.samples()} == {"train"}, "the ledger stays as it is"
    again = begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn"))
    assert again.plan.labels == run.plan.labels
    assert (
        begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn", seed=1)).plan.labels
        != run.plan.labels
    )


def test_unbalanced_classes_are_weighted(tmp_path: Path) -> None:
    source = draw_folders(tmp_path / "photos", {"down": 30, "across": 10})
    ledger = put_into(imported(tmp_path / "home", source), {"0.": "val", "": "train"})
    plan = begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn")).plan
    assert plan.images == {"train": 36, "val": 4}
    assert plan.settings["class_weights"] == {"across": 2.0, "down": pytest.approx(36 / 54)}
    assert plan.reasons["class_weights"].startswith("9 to 27 examples a class")


def test_boxes_are_learned_where_there_are_boxes(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for number in range(6):
        draw_stripes(photos / f"{number}.png", True, number, (100, 80))
        write_json(photos / f"{number}.png", [Box("left", 1, 1, 45, 78), Box("right", 50, 5, 99, 70)])
    ledger = put_into(imported(tmp_path / "home", photos), {"0": "val", "1": "test", "": "train"})
    plan = begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn")).plan
    assert plan.settings["from"] == "boxes"
    assert plan.reasons["from"] == "0 of 6 images have a label of their own, 6 have boxes"
    assert plan.classes == ("left", "right")
    with pytest.raises(LabelloopError, match=r"images with a label of their own in the split train, received none"):
        begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn", origin="labels"))


def test_what_cannot_be_trained_is_a_sentence(tmp_path: Path) -> None:
    source = draw_folders(tmp_path / "photos", {"down": 6, "across": 6})
    ledger = imported(tmp_path / "home", source)
    workspace = Workspace(tmp_path / "home")
    with pytest.raises(LabelloopError, match="in the split train, received none: labelloop split stripes"):
        begin_classifier(workspace, ledger, Request("small-cnn"))
    put_into(ledger, {"": "train"})
    with pytest.raises(LabelloopError, match="at least two classes in train, stripes has down"):
        begin_classifier(workspace, ledger, Request("small-cnn", where="label = 'down'"))
    with pytest.raises(LabelloopError, match="trainable must be all where weights are random, received head"):
        begin_classifier(workspace, ledger, Request("small-cnn", trainable="head"))
    with pytest.raises(LabelloopError, match="small-cnn has no weights trained on ImageNet"):
        begin_classifier(workspace, ledger, Request("small-cnn", weights="imagenet"))
    for wrong, said in (
        ({"model": "resnet"}, "model must be one of small-cnn"),
        ({"imgsz": 16}, "imgsz must be at least 32 for small-cnn, received 16"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"lr": 2.0}, "lr must be above 0 and at most 1"),
        ({"origin": "all"}, "from must be labels, boxes or auto"),
        ({"augment": "heavy"}, "augmentation must be a YAML file or one of none, light"),
    ):
        with pytest.raises(LabelloopError, match=said):
            begin_classifier(workspace, ledger, Request(**{"model": "small-cnn", **wrong}))  # type: ignore[arg-type]


def test_a_leak_is_refused_unless_it_is_wanted(tmp_path: Path) -> None:
    source = draw_folders(tmp_path / "photos", {"down": 6, "across": 6})
    ledger = put_into(imported(tmp_path / "home", source), {" 0": "val", " 1": "test", "": "train"}, together=6)
    with pytest.raises(LabelloopError, match="groups lie in two splits"):
        begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn"))
    begin_classifier(Workspace(tmp_path / "home"), ledger, Request("small-cnn", allow_leak=True))


# Weights


def test_weights_are_found_or_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelloop.training.classifier_weights.is_reachable", lambda _host: False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert find_weights("resnet50", "none", tmp_path) == WeightsFile("none")
    with pytest.raises(LabelloopError, match=r"storage.googleapis.com cannot be reached\. Name a file with --weights"):
        find_weights("resnet50", "imagenet", tmp_path)
    kept = tmp_path / "resnet50-imagenet.weights.h5"
    kept.write_bytes(b"x")
    found = find_weights("resnet50", "imagenet", tmp_path)
    assert (found.kind, found.path, found.layout) == ("keras", str(kept), "keras")
    with pytest.raises(LabelloopError, match="imagenet, none or a file that exists"):
        find_weights("resnet50", "gone.h5", tmp_path)
    for name, model, said in (
        ("a.h5", "small-cnn", "keras.applications, which has no small-cnn"),
        ("a.pth", "resnet50", "efficientnet-lite0 and mobilenetv2 alone"),
        ("a.txt", "resnet50", r"must be a file \.h5, \.pth, \.pt or \.keras"),
        ("a.keras", "resnet50", "no model that Keras saved"),
    ):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(LabelloopError, match=said):
            find_weights(model, str(tmp_path / name), tmp_path)
    (tmp_path / "a.pth").write_bytes(b"x")
    assert find_weights("mobilenetv2", str(tmp_path / "a.pth"), tmp_path).layout == "torch"


# Trained


@pytest.mark.slow
def test_a_training_is_a_run_with_rows_weights_predictions_and_a_result(trained: Run) -> None:
    assert trained.status() == "done"
    rows = trained.epochs()
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert set(rows[0]) == {
        "epoch", "seconds", "train/loss", "val/loss", "train/accuracy", "val/accuracy", "lr",
    }  # fmt: skip
    result = trained.result()
    assert result is not None
    assert (result["split"], result["images"], result["epochs"]) == ("test", 8, 4)
    assert set(result["per_class"]) == {"across", "down"}
    assert result["per_slice"]["folder=down"]["images"] == 4
    assert result["splits"]["val"]["images"] == 8
    assert result["best_epoch"] == min(rows, key=lambda row: float(str(row["val/loss"])))["epoch"]
    assert result["batchnorm_layers"] == {"batch statistics": 8, "inference statistics": 0}
    assert (result["precision"], result["unreadable"]) == ("float32", {})
    # The scores are those of the best epoch: its loss on val is what its row says.
    truth = {sample.key: sample.label for sample in trained.samples()}
    val = read_predictions(trained.folder / "predictions", "val")
    own = [
        scores[trained.plan.classes.index(str(truth[key]))] for key, scores in val.select("key", "scores").iter_rows()
    ]
    best = rows[int(result["best_epoch"]) - 1]
    assert -np.log(own).mean() == pytest.approx(best["val/loss"], rel=1e-4)
    assert (trained.weights / "model.keras").stat().st_size > 100_000
    assert not (trained.folder / "trainer").exists()
    shown = show_text(trained)
    assert re.search(r"slice of test +images +accuracy +95 % interval\n  folder=across +4 ", shown)
    assert "ultralytics" not in shown
    with pytest.raises(LabelloopError, match="never overwritten"):
        train_classifier(Workspace(trained.folder.parents[1]), trained)


_TRAINER = """
import sys
from pathlib import Path
from labelloop.datasets.workspace import Workspace
from labelloop.training.classifier import train_classifier
from labelloop.training.runs import find_run
train_classifier(Workspace(Path(sys.argv[1])), find_run(Workspace(Path(sys.argv[1])), sys.argv[2]))
"""


@pytest.mark.slow
def test_killed_and_gone_on_with_it_is_the_run_that_it_would_have_been(
    stripes: tuple[Path, Ledger], trained: Run
) -> None:
    home, ledger = stripes
    run = begin_classifier(Workspace(home), ledger, SMALL)
    command = [sys.executable, "-c", _TRAINER, str(home), run.id]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as parent:
        while len(run.epochs()) < 2:
            assert parent.poll() is None, run.failure()
            time.sleep(0.02)
        os.kill(parent.pid, signal.SIGKILL)
    while _lives(run):  # the trainer's process ends with its parent
        time.sleep(0.02)
    done = len(run.epochs())
    assert run.status() == "stopped"
    seen: list[int] = []
    train_classifier(Workspace(home), run, lambda run, _: seen.append(len(run.epochs())))
    assert min(seen) >= done - 1, "what was done is not done again"
    assert [row["epoch"] for row in run.epochs()] == [1, 2, 3, 4]
    for mine, other in zip(run.epochs(), trained.epochs(), strict=True):
        assert {**mine, "seconds": 0} == {**other, "seconds": 0}
    for split in ("val", "test"):
        one, two = (read_predictions(each.folder / "predictions", split) for each in (run, trained))
        assert one.equals(two)


def _lives(run: Run) -> bool:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"keras_process" in (words := process.read_bytes()) and str(run.folder).encode() in words:
                return True
        except OSError:
            continue
    return False


@pytest.mark.slow
def test_the_command_is_stopped_by_ctrl_c_and_goes_on_and_the_same_seed_gives_the_same_bits(
    stripes: tuple[Path, Ledger], trained: Run
) -> None:
    home, _ = stripes
    labelloop = [sys.executable, "-m", "labelloop", "train", "classifier", "--home", str(home)]
    asked = [
        "--model",
        "small-cnn",
        "--imgsz",
        "32",
        "--epochs",
        "4",
        "--batch",
        "16",
        "--seed",
        "5",
        "--deterministic",
    ]
    with subprocess.Popen([*labelloop, "stripes", *asked], stderr=subprocess.PIPE, text=True) as first:
        assert first.stderr is not None
        said = first.stderr.readline()
        run = find_run(Workspace(home), said.partition(":")[0])
        for line in first.stderr:
            if line.startswith("  epoch   1/4"):
                break
        first.send_signal(signal.SIGINT)
        said = first.stderr.read()
    assert first.returncode == 128 + signal.SIGINT
    assert re.search(
        rf"{run.id} is stopped after [1-4] of 4 epochs: labelloop train classifier --resume {run.id} goes on", said
    )
    assert not _lives(run)
    done = subprocess.run([*labelloop, "--resume", run.id, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["run"] == run.id
    assert f"{run.id}: best epoch" not in done.stdout
    assert run.plan.settings == trained.plan.settings
    assert [row["epoch"] for row in run.epochs()] == [1, 2, 3, 4]
    for split in ("val", "test"):
        one, two = (read_predictions(each.folder / "predictions", split) for each in (run, trained))
        assert one.equals(two)
    again = subprocess.run([*labelloop, "--resume", run.id], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert f"Error: {run.id} is done and is never overwritten" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize("target", ["tflite", "saved-model", "onnx"])
def test_a_model_is_exported_and_says_the_same(tmp_path: Path, trained: Run, target: str) -> None:
    if target == "onnx":
        for needed in ("onnx", "tf2onnx", "onnxruntime"):
            pytest.importorskip(needed)
    done = export_model(trained, target, tmp_path / "out")
    assert done.compared["images"] == 8
    assert float(str(done.compared["largest difference of a score"])) < 1e-4
    assert done.compared["images with another class"] == 0
    assert done.bytes > 100_000
    assert (tmp_path / "out" / "labels.txt").read_text() == "across\ndown\n"
    about = json.loads((tmp_path / "out" / "about.json").read_bytes())
    assert about["input"]["shape"] == [None, 32, 32, 3]
    assert len(list((tmp_path / "out").iterdir())) == 3


@pytest.mark.slow
def test_boxes_are_trained_on_from_the_weights_of_another_run(tmp_path: Path, trained: Run) -> None:
    """Also: three classes where the weights have two, one unreadable picture, and no augmentation."""
    photos = tmp_path / "한글 [photos]"
    for number in range(9):
        name = "3.bmp" if number == 3 else f"{number}.png"
        draw_stripes(photos / name, number % 2 == 0, number, (100, 80))
        names = ("across", "small", "tall") if number % 2 == 0 else ("down", "small", "tall")
        boxes = [Box(names[0], 1, 1, 99, 78), Box(names[1], 50, 5, 80, 70), Box(names[2], 5, 20, 25, 79)]
        write_json(photos / name, boxes)
    whole = (photos / "3.bmp").read_bytes()
    (photos / "3.bmp").write_bytes(whole[: len(whole) // 2])  # its header is whole, so it is imported
    ledger = put_into(imported(tmp_path / "home", photos), {"0": "val", "1": "val", "2": "test", "": "train"})
    weights = str(trained.weights / "model.keras")
    request = Request("small-cnn", imgsz=32, epochs=2, batch=8, weights=weights, augment="none", trainable="batchnorm")
    workspace = Workspace(tmp_path / "home")
    run = train_classifier(workspace, begin_classifier(workspace, ledger, request))
    assert run.plan.classes == ("across", "down", "small", "tall")
    result = run.result()
    assert result is not None
    assert len(result["unreadable"]) == 3
    assert all(key.startswith("3.bmp#") for key in result["unreadable"])
    assert result["weights_left"] == ["head/kernel", "head/bias"]
    assert result["splits"]["val"]["images"] == 6
    test = read_predictions(run.folder / "predictions", "test")
    assert test["key"].to_list() == sorted(f"2.png#{box.id}" for box in ledger.samples(keys=["2.png"])[0].boxes)
    assert result["parameters"]["trained"] < result["parameters"]["all"] / 100
