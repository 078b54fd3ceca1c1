"""The demo: sample data through everything that labelloop can do so far, each step with its command, and both pages at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..datasets.errors import LabelloopError
from ..datasets.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it shows, the command's words, the exit statuses that are right, and what it leaves."""

    title: str
    words: tuple[str, ...]
    statuses: tuple[int, ...]
    leaves: str = ""


STEPS = (
    Step(
        "Draw sample data: Korean notes and coins, with one label in ten wrong on purpose",
        ("sample-data", "won", "photos", "--count", "160", "--mistakes", "0.1"),
        (0,),
        "photos",
    ),
    Step(
        "Look at an unknown folder and propose how to read it",
        ("recipe", "photos", "--yes", "--save", "my-recipe.yaml"),
        (0, 1),
        "my-recipe.yaml",
    ),
    Step("Say what is wrong with it (exit status 1: there are findings)", ("check", "photos", "--recipe", "won"), (1,)),
    Step(
        "Commit it to the ledger of a data set: from now on every label has a history",
        ("import", "photos", "--name", "won", "--recipe", "won"),
        (0,),
    ),
    Step("Split it without a leak: captures and near-identical shots stay together", ("split", "won"), (0,)),
    Step("What the data set holds", ("status", "won"), (0,)),
    Step("What was done to it, and by whom", ("log", "won"), (0,)),
    Step(
        "Write a YOLO training set, read back and compared box by box",
        ("export", "won", "--format", "yolo", "--to", "won-yolo"),
        (0,),
        "won-yolo",
    ),
    Step(
        "The same as COCO, with polygons for Detectron2",
        ("export", "won", "--format", "coco", "--to", "won-coco", "--segmentation"),
        (0,),
        "won-coco",
    ),
    Step(
        "Send what the check found to Label Studio (its first start takes a minute or two)",
        ("push", "won", "--findings"),
        (0,),
    ),
)

NEXT = """
Everything is in {folder}. Next, in the browser:
  1. In the window: filter by class on the left, click a photo, change a box, then Commit in the panel Labels.
  2. In Label Studio: log in, open the project won, correct a box and submit.
     Then Pull from the desk, in the panel Labels: the ledger has it, under your name.
Training and rounds are not part of the demo yet. With your own data: labelloop recipe YOUR_FOLDER"""


def run_demo(folder: Path, say: Callable[[str], None], steps: Sequence[Step] = STEPS) -> None:
    """Run every step in a folder, in order; a step whose result is there already is passed over.

    Raises:
        LabelloopError: a step ended with another status than it should.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, step in enumerate(steps, start=1):
        say(f"\n[{number}/{len(steps)}] {step.title}\n  $ labelloop {' '.join(step.words)}")
        if step.leaves and (folder / step.leaves).exists():
            say(f"  {folder / step.leaves} is there already")
            continue
        done = subprocess.run(
            [sys.executable, "-m", "labelloop.tools", *step.words], cwd=folder, env=_environment(folder), check=False
        )
        if done.returncode not in step.statuses:
            raise LabelloopError(f"step {number} ended with status {done.returncode}; what it said stands above")
    say(NEXT.format(folder=folder))


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
