"""What the workspace keeps of a desk: whose it is, what it costs, and what happens where it is gone or of something else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from labelloop.datasets.ledger import Ledger
from labelloop.label_config.desk import State, ledger_mark, read_conflicts, read_counts, read_state, write_state
from labelloop.label_config.pull import open_conflicts
from tests.label_config.plain_desk import PlainClient, make_plain_desk
from tests.label_config.servers import Desk, make_ledger
from tests.label_config.test_taking import MINA, A, changed, edit, two_boxes


@pytest.fixture
def played(tmp_path: Path) -> tuple[Desk, PlainClient]:
    """A desk with one conflict, which led to no commit."""
    desk, client = make_plain_desk(tmp_path, "won", [two_boxes()])
    project = desk.push().project
    edit(desk, A, label="no")
    desk.answer(project, "a.png", MINA, changed(desk.result(project, "a.png"), A, "<b>"))
    assert len(desk.pull().open) == 1
    return desk, client


def state_of(desk: Desk) -> State:
    project = desk.client.get("/api/projects/1")
    return read_state(desk.folder, 1, project["created_at"], ledger_mark(desk.ledger))


def test_a_server_at_another_port_is_the_same(played: tuple[Desk, PlainClient]) -> None:
    desk, client = played
    before = state_of(desk)
    assert (len(before.memory), before.version) == (1, 2)
    client.url = "http://127.0.0.1:8081"
    edit(desk, A, label="50")
    pulled = desk.pull()
    assert (pulled.open, pulled.commits) == ((), ()), "what was taken is remembered, so the ledger has settled it"
    assert state_of(desk).memory == before.memory


def test_a_data_set_that_was_made_anew_has_no_conflicts_of_the_old_one(
    played: tuple[Desk, PlainClient], tmp_path: Path
) -> None:
    desk, _ = played
    now = desk.sample("a.png")
    shutil.rmtree(desk.ledger.folder)
    desk.ledger = make_ledger(desk.workspace, "won", tmp_path / "photos", [now])
    assert open_conflicts(desk.ledger, desk.folder) == []
    report = desk.push()
    assert report.project != 1, "the old project is of the old data set"
    assert desk.pull().open == ()


def test_a_look_with_nothing_new_writes_nothing(played: tuple[Desk, PlainClient]) -> None:
    desk, _ = played
    desk.pull()
    stamps = {path.name: path.stat().st_mtime_ns for path in desk.folder.iterdir() if path.name != "counts.json"}
    desk.pull()
    assert stamps == {
        path.name: path.stat().st_mtime_ns for path in desk.folder.iterdir() if path.name != "counts.json"
    }
    assert set(stamps) == {"state.json", "summary.json", "lock"}


def test_the_small_file_counts_only_beside_its_state(played: tuple[Desk, PlainClient]) -> None:
    desk, _ = played
    mark = ledger_mark(desk.ledger)
    known = read_conflicts(desk.folder, mark)
    assert len(known[0]) == 1
    assert read_conflicts(desk.folder, "labelloop other") == ([], -1)
    summary = (desk.folder / "summary.json").read_bytes()
    # Killed between the two files: the state is what counts.
    write_state(desk.folder, replace(state_of(desk), conflicts=[], version=7))
    (desk.folder / "summary.json").write_bytes(summary)
    assert read_conflicts(desk.folder, mark) == ([], 7)
    (desk.folder / "summary.json").unlink()
    assert read_conflicts(desk.folder, mark) == ([], 7)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"project": 1}', "null", '{"project": 1, "conflicts": [{"id": 1}]}', "\x00"]
)
def test_a_state_that_is_none_is_like_a_lost_one(played: tuple[Desk, PlainClient], text: str) -> None:
    desk, _ = played
    for name in ("state.json", "summary.json", "counts.json"):
        (desk.folder / name).write_text(text)
    assert state_of(desk).memory == {}
    assert open_conflicts(desk.ledger, desk.folder) == []
    assert read_counts(desk.folder) in ({}, {"project": 1})
    assert len(desk.pull().open) == 1, "its task is looked at again"


def test_a_state_is_read_as_it_was_written(played: tuple[Desk, PlainClient]) -> None:
    desk, _ = played
    state = state_of(desk)
    assert (state.turns, state.annotators) == (["1/won/a.png"], 1)
    write_state(desk.folder, state)
    assert state_of(desk) == state
    assert json.loads((desk.folder / "state.json").read_text())["conflicts"][0]["said"] == {MINA: "<b>"}


def test_nothing_is_known_of_a_desk_that_was_never_used(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "ledgers" / "won", "ann")
    assert open_conflicts(ledger, tmp_path / "desk") == []
    assert read_counts(tmp_path / "desk") == {}
