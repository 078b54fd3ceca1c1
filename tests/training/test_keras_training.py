"""A training parted among devices, and one in 16 bits: stopped, gone on with, and learning all the same."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WAYS = ("alone", "two", "mixed")
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if find_spec("tensorflow") is None:
        pytest.skip("tensorflow is not installed")
    folder = tmp_path_factory.mktemp("several")
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.keras_several", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "several.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_it_learns_and_is_gone_on_with_where_it_was_stopped(facts: dict[str, Any], way: str) -> None:
    rows = facts[way]["rows"]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert rows[-1]["train/loss"] < rows[0]["train/loss"] / 2
    assert rows[-1]["train/accuracy"] > 0.85
    assert rows[-1]["lr"] == pytest.approx(1e-3)


@pytest.mark.slow
def test_a_batch_is_parted_among_two_devices(facts: dict[str, Any]) -> None:
    assert (facts["alone"]["replicas"], facts["two"]["replicas"]) == (1, 2)
    assert facts["two"]["policy"] == "float32"


@pytest.mark.slow
def test_in_16_bits_losses_are_scaled_and_scores_have_32(facts: dict[str, Any]) -> None:
    found = facts["mixed"]
    assert (found["policy"], found["optimizer"], found["scores"]) == ("mixed_float16", "LossScaleOptimizer", "float32")
