"""Detectors, trained for real: what a run says, what a kill leaves, and that no image or label is lost or rewritten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from PIL import Image

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box
from labelloop.datasets.workspace import Workspace
from labelloop.tools.cli import verbs
from labelloop.training import detector
from labelloop.training.detector import Request, begin_detector, train_detector
from labelloop.training.detector_settings import parse_settings
from labelloop.training.phone_export import export_model
from labelloop.training.predictions import read_predictions, to_boxes
from labelloop.training.runs import Run, list_runs
from labelloop.training.weights import YOLOV8N, package_file
from tests.training.detector_runs import (
    CLASSES,
    NAME,
    QUICK,
    commit_signs,
    draw_sign,
    new_signs,
    only_run,
    start,
    to_sample,
    train,
    trainers,
    wait_until,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("ultralytics") is None or find_spec("deltalake") is None, reason="Ultralytics or deltalake is missing"
    ),
]


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.*")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """A training from the command line, on data with one of each thing that can go wrong."""
    folder = tmp_path_factory.mktemp("trained")
    ledger = new_signs(folder)
    photos = folder / "photos"
    padded = photos / "padded.jpg"
    boxes = draw_sign(padded, 4)
    padded.write_bytes(padded.read_bytes() + b"appended by a phone")  # Ultralytics writes such a file anew
    cut = photos / "cut.jpg"
    draw_sign(cut, 1)
    whole = cut.read_bytes()
    # Cut off, and yet with an end: no decoder tells, and Ultralytics trains on it with gray for what is missing.
    cut.write_bytes(whole[: len(whole) * 3 // 4] + b"\xff\xd9")
    draw_sign(photos / "twice.png", 2)
    draw_sign(photos / "suffix.jfif", 2)
    twice = Box("red", 10, 10, 30, 30)
    Image.new("RGB", (80, 60), (90, 90, 90)).save(photos / "nothing.jpg")
    commit_signs(
        folder,
        [
            to_sample(photos, "padded.jpg", "train", boxes),
            to_sample(photos, "cut.jpg", "train", boxes),
            to_sample(photos, "twice.png", "train", [twice, replace(twice, x1=10 + 1e-6)]),
            to_sample(photos, "suffix.jfif", "train", [twice]),
            to_sample(photos, "nothing.jpg", "test", []),
            replace(to_sample(photos, "nothing.jpg", "test", []), key="nobody looked.jpg", state="unlabelled"),
        ],
    )
    before = files_of(photos)
    said = train(folder, NAME, *QUICK, "--epochs", "2", "--score-train")
    run = only_run(folder)
    return {
        "folder": folder, "said": said, "run": run, "result": run.result(), "before": before,
        "after": files_of(photos), "samples": ledger.samples(),
    }  # fmt: skip


def test_a_run_is_complete(trained: Mapping[str, Any]) -> None:
    run: Run = trained["run"]
    assert run.status() == "done"
    assert [row["epoch"] for row in run.epochs()] == [1, 2]
    assert {"train/loss", "val/loss", "val/mAP50", "val/mAP50-95", "seconds", "lr"} <= run.epochs()[0].keys()
    assert sorted(path.name for path in run.weights.iterdir()) == ["best.pt", "last.pt"]
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "epochs.jsonl", "log.txt", "predictions", "result.json", "run.json", "samples.parquet", "trainer", "weights",
    ]  # fmt: skip
    left = [str(path.relative_to(run.folder)) for path in (run.folder / "trainer").rglob("*.*")]
    assert sorted(left) == ["trainer/ultralytics/args.yaml", "trainer/ultralytics/results.csv"]
    assert run.plan.images == {"train": 12, "val": 4, "test": 5}
    result = trained["result"]
    assert result["split"] == "test"
    assert result["images"] == 5
    assert list(result["splits"]) == ["train", "val", "test"]
    assert list(result["per_class"]) == list(CLASSES)
    assert result["began_after"] == [0]
    assert result["overall"]["confidence"] == result["splits"]["val"]["overall"]["confidence"]
    assert set(result["ultralytics"]["test"]["overall"]) == {"mAP50-95", "mAP50", "precision", "recall"}
    assert (result["ultralytics"]["test"]["conf"], result["ultralytics"]["test"]["iou"]) == (0.001, 0.7)


def test_settings_are_complete_and_say_why(trained: Mapping[str, Any]) -> None:
    plan = trained["run"].plan
    assert plan.settings["epochs"] == 2
    assert plan.settings["imgsz"] == 64
    assert plan.settings["nbs"] == plan.settings["batch"] == 4
    assert plan.settings["lr0"] == 0.01
    assert plan.settings["augmentation"]["name"] == "trainer"
    assert "12 images" in plan.reasons["nbs"]
    assert "twelfth of 2 epochs" in plan.reasons["warmup_epochs"]
    assert "imgsz" not in plan.reasons
    assert "nbs 4: 12 images" in trained["said"]


def test_every_image_and_box_that_the_trainer_did_not_use_is_named(trained: Mapping[str, Any]) -> None:
    found = trained["result"]["reconciled"]["train"]
    assert (found["images_sent"], found["images_used"]) == (12, 11)
    lost = {each["key"]: each for each in found["lost"]}
    assert set(lost) == {"padded.jpg", "twice.png", "suffix.jfif"}
    assert (lost["padded.jpg"]["what"], lost["padded.jpg"]["reason"]) == ("repaired", "corrupt JPEG restored and saved")
    assert (lost["twice.png"]["what"], lost["twice.png"]["boxes"]) == ("box", 1)
    assert (lost["suffix.jfif"]["what"], lost["suffix.jfif"]["boxes"]) == ("image", 1)
    assert found["boxes_sent"] - found["boxes_used"] == 2
    assert "suffix.jfif: image, 1 boxes lost: Ultralytics does not read .jfif files" in trained["said"]
    for split in ("val", "test"):
        said = trained["result"]["reconciled"][split]
        assert (said["images_used"], said["boxes_used"], said["lost"]) == (said["images_sent"], said["boxes_sent"], [])


def test_no_source_is_written_to(trained: Mapping[str, Any]) -> None:
    assert trained["after"] == trained["before"]


def test_predictions_lie_in_the_upright_image_of_the_ledger(trained: Mapping[str, Any]) -> None:
    sizes = {sample.key: sample.size for sample in trained["samples"]}
    for split in ("train", "val", "test"):
        rows = read_predictions(trained["run"].folder / "predictions", split)
        assert set(rows["label"]) <= set(CLASSES)
        assert rows.height
        for key, boxes in to_boxes(rows).items():
            assert all(box.x2 <= sizes[key].width and box.y2 <= sizes[key].height for box in boxes)
            assert [box.score for box in boxes] == sorted((box.score or 0 for box in boxes), reverse=True)


@pytest.mark.parametrize(("target", "needed"), [("onnx", "onnxruntime"), ("tflite", "litert_torch")])
def test_a_detector_is_exported_for_phones_and_says_the_same(
    trained: Mapping[str, Any], target: str, needed: str, tmp_path: Path
) -> None:
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    done = export_model(trained["run"], target, tmp_path / "out")
    names = {"onnx": "model.onnx", "tflite": "model.tflite"}
    assert sorted(path.name for path in done.target.iterdir()) == ["about.json", "labels.txt", names[target]]
    assert done.bytes == (done.target / names[target]).stat().st_size > 1_000_000
    assert done.compared["images"] == 5
    assert done.compared["boxes without a partner"] == 0
    assert (done.target / "labels.txt").read_text(encoding="utf-8").split("\n")[:2] == list(CLASSES)


@pytest.mark.long
def test_what_is_learned_is_found_where_it_is_even_on_photos_stored_turned(tmp_path: Path) -> None:
    try:
        weights = package_file(YOLOV8N)
    except LabelloopError as error:
        pytest.skip(str(error))
    new_signs(tmp_path, (40, 8, 16))
    more = [
        to_sample(tmp_path / "photos", key, "test", draw_sign(tmp_path / "photos" / key, number, orientation=6))
        for number in range(8)
        for key in (f"turned/{number}.jpg",)
    ]
    commit_signs(tmp_path, more)
    settings = ("--epochs", "14", "--set", "lr0=0.002", "--set", "optimizer=AdamW", "--set", "mosaic=0")
    train(tmp_path, NAME, "--model", str(weights), *QUICK[2:], "--imgsz", "96", *settings)
    result = only_run(tmp_path).result()
    assert result is not None
    assert result["per_slice"]["turned=yes"]["mAP50"] > 0.8
    assert result["overall"]["mAP50"] > 0.8


def test_a_label_of_the_same_length_and_a_file_of_the_same_size_are_seen_when_they_change(tmp_path: Path) -> None:
    """ultralytics#26207, #20132, yolov5#306: its cache of labels knows a data set by paths and the sum of sizes."""
    ledger = new_signs(tmp_path)
    workspace = Workspace(tmp_path / "home")
    request = Request(
        model="yolov8n.yaml", asked=parse_settings(["epochs=1", "imgsz=64", "plots=false"]), keep_data=True
    )
    first = train_detector(workspace, begin_detector(workspace, ledger, request))
    key = next(sample.key for sample in ledger.samples() if sample.split == "train")
    (old,) = ledger.samples(keys=[key])
    other = CLASSES[1 - CLASSES.index(old.boxes[0].label)]
    ledger.commit(
        {key: replace(old, boxes=(replace(old.boxes[0], label=other), *old.boxes[1:]))}, base=ledger.version(),
        author="ann", tool="edit", message="m",
    )  # fmt: skip
    second = train_detector(workspace, begin_detector(workspace, ledger, request))
    texts = [(run.data / "labels" / "train" / key).with_suffix(".txt").read_text() for run in (first, second)]
    assert texts[0] != texts[1]
    assert len(texts[0]) == len(texts[1])
    assert first.plan.labels["train"] != second.plan.labels["train"]
    for run in (first, second):  # each box by class and corners, as the trainer held it in memory
        assert (run.result() or {})["reconciled"]["train"]["lost"] == []


