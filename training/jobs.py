"""Independent trainings, done here one after the other, or on a Ray cluster side by side.

With Ray each job has a node's processors (or one GPU and its share of them) to itself, since a training
takes whatever there is. The jobs read and write the workspace by its path, so on a cluster it must
lie on storage that all nodes share, and labelloop must be installed on each.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, Literal, TypeVar, cast, get_args

from ..datasets.errors import LabelloopError

Engine = Literal["here", "ray"]
ENGINES: tuple[str, ...] = get_args(Engine)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A job that has ended: its place in the order given, and what it came back with, or why it failed ("" if not)."""

    number: int
    value: T | None
    error: str = ""


def run_jobs(jobs: Sequence[Callable[[], T]], engine: str = "here") -> Iterator[Done[T]]:
    """Each job as it ends; here in their order, with Ray in the order in which they end.

    A job that fails with a LabelloopError does not keep the others from being done. Where the caller stops
    (Ctrl-C, or no longer asking), jobs that have not ended are stopped; runs among them can be resumed.

    Args:
        jobs: called without arguments. For Ray they must be picklable: a `functools.partial` of a
            module's function.
        engine: here, or ray: the cluster at RAY_ADDRESS, else a Ray of this machine that ends with the jobs.

    Raises:
        LabelloopError: an unknown engine, Ray is not installed, or its cluster does not answer.
    """
    if engine not in ENGINES:
        raise LabelloopError(f"engine must be one of {', '.join(ENGINES)}, received {engine}")
    return _on_ray(jobs) if engine == "ray" else _here(jobs)


def _here(jobs: Sequence[Callable[[], T]]) -> Iterator[Done[T]]:
    for number, job in enumerate(jobs):
        yield _ended(number, job)


def _ended(number: int, job: Callable[[], T]) -> Done[T]:
    try:
        return Done(number, job())
    except LabelloopError as error:
        return Done(number, None, str(error))


def _on_ray(jobs: Sequence[Callable[[], T]]) -> Iterator[Done[T]]:
    ray = _connect()
    try:
        share = _share(ray)
        # A training is not begun again by Ray where it failed: that is a run of its own, which can be resumed.
        task = ray.remote(_ended).options(max_retries=0, **share)
        waiting = {task.remote(number, job): number for number, job in enumerate(jobs)}
        try:
            while waiting:
                # Ray prints what its processes say to stdout too, which is for a command's JSON alone.
                with redirect_stdout(sys.stderr):
                    (ended, *_), _ = ray.wait(list(waiting), num_returns=1)
                    done = _result(ray, ended, waiting.pop(ended))
                yield done
        finally:
            for task_left in waiting:
                ray.cancel(task_left)
            if waiting:  # they end their trainers, which takes seconds
                ray.wait(list(waiting), num_returns=len(waiting), timeout=30)
    finally:
        with redirect_stdout(sys.stderr):
            ray.shutdown()


def _result(ray: Any, task: Any, number: int) -> Done[Any]:
    try:
        return cast("Done[Any]", ray.get(task))
    except ray.exceptions.RayError as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        return Done(number, None, f"the job's process failed: {said[-1].strip()}")


def _connect() -> Any:
    """Ray, connected.

    Raises:
        LabelloopError: it is not installed, or the cluster does not answer.
    """
    if find_spec("ray") is None:
        raise LabelloopError("--engine ray needs ray, not installed here: pip install 'labelloop[cluster]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would set them to 0 for a task without a GPU of its own, on machines where a GPU is in use otherwise.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Lines of epochs differ in their numbers alone, and Ray would say most of them only as "repeated 16x".
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    if not sys.stderr.isatty():
        os.environ.setdefault("RAY_COLOR_PREFIX", "0")
    ray: Any = import_module("ray")
    address = os.environ.get("RAY_ADDRESS") or "local"
    try:
        here = {"include_dashboard": False} if address == "local" else {}
        ray.init(address=address, logging_level="error", log_to_driver=True, **here)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise LabelloopError(f"Ray's cluster at {address} does not answer: {error}") from error
    return ray


def _share(ray: Any) -> dict[str, float]:
    """What a training gets of a node: all of its processors, or a GPU with its share of them."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        raise LabelloopError("Ray's cluster has no node with a processor")
    with_gpu = [node for node in nodes if node.get("GPU")]
    if with_gpu:
        return {"num_gpus": 1, "num_cpus": max(1, int(min(node["CPU"] / node["GPU"] for node in with_gpu)))}
    return {"num_cpus": max(1, int(min(node["CPU"] for node in nodes)))}
