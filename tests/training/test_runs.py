"""Runs: written once, found again, resumed without a repeated row, whatever kills the process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger_rows import Stamp, to_rows
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.training.plans import count_splits, labels_digest
from labelloop.training.predictions import BOXES, from_boxes, read_predictions, to_boxes, write_predictions
from labelloop.training.runs import Run, begin_run, find_run, list_runs

IMAGES = (
    Sample("a/1.jpg", Path("/photos/a/1.jpg"), Size(64, 48), boxes=(Box("10", 1, 2, 30, 40, id="0" * 24),), split="train"),
    Sample("a/2.jpg", Path("/photos/a/2.jpg"), Size(64, 48), boxes=(Box("50", 3, 2, 30, 40, id="1" * 24),), split="test"),
    Sample("한글/3.jpg", Path("/photos/한글/3.jpg"), Size(64, 48), state="negative", split="train"),
)  # fmt: skip


def begin(home: Path, dataset: str = "won", samples: Sequence[Sample] = IMAGES) -> Run:
    frame = to_rows(samples, Stamp("ada", "test", datetime(2026, 1, 1, tzinfo=UTC), 1))
    return begin_run(
        Workspace(home), "detector", dataset, 1, frame,
        classes=("10", "50"), model="yolov8n", seed=3, settings={"epochs": 2}, reasons={"epochs": "asked for"},
    )  # fmt: skip


def test_a_run_says_what_it_was_made_from(tmp_path: Path) -> None:
    run = begin(tmp_path)
    assert run.id == "won-1"
    again = find_run(Workspace(tmp_path), "won-1")
    assert again.plan == run.plan
    assert again.samples() == list(IMAGES)
    assert again.plan.images == {"train": 2, "test": 1}
    assert again.plan.labels["test"] == labels_digest(IMAGES[1:2])
    assert again.plan.packages["polars"]
    assert again.plan.hardware["cores"]
    assert again.status() == "stopped"
    assert again.epochs() == []
    assert again.result() is None


def test_the_next_run_has_the_next_number_and_lists_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    for _ in range(11):
        begin(tmp_path)
    begin(tmp_path, "car-1")
    assert [run.id for run in list_runs(Workspace(tmp_path))] == ["car-1-1", *(f"won-{n}" for n in range(1, 12))]
    assert [run.id for run in list_runs(Workspace(tmp_path), "car-1")] == ["car-1-1"]
    assert list_runs(Workspace(tmp_path), "car") == []


def _begin_many(home: Path, count: int) -> None:
    for _ in range(count):
        begin(home)


def test_processes_that_begin_at_once_never_share_a_run(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_begin_many, args=(tmp_path, 8)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    runs = list_runs(Workspace(tmp_path))
    assert [run.id for run in runs] == [f"won-{number}" for number in range(1, 17)]
    assert all(run.plan.id == run.folder.name for run in runs)
    assert not list(Workspace(tmp_path).runs.glob(".*"))


def test_the_text_for_a_run_that_is_none_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(LabelloopError, match="labelloop train makes one"):
        find_run(Workspace(tmp_path), "won-1")
    begin(tmp_path)
    with pytest.raises(LabelloopError, match=r"no run \.\./won-1 .* there are won-1"):
        find_run(Workspace(tmp_path), "../won-1")


def test_epochs_come_in_order_and_none_twice(tmp_path: Path) -> None:
    run = begin(tmp_path)
    run.add_epoch({"epoch": 1, "loss": 2.5})
    with pytest.raises(ValueError, match="epoch must be 2, the one after the last, received 1"):
        run.add_epoch({"epoch": 1, "loss": 2.5})
    run.add_epoch({"epoch": 2, "loss": 1.5})
    run.add_epoch({"epoch": 3, "loss": 0.5})
    with open(run.folder / "epochs.jsonl", "ab") as file:
        file.write(b'{"epoch": 4, "lo')  # a process was killed here
    assert [row["epoch"] for row in run.epochs()] == [1, 2, 3]
    run.keep_epochs(2)
    run.add_epoch({"epoch": 3, "loss": 0.25})
    assert [row["loss"] for row in run.epochs()] == [2.5, 1.5, 0.25]


def test_a_result_is_written_once(tmp_path: Path) -> None:
    run = begin(tmp_path)
    with run.held():
        assert run.status() == "running"
        with pytest.raises(LabelloopError, match=r"is being trained by process \d+: wait"), run.held():
            pass
        run.finish({"ap": 0.5})
    assert run.status() == "done"
    result = run.result()
    assert result is not None
    assert result["ap"] == 0.5
    assert result["finished"]
    with pytest.raises(LabelloopError, match="never overwritten"):
        run.finish({"ap": 0.6})
    with pytest.raises(LabelloopError, match="never overwritten"), run.held():
        pass
    assert run.result() == result
    assert not list(run.folder.glob(".*"))


def test_a_failure_is_kept_until_somebody_goes_on(tmp_path: Path) -> None:
    run = begin(tmp_path)
    with run.held():
        run.fail("the disk is full")
    assert run.status() == "failed"
    assert run.failure() == "the disk is full"
    with run.held():
        assert run.failure() == ""
        assert run.status() == "running"
    assert run.status() == "stopped"


_HOLDER = """
import sys, time
from pathlib import Path
from labelloop.training.runs import Run
with Run(Path(sys.argv[1])).held():
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    run = begin(tmp_path)
    assert run.holder() == 0
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(run.folder)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout as stdout:
        assert stdout.readline() == "held\n"
        assert run.status() == "running"
        assert run.holder() == holder.pid
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    assert run.status() == "stopped"
    assert run.holder() == 0
    with run.held():
        pass


