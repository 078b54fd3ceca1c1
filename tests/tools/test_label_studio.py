"""The server of the workspace's own: with a stand-in for speed, and with the real one for what only that can show."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.tools.label_studio import ensure_label_studio, find_program, label_studio_folder, stop_label_studio
from labelloop.tools.label_studio_process import read_record, started_at
from tests.label_config.servers import copied

STAND_IN = """#!{python}
import http.server, json, os, sys, time
words = sys.argv
port, data = int(words[words.index("--port") + 1]), words[words.index("--data-dir") + 1]
database = os.path.join(data, "label_studio.sqlite3")
if not os.path.exists(database):
    open(database, "w").write(os.environ["LABEL_STUDIO_USER_TOKEN"])
token = open(database).read()
json.dump(dict(os.environ), open(os.path.join(data, "environment.json"), "w"))
if os.path.exists(os.path.join(data, "broken")):
    sys.exit("no such table: users")
if os.path.exists(os.path.join(data, "taken")):
    os.remove(os.path.join(data, "taken"))
    print(f"* Port {{port}} is in use.", flush=True)
    port = 0  # the real one takes the next, which another program may have
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        mine = self.headers.get("Authorization") == "Token " + token
        body = b"{{}}" if self.path == "/health" else json.dumps({{"id": 1, "email": "me@localhost"}}).encode()
        self.send_response(200 if self.path == "/health" or mine else 401)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    program = tmp_path / "label-studio"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("LABELLOOP_LABEL_STUDIO", str(program))
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    monkeypatch.setenv("LABELLOOP_AUTHOR", "Mina Kim")
    workspace = Workspace(tmp_path / "home")
    yield workspace
    stop_label_studio(workspace)


def data(workspace: Workspace) -> Path:
    return label_studio_folder(workspace) / "data"


def test_it_is_started_shared_and_stopped_by_the_last_who_uses_it(home: Workspace) -> None:
    with ensure_label_studio(home) as first:
        assert (first.own, first.started, first.user, first.warnings) == (True, True, "mina-kim@localhost", ())
        with ensure_label_studio(home) as second:
            assert (second.url, second.started, second.token) == (first.url, False, first.token)
        assert first.is_alive()
        third = ensure_label_studio(home)
    assert third.is_alive(), "whoever uses it keeps it"
    third.close()
    assert not third.is_alive()
    assert not stop_label_studio(home)


def test_nothing_of_it_can_be_read_by_others_or_leaves_this_machine(home: Workspace) -> None:
    with ensure_label_studio(home) as server:
        told = json.loads((data(home) / "environment.json").read_text())
        words = Path(f"/proc/{server.pid}/cmdline").read_bytes().decode().split("\0")
    folder = label_studio_folder(home)
    password = (folder / "password").read_text().strip()
    assert told["LABEL_STUDIO_PASSWORD"] == password
    assert told["HOME"] == str(folder / "home")
    assert not {"LABELLOOP_AUTHOR", "LABELLOOP_LABEL_STUDIO", "USER", "VIRTUAL_ENV"} & set(told)
    assert words[words.index("--internal-host") + 1] == "127.0.0.1"
    for secret in (password, server.token):
        assert len(secret) >= 24
        assert secret not in "\0".join(words)
        assert secret not in (folder / "log").read_text()
        assert secret not in repr(server)
    for path in [folder, *folder.iterdir()]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_one_that_was_killed_is_started_again(home: Workspace) -> None:
    first = ensure_label_studio(home)
    os.kill(first.pid, signal.SIGKILL)
    while first.is_alive():
        time.sleep(0.01)
    with first, ensure_label_studio(home) as second:
        assert second.started
        assert second.pid != first.pid
        assert (second.url, second.token) == (first.url, first.token), "on its old port, with the old token"


