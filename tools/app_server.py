"""FiftyOne's App as a process of its own: started, waited for, and stopped with the process that started it.

FiftyOne's own `launch_app` keeps the server behind a session that reconnects, prints and
outlives the call; a page in the browser needs the server alone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from ..datasets.errors import LabelloopError

_START_SECONDS = 120
_STOP_SECONDS = 10
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG: the kernel sends a signal to this process when its parent ends. Reference: prctl(2)."""

_SEEN = "<script>localStorage.setItem('fiftyone-enterprise-tooltip-seen', 'true')</script>"


@dataclass(slots=True)
class AppServer:
    """A server of the App that runs; `log` is what it wrote."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """Where the App answers."""
        return f"http://127.0.0.1:{self.port}"

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Stop the process; one that does not listen is killed."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_app(port: int, log: Path) -> AppServer:
    """The App on 127.0.0.1 at a port, answering; the environment is this process's, as FiftyOne needs it.

    Raises:
        LabelloopError: it ended or did not answer; the text has the end of its log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", f"{__package__}.app_server", str(port), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C in the terminal is ours to answer
        )
    server = AppServer(port, log, process)
    until = time.monotonic() + _START_SECONDS
    try:
        while not _answers(server.address):
            if not server.is_alive() or time.monotonic() > until:
                ending = log.read_text(encoding="utf-8", errors="replace").strip()[-1500:]
                raise LabelloopError(f"FiftyOne's App did not start at port {port}; {log} ends with:\n{ending}")
            time.sleep(0.2)
    except BaseException:
        server.stop()
        raise
    return server


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/fiftyone", timeout=5) as answer:  # noqa: S310 - an address of this machine
            return answer.status == 200
    except (URLError, OSError):
        return False


def main(port: int, parent: int) -> None:
    """Run the server until it is stopped, or until the process that started it has ended."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
    if os.getppid() != parent:
        return
    from fiftyone.server.main import start_server  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    _open_without_advertisement()
    start_server(port=port, address="127.0.0.1")


def _open_without_advertisement() -> None:
    """Have the page say to itself that its advertisement was seen: it lies over the panel's buttons until it is dismissed."""
    from starlette.responses import HTMLResponse, Response

    static: Any = import_module("fiftyone.server.app").Static
    usual: Callable[..., Response] = static.file_response

    def file_response(self: object, full_path: str, *rest: Any, **named: Any) -> Response:
        if not str(full_path).endswith("index.html"):
            return usual(self, full_path, *rest, **named)
        page = Path(full_path).read_text(encoding="utf-8").replace("<head>", f"<head>{_SEEN}", 1)
        return HTMLResponse(page, headers={"cache-control": "no-store"})

    static.file_response = file_response


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
