"""A Label Studio of the workspace's own, in its own virtual environment; or the team's, by its address.

Its data lie in the workspace. It listens on 127.0.0.1 alone, sign-up is closed, analytics
are off, and it makes no call to the outside. Password and token are made at random at the
first start, in files that only the user can read; they reach it in its environment, so no
list of processes and no log has them.

One process starts it and others share it; the last one that uses it stops it. Whoever uses
it holds a lock, which the kernel takes from a process that was killed.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from ..datasets.errors import LabelloopError
from ..datasets.reading import Progress
from ..datasets.workspace import Workspace, default_author
from .label_studio_process import (
    Record,
    answers_health,
    is_running,
    read_record,
    start_process,
    started_at,
    stop_process,
    whoami,
    write_record,
)
from .servers import free_port, hold, is_held, locked

USUAL_PORT = 8080
FIRST_SECONDS = 900
"""So long may the first start take; measured are 43 to 82 s on two cores, and more beside other work."""
LATER_SECONDS = 180
MIGRATIONS = 396
"""About so many steps prepare the database at the first start."""

_STRANGER_SECONDS = 20
_LOG_BYTES = 10_000_000
_LAST_LINES = 8
_TRIES = 3


@dataclass(slots=True)
class LabelStudio:
    """A Label Studio to use until `close`.

    `own` says whether it is the workspace's, `started` whether it was started now. `user`
    and `password` (the file that holds it) are what a person logs in with, "" and None for
    the team's. `warnings` are sentences that a person should read.
    """

    url: str
    token: str = field(repr=False)
    own: bool
    media: Path
    started: bool = False
    user: str = ""
    password: Path | None = None
    pid: int = 0
    warnings: tuple[str, ...] = ()
    _folder: Path = field(default=Path(), repr=False)
    _use: int = field(default=-1, repr=False)

    def is_alive(self) -> bool:
        """Whether its process runs, which may be another than at first; whether it answers, for the team's."""
        if not self.own:
            return answers_health(self.url)
        record = read_record(self._folder)
        return record is not None and is_running(record)

    def close(self) -> None:
        """Let go of it; it is stopped where nobody else uses it."""
        if self._use < 0:
            return
        with locked(self._folder / "start.lock"):
            os.close(self._use)
            self._use = -1
            if not is_held(self._folder / "users.lock"):
                _stop(self._folder)

    def __enter__(self) -> LabelStudio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def label_studio_folder(workspace: Workspace) -> Path:
    """Where everything of the workspace's own Label Studio lies."""
    return workspace.home / "label-studio"


def ensure_label_studio(workspace: Workspace, *, port: int = 0, progress: Progress | None = None) -> LabelStudio:
    """The Label Studio for a workspace, answering: LABEL_STUDIO_URL's where that is set, else its own.

    One that runs already is shared; one that died is started again on its old port where
    that is free.

    Args:
        port: where its own is to listen; 0 takes the last one's, or any that is free.
        progress: is called with the steps of preparing the database at the first start.

    Raises:
        LabelloopError: there is none to start, it does not start in time, the wanted port
            is taken, or the token is not the one it was set up with.
    """
    folder = label_studio_folder(workspace)
    url = os.environ.get("LABEL_STUDIO_URL", "")
    if url:
        token = os.environ.get("LABEL_STUDIO_API_KEY", "")
        if not token:
            raise LabelloopError(
                f"LABEL_STUDIO_URL is set ({url}) and LABEL_STUDIO_API_KEY is not: it must be a token from Account &"
                " Settings there"
            )
        return LabelStudio(url.rstrip("/"), token, own=False, media=folder / "media")
    for each in (folder, folder / "home", folder / "data", folder / "media"):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    with locked(folder / "start.lock"):
        server = _running(folder, port, progress) or _start(folder, port, progress)
        return replace(server, _use=hold(folder / "users.lock"))


def stop_label_studio(workspace: Workspace) -> bool:
    """Whether the workspace's own Label Studio ran, and is stopped now; whoever uses it."""
    folder = label_studio_folder(workspace)
    if not folder.is_dir():
        return False
    with locked(folder / "start.lock"):
        return _stop(folder)


