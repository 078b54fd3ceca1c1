"""The whole loop with nothing left out: planted mistakes, training, suspects, a round at a real Label Studio, and its report.

    python -m tests.bench.bench_loop FOLDER [--count 240] [--epochs 10] [--budget 60] [--folds 2]

The annotator is a script that knows the truth and answers through Label Studio's API, under the name
scripted-annotator@example.org. --folds 0 takes the model's own images for its suspects, which is quicker and
finds less. What it prints at the end is compared with the truth: how many of the planted
mistakes were sent, found and left, and whether the estimate of what is left holds it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labelloop.datasets.ledger import Ledger
from labelloop.datasets.workspace import Workspace
from labelloop.tools.label_studio import ensure_label_studio
from labelloop.training.rounds.corrections import read_corrections
from labelloop.training.rounds.progress import NOT_SENT, round_versions
from labelloop.training.rounds.round import blind_commits, find_round, folder_of

NAME = "won"


def main() -> None:
    """Go the way, and say what each step took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name, value in (("count", 240), ("epochs", 10), ("budget", 60), ("folds", 2), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked = parser.parse_args()
    folder: Path = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    loop = _Loop(folder / "home")
    photos, truth = folder / "photos", folder / "photos.truth.json"
    loop.run(
        "sample-data", "won", str(photos), "--count", str(asked.count), "--mistakes", "0.15", "--seed", str(asked.seed)
    )
    loop.run("import", str(photos), "--name", NAME, "--recipe", "won", home=True)
    loop.run("split", NAME, "--ratios", "60/15/25", home=True)
    more = () if asked.folds else ("--score-train",)
    loop.run("train", "detector", NAME, "--epochs", str(asked.epochs), *more, home=True)
    folds = ("--folds", str(asked.folds), "--epochs", str(asked.epochs), "--no-near-duplicates")
    source = folds if asked.folds else ("--run", f"{NAME}-1", "--in-sample")
    loop.run("suspects", NAME, *source, home=True)
    started = time.perf_counter()
    with ensure_label_studio(Workspace(folder / "home")):
        loop.note("Label Studio's first start", started)
        loop.run("round", "start", NAME, "--budget", str(asked.budget), home=True)
        loop.run("sample-data", "answer", NAME, "--truth", str(truth), home=True)
        loop.run("pull", NAME, home=True, may_fail=True)  # blind answers that differ are conflicts: status 1
    loop.run("round", "settle", NAME, home=True, may_fail=True)
    report = loop.run("round", "report", NAME, "--train", "--json", home=True)
    loop.show()
    _compare(Workspace(folder / "home"), truth, json.loads(report))


class _Loop:
    """Commands, each in a process of its own, and the seconds that they took."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.seconds: list[tuple[str, float]] = []

    def run(self, *words: str, home: bool = False, may_fail: bool = False) -> str:
        """What a command prints on stdout; what it says goes to stderr at once."""
        where: Sequence[str] = ("--home", str(self.home)) if home else ()
        print(f"$ labelloop {' '.join(words)}", file=sys.stderr, flush=True)
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "labelloop", *words, *where], stdout=subprocess.PIPE, text=True, check=False
        )
        self.note(" ".join(words[:2]) if words[0] in ("round", "train", "sample-data") else words[0], started)
        if done.returncode and not (may_fail and done.returncode == 1):
            raise SystemExit(f"labelloop {' '.join(words)} ended with {done.returncode}")
        return done.stdout

    def note(self, name: str, started: float) -> None:
        """Remember what a step took."""
        self.seconds.append((name, time.perf_counter() - started))

    def show(self) -> None:
        """Print the steps with their seconds."""
        for name, seconds in self.seconds:
            print(f"{name:30} {seconds:7.1f} s")
        print(f"{'all':30} {sum(seconds for _, seconds in self.seconds):7.1f} s")


def _compare(workspace: Workspace, truth: Path, report: dict[str, Any]) -> None:
    """Print what the round found beside what was planted."""
    images: dict[str, Any] = json.loads(truth.read_bytes())["images"]
    planted = {key for key, image in images.items() if image.get("mistake")}
    ledger, round = Ledger(workspace.ledger(NAME)), find_round(workspace, NAME)
    found = read_corrections(ledger, round_versions(ledger, round, blind_commits(folder_of(workspace, round)))).wrong
    sent = {each.key for each in round.images}
    outside = {key for key in images if key not in {each.key for each in round.images if each.reason != "audit"}}
    left = len((planted - found) & outside)
    said = next(each for each in report["left"] if each["part"] == NOT_SENT)
    print(
        f"planted on {len(planted)} of {len(images)} images; sent {len(planted & sent)}; corrected {len(planted & found)}"
    )
    print(f"corrected and not planted: {len(found - planted)}")
    print(f"left among what was not sent: {left}; estimated {said['guess']}, {said['low']} to {said['high']}")
    for name in ("sentence", "ruler"):
        print(report[name])
    print(
        json.dumps(
            {name: report[name] for name in ("precision", "suspects", "audit", "lift", "kinds", "worth", "looks")}
        )
    )
    print(json.dumps(report["table"]["values"] if report["table"] else None))


if __name__ == "__main__":
    main()
