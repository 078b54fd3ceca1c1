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
from .conflicts import DeskConflict, joined, read_conflicts, read_settled, still_open, write_conflicts
from .desk import State, config_of, find_project, only_one, read_state, write_counts, write_state
from .media import Images
from .memory import Remembered, read_memory
from .returned import Returned, Status, read_returned
from .taking import take
from .tasks import parse_task

_BACK = timedelta(seconds=60)
"""So far before the last change seen a pull looks again: a slow server may show changes out of order."""


@dataclass(frozen=True, slots=True)
class PullReport:
    """What a pull brought home, in images.

    `edited` ones have labels that changed, `confirmed` ones were submitted as they were,
    `known` ones had nothing new, `conflicting` ones have conflicts that were found now.
    `open` are all conflicts that nobody has settled. `skipped` counts tasks that people only
    skipped, `drafts` those with work that is not submitted, `waiting` those with neither an
    answer nor a skip, `deleted` are images whose tasks are gone: their labels stay.
    `agreement` has for each image that several people answered how far they agree, in [0, 1].
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
    deleted: tuple[str, ...]
    agreement: Mapping[str, float]
    findings: tuple[Finding, ...]


def pull(
    ledger: Ledger,
    client: Client,
    folder: Path,
    images: Images | None = None,
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
        images: is told which ones are not to be shown any more.
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
        returned = read_returned(tasks, ledger, config, client.people(), status, findings) if tasks else []
        fresh = [image for image in returned if not _is_known(image, memory)]
        findings += [found for image in fresh for answer in image.answers for found in answer.findings]
        known_conflicts = read_conflicts(folder)

        def keep(found: Sequence[DeskConflict]) -> None:
            if found:
                write_conflicts(folder, joined(known_conflicts, found, ()))

        link = f"{client.url}/projects/{project}"
        taken = take(ledger, fresh, memory, message=message, link=link, keep=keep)
        answered = {str(image.turn) for image in fresh}
        open_now = _still_open(ledger, folder, joined(known_conflicts, taken.conflicts, answered))
        if taken.conflicts or open_now != known_conflicts:
            write_conflicts(folder, open_now)
        turns, deleted = _deleted(client, project, state.turns, images)
        seen = max((str(task["updated_at"]) for task in tasks), default="")
        write_state(folder, _next_state(state, memory, taken.memory, turns, seen, ledger.version(), status))
        counts = {
            "waiting": client.count(project, [_NO_ANSWER, _NOT_SKIPPED]),
            "done": client.count(project, [_ANSWERED]),
            "skipped": client.count(project, [_NO_ANSWER, _SKIPPED]),
            "drafts": client.count(project, [_where("draft_exists", "equal", "Boolean", True)]),
        }
        write_counts(folder, counts)
        return PullReport(
            project, tuple(taken.commits), taken.edited, taken.confirmed, len(returned) - len(fresh),
            len({conflict.key for conflict in taken.conflicts}), tuple(open_now),
            counts["skipped"], counts["drafts"], counts["waiting"], tuple(deleted), taken.agreement, tuple(findings),
        )  # fmt: skip


def open_conflicts(ledger: Ledger, folder: Path) -> list[DeskConflict]:
    """The conflicts that nobody has settled, in the order of their keys; without asking Label Studio."""
    return _still_open(ledger, folder, read_conflicts(folder))


def _still_open(ledger: Ledger, folder: Path, conflicts: Sequence[DeskConflict]) -> list[DeskConflict]:
    settled = read_settled(folder) if conflicts else set[str]()
    conflicts = [each for each in conflicts if each.id not in settled]
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


def _deleted(
    client: Client, project: int, turns: list[str], images: Images | None
) -> tuple[list[str], list[str]]:  # fmt: skip
    """The turns that still have a task, and the keys of images of which one is gone; all are asked for only then."""
    if client.count_tasks(project) >= len(turns):
        return turns, []
    tasks = (parse_task(each) for each in client.tasks(project, include="id,data"))
    left = {str(task.turn): task.turn.key for task in tasks if task is not None}
    if images is not None:
        images.forget_all_but(left.values())
    return sorted(left), sorted({turn.split("/", 2)[2] for turn in turns if turn not in left})


def _next_state(
    state: State, memory: Mapping[str, Remembered], taken: Mapping[str, Remembered], turns: list[str], seen: str,
    version: int, status: Status,
) -> State:  # fmt: skip
    mark = max(state.mark, seen) if status == "submitted" else state.mark
    return State(state.project, state.url, mark, turns, version, {**memory, **taken})


def _is_known(image: Returned, memory: Mapping[str, Remembered]) -> bool:
    known = memory.get(str(image.turn))
    return known is not None and known.version == image.version and known.has(image.digests)


def _where(name: str, operator: str, kind: str, value: Any) -> Fields:
    return {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind, "value": value}


_ANSWERED = _where("total_annotations", "greater", "Number", 0)
_NO_ANSWER = _where("total_annotations", "equal", "Number", 0)
_SKIPPED = _where("cancelled_annotations", "greater", "Number", 0)
_NOT_SKIPPED = _where("cancelled_annotations", "equal", "Number", 0)
