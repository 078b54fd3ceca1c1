"""Ctrl-C in a terminal, which reaches a command and all its processes: one sentence, nothing half-written, nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

pytest.importorskip("skimage", reason="sample data is drawn on scikit-image's photos")

# A shell that starts tests in the background has them ignore Ctrl-C, and their children too.
_MAIN = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
    "os.execv(sys.executable, [sys.executable, '-m', 'labelloop', *sys.argv[1:]])"
)


class Command:
    """A command in a session of its own, as a terminal has it in a group of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.mark = f"LABELLOOP_TEST={uuid4().hex}"
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, *words], cwd=folder, env={**os.environ, name: value}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def processes(self) -> list[int]:
        """Its process and all that it started and that still run, by what they have in their environment."""
        found: list[int] = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    if self.mark.encode() in (folder / "environ").read_bytes():
                        found.append(int(folder.name))
                except OSError:  # it has ended, or is somebody else's
                    continue
        return found

    def wait_for_processes(self, count: int) -> None:
        end = time.monotonic() + 120
        while len(self.processes()) < count:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end, "it began no processes"
            time.sleep(0.01)

    def interrupt(self) -> str:
        """What it said on stderr, Ctrl-C pressed."""
        os.killpg(self.process.pid, signal.SIGINT)
        _, said = self.process.communicate(timeout=120)
        assert self.process.returncode == 128 + signal.SIGINT, said
        assert said.splitlines()[-1] == "Stopped before the end."
        assert "Traceback" not in said
        assert not self.processes()
        return said


# 4: the command itself, joblib's tracker, and two that draw.
@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.5, 1.0])
def test_processes_that_have_only_just_begun(seconds: float, tmp_path: Path) -> None:
    command = Command(tmp_path, "sample-data", "won", "photos", "--count", "300")
    command.wait_for_processes(4)
    time.sleep(seconds)
    command.interrupt()
    assert list(tmp_path.iterdir()) == []


def test_a_step_of_the_demo_cleans_up_too(tmp_path: Path) -> None:
    command = Command(tmp_path, "demo", "--to", "demo", "--no-serve")
    command.wait_for_processes(5)
    command.interrupt()
    assert list((tmp_path / "demo").iterdir()) == []