def test_images_that_cannot_be_decoded_cost_no_training(tmp_path: Path) -> None:
    """OpenCV decodes nothing of such a file, in the middle of an epoch, or when test is predicted after hours."""
    new_signs(tmp_path)
    photos = tmp_path / "photos"
    samples = []
    for split in ("train", "test"):
        cut = photos / f"한글 [b] {split}.jpg"
        boxes = draw_sign(cut, 1)
        whole = cut.read_bytes()
        cut.write_bytes(whole[: whole.index(b"\xff\xda") + 4] + b"\xff\xd9")  # before its picture, and yet with an end
        samples.append(to_sample(photos, cut.name, split, boxes))
    commit_signs(tmp_path, samples)
    before = files_of(photos)
    said = train(tmp_path, NAME, *QUICK, "--epochs", "1")
    assert "한글 [b] train.jpg: image, 2 boxes lost: image cannot be " in said
    found = (only_run(tmp_path).result() or {})["reconciled"]
    assert [(each["key"], each["what"]) for each in found["test"]["lost"]] == [("한글 [b] test.jpg", "image")]
    assert (found["train"]["images_sent"], found["train"]["images_used"]) == (9, 8)
    assert files_of(photos) == before
    for sample in Ledger(Workspace(tmp_path / "home").ledger(NAME)).samples():
        if sample.split == "val":
            whole = sample.path.read_bytes()
            sample.path.write_bytes(whole[: whole.index(b"\xff\xda") + 4] + b"\xff\xd9")
            commit_signs(tmp_path, [replace(sample, sha256=sha256(sample.path.read_bytes()).hexdigest())])
    said = train(tmp_path, NAME, *QUICK, "--epochs", "1", status=1)
    assert "splits train and val, received test, train" in said
    assert "6 images are broken, such as" in said


