"""The demo: every step does what it says, and a second run passes over what is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labelloop.tools.demo import STEPS


@pytest.mark.slow
def test_the_demo_goes_from_nothing_to_its_end_and_on_from_there(tmp_path: Path) -> None:
    pytest.importorskip("skimage", reason="sample data is drawn on scikit-image's photos")
    command = [sys.executable, "-m", "labelloop", "demo", "--to", str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    left = [step.leaves for step in STEPS if step.leaves]
    assert all((tmp_path / "demo" / name).exists() for name in left)
    assert f"[{len(STEPS)}/{len(STEPS)}]" in done.stderr
    again = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("is there already") == len(left)
