"""Exports that are killed, stopped, or meet at one place: a target is complete, or it is not there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.datasets.export_runs import contents, draw_source, start

KILLS = 20


@dataclass(frozen=True)
class Unharmed:
    """A source, what its export holds, and how long the export took: as a whole, and until it began to write."""

    source: Path
    holds: dict[str, str]
    seconds: float
    until_writing: float


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> Unharmed:
    folder = tmp_path_factory.mktemp("unharmed")
    source = draw_source(folder / "photos", 600)
    began = time.perf_counter()
    process = start(source, folder / "made")
    wait_for_partial(folder / "made", process)
    until_writing = time.perf_counter() - began
    _, said = process.communicate()
    assert process.returncode == 0, said
    return Unharmed(source, contents(folder / "made"), time.perf_counter() - began, until_writing)


def partial_of(target: Path) -> Path:
    return target.parent / f".{target.name}.partial"


def wait_for_partial(target: Path, process: subprocess.Popen[str]) -> None:
    while not partial_of(target).exists() and process.poll() is None and not target.exists():
        time.sleep(0.0005)


def stop_somewhere(
    target: Path, process: subprocess.Popen[str], number: int, rng: random.Random, run: Unharmed
) -> None:
    """Send a signal at a moment drawn over the whole run, or (every other time) over the writing."""
    if rng.random() < 0.5:
        time.sleep(rng.uniform(0, run.seconds * 1.05))
    else:
        wait_for_partial(target, process)
        time.sleep(rng.uniform(0, run.seconds - run.until_writing))
    process.send_signal(number)


@pytest.mark.slow
def test_a_kill_leaves_all_or_nothing(unharmed: Unharmed, tmp_path: Path) -> None:
    rng = random.Random(20)
    target = tmp_path / "made"
    left = {"complete": 0, "partial": 0, "nothing": 0}
    for _ in range(KILLS):
        process = start(unharmed.source, target)
        stop_somewhere(target, process, signal.SIGKILL, rng, unharmed)
        process.communicate()
        names = {path.name for path in tmp_path.iterdir()}
        assert names <= {"made"} or names == {".made.partial"}
        left["complete" if "made" in names else "partial" if names else "nothing"] += 1
        if not target.exists():
            again = start(unharmed.source, target)
            _, said = again.communicate()
            assert again.returncode == 0, said
        assert [path.name for path in tmp_path.iterdir()] == ["made"]
        assert contents(target) == unharmed.holds
        subprocess.run(["rm", "-r", str(target)], check=True)
    assert left["partial"] >= 3, left


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_stop_leaves_nothing_half_done(unharmed: Unharmed, tmp_path: Path, number: signal.Signals) -> None:
    rng = random.Random(int(number))
    target = tmp_path / "made"
    stopped = 0
    for _ in range(8):
        process = start(unharmed.source, target)
        wait_for_partial(target, process)
        time.sleep(rng.uniform(0, unharmed.seconds - unharmed.until_writing) * 0.8)
        process.send_signal(number)
        _, said = process.communicate()
        assert not partial_of(target).exists(), said
        assert "Traceback" not in said
        finished = target.exists()
        if finished:
            assert contents(target) == unharmed.holds
            subprocess.run(["rm", "-r", str(target)], check=True)
        if finished and process.returncode == -number:
            continue  # all was done: while Python itself shuts down its handlers are gone, and the signal ends it
        if process.returncode != 0:
            stopped += 1
            assert process.returncode == 128 + number, said
            assert said.strip().splitlines()[-1] == "Stopped before the end."
        assert list(tmp_path.iterdir()) == []
    assert stopped >= 3


def test_of_two_at_once_one_wins_and_the_other_says_so(unharmed: Unharmed, tmp_path: Path) -> None:
    target = tmp_path / "made"
    for _ in range(2):
        both = [start(unharmed.source, target), start(unharmed.source, target)]
        said = [process.communicate()[1] for process in both]
        assert sorted(process.returncode for process in both) == [0, 1], said
        loser = said[0] if both[0].returncode else said[1]
        assert loser.startswith("Error: ")
        assert "another process is writing" in loser or "target must not exist yet" in loser
        assert str(target) in loser
        assert [path.name for path in tmp_path.iterdir()] == ["made"]
        assert contents(target) == unharmed.holds
        subprocess.run(["rm", "-r", str(target)], check=True)


def test_what_a_running_process_writes_is_left_to_it(unharmed: Unharmed, tmp_path: Path) -> None:
    target = tmp_path / "made"
    first = start(unharmed.source, target)
    try:
        wait_for_partial(target, first)
        while not any(partial_of(target).iterdir()):  # a moment after it is there, it is locked
            time.sleep(0.0005)
        first.send_signal(signal.SIGSTOP)
        os.waitpid(first.pid, os.WUNTRACED)
        before = contents(partial_of(target))
        second = start(unharmed.source, target)
        _, said = second.communicate()
        assert second.returncode == 1
        assert f"another process is writing {target}" in said
        assert contents(partial_of(target)) == before
    finally:
        first.send_signal(signal.SIGCONT)
        _, said = first.communicate()
    assert first.returncode == 0, said
    assert contents(target) == unharmed.holds
