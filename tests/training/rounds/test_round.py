"""A round's folder: written once, read as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.training.rounds.noting import note
from labelloop.training.rounds.round import Waiting, add_blind_commit, blind_commits, find_round, folder_of, list_rounds

from .ledgers import audit, new_ledger, new_round, suspect


def test_what_was_written_is_read(tmp_path: Path):
    ledger = new_ledger(tmp_path)
    first = new_round(tmp_path, ledger, suspect("0.jpg", 1), audit("3.jpg"), waiting=[Waiting("5.jpg", 0.2, 9.0)])
    second = new_round(tmp_path, ledger, suspect("1.jpg", 1))
    assert (first.id, second.id) == ("won-round-1", "won-round-2")
    assert list_rounds(Workspace(tmp_path), "won") == [first, second]
    assert find_round(Workspace(tmp_path), "won") == second
    assert find_round(Workspace(tmp_path), "won", 1) == first


def test_an_unknown_round_is_named(tmp_path: Path):
    with pytest.raises(LabelloopError, match="labelloop round start won"):
        find_round(Workspace(tmp_path), "won")
    new_round(tmp_path, new_ledger(tmp_path), suspect("0.jpg", 1))
    with pytest.raises(LabelloopError, match="has the rounds 1, received 7"):
        find_round(Workspace(tmp_path), "won", 7)


def test_a_file_that_is_cut_off_is_named(tmp_path: Path):
    round = new_round(tmp_path, new_ledger(tmp_path), suspect("0.jpg", 1))
    path = folder_of(Workspace(tmp_path), round) / "round.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(LabelloopError, match="not a round"):
        find_round(Workspace(tmp_path), "won")


def test_blind_commits_are_remembered(tmp_path: Path):
    round = new_round(tmp_path, new_ledger(tmp_path), suspect("0.jpg", 1))
    folder = folder_of(Workspace(tmp_path), round)
    assert blind_commits(folder) == []
    add_blind_commit(folder, 4, 2)
    add_blind_commit(folder, 6, 1)
    assert blind_commits(folder) == [4, 6]


def test_a_note_is_a_line_in_the_history_and_nothing_else(tmp_path: Path):
    ledger = new_ledger(tmp_path)
    before = ledger.samples()
    commit = note(ledger, author="ann", message="what it came to", round="won-round-1", details={"old": "won-1"})
    assert (commit.version, commit.round, commit.message) == (2, "won-round-1", "what it came to")
    assert ledger.samples() == before
    assert ledger.classes() == ledger.classes(1)
    assert ledger.changes(1) == []
