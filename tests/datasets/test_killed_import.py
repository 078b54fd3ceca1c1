"""An import or a commit that is killed has done all or nothing, and done again it does it once."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from labelloop.datasets.changes import count_changes
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample
from labelloop.datasets.workspace import Workspace
from tests.datasets.ledger_runs import start, wait_for
from tests.datasets.ledgers import new_ledger, sample, write_json, write_labelme

KILLS = 25
IMAGES = 400


@dataclass(frozen=True)
class Unharmed:
    """A source, what an import makes of it, and how long that takes after the process has loaded its libraries."""

    source: Path
    samples: list[Sample]
    seconds: float


def labels(number: int) -> list[Box]:
    return [Box("ab"[number % 2], 1, 2, 20, 20 + number % 9), Box("c", 50, 50, 60, 60)][: number % 3]


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> Unharmed:
    folder = tmp_path_factory.mktemp("unharmed")
    source = write_labelme(folder / "photos", {f"{n % 3}/{n}.png": labels(n) for n in range(IMAGES)})
    process = start("import", str(folder / "home"), str(source), str(folder / "ready"))
    wait_for(folder / "ready")
    began = time.perf_counter()
    _, said = process.communicate()
    assert process.returncode == 0, said
    return Unharmed(source, ledger_in(folder / "home").samples(), time.perf_counter() - began)


def ledger_in(home: Path) -> Ledger:
    return Ledger(Workspace(home).ledger("pets"))


def kill_somewhere(process: subprocess.Popen[str], ready: Path, seconds: float) -> int:
    """Kill a process so long after it is ready; its exit code."""
    while not ready.exists() and process.poll() is None:
        time.sleep(0.001)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode


def state_of(home: Path) -> str:
    try:
        ledger = ledger_in(home)
    except LabelloopError:
        return "none"
    return "empty" if ledger.version() == 0 else "complete"


@pytest.mark.slow
def test_an_import_that_is_killed_and_run_again_does_it_once(unharmed: Unharmed, tmp_path: Path) -> None:
    rng = random.Random(4)
    home, ready = tmp_path / "home", tmp_path / "ready"
    left: dict[str, int] = {}
    hashed = 0
    for number in range(KILLS):
        # Every other kill falls into the last part, where the ledger is written.
        least = 0.0 if number % 2 else unharmed.seconds * 0.6
        process = start("import", str(home), str(unharmed.source), str(ready))
        kill_somewhere(process, ready, rng.uniform(least, unharmed.seconds * 1.1))
        state = state_of(home)
        left[state] = left.get(state, 0) + 1
        hashed += (home / "cache" / "hashes.sqlite").exists()
        if state == "complete":
            assert ledger_in(home).samples() == unharmed.samples
        if number % 4 == 3 or state == "complete":
            again = start("import", str(home), str(unharmed.source), str(ready))
            _, said = again.communicate()
            assert again.returncode == 0, said
            ledger = ledger_in(home)
            assert ledger.samples() == unharmed.samples
            assert ledger.version() == 1
            assert ledger.classes() == ("a", "b", "c")
            shutil.rmtree(home)
        ready.unlink(missing_ok=True)
    assert left.get("none", 0) + left.get("empty", 0) >= 5, left
    assert hashed >= 5


@pytest.mark.slow
def test_an_import_of_changes_that_is_killed_leaves_the_version_before_or_after(
    unharmed: Unharmed, tmp_path: Path
) -> None:
    rng = random.Random(5)
    source, home = tmp_path / "photos", tmp_path / "home"
    shutil.copytree(unharmed.source, source)
    run = start("import", str(home), str(source), str(tmp_path / "ready"))
    _, said = run.communicate()
    assert run.returncode == 0, said
    expected = {each.key: each.boxes for each in ledger_in(home).samples()}
    changed = len(range(0, IMAGES, 7))
    negatives = sum(number % 3 == 0 for number in range(0, IMAGES, 7))
    for turn in range(4):
        for number in range(0, IMAGES, 7):
            boxes = [Box("d", 30, 1 + turn, 40, 20 + turn), *labels(number)]
            write_json(source / f"{number % 3}" / f"{number}.png", boxes)
        (tmp_path / "ready").unlink()
        process = start("import", str(home), str(source), str(tmp_path / "ready"))
        kill_somewhere(process, tmp_path / "ready", rng.uniform(unharmed.seconds * 0.3, unharmed.seconds * 1.3))
        ledger = ledger_in(home)
        if ledger.version() == turn + 1:
            assert {each.key: each.boxes for each in ledger.samples()} == expected
        again = start("import", str(home), str(source), str(tmp_path / "ready"))
        _, said = again.communicate()
        assert again.returncode == 0, said
        assert ledger.version() == turn + 2
        counts = count_changes(ledger.changes(turn + 1))
        assert counts == ({"state": negatives, "box-added": changed} if turn == 0 else {"box-moved": changed})
        expected = {each.key: each.boxes for each in ledger.samples()}
    assert len(expected) == IMAGES


@pytest.mark.slow
def test_a_commit_that_is_killed_is_there_or_is_not(tmp_path: Path) -> None:
    rng = random.Random(6)
    ledger = new_ledger(tmp_path, *(sample(f"{n}.jpg", Box("cat", 0, 0, 10, 10)) for n in range(300)))
    for _ in range(12):
        process = start("ever", str(ledger.folder))
        assert process.stdout is not None
        for _ in range(rng.randint(1, 3)):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert ends(ledger, ledger.version()) == {9.0 + ledger.version()}
    for version in range(1, ledger.version() + 1):
        assert ends(ledger, version) == {9.0 + version}
    assert [each.version for each in ledger.commits()] == list(range(ledger.version() + 1))
    assert ledger.version() > 12


def ends(ledger: Ledger, version: int) -> set[float]:
    """The right edges of all boxes: one, if every image is in the same state."""
    rows = ledger.frame(version)
    assert rows.height == 300
    return set(rows["boxes"].explode().struct.field("x2").to_list())
