"""Passes over images: Ctrl-C is for the process that began one, and what is broken off has ended."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from labelloop.datasets.passes import each


def is_deaf(_number: int) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_its_processes_do_not_hear_ctrl_c_and_this_one_still_does() -> None:
    assert list(each(is_deaf, range(4), jobs=2, processes=True)) == [True] * 4
    assert not is_deaf(0)


def test_when_a_pass_fails_none_of_its_threads_is_still_at_work() -> None:
    ended: list[int] = []
    begun = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert begun.wait(10)
            raise ValueError("no picture")
        begun.set()
        time.sleep(0.5)
        ended.append(number)
        return number

    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="no picture"):
        list(each(work, range(2), jobs=2))
    assert ended == [1], "what had begun has ended, not been torn off"
    assert not [each.name for each in set(threading.enumerate()) - before if each.name.endswith("(worker)")]
