"""Signals that ask to stop, where they would be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from labelloop.datasets.signals import heard_later


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """A shell that starts tests in the background has them ignore it."""
    was = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, was)


def test_what_would_be_swallowed_is_heard_at_the_end() -> None:
    done: list[bool] = []

    def swallow() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            done.append(True)
        except:  # noqa: E722 - as code of others has it
            pass

    with pytest.raises(KeyboardInterrupt), heard_later():
        swallow()
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_is_the_handler_from_before_that_hears_it() -> None:
    heard: list[int] = []

    def handler(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    was = signal.signal(signal.SIGTERM, handler)
    try:
        with heard_later():
            signal.raise_signal(signal.SIGTERM)
            assert heard == []
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, was)


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with heard_later():
        signal.raise_signal(signal.SIGINT)


def test_another_thread_leaves_handlers_alone() -> None:
    seen: list[object] = []

    def work() -> None:
        with heard_later():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
