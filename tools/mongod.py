"""A MongoDB of the workspace's own for FiftyOne: started when it is needed, shared, stopped by the last user.

FiftyOne by itself attaches to any MongoDB that the same user already runs, wherever its
data lies; so labelloop starts its own and hands FiftyOne the address. Its data lie in the
workspace, it listens on 127.0.0.1 alone and asks for a password, made at random at the
first start, in a file that only the user can read.

Every process that uses it holds a shared lock on `users.lock`; the one that leaves and
finds nobody else stops it. The kernel lets go of a lock when a process dies however it
dies, so nobody counts and no count can be wrong. A mongod whose users were all killed
lives on until the next one leaves. It has a session of its own, so Ctrl-C in a terminal
does not reach it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..datasets.errors import LabelloopError
from ..datasets.workspace import Workspace
from .mongo_elsewhere import refuse_unusable
from .mongod_process import (
    find_mongod,
    lives,
    locking_pid,
    port_of,
    record_port,
    recorded_port,
)
from .servers import free_port, is_free, locked

if TYPE_CHECKING:
    from pymongo import MongoClient

USUAL_PORT = 27117
USER = "labelloop"
DATABASE = "labelloop"
OWNER = "LABELLOOP_MONGOD"
"""In the environment beside FIFTYONE_DATABASE_URI where labelloop set that itself, and no user."""

_LOG_BYTES = 10_000_000
_START_SECONDS = 60
_STOP_SECONDS = 30
_BEGINS_SECONDS = 1.5
"""After so long a mongod that has been launched has its data open."""
_ASK_SECONDS = 5
_OWN_DATABASES = ("admin", "config", "local")


@dataclass(slots=True)
class Server:
    """A MongoDB to use until `close`: the workspace's own, or a team's (`own` is false).

    `uri` has the password in it and is not for logs; `port` is 0 where it is not ours.
    """

    folder: Path
    uri: str = field(repr=False)
    database: str
    own: bool
    port: int = 0
    _users: int | None = field(default=None, repr=False)

    def is_alive(self) -> bool:
        """Whether it answers."""
        from pymongo.errors import PyMongoError

        if self.own and is_free(self.port):
            return False
        try:
            with _client(self.uri) as client:
                client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    def close(self) -> None:
        """Stop using it; the workspace's own is stopped where no other process uses it."""
        if self._users is None:
            return
        users, self._users = self._users, None
        with locked(self.folder / "start.lock"):
            os.close(users)
            last = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(last, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop(self)
            except BlockingIOError:
                pass
            finally:
                os.close(last)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ensure_mongod(workspace: Workspace) -> Server:
    """The MongoDB for a workspace: FIFTYONE_DATABASE_URI's where somebody set that, else the workspace's own, running.

    One that runs already is shared, one that died is started again, on its old port where
    that is free, and after an unclean stop its counts are put right.

    Raises:
        LabelloopError: there is no mongod to start, or it does not start, or a team's cannot be
            used; the text says what to do.
    """
    folder = workspace.mongo
    uri = os.environ.get("FIFTYONE_DATABASE_URI", "")
    if uri and OWNER not in os.environ:
        _need_pymongo()
        named = os.environ.get("FIFTYONE_DATABASE_NAME")
        where = blake2b(os.path.realpath(workspace.home).encode(), digest_size=4).hexdigest()
        server = Server(folder, uri, named or f"{DATABASE}_{where}", own=False)
        refuse_unusable(uri, server.database)
        return server
    _need_pymongo()
    (folder / "data").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with locked(folder / "start.lock"):
        users = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            port = _running(folder) or _start(folder)
            server = Server(folder, _uri(folder, port), DATABASE, own=True, port=port, _users=users)
            _put_counts_right(server)
        except BaseException as error:
            os.close(users)
            if isinstance(error, KeyboardInterrupt):
                _stop_unused(folder)
            raise
    return server


def fiftyone_environment(workspace: Workspace, server: Server, plugins: Path | None = None) -> dict[str, str]:
    """What FiftyOne's environment must be before it is imported, so that it stays in the workspace and quiet.

    Args:
        plugins: the parent of the plugins' folders; None is a folder of the workspace.
    """
    home = workspace.home / "fiftyone"
    own = {OWNER: str(server.folder)} if server.own else {}
    return {
        **own,
        "FIFTYONE_DATABASE_URI": server.uri,
        "FIFTYONE_DATABASE_NAME": server.database,
        "FIFTYONE_DATABASE_VALIDATION": "false",
        "FIFTYONE_DATABASE_DIR": str(server.folder / "data"),
        "FIFTYONE_DEFAULT_DATASET_DIR": str(home / "datasets"),
        "FIFTYONE_DATASET_ZOO_DIR": str(home / "datasets"),
        "FIFTYONE_MODEL_ZOO_DIR": str(home / "models"),
        "FIFTYONE_PLUGINS_DIR": str(plugins or home / "plugins"),
        "FIFTYONE_CONFIG_PATH": str(home / "config.json"),
        "FIFTYONE_APP_CONFIG_PATH": str(home / "app_config.json"),
        "FIFTYONE_ANNOTATION_CONFIG_PATH": str(home / "annotation_config.json"),
        "FIFTYONE_EVALUATION_CONFIG_PATH": str(home / "evaluation_config.json"),
        "FIFTYONE_DEFAULT_APP_ADDRESS": "127.0.0.1",
        "FIFTYONE_DO_NOT_TRACK": "1",
        "FIFTYONE_SHOW_PROGRESS_BARS": "false",
        "FIFTYONE_LOGGING_LEVEL": "WARNING",
    }


def _need_pymongo() -> None:
    if find_spec("pymongo") is None:
        raise LabelloopError("browsing needs FiftyOne, which is not installed: pip install 'labelloop[browse]'")


def _client(uri: str) -> MongoClient[dict[str, Any]]:
    from pymongo import MongoClient

    wait = _ASK_SECONDS * 1000
    return MongoClient(uri, serverSelectionTimeoutMS=wait, connectTimeoutMS=wait, socketTimeoutMS=wait)


def _uri(folder: Path, port: int) -> str:
    # A server on this machine answers at once or not at all; FiftyOne would wait for 30 seconds.
    # What is written counts as written once it is on disk: without `journal` an edit made less than
    # 100 ms before a mongod is killed was gone.
    password = quote(_password(folder), safe="")
    options = "authSource=admin&journal=true&serverSelectionTimeoutMS=5000"
    return f"mongodb://{USER}:{password}@127.0.0.1:{port}/?{options}"


def _password(folder: Path) -> str:
    """The password, made at random where there is none yet."""
    path = folder / "password"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        known = path.read_text(encoding="ascii").strip()
        if known:
            return known
        path.unlink()  # the process was killed between making the file and writing it
        return _password(folder)
    with open(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii")


def _running(folder: Path) -> int:
    """The port of the workspace's mongod where it runs, 0 where it does not.

    A recorded port proves nothing, so the server itself is asked where its data lie.

    Raises:
        LabelloopError: it runs and does not answer.
    """
    port = recorded_port(folder)
    if not port or is_free(port):
        return 0
    until = time.monotonic() + _START_SECONDS
    while True:
        answer = _is_ours(folder, port)
        if answer is not None:
            return port if answer else 0
        pid = locking_pid(folder)
        if not pid or not lives(pid):
            return 0
        if time.monotonic() > until:
            raise LabelloopError(
                f"the workspace's MongoDB (process {pid}, port {port}) runs and does not answer; {folder / 'log'} may"
                " say why, and it is started again once the process has ended"
            )


def _is_ours(folder: Path, port: int) -> bool | None:
    """Whether the server at a port has its data in this folder; None where there is no answer."""
    from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

    try:
        with _client(_uri(folder, port)) as client:
            options = client.admin.command("getCmdLineOpts")
        place = options["parsed"]["storage"]["dbPath"]
        return os.path.samefile(place, folder / "data")
    except OperationFailure:
        return _adopted(folder, port)
    except ConnectionFailure:
        return None
    except (PyMongoError, KeyError, OSError):
        return False


def _adopted(folder: Path, port: int) -> bool:
    """Whether a server that does not know our password is ours from a first start that was cut short.

    MongoDB lets anybody on its own machine make the first user, and nobody after that.
    """
    pid = locking_pid(folder)
    if not pid or port_of(pid) != port:
        return False
    _make_user(folder, port)
    return True


def _make_user(folder: Path, port: int) -> None:
    from pymongo.errors import OperationFailure

    try:
        with _client(f"mongodb://127.0.0.1:{port}/") as client:
            client.admin.command("createUser", USER, pwd=_password(folder), roles=["root"])
    except OperationFailure as error:
        raise LabelloopError(
            f"the password in {folder / 'password'} is not that of the MongoDB beside it; once no labelloop runs,"
            f" remove {folder}: windows are built again from the ledger, and only edits not yet committed are lost"
        ) from error


def _start(folder: Path) -> int:
    """The port of a mongod that was started just now, with our user in it."""
    program = find_mongod()
    if locking_pid(folder):  # a clean stop leaves the lock file empty
        (folder / "unclean").touch()
    log = folder / "log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(folder / "log.old")
    said = ""
    for _ in range(5):
        port = free_port(recorded_port(folder) or USUAL_PORT)
        record_port(folder, port)
        done = subprocess.run(
            [
                program, "--dbpath", folder / "data", "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket",
                "--auth", "--fork", "--logpath", log, "--logappend",
                "--wiredTigerCacheSizeGB", "1", "--setParameter", "diagnosticDataCollectionEnabled=false",
            ],
            cwd=folder, env=_plain_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            start_new_session=True, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            if not _is_ours(folder, port):
                _make_user(folder, port)
            return port
        said = f"exit status {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}"
        # The one whose starter was killed may be on its way; another program may have taken the port.
        until = time.monotonic() + _ASK_SECONDS
        while (pid := locking_pid(folder)) and lives(pid) and time.monotonic() < until:
            if not is_free(port) and _is_ours(folder, port):
                return port
            time.sleep(0.1)
    raise LabelloopError(f"the workspace's MongoDB does not start ({said}); {log} says why")


def _plain_environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("FIFTYONE_", "LABELLOOP_"))}


def _put_counts_right(server: Server) -> None:
    """After an unclean stop, MongoDB's own check of every collection: until then it miscounts (0 for 10,000)."""
    from pymongo import MongoClient

    mark = server.folder / "unclean"
    if not mark.exists():
        return
    with MongoClient[dict[str, Any]](server.uri) as client:
        for name in client.list_database_names():
            if name in _OWN_DATABASES:
                continue
            database = client[name]
            for found in database.list_collections(filter={"type": "collection"}):
                database.command("validate", found["name"])
    mark.unlink(missing_ok=True)


def _stop_unused(folder: Path) -> None:
    """End a mongod whose start was broken off, where nobody else uses it; it may have only just begun."""
    last = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(last, fcntl.LOCK_EX | fcntl.LOCK_NB)
        until = time.monotonic() + _BEGINS_SECONDS
        while not ((pid := locking_pid(folder)) and lives(pid)):
            if time.monotonic() > until:
                return
            time.sleep(0.05)
        until = time.monotonic() + _START_SECONDS
        # One that is stopped while it lays out its files never starts again.
        while lives(pid) and is_free(recorded_port(folder)) and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(pid, signal.SIGTERM)
        while lives(pid) and time.monotonic() < until:
            time.sleep(0.05)
    except (BlockingIOError, ProcessLookupError):
        pass
    finally:
        os.close(last)


def _stop(server: Server) -> None:
    """End the mongod, after it has written everything."""
    from pymongo.errors import PyMongoError

    pid = locking_pid(server.folder)
    if is_free(server.port):
        return
    try:
        with _client(server.uri) as client:
            client.admin.command("shutdown")
    except PyMongoError:
        pass  # it hangs up instead of an answer
    until = time.monotonic() + _STOP_SECONDS
    while pid and lives(pid) and time.monotonic() < until:
        time.sleep(0.02)
