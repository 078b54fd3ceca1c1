"""Passes over many images: the one door to joblib.

Threads here, or a Ray or Dask cluster behind the same call for who wraps it in
`joblib.parallel_config(backend=...)`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

from .signals import children_deaf

T = TypeVar("T")
R = TypeVar("R")

_END_SECONDS = 10


def each(function: Callable[[T], R], items: Iterable[T], *, jobs: int = 2, processes: bool = False) -> Iterator[R]:
    """The results of a function for each item, in the order of the items, as they come.

    Args:
        jobs: how many at once.
        processes: run in processes instead of threads: for work that holds Python's lock.
    """
    if not processes:
        return _begun(function, items, jobs, "threads")
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # Python's own; where it starts later, it lets the signal through
    with children_deaf():  # this process alone hears Ctrl-C, and ends them
        return _begun(function, items, jobs, "processes")


def _begun(function: Callable[[T], R], items: Iterable[T], jobs: int, prefer: str) -> Iterator[R]:
    import joblib

    before = set(threading.enumerate())
    run = joblib.Parallel(n_jobs=jobs, prefer=prefer, return_as="generator")
    delayed = cast("Any", joblib.delayed)
    return _ended(cast("Iterator[R]", run(delayed(function)(item) for item in items)), before)


def _ended(results: Iterator[R], before: set[threading.Thread]) -> Iterator[R]:
    """The results; where a pass is broken off, its threads have ended before anything else is cleaned up.

    They end the piece of work that they are at: what they write to, such as a folder for the time being, must be there until then.
    """
    try:
        yield from results
    except BaseException:
        await_workers(thread for thread in threading.enumerate() if thread not in before)
        raise


def await_workers(threads: Iterable[threading.Thread]) -> None:
    """Wait for those of these threads that joblib started and that are at a piece of work, some seconds at most."""
    until = time.monotonic() + _END_SECONDS
    for thread in threads:
        if thread.name.endswith("(worker)"):  # as multiprocessing's pool of threads names them
            thread.join(max(0.0, until - time.monotonic()))
