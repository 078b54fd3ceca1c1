"""What a model says of images, asked in a process of its own: TensorFlow and torchvision do not get along in one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ..datasets.errors import LabelloopError
from ..datasets.reading import Progress

TENSORFLOW: Mapping[str, str] = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
"""What the environment of a process says that asks Keras."""


def ask_process(
    module: str, folder: Path, settings: Mapping[str, str], *, total: int = 0, progress: Progress | None = None,
    failed: str,
) -> None:  # fmt: skip
    """Return when a module of this package, called with a folder, has done what `wanted.json` in it says.

    How many images are done the module may say on stdout, a number a line.

    Args:
        settings: of its environment, besides those of this process.
        total: how many images there are, for the progress.
        failed: the beginning of the sentence where it fails, such as `the detector stopped`.

    Raises:
        LabelloopError: it ended otherwise than it should; the last line that it said stands in the text.
    """
    environment = {**os.environ, **settings, "PYTHONUNBUFFERED": "1", "LABELLOOP_PARENT": str(os.getpid())}
    command = [sys.executable, "-m", f"{__package__}.{module}", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            start_new_session=True, text=True,
        )  # fmt: skip
        try:
            for line in process.stdout or ():
                if progress and line.strip().isdecimal():
                    progress(int(line), total)
            process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
    if process.returncode != 0:
        lines = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise LabelloopError(f"{failed}: {lines[-1] if lines else f'exit status {process.returncode}'}")
