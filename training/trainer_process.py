"""A trainer's process: started, watched, and ended with whoever waits for it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ..datasets.errors import LabelloopError
from .runs import Run
from .trainer_files import TRAINER, Progress, read_progress

Watch = Callable[[Run, Progress], None]
"""Called with the run and how far it is, when it has got further."""

_EVERY_SECONDS = 0.2
_ENDS_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


def run_trainer(
    run: Run, module: str, settings: Mapping[str, str], watch: Watch | None = None, stand: Path | None = None
) -> None:
    """Return when a module of this package, called with the run's folder in a process of its own, has done its part.

    Args:
        settings: of its environment, besides those of this process.
        stand: the folder that it stands in; None for that of this process.

    Raises:
        LabelloopError: the process ended without having done its part.
    """
    folder = run.folder / TRAINER
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, **settings, "PYTHONUNBUFFERED": "1", "LABELLOOP_PARENT": str(os.getpid())}
    for stale in (folder / "outcome.json", run.folder / "progress.json"):
        stale.unlink(missing_ok=True)
    with open(run.log, "ab") as log:
        # In a session of its own: Ctrl-C reaches the command alone, which then ends the trainer.
        process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.{module}", str(run.folder)],
            cwd=stand, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(process, run, watch)
    finally:
        _end(process)
    if process.returncode != 0:
        raise LabelloopError(_why(run, process.returncode))


def end_with(parent: int) -> None:
    """Have the kernel kill this process when the one that started it ends; at once where it has ended already."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):  # not Linux: a detector's trainer looks after every few batches
        return
    if parent and os.getppid() != parent:
        os._exit(1)


def _wait(process: subprocess.Popen[bytes], run: Run, watch: Watch | None) -> None:
    seen: tuple[Progress | None, int] = (None, 0)
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_EVERY_SECONDS)
        now = (read_progress(run.folder), (run.folder / "epochs.jsonl").stat().st_size if run.epochs() else 0)
        if watch and now != seen and now[0] is not None:
            watch(run, now[0])
        seen = now
        if process.returncode is not None:
            return


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
