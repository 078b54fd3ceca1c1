"""Answers home from the desk: what people submitted since the last pull, taken into the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..datasets.errors import LabelloopError
from ..datasets.findings import Finding
from ..datasets.ledger import Commit, Ledger
from ..datasets.reading import Progress
from .answers import to_time
from .client import Client, Fields
from .conflicts import DeskConflict, joined, read_conflicts, still_open, write_conflicts
from .desk import State, config_of, find_project, only_one, read_state, write_state
from .memory import Remembered, read_memory
from .returned import Returned, Status, read_returned
from .taking import take

_BACK = timedelta(seconds=60)
"""So far before the last change seen a pull looks again: a slow server may show changes out of order."""


@dataclass(frozen=True, slots=True)
class PullReport:
    """What a pull brought home, in images.

    `edited` ones have labels that changed, `confirmed` ones were submitted as they were,
    `known` ones had nothing new, `conflicting` ones have conflicts that were found now.
    `open` are all conflicts that nobody has settled. `skipped` counts skips, `drafts` tasks
    with work that is not submitted, `waiting` tasks without an answer, `deleted` tasks that
    are gone since the last pull: their labels stay. `agreement` has for each image that
    several people answered how far they agree, in [0, 1].
    """

    project: int
    commits: tuple[Commit, ...]
    edited: int
    confirmed: int
    known: int
    conflicting: int
    open: tuple[DeskConflict, ...]
    skipped: int
    drafts: int
    waiting: int
    deleted: int
    agreement: Mapping[str, float]
    findings: tuple[Finding, ...]


def pull(
    ledger: Ledger,
    client: Client,
    folder: Path,
    *,
    status: Status = "submitted",
    everything: bool = False,
    message: str = "answers from the desk",
    progress: Progress | None = None,
) -> PullReport:
    """Take home what people submitted since the last pull.

    A second pull changes nothing. Killed and run again it completes.

    Args:
        folder: where the workspace keeps what it knows of this desk (`desk_folder`).
        status: `submitted` takes every answer, `reviewed` only those that a reviewer
            accepted or that are marked as ground truth.
        everything: look at all answers again, not only at those that changed.
        message: what the commits say, before their counts.

    Raises:
        LabelloopError: the data set has no project there, another push or pull is under
            way, or Label Studio refuses.
    """
    with only_one(folder):
        project = find_project(client, ledger)
        if not project:
            raise LabelloopError(f"{ledger.folder.name} was never pushed to {client.url}")
        config = config_of(client, project)
        state = read_state(folder, client.url, project)
        memory = {**state.memory, **read_memory(ledger, state.version)}
        mark = "" if everything or status == "reviewed" else state.mark
        tasks = list(_changed(client, project, mark, progress))
        findings: list[Finding] = []
        images = read_returned(tasks, ledger, config, client.people(), status, findings) if tasks else []
        fresh = [image for image in images if not _is_known(image, memory)]
        findings += [found for image in fresh for answer in image.answers for found in answer.findings]
        known_conflicts = read_conflicts(folder)

        def keep(found: Sequence[DeskConflict]) -> None:
            if found:
                write_conflicts(folder, joined(known_conflicts, found, ()))

        link = f"{client.url}/projects/{project}"
        taken = take(ledger, fresh, memory, message=message, link=link, keep=keep)
        answered = {str(image.turn) for image in fresh}
        open_now = _still_open(ledger, joined(known_conflicts, taken.conflicts, answered))
        if taken.conflicts or open_now != known_conflicts:
            write_conflicts(folder, open_now)
        numbers = client.get(f"/api/projects/{project}")
        total = int(numbers["task_number"])
        deleted = max(0, state.tasks - total)
        seen = max((str(task["updated_at"]) for task in tasks), default="")
        write_state(folder, _next_state(state, memory, taken.memory, total, seen, ledger.version(), status))
        return PullReport(
            project, tuple(taken.commits), taken.edited, taken.confirmed, len(images) - len(fresh),
            len({conflict.key for conflict in taken.conflicts}), tuple(open_now),
            int(numbers["skipped_annotations_number"]),
            client.count(project, [_where("draft_exists", "equal", "Boolean", True)]),
            max(0, total - int(numbers["num_tasks_with_annotations"])), deleted, taken.agreement, tuple(findings),
        )  # fmt: skip


def open_conflicts(ledger: Ledger, folder: Path) -> list[DeskConflict]:
    """The conflicts that nobody has settled, in the order of their keys; without asking Label Studio."""
    return _still_open(ledger, read_conflicts(folder))


def _still_open(ledger: Ledger, conflicts: Sequence[DeskConflict]) -> list[DeskConflict]:
    if not conflicts:
        return []
    keys = {conflict.key for conflict in conflicts}
    found = still_open(conflicts, {sample.key: sample for sample in ledger.samples(keys=keys)})
    return sorted(found, key=lambda each: (each.key, each.box, each.id))


def _changed(client: Client, project: int, mark: str, progress: Progress | None) -> Iterator[Fields]:
    """The tasks with answers that changed since about a mark, in full."""
    where = [_where("total_annotations", "greater", "Number", 0)]
    if mark:
        since = (to_time(mark) - _BACK).isoformat().replace("+00:00", "Z")
        where.append(_where("updated_at", "greater", "Datetime", since))
    total = client.count(project, where) if progress else 0
    for done, task in enumerate(client.tasks(project, where=where, full=True), 1):
        yield task
        if progress:
            progress(done, max(total, done))


def _next_state(
    state: State, memory: Mapping[str, Remembered], taken: Mapping[str, Remembered], total: int, seen: str,
    version: int, status: Status,
) -> State:  # fmt: skip
    mark = max(state.mark, seen) if status == "submitted" else state.mark
    return State(state.project, state.url, mark, total, version, {**memory, **taken})


def _is_known(image: Returned, memory: Mapping[str, Remembered]) -> bool:
    known = memory.get(str(image.turn))
    return known is not None and known.version == image.version and known.has(image.digests)


def _where(name: str, operator: str, kind: str, value: Any) -> Fields:
    return {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind, "value": value}
