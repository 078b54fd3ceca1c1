"""The demo: sample data through the whole loop, each step with its command, and both pages at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..datasets.errors import LabelloopError
from ..datasets.workspace import Workspace
from .cli import Stopped

_STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it shows, the command's words, the exit statuses that are right, and what it leaves.

    Where `begun` is there and what the step leaves is not, it was stopped, and the words `again` go on with it.
    """

    title: str
    words: tuple[str, ...]
    statuses: tuple[int, ...] = (0,)
    leaves: str = ""
    begun: str = ""
    again: tuple[str, ...] = ()


_RUN = ".labelloop/runs/won-1"
_ROUND = ".labelloop/rounds/won/1"


def steps(*, quick: bool = False) -> tuple[Step, ...]:
    """The steps of the demo.

    Args:
        quick: few images and trainings that learn nothing: the same commands in a third of the time.
    """
    count, epochs, side, budget = ("48", "2", "96", "12") if quick else ("160", "20", "224", "40")
    training = ("--epochs", epochs, "--imgsz", side)
    return (
        Step(
            "Draw sample data: Korean notes and coins, with three labels in twenty wrong on purpose",
            ("sample-data", "won", "photos", "--count", count, "--mistakes", "0.15"),
            leaves="photos",
        ),
        Step(
            "Look at an unknown folder and propose how to read it",
            ("recipe", "photos", "--yes", "--save", "my-recipe.yaml"),
            (0, 1),
            "my-recipe.yaml",
        ),
        Step(
            "Say what is wrong with it (exit status 1: there are findings)",
            ("check", "photos", "--recipe", "won"),
            (1,),
        ),
        Step(
            "Commit it to the ledger of a data set: from now on every label has a history",
            ("import", "photos", "--name", "won", "--recipe", "won"),
        ),
        Step("Split it without a leak: captures and near-identical shots stay together", ("split", "won")),
        Step("What the data set holds", ("status", "won")),
        Step(
            "Write a YOLO training set, read back and compared box by box",
            ("export", "won", "--format", "yolo", "--to", "won-yolo"),
            leaves="won-yolo",
        ),
        Step(
            "See what an augmentation does before anything is trained on it",
            ("preview", "won", "--augment", "digits", "--to", "preview.png"),
            leaves="preview.png",
        ),
        Step(
            "Train a detector on it: the run says what it came from",
            ("train", "detector", "won", *training),
            leaves=f"{_RUN}/result.json",
            begun=f"{_RUN}/run.json",
            again=("train", "detector", "--resume", "won-1"),
        ),
        Step(
            "Which errors it makes, of which kind, and what mending each kind would gain",
            ("inspect", "won-1"),
            leaves=f"{_RUN}/inspection/test.html",
        ),
        Step(
            "Which labels are probably wrong, by models that have not seen them (two short trainings)",
            ("suspects", "won", "--folds", "2", *training),
            leaves=".labelloop/suspects/won/suspects.json",
        ),
        Step(
            "Send the best suspects to Label Studio, with images drawn by chance among them (its first start takes a minute or two)",
            ("round", "start", "won", "--budget", budget),
            leaves=f"{_ROUND}/round.json",
        ),
        Step(
            "Correct them there. Here a scripted annotator does it, a program that knows the truth; with your data it is you",
            ("sample-data", "answer", "won", "--truth", "photos.truth.json"),
        ),
        Step("Take the answers home, merged box by box, under the annotator's name", ("pull", "won"), (0, 1)),
        Step("What was answered blind about the split test becomes its labels", ("round", "settle", "won")),
        Step(
            "Train again, and say what the round changed and what that bought, with its uncertainty",
            ("round", "report", "won", "--train"),
            leaves=f"{_ROUND}/report.json",
        ),
        Step("What was done to the data set, and by whom", ("log", "won")),
    )


NEXT = """
The whole loop took {minutes}. Everything is in {folder}; read first:
  {page}
     what the round changed, and whether the model got better
Then, in the browser:
  1. In the window: Inspect a run, in the panel Errors, shows what a model gets wrong; click a number to see its photos.
     Click a photo, choose Annotate, change a box, and Commit edits in the panel Labels. The panel Rounds has the report.
  2. In Label Studio: log in, open the project won and a task, correct a box and press Update. Then, in the window,
     Pull from the desk.
With your own data:
  labelloop recipe YOUR_FOLDER"""


def run_demo(folder: Path, say: Callable[[str], None], todo: Sequence[Step]) -> None:
    """Run every step in a folder, in order; a step whose result is there already is passed over.

    Raises:
        LabelloopError: a step ended with another status than it should.
    """
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    for number, step in enumerate(todo, start=1):
        begun = bool(step.begun) and (folder / step.begun).exists() and not (folder / step.leaves).exists()
        words = step.again if begun else step.words
        say(f"\n[{number}/{len(todo)}] {step.title}\n  $ labelloop {' '.join(words)}")
        if step.leaves and (folder / step.leaves).exists():
            say(f"  {folder / step.leaves} is there already")
            continue
        status = _run(words, folder)
        if status not in step.statuses:
            raise LabelloopError(f"step {number} ended with status {status}; what it said stands above")
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    say(NEXT.format(folder=folder, page=folder / _ROUND / "report.html", minutes=f"{minutes} min {seconds:02} s"))


def _run(words: Sequence[str], folder: Path) -> int:
    """The exit status of a step's command; one that is stopped has the time to clean up."""
    process = subprocess.Popen([sys.executable, "-m", "labelloop.tools", *words], cwd=folder, env=_environment(folder))
    try:
        return process.wait()
    except KeyboardInterrupt as stopped:
        if isinstance(stopped, Stopped):  # Ctrl-C reaches the step by itself, any other signal does not
            process.send_signal(stopped.number)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def serve_demo(folder: Path, say: Callable[[str], None]) -> NoReturn:
    """Become `labelloop serve` on the demo's data set.

    Raises:
        LabelloopError: no demo has been run in the folder.
    """
    folder = Path(os.path.abspath(folder))
    home = Workspace(folder / ".labelloop")
    if "won" not in home.names():
        raise LabelloopError(f"no demo in {folder} yet: labelloop demo --to {folder} makes it")
    say("\n  $ labelloop serve won")
    # In place of this process, so that Ctrl-C and its end are those of the server alone.
    words = [sys.executable, "-m", "labelloop.tools", "serve", "won", "--home", str(home.home)]
    os.execve(sys.executable, words, _environment(folder))  # noqa: S606 - no shell is wanted


def _environment(folder: Path) -> dict[str, str]:
    """The environment without what would lead sample data into a user's own workspace or a team's servers."""
    ours = ("LABELLOOP_HOME", "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "FIFTYONE_DATABASE_URI")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "LABELLOOP_HOME": os.path.abspath(folder / ".labelloop")}