def test_one_whose_users_were_killed_is_stopped_by_the_next(home: Workspace) -> None:
    code = f"""
import sys; from pathlib import Path
from labelloop.datasets.workspace import Workspace
from labelloop.tools.label_studio import ensure_label_studio
import os, signal
ensure_label_studio(Workspace(Path({str(home.home)!r})))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    record = read_record(label_studio_folder(home))
    assert record is not None
    assert started_at(record.pid)
    with ensure_label_studio(home) as server:
        assert (server.pid, server.started) == (record.pid, False)
    assert not started_at(record.pid)


def test_a_record_of_a_process_that_is_another_now_is_stale(home: Workspace) -> None:
    with ensure_label_studio(home):
        pass
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        stale = {"pid": bystander.pid, "time": 1, "port": 1, "log_at": 0}
        (label_studio_folder(home) / "server.json").write_text(json.dumps(stale))
        assert not stop_label_studio(home)
        (label_studio_folder(home) / "server.json").write_text(json.dumps(stale))
        with ensure_label_studio(home) as server:
            assert server.started
        assert bystander.poll() is None, "somebody else's process is left alone"
        (label_studio_folder(home) / "server.json").write_text("{")
        with ensure_label_studio(home) as server:
            assert server.started
    finally:
        bystander.kill()
        bystander.wait()


def test_a_copy_of_a_workspace_leaves_the_server_of_the_first_alone(home: Workspace, tmp_path: Path) -> None:
    with ensure_label_studio(home) as server:
        copy = Workspace(tmp_path / "copy")
        shutil.copytree(label_studio_folder(home), label_studio_folder(copy))
        assert read_record(label_studio_folder(copy)) is None
        assert not stop_label_studio(copy)
        assert server.is_alive()


def test_a_taken_port(home: Workspace) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LabelloopError, match=f"port {port} is taken by another program"):
            ensure_label_studio(home, port=port)
    with ensure_label_studio(home, port=port) as server:
        assert server.url.endswith(f":{port}")
        with ensure_label_studio(home, port=port + 1) as shared:
            assert shared.url == server.url
            assert f"runs already at port {port}" in shared.warnings[0]


def test_a_port_that_is_taken_while_it_starts(home: Workspace) -> None:
    with ensure_label_studio(home):
        pass
    (data(home) / "taken").touch()
    record = read_record(label_studio_folder(home))
    assert record is None
    # The stand-in goes on to the next port as Label Studio does; a stranger answers at ours.
    with ensure_label_studio(home) as server:
        assert server.is_alive()


def test_one_that_ends_says_why(home: Workspace) -> None:
    with ensure_label_studio(home):
        pass
    (data(home) / "broken").touch()
    with pytest.raises(
        LabelloopError, match=r"ended while it started; the last lines of .*/log:\n  no such table: users"
    ):
        ensure_label_studio(home)
    assert read_record(label_studio_folder(home)) is None
    (data(home) / "broken").unlink()
    with ensure_label_studio(home) as server:
        assert server.started


def test_a_first_start_that_was_killed_begins_anew(home: Workspace) -> None:
    data(home).mkdir(parents=True)
    (data(home) / "label_studio.sqlite3").write_text("a database without our user")
    with ensure_label_studio(home) as server:
        assert server.is_alive()


def test_changed_secrets_are_said(home: Workspace) -> None:
    folder = label_studio_folder(home)
    with ensure_label_studio(home):
        pass
    (folder / "password").write_text("mine\n")
    with ensure_label_studio(home) as server:
        assert len(server.warnings) == 1
        assert "still has the old password" in server.warnings[0]
    token = (folder / "token").read_text()
    (folder / "token").write_text("0" * 40)
    with pytest.raises(LabelloopError, match=r"does not know the token in .*put the old one back"):
        ensure_label_studio(home)
    (folder / "token").write_text(token)
    with ensure_label_studio(home) as server:
        assert server.is_alive()


def test_two_at_once_start_one(home: Workspace) -> None:
    code = f"""
import time; from pathlib import Path
from labelloop.datasets.workspace import Workspace
from labelloop.tools.label_studio import ensure_label_studio
with ensure_label_studio(Workspace(Path({str(home.home)!r}))) as server:
    print(server.started, server.pid, flush=True)
    time.sleep(3)
"""
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(each.communicate(timeout=60)[0].split() for each in both)
    assert [words[0] for words in said] == ["False", "True"]
    assert said[0][1] == said[1][1]


def test_the_teams_own_is_used_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "https://label.example.org/")
    monkeypatch.delenv("LABEL_STUDIO_API_KEY", raising=False)
    with pytest.raises(LabelloopError, match="LABEL_STUDIO_API_KEY is not"):
        ensure_label_studio(Workspace(tmp_path))
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "secret")
    with ensure_label_studio(Workspace(tmp_path)) as server:
        assert (server.url, server.own, server.started) == ("https://label.example.org", False, False)
        assert "secret" not in repr(server)


def test_a_missing_program_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELLOOP_LABEL_STUDIO", str(tmp_path / "nowhere"))
    with pytest.raises(LabelloopError, match=r"no Label Studio at .*pip install"):
        find_program()


@pytest.mark.slow
def test_the_real_one(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    workspace = copied(tmp_path_factory, tmp_path / "home")
    folder = label_studio_folder(workspace)
    with ensure_label_studio(workspace) as server:
        with Client(server.url, server.token) as client:
            assert client.me.name == server.user
            refresh = client.post("/api/token/", {})["token"]
        with Client(server.url, refresh) as client:
            assert client.me.name == server.user, "a personal access token does as well"
        with pytest.raises(LabelloopError, match="does not know the legacy token"):
            Client(server.url, "0" * 40)
        with pytest.raises(LabelloopError, match=r"does not know the personal access token|does not take"):
            Client(server.url, "a.b.c")
        told = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        for secret in (server.token, (folder / "password").read_text().strip()):
            assert secret not in told
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
            if path.name in ("log",) or path.suffix == ".log":
                text = path.read_text(errors="replace")
                assert server.token not in text
                assert refresh not in text
    until = time.monotonic() + 5
    while server.is_alive() and time.monotonic() < until:
        time.sleep(0.1)
    assert not server.is_alive()
