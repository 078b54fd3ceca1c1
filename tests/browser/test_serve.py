"""`labelloop serve` as a person starts it: two pages, shared, looked after, and gone after Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

pytest.importorskip("playwright", reason="there is no playwright to drive a browser")

from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.tools.label_studio import label_studio_folder
from labelloop.tools.label_studio_process import read_record, started_at
from tests.browser.pages import Window, expect
from tests.browser.servers import COUNT, PATIENCE, ROOT, environment, labelloop, make_workspace, until
from tests.label_config.servers import copied

_MAIN = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from labelloop.tools.cli import main; sys.argv[0] = 'labelloop'; main()"
)


class Serving:
    """`labelloop serve` on a workspace; what it says on stderr is in `said`."""

    def __init__(self, home: Path, *options: object) -> None:
        self._log = home.parent / f"serve-{time.monotonic_ns()}.log"
        with self._log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, "serve", "won", "--home", str(home), *map(str, options)],
                cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def ready(self) -> Serving:
        until("both pages are there", lambda: "Ctrl-C stops" in self.said or self.process.poll() is not None)
        assert self.process.poll() is None, self.said
        return self

    @property
    def page(self) -> str:
        """The window's address."""
        return next(line for line in self.said.splitlines() if "/datasets/" in line)

    def says(self, text: str) -> None:
        until(f"it says {text!r}", lambda: text in self.said)

    def stop(self) -> int:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    made = make_workspace(tmp_path)
    copied(tmp_path_factory, made)
    return made


@pytest.fixture
def serve(home: Path) -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def start(*options: object) -> Serving:
        started.append(Serving(home, *options))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def pid(home: Path) -> int:
    """The process of Label Studio, 0 where none runs."""
    record = read_record(label_studio_folder(Workspace(home)))
    return record.pid if record and started_at(record.pid) == record.time else 0


def answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=20) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_both_pages_are_served_and_looked_after(
    home: Path, serve: Callable[..., Serving], new_page: Callable[[], Any]
) -> None:
    first = serve("--port", 5361, "--desk-port", 8361, "--json").ready()
    desk, window = "http://127.0.0.1:8361", "http://127.0.0.1:5361"
    assert answers(f"{desk}/health")
    assert answers(window)
    folder = label_studio_folder(Workspace(home))
    assert f"{desk}\nLabel Studio. Log in as " in first.said
    assert f"with the password in {folder / 'password'}." in first.said
    assert (folder / "password").read_text().strip() not in first.said
    said = json.loads(until("its JSON is there", lambda: re.search(r"^{\n.*?^}$", first.said, re.M | re.S)).group())
    assert (said["name"], said["version"], said["window"]) == ("won", 1, first.page)
    assert (said["desk"]["address"], said["desk"]["password_file"]) == (desk, str(folder / "password"))

    pushed: Any = labelloop("push", "won", "--limit", 3, "--home", home, "--json")
    assert (pushed["made"], pushed["url"].startswith(desk)) == (3, True)

    shown = Window(new_page(), first.page).open(COUNT)
    expect(shown.panel).to_contain_text("At the desk when last asked: 3 waiting.")
    said = shown.act("Push to the desk", {"People start from": "nothing"})
    assert f"{COUNT - 3} new tasks, 3 brought up to date" in said
    expect(shown.panel).to_contain_text(f"{COUNT} waiting")
    with Client(desk, (folder / "token").read_text().strip()) as client:
        task = next(iter(client.tasks(pushed["project"])))
        client.post(f"/api/tasks/{task['id']}/annotations", {"result": [], "was_cancelled": True})
    said = shown.act("Pull from the desk")
    assert f"1 skipped, {COUNT - 1} waiting" in said
    expect(shown.panel).to_contain_text("1 skipped")
    assert "No conflicts." in shown.act("Show conflicts")

    second = serve("--port", 5361, "--desk-port", 8362).ready()
    assert "runs already at port 8361; port 8362 is for its next start" in second.said
    assert "It ran already, and is stopped when nobody uses it any more." in second.said
    assert "Port 5361 is taken, so the window is on port " in second.said

    killed = pid(home)
    os.killpg(killed, signal.SIGKILL)
    # Both look after it; whoever sees it first starts it again.
    stopped = "Label Studio has stopped; it is started again."
    until("it is started again", lambda: stopped in first.said + second.said)
    until("it answers again", lambda: pid(home) not in (0, killed) and answers(f"{desk}/health"))
    assert labelloop("pull", "won", "--home", home, "--json")["waiting"] == COUNT - 1

    assert first.stop() == 0
    assert answers(f"{desk}/health"), "somebody else uses it"
    assert second.stop() == 0
    assert "Traceback" not in first.said + second.said
    assert (pid(home), answers(f"{desk}/health"), answers(window)) == (0, False, False)


def test_a_taken_port_is_a_sentence(home: Path, serve: Callable[..., Serving]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = serve("--desk-port", port)
        assert refused.process.wait(PATIENCE) == 1
    assert f"Error: port {port} is taken by another program" in refused.said
    assert pid(home) == 0


def test_one_whose_serve_was_killed_is_used_and_then_stopped(home: Path, serve: Callable[..., Serving]) -> None:
    first = serve("--port", 5363).ready()
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(PATIENCE)
    left = pid(home)
    assert left
    assert labelloop("push", "won", "--limit", 2, "--home", home, "--json")["made"] == 2
    assert pid(home) == 0, "nobody else used it"
    (label_studio_folder(Workspace(home)) / "password").write_text("another\n")
    second = serve("--port", 5363).ready()
    assert "which still has the old password" in second.said
    assert second.stop() == 0
    assert pid(home) == 0
