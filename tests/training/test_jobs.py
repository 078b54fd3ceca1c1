"""Independent jobs, here and on a real Ray of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.training import jobs
from labelloop.training.jobs import Done, run_jobs
from labelloop.training.runs import list_runs
from tests.training import detector_runs

SCRIPT = """
import operator, os, sys
from functools import partial
from labelloop.training.jobs import run_jobs
from labelloop.datasets.schema import Size
from labelloop.training.trackers import choose_trackers
if __name__ == "__main__":
    jobs = [partial(operator.add, 1, 2), partial(choose_trackers, ["neptune"]), os.getpid, partial(os._exit, 3)]
    for done in sorted(run_jobs(jobs, "ray"), key=lambda done: done.number):
        print(done.number, done.value != os.getpid() and done.value, done.error)
"""


def test_here_each_is_done_in_its_turn_and_a_failure_keeps_none_back() -> None:
    def fail() -> int:
        raise LabelloopError("no data")

    assert list(run_jobs([lambda: 1, fail, lambda: 3])) == [Done(0, 1), Done(1, None, "no data"), Done(2, 3)]
    assert list(run_jobs([])) == []


def test_what_cannot_be_run_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabelloopError, match="engine must be one of here, ray, received spark"):
        run_jobs([], "spark")
    monkeypatch.setattr(jobs, "find_spec", lambda _: None)
    with pytest.raises(LabelloopError, match=r"--engine ray needs ray, not installed here: .*labelloop\[cluster\]"):
        list(run_jobs([partial(int, 1)], "ray"))


def environment() -> dict[str, str]:
    """Without a cluster of the user's; Ray's own processes talk to each other past the proxies."""
    return {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "PYTEST_CURRENT_TEST")}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
def test_ray_does_them_in_processes_of_their_own(tmp_path: Path) -> None:
    script = tmp_path / "jobs.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], env=environment(), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second, third, fourth = done.stdout.splitlines()
    assert first == "0 3 "
    assert second == "1 None track must be of tensorboard, wandb, comet, mlflow, received neptune"
    assert third.split()[0] == "2"
    assert third.split()[1].isdecimal()  # the id of another process
    assert fourth.startswith("3 None the job's process failed: ")


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("ray") is None or find_spec("ultralytics") is None, reason="ray or ultralytics is missing"
)
def test_sizes_are_trained_on_ray_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_ADDRESS", "PYTEST_CURRENT_TEST"):
        monkeypatch.delenv(name, raising=False)
    detector_runs.new_signs(tmp_path)
    words = ("--epochs", "1", "--model", "yolov8n.yaml", "--sizes", "n,s", "--engine", "ray")
    said = detector_runs.train(tmp_path, detector_runs.NAME, *detector_runs.QUICK, *words)
    runs = list_runs(Workspace(tmp_path / "home"))
    assert [run.status() for run in runs] == ["done", "done"]
    assert sorted(run.plan.model for run in runs) == ["yolov8n.yaml", "yolov8s.yaml"]
    assert "yolov8s.yaml begins on" in said
    assert "epoch 1 of 1" in said
    assert "Judged on test: 4 images" in said
