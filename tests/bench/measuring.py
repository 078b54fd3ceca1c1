"""Seconds and memory of whole processes, and a database for the peer that needs one."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """What a process took: seconds on the wall and of processors, and the most MB that it and its children had at once."""

    seconds: float
    processor_seconds: float
    megabytes: float


def measure(words: Sequence[str], *, environment: Mapping[str, str] | None = None, service: int = 0) -> Measured:
    """Run a process to its end.

    Args:
        service: a process besides, whose memory counts too (a database).

    Raises:
        RuntimeError: its exit status is not 0; the text is the last line that it said.
    """
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, **(environment or {})}
        )
        peak = [0]
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, service, peak, ended))
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watch.join()
        if process.returncode:
            said.seek(0)
            raise RuntimeError(said.read().decode(errors="replace").strip().rpartition("\n")[2][:160])
    return Measured(seconds, usage.ru_utime + usage.ru_stime, peak[0] / 1e6)


@contextmanager
def mongod(program: Path) -> Generator[tuple[int, dict[str, str]]]:
    """A database of its own in a folder that vanishes with it: its process, and what FiftyOne is to be told."""
    with tempfile.TemporaryDirectory() as name:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for folder in ("data", "datasets", "plugins", "unused"):
            Path(name, folder).mkdir()
        process = subprocess.Popen(
            [program, "--dbpath", f"{name}/data", "--logpath", f"{name}/log", "--port", str(port),
             "--bind_ip", "127.0.0.1", "--nounixsocket"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_for(port, process)
            yield (
                process.pid,
                {
                    "FIFTYONE_DATABASE_URI": f"mongodb://127.0.0.1:{port}",
                    "FIFTYONE_DATABASE_NAME": "bench",
                    "FIFTYONE_DATABASE_DIR": f"{name}/unused",
                    "FIFTYONE_DATABASE_VALIDATION": "false",
                    "FIFTYONE_DEFAULT_DATASET_DIR": f"{name}/datasets",
                    "FIFTYONE_PLUGINS_DIR": f"{name}/plugins",
                    "FIFTYONE_CONFIG_PATH": f"{name}/config.json",
                    "FIFTYONE_APP_CONFIG_PATH": f"{name}/app_config.json",
                    "FIFTYONE_DO_NOT_TRACK": "1",
                },
            )
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("mongod did not start")


def _watch(process: int, service: int, peak: list[int], ended: threading.Event) -> None:
    while not ended.wait(0.02):
        together = sum(_memory(member, "VmRSS:") for member in [*_family(process), *([service] if service else [])])
        peak[0] = max(peak[0], together, _memory(process, "VmHWM:"))


def _family(process: int) -> list[int]:
    found = [process]
    for member in found:
        try:
            for task in os.listdir(f"/proc/{member}/task"):
                found += map(int, Path(f"/proc/{member}/task/{task}/children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _memory(process: int, line: str) -> int:
    """Bytes in memory now (VmRSS) or at most so far (VmHWM); what children share is counted with each.

    Not `ru_maxrss`: a process starts as a copy of this one, and inherits its maximum.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = status.partition(line)[2].split(maxsplit=1)
    return int(found[0]) * 1024 if found else 0
