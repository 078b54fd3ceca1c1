"""Keras' process: started, watched, and ended with whoever waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

from ..datasets.errors import LabelloopError
from .runs import Run
from .trainer_files import TRAINER, Progress, read_progress

Watch = Callable[[Run, Progress], None]
"""Called with the run and how far it is, when it has got further."""

_EVERY_SECONDS = 0.2
_ENDS_SECONDS = 10.0


def train_in_process(run: Run, watch: Watch | None = None) -> None:
    """Train and predict a run, in a process of its own; return when that is done.

    Raises:
        LabelloopError: the process ended without having done its part.
    """
    folder = run.folder / TRAINER
    folder.mkdir(exist_ok=True)
    settings = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        "PYTHONUNBUFFERED": "1",
        "LABELLOOP_PARENT": str(os.getpid()),
    }
    (folder / "outcome.json").unlink(missing_ok=True)
    with open(run.log, "ab") as log:
        # In a session of its own: Ctrl-C reaches the command alone, which then ends the trainer.
        process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.keras_process", str(run.folder)],
            env=settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(process, run, watch)
    finally:
        _end(process)
    if process.returncode != 0:
        raise LabelloopError(_why(run, process.returncode))


def _wait(process: subprocess.Popen[bytes], run: Run, watch: Watch | None) -> None:
    seen: Progress | None = None
    while process.returncode is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_EVERY_SECONDS)
        now = read_progress(run.folder)
        if watch and now is not None and now != seen:
            watch(run, now)
        seen = now


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, if it has not ended; its last checkpoint is whole, whenever that is."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_ENDS_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _why(run: Run, status: int) -> str:
    """Why the process ended without a result, and what to do."""
    try:
        reason = (run.folder / TRAINER / "error.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        killed = f"was killed by signal {-status}" + (" (out of memory?)" if status == -9 else "")
        reason = f"the trainer {killed if status < 0 else f'ended with status {status}'}"
    done = len(run.epochs())
    at = f" after {done} epoch{'s' if done != 1 else ''}" if done else ""
    return f"{run.id} stopped{at}: {reason}. {run.log} says more; --resume {run.id} goes on from there"