def test_a_stale_cache_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with yesterday's cache beside the new labels, as a folder that is used again would have it.

    Later versions of Ultralytics look at the files' times as well; a copy that keeps times deceives those too.
    """
    ledger = new_signs(tmp_path)
    workspace = Workspace(tmp_path / "home")
    request = Request(
        model="yolov8n.yaml", asked=parse_settings(["epochs=1", "imgsz=64", "plots=false"]), keep_data=True
    )
    run = begin_detector(workspace, ledger, request)
    train_detector(workspace, run)
    key = next(sample.key for sample in ledger.samples() if sample.split == "train")
    (old,) = ledger.samples(keys=[key])
    moved = replace(old.boxes[0], x1=old.boxes[0].x1 + 1, x2=old.boxes[0].x2 + 1)
    ledger.commit(
        {key: replace(old, boxes=(moved, *old.boxes[1:]))},
        base=ledger.version(),
        author="ann",
        tool="edit",
        message="m",
    )
    caches = {path.relative_to(run.data): path.read_bytes() for path in run.data.rglob("*.cache")}
    times = {path.relative_to(run.data): path.stat().st_mtime_ns for path in run.data.rglob("*.*") if path.is_file()}
    run.folder.rename(tmp_path / "first")
    again = begin_detector(workspace, ledger, request)
    assert again.folder == run.folder, "the cache knows its data set by paths too"
    fresh = detector.export

    def stale(dataset: Any, target: Path, *args: Any, **more: Any) -> Any:
        report = fresh(dataset, target, *args, **more)
        for place, content in caches.items():
            (target / place).write_bytes(content)
        for place, time_ns in times.items():
            os.utime(target / place, ns=(time_ns, time_ns))
        return report

    monkeypatch.setattr(detector, "export", stale)
    result = train_detector(workspace, again).result() or {}
    lost = result["reconciled"]["train"]["lost"]
    assert [(each["key"], each["what"], each["boxes"]) for each in lost] == [(key, "box", 1)]


@pytest.mark.parametrize(
    ("phase", "epoch", "killed"),
    [
        pytest.param("start", 0, "both", marks=pytest.mark.long),
        pytest.param("train", 2, "command", marks=pytest.mark.long),
        pytest.param("train", 3, "trainer", marks=pytest.mark.long),
        ("train", 2, "both"),
        pytest.param("predict", 0, "both", marks=pytest.mark.long),
    ],
)
def test_a_training_that_is_killed_goes_on_and_is_one_run(phase: str, epoch: int, killed: str, tmp_path: Path) -> None:
    new_signs(tmp_path, (48, 4, 4))
    process = start(tmp_path, NAME, *QUICK, "--epochs", "4")
    folder = tmp_path / "home" / "runs" / f"{NAME}-1"
    wait_until(process, folder, phase, epoch)
    children = trainers(folder)
    assert len(children) == 1
    for each in {"command": [process.pid], "trainer": children, "both": [process.pid, *children]}[killed]:
        os.kill(each, signal.SIGKILL)
    said = process.communicate()[1]
    until = time.monotonic() + 10
    while trainers(folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert trainers(folder) == []
    run = Run(folder)
    if killed == "trainer":
        assert "was killed by signal 9" in said
        assert run.status() == "failed"
    else:
        assert run.status() == "stopped"
    done = len(run.epochs())
    assert done >= epoch - 2
    train(tmp_path, "--resume", run.id)
    assert [each.id for each in list_runs(Workspace(tmp_path / "home"))] == [run.id]
    assert [row["epoch"] for row in run.epochs()] == [1, 2, 3, 4]
    table = (folder / "trainer" / "ultralytics" / "results.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table] == ["epoch", "1", "2", "3", "4"]
    result = run.result() or {}
    assert result["epochs"] == 4
    assert result["began_after"][0] == 0
    if phase == "train":
        assert len(result["began_after"]) == 2
        assert result["began_after"][1] >= done
    assert sorted(path.name for path in run.weights.iterdir()) == ["best.pt", "last.pt"]
    assert not list(folder.rglob(".*"))
    assert "never overwritten" in train(tmp_path, "--resume", run.id, status=1)


def test_ctrl_c_stops_the_trainer_and_says_how_to_go_on(tmp_path: Path) -> None:
    new_signs(tmp_path, (48, 4, 4))
    process = start(tmp_path, NAME, *QUICK, "--epochs", "3")
    folder = tmp_path / "home" / "runs" / f"{NAME}-1"
    wait_until(process, folder, "train", 2)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130, said
    assert f"--resume {NAME}-1 goes on" in said
    assert "Traceback" not in said
    assert trainers(folder) == []
    assert Run(folder).status() == "stopped"
    out = train(tmp_path, "--resume", f"{NAME}-1", "--json")
    assert [row["epoch"] for row in orjson.loads(out[: out.rindex("}") + 1])["rows"]] == [1, 2, 3]


def test_a_trainer_that_fails_says_why_and_the_run_says_so_too(tmp_path: Path) -> None:
    new_signs(tmp_path)
    said = train(tmp_path, NAME, *QUICK, "--set", "optimizer=Nope", "--epochs", "1", status=1)
    assert "NotImplementedError: Optimizer 'Nope' not found" in said
    run = only_run(tmp_path)
    assert run.status() == "failed"
    assert "Optimizer 'Nope'" in run.failure()


def test_an_augmentation_of_labelloops_own_reaches_the_trainer(tmp_path: Path) -> None:
    new_signs(tmp_path)
    said = train(tmp_path, NAME, *QUICK, "--epochs", "1", "--augment", "field")
    run = only_run(tmp_path)
    assert "augmentation field" in said
    assert run.plan.settings["augmentation"]["name"] == "field"  # type: ignore[index, call-overload]
    assert run.plan.settings["mosaic"] == 0.0
    assert "FittedBoxes" in run.log.read_text()


def test_the_trainer_and_its_callbacks_can_be_sent_to_the_processes_of_several_gpus(tmp_path: Path) -> None:
    """Ultralytics pickles them for each GPU's process; nothing but that can be tried without several."""
    write = """
import sys
import cloudpickle
from pathlib import Path
from ultralytics.models.yolo.detect import DetectionTrainer
from labelloop.datasets.augmentation import read_augmentation
from labelloop.training.ultralytics_training import Notes, trainer_class
notes = Notes(Path("/run"), read_augmentation("field"))
Path(sys.argv[1]).write_bytes(cloudpickle.dumps((trainer_class(DetectionTrainer), notes.callbacks())))
"""
    read = """
import pickle, sys
kind, callbacks = pickle.load(open(sys.argv[1], "rb"))
print(kind.__mro__[1].__name__, kind.save_model.__name__, kind.final_eval(None), sorted(callbacks))
print(callbacks["on_fit_epoch_end"].__self__.folder)
"""
    environment = {**os.environ, "YOLO_OFFLINE": "1", "YOLO_CONFIG_DIR": str(tmp_path)}
    for code in (write, read):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "sent")], env=environment, cwd=tmp_path, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        (
            "DetectionTrainer save_model None ['on_fit_epoch_end', 'on_pretrain_routine_end', 'on_train_batch_end',"
            " 'on_train_epoch_start']"
        ),
        "/run",
    ]


