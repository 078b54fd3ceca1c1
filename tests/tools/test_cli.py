"""How the command line ends: in a status and a sentence, whatever happened inside."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator

import click
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.tools import cli


@pytest.fixture(autouse=True)
def _signals() -> Generator[None]:
    """The command line takes over what signals do and when garbage is collected; both are given back."""
    thresholds = gc.get_threshold()
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    yield
    gc.set_threshold(*thresholds)
    for number, handler in before.items():
        signal.signal(number, handler)


def end(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None]) -> int | str | None:
    """The exit status of the command line when its command does this."""
    monkeypatch.setattr(sys, "argv", ["labelloop", "check"])
    monkeypatch.setattr(cli.Verbs, "get_command", lambda *_arguments: click.Command("check", callback=command))
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def failing(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (LabelloopError("disk is full: \x1b[2J/a"), 1, "Error: disk is full: \\x1b[2J/a\n"),
        (KeyboardInterrupt(), 130, "\nStopped before the end.\n"),
        (cli.Stopped(signal.SIGTERM), 143, "\nStopped before the end.\n"),
        (SystemExit(1), 1, ""),
        (click.UsageError("no \x1b such"), 2, "\nError: no \\x1b such\n"),
        (ModuleNotFoundError("x", name="polars"), 1, "polars, which is not installed: pip install 'labelloop[all]'\n"),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
)
def test_an_end_on_purpose(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: BaseException, status: int, said: str
) -> None:
    out, err = sys.stdout, sys.stderr
    try:
        assert end(monkeypatch, failing(error)) == status
    finally:
        sys.stdout, sys.stderr = out, err  # click replaces them when a pipe breaks
    assert capfd.readouterr().err.endswith(said)


def test_a_command_that_returns_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not end(monkeypatch, lambda: None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_stop(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    assert end(monkeypatch, lambda: os.kill(os.getpid(), number)) == 128 + number


def test_a_hangup_that_nohup_ignores_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert not end(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGHUP))


@pytest.mark.parametrize("error", [ModuleNotFoundError("x", name="labelloop.datasets.nope"), ZeroDivisionError()])
def test_a_mistake_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(sys, "argv", ["labelloop", "check"])
    monkeypatch.setattr(cli.Verbs, "get_command", lambda *_arguments: click.Command("check", callback=failing(error)))
    with pytest.raises(type(error)):
        cli.main()


def test_a_reader_that_leaves_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m labelloop recipe --help | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("Usage: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_python_swallows_stops_the_command_all_the_same(number: signal.Signals) -> None:
    code = f"""
import os, time, weakref, click
from labelloop.tools import cli

class Gone: pass

def work():
    gone = Gone()
    watch = weakref.ref(gone, lambda _: (os.kill(os.getpid(), {int(number)}), time.sleep(0)))
    del gone
    time.sleep(20)

cli.verbs.main = lambda **_: _run(work)

def _run(work):
    try:
        work()
    except KeyboardInterrupt as error:
        raise click.Abort from error

cli.main()
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 128 + number, done.stderr
    assert done.stderr.strip() == "Stopped before the end."
