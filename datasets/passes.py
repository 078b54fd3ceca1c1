"""Passes over many images: the one door to joblib.

Threads here, or a Ray or Dask cluster behind the same call for who wraps it in
`joblib.parallel_config(backend=...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")


def each(function: Callable[[T], R], items: Iterable[T], *, jobs: int = 2, processes: bool = False) -> Iterator[R]:
    """The results of a function for each item, in the order of the items, as they come.

    Args:
        jobs: how many at once.
        processes: run in processes instead of threads: for work that holds Python's lock.
    """
    import joblib

    run = joblib.Parallel(n_jobs=jobs, prefer="processes" if processes else "threads", return_as="generator")
    delayed = cast("Any", joblib.delayed)
    return cast("Iterator[R]", run(delayed(function)(item) for item in items))