def find_program() -> Path:
    """The program `label-studio`: LABELLOOP_LABEL_STUDIO's, else that of `.venv-label-studio` beside the package.

    Raises:
        LabelloopError: there is none; the text says how to get one.
    """
    named = os.environ.get("LABELLOOP_LABEL_STUDIO", "")
    beside = Path(__file__).resolve().parents[1] / ".venv-label-studio" / "bin" / "label-studio"
    found = Path(named).expanduser().absolute() if named else beside
    if found.is_dir():
        found = found / "bin" / "label-studio"
    if not (found.is_file() and os.access(found, os.X_OK)):
        raise LabelloopError(
            f"no Label Studio at {found}: python3 -m venv .venv-label-studio && .venv-label-studio/bin/pip install"
            " label-studio==1.23.2 makes one (1 GB), LABELLOOP_LABEL_STUDIO names the program `label-studio` of"
            " another, and LABEL_STUDIO_URL with LABEL_STUDIO_API_KEY a server that runs elsewhere"
        )
    return found


def _stop(folder: Path) -> bool:
    record = read_record(folder)
    ran = record is not None and is_running(record)
    if record is not None and ran:
        stop_process(record)
    (folder / "server.json").unlink(missing_ok=True)
    return ran


def _running(folder: Path, wanted: int, progress: Progress | None) -> LabelStudio | None:
    """The workspace's Label Studio where it runs."""
    record = read_record(folder)
    if record is None or not is_running(record):
        return None
    try:
        _wait(folder, record, progress)
    except _Ended:
        return None  # it was about to end when we looked
    except _Lost:
        stop_process(record)
        return None
    server = _server(folder, record, started=False)
    if wanted and wanted != record.port:
        server.warnings += (f"Label Studio runs already at port {record.port}; port {wanted} is for its next start",)
    return server


def _start(folder: Path, wanted: int, progress: Progress | None) -> LabelStudio:
    """A Label Studio that was started just now."""
    program = find_program()
    first = not (folder / "ready").exists()
    if first:
        # Killed before it was ready for the first time, it may lack its user or that one's token for ever.
        for left in (folder / "data").glob("label_studio.sqlite3*"):
            left.unlink()
    last = read_record(folder)
    for attempt in range(_TRIES):
        port = free_port(wanted or (last.port if last else 0) or USUAL_PORT)
        if wanted and port != wanted:
            raise LabelloopError(
                f"port {wanted} is taken by another program; leave --desk-port out, or name a free one"
            )
        record = _spawn(program, folder, port)
        try:
            _wait(folder, record, progress)
        except _Lost:
            # Label Studio goes on to the next port where somebody took this one meanwhile.
            stop_process(record)
            if attempt == _TRIES - 1:
                raise
            continue
        except BaseException:
            stop_process(record)
            (folder / "server.json").unlink(missing_ok=True)
            raise
        if first:
            _write_secret(folder / "ready", _digest(_secret(folder, "password")))
        return _server(folder, record, started=True)
    raise AssertionError  # the loop returns or raises


class _Ended(LabelloopError):
    """Label Studio ended while somebody waited for it."""


class _Lost(LabelloopError):
    """Another program answers at the port that Label Studio was to have."""


def _spawn(program: Path, folder: Path, port: int) -> Record:
    log = folder / "log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(folder / "log.old")
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    log_at = os.fstat(handle).st_size
    try:
        words = [
            program, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--data-dir",
            folder / "data",
        ]  # fmt: skip
        pid = start_process(words, folder / "home", _environment(folder), handle)
    finally:
        os.close(handle)
    record = Record(pid, started_at(pid), port, log_at)
    write_record(folder, record)
    return record


def _environment(folder: Path) -> Mapping[str, str]:
    """Everything that Label Studio is told; of the user's own environment it gets nothing else."""
    told = {
        "USERNAME": _secret(folder, "user"),
        "PASSWORD": _secret(folder, "password"),
        "USER_TOKEN": _secret(folder, "token"),
        "ENABLE_LEGACY_API_TOKEN": "true",
        "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LOCAL_FILES_SERVING_ENABLED": "true",
        "LOCAL_FILES_DOCUMENT_ROOT": str(folder / "media"),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "CORS_ALLOW_ALL_ORIGINS": "false",
    }
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.defpath,
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # Its one call to the outside ends here at once.
        "HTTPS_PROXY": nowhere,
        "HTTP_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
        **{f"LABEL_STUDIO_{name}": value for name, value in told.items()},
    }


