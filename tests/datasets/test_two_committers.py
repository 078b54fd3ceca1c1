"""Processes that commit at once: what does not contradict each other all lands, of what does one wins and the other says why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from labelloop.datasets.schema import Box
from tests.datasets.ledger_runs import start
from tests.datasets.ledgers import new_ledger, one, sample

BOX, OTHER = Box("cat", 0, 0, 10, 10), Box("dog", 50, 50, 60, 60)


@pytest.mark.slow
@pytest.mark.parametrize("committers", [2, 4])
def test_commits_to_different_images_all_land(tmp_path: Path, committers: int) -> None:
    each = 25
    keys = [f"{n:03}.jpg" for n in range(committers * each)]
    ledger = new_ledger(tmp_path, *(sample(key, BOX) for key in keys))
    go = tmp_path / "go"
    processes = [
        start("each", str(ledger.folder), f"author {n}", str(go), *keys[n::committers]) for n in range(committers)
    ]
    go.touch()
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * committers, said
    assert ledger.version() == 1 + committers * each
    assert {there.boxes[0].x2 for there in ledger.samples()} == {11}
    history = ledger.commits()[2:]
    assert sorted(commit.message for commit in history) == sorted(
        f"author {n} {key}" for n in range(committers) for key in keys[n::committers]
    )
    for commit in history:
        assert dict(commit.counts) == {"box-moved": 1}
        (change,) = ledger.changes(commit.version - 1, commit.version)
        assert commit.message == f"{commit.author} {change.key}"


@pytest.mark.slow
def test_commits_to_the_same_box_have_one_winner_and_the_other_says_why(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg", BOX, OTHER))
    for turn in range(3):
        go, base = tmp_path / f"go {turn}", ledger.version()
        both = [
            start("once", str(ledger.folder), f"{n}", str(go), str(base), "a.jpg", "0", f"{n + 1}") for n in range(2)
        ]
        go.touch()
        said = [process.communicate() for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        out = [each[0].strip() for each in said]
        assert Counter(each == "won" for each in out) == {True: 1, False: 1}
        (conflict,) = [each for each in out if each != "won"]
        assert conflict.startswith(
            "somebody else changed the same labels in the meantime, so nothing was committed:\n  a.jpg: box "
        )
        assert ledger.version() == base + 1
        assert ledger.commits()[-1].author == str(out.index("won"))


@pytest.mark.slow
def test_commits_to_different_boxes_of_one_image_both_land(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path, sample("a.jpg", BOX, OTHER))
    for turn in range(3):
        go, base = tmp_path / f"go {turn}", ledger.version()
        both = [start("once", str(ledger.folder), f"{n}", str(go), str(base), "a.jpg", str(n), "1") for n in range(2)]
        go.touch()
        assert [process.communicate()[0].strip() for process in both] == ["won", "won"]
        assert ledger.version() == base + 2
        assert [box.x2 for box in one(ledger, "a.jpg").boxes] == [11 + turn, 61 + turn]