@pytest.mark.long
def test_sizes_are_trained_one_after_the_other_and_compared(tmp_path: Path) -> None:
    new_signs(tmp_path)
    said = train(tmp_path, NAME, *QUICK, "--epochs", "1", "--sizes", "n,s")
    runs = list_runs(Workspace(tmp_path / "home"))
    assert [(run.plan.model, run.status()) for run in runs] == [("yolov8n.yaml", "done"), ("yolov8s.yaml", "done")]
    assert "class (AP50-95)" in said
    assert (runs[1].folder / "compared-with-signs-1.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "lr=1"], "received lr; the nearest is lr"),
        (["--set", "epochs=many"], "--set epochs must be a number"),
        (["--set", "data=/etc"], "labelloop decides on it"),
        (["--set", "single_cls=true"], "labelloop decides on it"),
        (["--set", "lr0"], "--set must be key=value"),
        (["--model", "yolov9n"], "did you mean yolov8n"),
        (["--augment", "nope"], "augmentation must be"),
        (["--where", "split = 'train'"], "must have labelled images in the splits train and val, received train"),
        (["--resume", "signs-9"], "no run signs-9"),
    ],
)
def test_what_cannot_be_trained_makes_no_run(words: list[str], sentence: str, tmp_path: Path) -> None:
    new_signs(tmp_path)
    given = ["train", "detector", NAME, "--home", str(tmp_path / "home"), "--model", "yolov8n.yaml", *words]
    done = CliRunner().invoke(verbs, given)
    assert isinstance(done.exception, LabelloopError)
    assert sentence in str(done.exception)
    assert not list_runs(Workspace(tmp_path / "home"))


def test_a_leak_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    ledger: Ledger = new_signs(tmp_path)
    grouped = [replace(sample, group="one shot") for sample in ledger.samples()]
    commit_signs(tmp_path, grouped)
    assert "a test would see what was trained on" in train(tmp_path, NAME, "--model", "yolov8n.yaml", status=1)
    workspace = Workspace(tmp_path / "home")
    assert begin_detector(workspace, ledger, Request(model="yolov8n.yaml", allow_leak=True)).id == f"{NAME}-1"


def test_an_image_that_changed_since_its_import_is_refused(tmp_path: Path) -> None:
    ledger = new_signs(tmp_path)
    draw_sign(ledger.samples()[0].path, 99)
    assert "image has other bytes than at its import" in train(tmp_path, NAME, "--model", "yolov8n.yaml", status=1)
