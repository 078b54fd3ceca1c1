"""Thousands of mutated sources through `check` and `convert`: each ends in a result or in a clear error."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.fuzz_runs import draw_seeds, run

COUNT = int(os.environ.get("LABELLOOP_FUZZ", "4000"))
"""Ten thousand are run before a release; these many with every change."""
_AT_ONCE = 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_mutated_sources_end_in_a_result_or_in_a_clear_error(tmp_path: Path) -> None:
    seeds = draw_seeds(tmp_path / "seeds")
    ended: Counter[str] = Counter()
    with ProcessPoolExecutor(_AT_ONCE, multiprocessing.get_context("spawn")) as pool:
        parts = [
            pool.submit(run, tmp_path / str(part), seeds, range(part, COUNT, _AT_ONCE)) for part in range(_AT_ONCE)
        ]
        for part in parts:
            ended.update(part.result())
    assert ended["converted"] > COUNT / 10
    assert ended["refused"] > COUNT / 10
