"""Ctrl-C and other signals that ask to stop: not heard by what starts in a block, or heard at its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def children_deaf() -> Generator[None]:
    """A context in which processes start that do not hear Ctrl-C, which a terminal sends to all of them.

    They inherit that this thread has it blocked; what comes meanwhile this process hears, at the latest at the end.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def heard_later() -> Generator[None]:
    """A context at whose end this process hears signals to stop, which would be lost in it: in code with `except:` without a name.

    Only the main thread can do so; in any other it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    handlers = {number: signal.getsignal(number) for number in _STOP}
    heard = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in heard:
        signal.signal(number, remember)
    try:
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
