"""`labelloop browse` as a process: what it starts it keeps alive, and stops, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="there is no playwright to drive a browser")

from labelloop.tools.mongod_process import find_mongod
from tests.browser.pages import Window
from tests.browser.servers import COUNT, ROOT, Browsing, environment, key, labelloop, running, sample_id, until

_EDIT = """
import os, sys
from labelloop.datasets.workspace import Workspace
from labelloop.tools.windows import fiftyone_session
from pathlib import Path
with fiftyone_session(Workspace(Path(sys.argv[1])), "eve"):
    import fiftyone
    dataset = fiftyone.load_dataset("won")
    sample = dataset[sys.argv[2]]
    sample.ground_truth.detections[0].label = "50"
    sample.save()
"""
_STRANGER = """
import sys, time
import fiftyone
dataset = fiftyone.Dataset("won", persistent=True)
dataset.add_samples([fiftyone.Sample(filepath="/nowhere.jpg")])
print("ready", flush=True)
sys.stdin.read()
print(fiftyone.list_datasets(), len(fiftyone.load_dataset("won")), flush=True)
"""


@pytest.fixture
def own_home(home: Path, tmp_path: Path) -> Path:
    """A workspace with the data set in it, and no window yet."""
    shutil.copytree(home / "ledgers", tmp_path / "home" / "ledgers")
    return tmp_path / "home"


@pytest.fixture
def browse(own_home: Path) -> Generator[Any]:
    """A function that starts `labelloop browse` and waits for it; what still runs at the end is stopped."""
    started: list[Browsing] = []

    def start(*options: object, **more: Any) -> Browsing:
        started.append(Browsing(own_home, *options, **more))
        return started[-1].ready()

    yield start
    for each in started:
        each.interrupt()
    assert not running(str(own_home)), "nothing is left running"


def edit(home: Path, name: str, extra: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _EDIT, str(home), sample_id(name)],
        cwd=ROOT, env={**environment(), **(extra or {})}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_dies_is_started_again(browse: Any, new_page: Any) -> None:
    server = browse()
    window = Window(new_page(), server.address).open(COUNT)
    mongod, app = server.mongod(), server.app()
    assert mongod
    assert app
    os.kill(mongod, signal.SIGKILL)
    until("MongoDB is back", lambda: server.mongod() not in (0, mongod))
    assert "MongoDB has stopped; it is started again." in server.said
    window.open(COUNT)
    os.kill(app, signal.SIGKILL)
    until("the App is back", lambda: server.app() not in (0, app) and server.answers())
    assert "App has stopped; it is started again." in server.said
    window.open(COUNT)
    assert server.interrupt() == 0
    assert "the window stays as it is" in server.said
    assert "Traceback" not in server.said


def test_two_at_once_and_the_first_to_leave(browse: Any, new_page: Any) -> None:
    first = browse()
    second = browse("--port", first.port)
    assert f"Port {first.port} is taken, so the window is on port " in second.said
    assert first.port != second.port
    assert first.mongod() == second.mongod()
    assert first.interrupt() == 0
    assert not first.app()
    Window(new_page(), second.address).open(COUNT)
    mongod = second.mongod()
    assert second.interrupt() == 0
    until("MongoDB stops with its last user", lambda: mongod not in running("mongod"), 30)


def test_a_taken_port_is_said(browse: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = browse("--port", port)
    assert f"Port {port} is taken, so the window is on port " in server.said
    assert server.port != port


def test_killed_itself_it_leaves_no_app_behind(browse: Any, own_home: Path) -> None:
    server = browse()
    app = server.app()
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    until("the App ends with its parent", lambda: app not in running("app_server"), 30)
    again = browse()
    assert again.app()


def test_edits_that_are_not_committed_stay(browse: Any, own_home: Path) -> None:
    assert browse().interrupt() == 0
    edit(own_home, key(1))  # of class 50 already: no edit
    edit(own_home, key(2))
    labelloop("restore", "won", "--version", 0, "--home", own_home, "--author", "bob")
    server = browse()
    assert "has edits that are not committed" in server.said
    assert key(2) in server.said
    assert "won, version 1." in server.said
    assert server.interrupt() == 0
    found = labelloop("commit", "won", "--dry-run", "--home", own_home, "--json")
    assert [(each["kind"], each["key"]) for each in found["changes"]] == [("box-renamed", key(2))]
    assert "won, version 2." in browse("--discard").said


def test_another_project_of_the_user_is_left_alone(browse: Any, tmp_path: Path) -> None:
    """FiftyOne alone attaches to whatever MongoDB of the same user it finds, and both have a dataset `won`."""
    other = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _STRANGER], cwd=tmp_path, text=True,
        env={**environment(), "FIFTYONE_DATABASE_DIR": str(tmp_path / "other"), "FIFTYONE_DO_NOT_TRACK": "1",
             "FIFTYONE_DATABASE_VALIDATION": "false"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert other.stdout is not None
        until("FiftyOne's own dataset is there", lambda: other.stdout and "ready" in other.stdout.readline())
        assert browse().interrupt() == 0
    finally:
        said, _ = other.communicate("\n", timeout=120)
    assert said.strip().endswith("['won'] 1"), said


def test_a_team_s_mongodb_has_the_window(browse: Any, own_home: Path, tmp_path: Path, new_page: Any) -> None:
    (tmp_path / "team").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    team = subprocess.Popen(
        [find_mongod(), "--dbpath", tmp_path / "team", "--port", str(port), "--bind_ip", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
    )
    there = {"FIFTYONE_DATABASE_URI": f"mongodb://127.0.0.1:{port}"}
    try:
        server = browse(extra=there)
        Window(new_page(), server.address).open(COUNT)
        assert not (own_home / "mongo").exists(), "no MongoDB of the workspace's own was started"
        edit(own_home, key(2), there)
        done = labelloop("commit", "won", "--home", own_home, "--author", "eve", "--json", extra=there)
        assert (done["commit"]["version"], done["commit"]["author"]) == (2, "eve")
        assert server.interrupt() == 0
        assert team.poll() is None, "it is the team's"
    finally:
        team.terminate()
        team.wait(60)
