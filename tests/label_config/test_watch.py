"""`pull --watch`: it outlives its Label Studio and another push, and ends with a person's word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client, DeskAway
from labelloop.label_config.desk import DeskBusy
from labelloop.tools import desks
from labelloop.tools.label_studio import ensure_label_studio
from labelloop.tools.label_studio_process import Record, answers_health, stop_process
from tests.label_config.servers import Desk, copied, make_ledger
from tests.label_config.test_desk import MINA, two_boxes

ROOT = Path(__file__).parents[2]


class Looks:
    """A look at a desk that does one thing after the other; then somebody presses Ctrl-C."""

    def __init__(self, *does: BaseException | None, closed: Sequence[BaseException] = ()) -> None:
        self.does, self.done, self.opened, self.closed = list(does), 0, 0, list(closed)

    def __call__(self, _: Any) -> None:
        self.done += 1
        given = self.does.pop(0) if self.does else KeyboardInterrupt()
        if given is not None:
            raise given


def watch(monkeypatch: pytest.MonkeyPatch, looks: Looks, *alive: bool) -> None:
    answers = list(alive)
    server = SimpleNamespace(url="http://there", is_alive=lambda: answers.pop(0) if answers else True)

    @contextmanager
    def opened(*_: Any) -> Generator[Any]:
        if looks.closed:
            raise looks.closed.pop(0)
        looks.opened += 1
        yield SimpleNamespace(server=server)

    monkeypatch.setattr(desks, "open_desk", opened)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    desks.watch_desk(Workspace(Path("home")), "won", looks, 1)


def test_a_watch_goes_on_after_what_passes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    looks = Looks(
        DeskBusy("a push"), None, DeskBusy("a push"), None, DeskAway("no answer"), DeskAway("no answer"), None
    )
    watch(monkeypatch, looks)
    assert (looks.done, looks.opened) == (8, 3)
    assert capsys.readouterr().err.count("no answer. Waiting until it is there again") == 1


def test_a_watch_opens_a_server_that_has_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = Looks(None, None)
    watch(monkeypatch, looks, False)
    assert (looks.done, looks.opened) == (3, 2)
    assert "Label Studio at http://there has stopped" in capsys.readouterr().err


@pytest.mark.parametrize("error", [DeskAway("no answer"), LabelloopError("no such token"), KeyboardInterrupt("stop")])
def test_a_watch_that_cannot_begin_says_so(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    with pytest.raises(type(error), match=str(error)):
        watch(monkeypatch, Looks(closed=[error]))


def test_a_watch_ends_with_what_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabelloopError, match="no such project"):
        watch(monkeypatch, Looks(None, LabelloopError("no such project")))


def until(what: str, condition: Callable[[], Any], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true in {seconds} s"
        time.sleep(0.2)


@pytest.mark.slow
def test_a_watch_outlives_its_server_and_goes_on_where_it_was_killed(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    workspace = copied(tmp_path_factory, tmp_path / "home")
    keys = [f"{number}.png" for number in range(4)]
    ledger = make_ledger(workspace, "watched", tmp_path, [two_boxes(tmp_path, key) for key in keys])
    log = (tmp_path / "log").open("wb")

    def start() -> subprocess.Popen[bytes]:
        words = [
            sys.executable,
            "-m",
            "labelloop",
            "pull",
            "watched",
            "--home",
            str(workspace.home),
            "--watch",
            "--every",
            "1",
        ]
        return subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)

    def answered(key: str) -> bool:
        return ledger.samples(keys=[key])[0].state == "negative"

    with ensure_label_studio(workspace) as server, Client(server.url, server.token) as client:
        desk = Desk(server, client, workspace, "watched", ledger)
        project = desk.push().project
        watching = start()
        try:
            desk.answer(project, keys[0], MINA, [])
            until("the first answer came", lambda: answered(keys[0]))
            watching.kill()
            watching.wait()
            desk.answer(project, keys[1], MINA, [])
            watching = start()
            until("the second answer came", lambda: answered(keys[1]))
            os.killpg(server.pid, signal.SIGKILL)
            stop_process(Record(server.pid, 0, 0))  # it was a child of this process
            until("Label Studio is there again", lambda: answers_health(server.url))
            desk.answer(project, keys[2], MINA, [])
            until("the third answer came", lambda: answered(keys[2]))
            assert desk.push().done == 3
            desk.answer(project, keys[3], MINA, [])
            until("the fourth answer came", lambda: answered(keys[3]))
            watching.send_signal(signal.SIGTERM)
            assert watching.wait(60) == 0
        finally:
            watching.kill()
            watching.wait()
            log.close()
    told = (tmp_path / "log").read_text()
    assert told.count("Waiting until it is there again") == 1
    assert "Traceback" not in told
    assert server.token not in told