def test_a_digest_changes_with_every_label_and_not_with_the_order() -> None:
    digest = labels_digest(IMAGES)
    assert labels_digest(reversed(IMAGES)) == digest
    box = IMAGES[0].boxes[0]
    for other in (
        replace(IMAGES[0], boxes=(replace(box, label="50"),)),
        replace(IMAGES[0], boxes=(replace(box, x2=30.5),)),
        replace(IMAGES[0], boxes=(), state="negative"),
        replace(IMAGES[0], boxes=(), label="10"),
        replace(IMAGES[0], sha256="1" * 64),
        replace(IMAGES[0], key="a/0.jpg"),
    ):
        assert labels_digest([other, *IMAGES[1:]]) != digest
    assert labels_digest([replace(IMAGES[0], tags=("seen",)), *IMAGES[1:]]) == digest


def test_splits_are_counted_in_their_order() -> None:
    samples = [replace(IMAGES[2], split=split) for split in ("test", None, "field", "val", "train", "val")]
    assert list(count_splits(samples).items()) == [("train", 1), ("val", 2), ("test", 1), ("", 1), ("field", 1)]


def test_predictions_come_back_as_they_were(tmp_path: Path) -> None:
    found = {
        "b.jpg": (Box("10", 0.1, 2, 30.25, 40, score=0.25), Box("50", 3, 2, 30, 40, score=0.75)),
        "a.jpg": (Box("50", 3, 2, 30, 40, score=1.0),),
        "none.jpg": (),
    }
    write_predictions(tmp_path, "test", from_boxes(found))
    rows = read_predictions(tmp_path, "test")
    assert rows.schema == BOXES
    assert rows["key"].to_list() == ["a.jpg", "b.jpg", "b.jpg"]
    assert to_boxes(rows) == {"a.jpg": found["a.jpg"], "b.jpg": found["b.jpg"][::-1]}
    with pytest.raises(LabelloopError, match="no predictions for the split val; there are: test"):
        read_predictions(tmp_path, "val")
    with pytest.raises(ValueError, match="must have a score"):
        from_boxes({"a.jpg": (Box("10", 0, 0, 1, 1),)})
    with pytest.raises(ValueError, match="must have the columns"):
        write_predictions(tmp_path, "test", rows.drop("score"))