def _wait(folder: Path, record: Record, progress: Progress | None) -> None:
    """Return when it answers and knows our token.

    Raises:
        LabelloopError: it ended, does not answer in time, or was set up with another token.
    """
    first = not (folder / "ready").exists()
    until = time.monotonic() + (FIRST_SECONDS if first else LATER_SECONDS)
    url = f"http://127.0.0.1:{record.port}"
    token = _secret(folder, "token")
    unknown = 0.0
    while time.monotonic() < until:
        if not is_running(record):
            raise _Ended(f"Label Studio ended while it started; the last lines of {folder / 'log'}:\n{_tail(folder)}")
        if _went_elsewhere(folder, record):
            raise _Lost(f"another program took port {record.port} while Label Studio started")
        if answers_health(url):
            who = whoami(url, token)
            if who is not None:
                if progress and first:
                    progress(MIGRATIONS, MIGRATIONS)
                return
            # Another program's Label Studio may answer here until ours has said that it found the port taken.
            unknown = unknown or time.monotonic()
            if not first and time.monotonic() - unknown > _STRANGER_SECONDS:
                raise LabelloopError(
                    f"Label Studio does not know the token in {folder / 'token'}: the file was changed after it was set"
                    f" up; put the old one back, or remove {folder} to begin anew, without the answers not yet pulled"
                )
        if progress and first:
            progress(min(_migrations(folder), MIGRATIONS - 1), MIGRATIONS)
        time.sleep(0.25)
    raise LabelloopError(f"Label Studio does not answer at {url}; the last lines of {folder / 'log'}:\n{_tail(folder)}")


def _server(folder: Path, record: Record, *, started: bool) -> LabelStudio:
    warnings: list[str] = []
    ready = folder / "ready"
    if ready.exists() and ready.read_text(encoding="ascii").strip() != _digest(_secret(folder, "password")):
        warnings.append(
            f"{folder / 'password'} was changed after Label Studio was set up, which still has the old password: change"
            " it in the browser too (Account & Settings), or put the old one back"
        )
    return LabelStudio(
        f"http://127.0.0.1:{record.port}", _secret(folder, "token"), own=True, media=folder / "media", started=started,
        user=_secret(folder, "user"), password=folder / "password", pid=record.pid, warnings=tuple(warnings),
        _folder=folder,
    )  # fmt: skip


def _secret(folder: Path, name: str) -> str:
    """The user's email, password or token; made where there is none yet, in a file that only the user can read."""
    path = folder / name
    try:
        known = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        known = ""
    if known:
        return known
    made = {"user": _email, "password": lambda: secrets.token_urlsafe(18), "token": lambda: secrets.token_hex(20)}
    _write_secret(path, made[name]())
    return path.read_text(encoding="utf-8").strip()


def _write_secret(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.part")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.replace(beside, path)


def _email() -> str:
    name = re.sub(r"[^a-z0-9._+-]+", "-", default_author().lower()).strip("-.") or "labelloop"
    return f"{name}@localhost"


def _digest(password: str) -> str:
    return sha256(f"labelloop\0{password}".encode()).hexdigest()


def _migrations(folder: Path) -> int:
    """How many steps of preparing the database are done."""
    import sqlite3

    path = folder / "data" / "label_studio.sqlite3"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.1)) as database:
            return int(database.execute("SELECT count(*) FROM django_migrations").fetchone()[0])
    except sqlite3.Error:
        return 0


def _tail(folder: Path) -> str:
    try:
        text = (folder / "log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "  (there is no log)"
    return "\n".join(f"  {line[:300]}" for line in text.strip().splitlines()[-_LAST_LINES:])


def _went_elsewhere(folder: Path, record: Record) -> bool:
    """Whether the log says that Label Studio found its port taken."""
    with (folder / "log").open("rb") as log:
        log.seek(record.log_at)
        return f"* Port {record.port} is in use.".encode() in log.read(1_000_000)
