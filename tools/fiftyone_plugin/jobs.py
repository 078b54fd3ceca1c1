"""A command of labelloop as a process of its own, watched from the browser: it goes on when the page is closed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import orjson

from ...datasets.errors import LabelloopError
from .forms import Progress

_LOOK_SECONDS = 1.0


def watch_command(words: Sequence[str], folder: Path, how_far: Callable[[], tuple[str, float]]) -> Iterator[Progress]:
    """How far a command is until its end; then what it said is in `command.json` in the folder.

    Args:
        words: the command and its options, `--json` left out.
        folder: is made where it is not there; `command.txt` in it has what the command says meanwhile.
        how_far: asked once a second.

    Raises:
        LabelloopError: the command failed; the text is its own sentence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said, answer = folder / "command.txt", folder / "command.json"
    with said.open("wb") as errors, answer.open("wb") as out:
        # In a session of its own, so that neither a closed page nor the window's end takes it along.
        process = subprocess.Popen(
            [sys.executable, "-m", "labelloop.tools", *words, "--json"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True,
        )  # fmt: skip
    while process.poll() is None:
        yield Progress(*how_far())
        time.sleep(_LOOK_SECONDS)
    if process.returncode != 0 and not answer.stat().st_size:
        lines = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        sentence = lines[-1].removeprefix("Error: ") if lines else f"it ended with status {process.returncode}"
        raise LabelloopError(sentence)


def read_answer(folder: Path) -> dict[str, Any]:
    """What the last command watched in a folder printed as JSON."""
    return cast("dict[str, Any]", orjson.loads((folder / "command.json").read_bytes()))
