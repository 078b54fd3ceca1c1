"""Folds that are really trained, here and on a Ray cluster, and stopped on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from labelloop.datasets.workspace import Workspace
from labelloop.training.runs import Run, list_runs
from labelloop.training.suspects.folds import folds_workspace
from tests.training.class_folders import draw_folders, draw_stripes, imported

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="tensorflow is missing"),
]
WRONG = "down/down 4.jpg"
EPOCHS = "40"
ASKED = ("stripes", "--folds", "2", "--model", "small-cnn", "--epochs", EPOCHS, "--imgsz", "32", "--no-near-duplicates")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Pictures of stripes, one of them in the wrong folder."""
    photos = draw_folders(tmp_path / "사진", {"across": 40, "down": 40})
    draw_stripes(photos / WRONG, across=True, seed=77)
    imported(tmp_path / "home", photos)
    return tmp_path / "home"


def started(home: Path, *words: str, address: str = "") -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "PYTEST_CURRENT_TEST")}
    kept |= {"RAY_ADDRESS": address} if address else {}
    return subprocess.Popen(
        [sys.executable, "-m", "labelloop", "suspects", *ASKED, *words, "--home", str(home), "--json"],
        env=kept, cwd=home.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finished(home: Path, *words: str, address: str = "") -> tuple[dict[str, Any], str]:
    process = started(home, *words, address=address)
    out, said = process.communicate(timeout=500)
    assert process.returncode == 0, said
    return json.loads(out), said


def folds_of(home: Path) -> list[Run]:
    return list_runs(folds_workspace(Workspace(home), "stripes"))


def predictions(home: Path) -> pl.DataFrame:
    frames = [pl.read_parquet(run.folder / "predictions" / "test.parquet") for run in folds_of(home)]
    return pl.concat(frames).sort("key")


def test_killed_on_the_way_the_same_command_goes_on_and_the_wrong_label_comes_first(home: Path) -> None:
    first = started(home)
    until = time.monotonic() + 300
    while not (folds_of(home) and len(folds_of(home)[0].epochs()) >= 2):
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    before = len(folds_of(home)[0].epochs())
    found, said = finished(home)
    runs = folds_of(home)
    assert [run.status() for run in runs] == ["done", "done"]
    assert [[row["epoch"] for row in run.epochs()] for run in runs] == [
        list(range(1, len(run.epochs()) + 1)) for run in runs
    ]
    assert before < len(runs[0].epochs()), "it was killed on the way"
    assert f"going on after epoch {before}" in said or f"going on after epoch {before + 1}" in said
    assert "fold 1 of 2: small-cnn on" in said
    assert found["suspects"][0]["key"] == WRONG
    assert (found["suspects"][0]["kind"], found["suspects"][0]["proposed_label"]) == ("image-label", "across")
    assert found["source"]["images"] == 80
    again, said = finished(home)
    assert "All 2 folds are trained already" in said
    assert again["suspects"] == found["suspects"]
    assert len(folds_of(home)) == 2


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a Ray cluster of two nodes, both of them on this machine."""
    pytest.importorskip("ray")
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster_utils: Any = import_module("ray.cluster_utils")
    made = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        made.add_node(num_cpus=1)
        yield str(made.address)
    finally:
        made.shutdown()


def test_on_a_ray_cluster_of_two_nodes_they_come_to_the_same(home: Path, tmp_path: Path, cluster: str) -> None:
    found, said = finished(home, "--engine", "ray", address=cluster)
    begins = [said.index(f"fold {number} of 2: small-cnn begins") for number in (1, 2)]
    ends = [said.index(f"fold {number} of 2 is done") for number in (1, 2)]
    assert max(begins) < min(ends), "side by side"
    assert f"fold 1 of 2: epoch   2/{EPOCHS}" in said
    assert "\x1b[" not in said, "no colours where nobody watches"
    assert found["suspects"][0]["key"] == WRONG
    elsewhere = tmp_path / "other"
    imported(elsewhere, tmp_path / "사진")
    here, _ = finished(elsewhere)
    assert here["suspects"][0]["key"] == WRONG
    one, other = predictions(home), predictions(elsewhere)
    assert one["key"].to_list() == other["key"].to_list()
    assert one["label"].to_list() == other["label"].to_list()
    scores = [frame["scores"].explode().to_numpy() for frame in (one, other)]
    assert abs(scores[0] - scores[1]).max() < 0.02
