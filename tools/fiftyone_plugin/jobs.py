"""Work that takes a while, watched from the browser: a command as a process of its own, or a thread. It goes on when the page is closed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import orjson

from ...datasets.errors import LabelloopError
from .forms import Progress

Result = TypeVar("Result")
Counted: TypeAlias = Callable[[int, int], None]

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


def with_progress(
    label: str, work: Callable[[Counted], Result], start: float, end: float
) -> Generator[Progress, None, Result]:
    """What some work comes to, and meanwhile how far it is, from `start` to `end` in [0, 1].

    Args:
        work: is called in a thread of its own with what it is to call with how many are done, and of how many.
    """
    so_far = (0, 0)

    def count(done: int, total: int) -> None:
        nonlocal so_far
        so_far = (done, total)

    yield Progress(label, start)
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work, count)
        while wait([working], _LOOK_SECONDS).not_done:
            done, total = so_far
            part = done / total if total else 0.0
            yield Progress(f"{label}: {done} of {total}" if total else label, start + (end - start) * part)
        return working.result()


def read_answer(folder: Path) -> dict[str, Any]:
    """What the last command watched in a folder printed as JSON."""
    return cast("dict[str, Any]", orjson.loads((folder / "command.json").read_bytes()))
