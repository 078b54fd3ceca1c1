"""The demo: sample data through everything that labelloop can do so far, each step with its command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..datasets.errors import LabelloopError


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
)


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
        done = subprocess.run([sys.executable, "-m", "labelloop.tools", *step.words], cwd=folder, check=False)
        if done.returncode not in step.statuses:
            raise LabelloopError(f"step {number} ended with status {done.returncode}; what it said stands above")
    say(
        f"\nEverything is in {folder}. The two browser pages, training and rounds are not built yet."
        "\nWith your own data: labelloop recipe YOUR_FOLDER"
    )
