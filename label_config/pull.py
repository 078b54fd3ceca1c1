"""Answers home from the desk: what people submitted since the last pull, taken into the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from ..datasets.findings import Finding
from ..datasets.ledger import Commit, Ledger
from ..datasets.reading import Progress
from .answers import to_time
from .client import Client, Fields, Person
from .conflicts import DeskConflict, still_open
from .desk import (
    State,
    add_settled,
    ledger_mark,
    only_one,
    read_conflicts,
    read_settled,
    read_state,
    write_counts,
    write_state,
)  # fmt: skip
from .media import Images
from .memory import Entry, format_entry, is_known, read_memory
from .projects import Project, read_project_of
from .returned import Returned, Status, joined, read_returned
from .round_marks import read_rounds
from .taking import UNTAKEN, take
from .tasks import parse_task, parse_turn

_BATCH = 1000
_BACK = timedelta(seconds=60)
"""So far before the last change seen a pull looks again: a slow server may show changes out of order."""


@dataclass(frozen=True, slots=True)
class PullReport:
    """What a pull brought home, in images.

    `edited` ones have labels that changed, `confirmed` ones were submitted as they were,
    `known` ones had nothing new, `conflicting` ones have conflicts that were found now.
    `open` are all conflicts that nobody has settled. `skipped` counts tasks that people only
    skipped, `drafts` those with work that is not submitted, `waiting` those with neither an
    answer nor a skip, `incomplete` those that fewer people have answered than are to, which
    are not taken yet. `deleted` are images whose tasks are gone: their labels stay.
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
    incomplete: int
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
        project = read_project_of(client, ledger, folder)
        state = read_state(folder, project.id, project.made, ledger_mark(ledger))
        fresh_memory, fresh_conflicts = read_memory(ledger, state.version)
        memory = {**state.memory, **fresh_memory}
        known, over = _sorted_out(ledger, folder, _joined(state.conflicts, fresh_conflicts, fresh_memory))
        needed = project.annotators if status == "submitted" else 1
        anew = everything or status == "reviewed" or needed < state.annotators
        newest = client.newest_change(project.id)
        findings: list[Finding] = []
        tasks = _changed(client, project.id, "" if anew else state.mark, over, progress)
        names = dict(state.people)
        found, known_images = _answers(client, ledger, project, memory, tasks, names, status, findings)
        fresh = [image for image in found if image.people >= needed]
        findings += [
            Finding("not-kept", f"tasks[{image.task}]", f"{len(image.answers)} answers by {image.people} of the {needed} people"
                    f" who are asked ({image.key}): somebody else is to answer, or labelloop push --annotators {image.people}")
            for image in found
            if image.people < needed <= len(image.answers)
        ]  # fmt: skip
        findings += [each for image in fresh for answer in image.answers for each in answer.findings]
        link = f"{client.url}/projects/{project.id}"
        taken = take(ledger, fresh, memory, known, message=message, link=link, rounds=read_rounds(folder))
        answered = [str(image.turn) for image in fresh]
        conflicts = _joined(known, taken.conflicts, answered)
        # What waits for its image would be found with every look at its task.
        later = _latest(answered)
        waits = [each for each in (*known, *taken.conflicts) if each.what in UNTAKEN]
        add_settled(folder, [each.id for each in waits if _behind(each, later)])
        turns, deleted = _deleted(client, project.id, state.turns, images)
        mark = state.mark if status == "reviewed" else max(state.mark, newest)
        noted = needed if status == "submitted" else state.annotators
        memory.update((turn, format_entry(each)) for turn, each in taken.memory.items())
        if (mark, noted, ledger.version(), turns, names, conflicts) != (
            state.mark, state.annotators, state.version, state.turns, state.people, state.conflicts
        ) or taken.memory:  # fmt: skip
            kept = (state.project, state.made, state.ledger)
            write_state(folder, State(*kept, mark, noted, ledger.version(), turns, names, conflicts, memory))
        counts = _counts(client, project.id, needed)
        write_counts(folder, counts)
        return PullReport(
            project.id, tuple(taken.commits), taken.edited, taken.confirmed, known_images,
            len({conflict.key for conflict in taken.conflicts}), tuple(_open(ledger, folder, conflicts)),
            counts["skipped"], counts["drafts"], counts["waiting"], counts["incomplete"], tuple(deleted),
            taken.agreement, tuple(findings),
        )  # fmt: skip


def open_conflicts(ledger: Ledger, folder: Path) -> list[DeskConflict]:
    """The conflicts that nobody has settled, in the order of their keys; without asking Label Studio."""
    known, version = read_conflicts(folder, ledger_mark(ledger))
    memory, more = read_memory(ledger, version)
    return _open(ledger, folder, _joined(known, more, memory))


def _open(ledger: Ledger, folder: Path, conflicts: Sequence[DeskConflict]) -> list[DeskConflict]:
    settled = read_settled(folder) if conflicts else set[str]()
    left = [each for each in conflicts if each.id not in settled]
    if not left:
        return []
    return still_open(left, {sample.key: sample for sample in ledger.samples(keys={each.key for each in left})})


def _sorted_out(
    ledger: Ledger, folder: Path, conflicts: Sequence[DeskConflict]
) -> tuple[list[DeskConflict], list[DeskConflict]]:  # fmt: skip
    """The conflicts that are open, and those that are not because the image is the one that people saw again, or another.

    What people differ about and the ledger has settled since is settled for good: it would be
    found again with their next answers.
    """
    found = _open(ledger, folder, conflicts)
    ids, settled = {each.id for each in found}, read_settled(folder)
    closed = [each for each in conflicts if each.id not in ids and each.id not in settled]
    add_settled(folder, [each.id for each in closed if each.between == "people"])
    return found, [each for each in closed if each.what in UNTAKEN]


def _joined(
    known: Iterable[DeskConflict], found: Iterable[DeskConflict], answered: Iterable[str]
) -> list[DeskConflict]:
    """The known conflicts with those found now, without the known ones of turns that were answered anew, and of earlier ones.

    Whoever answers a further turn saw the image with the labels as they are.
    """
    latest = _latest(answered)
    kept = {each.id: each for each in known if _behind(each, latest) is None}
    joined = {**kept, **{each.id: each for each in found}}
    return sorted(joined.values(), key=lambda each: (each.key, each.box, each.what, each.id))


def _latest(turns: Iterable[str]) -> dict[tuple[str, str], int]:
    """The number of the last of these turns by data set and image."""
    latest: dict[tuple[str, str], int] = {}
    for turn in map(parse_turn, turns):
        if turn is not None:
            latest[turn.dataset, turn.key] = max(turn.number, latest.get((turn.dataset, turn.key), 0))
    return latest


def _behind(conflict: DeskConflict, latest: Mapping[tuple[str, str], int]) -> int | None:
    """How many turns a conflict lies behind the last one that was answered, None where it does not."""
    turn = parse_turn(conflict.turn)
    last = latest.get((turn.dataset, turn.key), 0) if turn else 0
    return last - turn.number if turn and turn.number <= last else None


def _counts(client: Client, project: int, needed: int) -> dict[str, int]:
    """How many tasks wait, are done, and so on."""
    some = client.count(project, [_ANSWERED])
    enough = _where("total_annotations", "greater", "Number", needed - 1)
    done = client.count(project, [enough]) if needed > 1 and some else some
    return {
        "waiting": client.count(project, [_NO_ANSWER, _NOT_SKIPPED]),
        "done": done,
        "incomplete": some - done,
        "skipped": client.count(project, [_NO_ANSWER, _SKIPPED]),
        "drafts": client.count(project, [_where("draft_exists", "equal", "Boolean", True)]),
    }


def _changed(
    client: Client, project: int, mark: str, over: Sequence[DeskConflict], progress: Progress | None
) -> Iterator[Fields]:  # fmt: skip
    """The tasks with answers that changed since about a mark, in full, and those of conflicts that are over."""
    where = [_ANSWERED]
    if mark:
        since = (to_time(mark) - _BACK).isoformat(timespec="microseconds").replace("+00:00", "Z")
        where.append(_where("updated_at", "greater", "Datetime", since))
    total = client.count(project, where) if progress else 0
    seen: set[int] = set()
    for done, task in enumerate(client.tasks(project, where=where, full=True), 1):
        seen.add(int(task["id"]))
        yield task
        if progress:
            progress(done, max(total, done))
    yield from client.tasks_by_id(project, {each.task for each in over} - seen)


def _answers(
    client: Client, ledger: Ledger, project: Project, memory: Mapping[str, Entry], tasks: Iterator[Fields],
    names: dict[str, str], status: Status, findings: list[Finding],
) -> tuple[list[Returned], int]:  # fmt: skip
    """The images of these tasks with answers that were not taken in yet, and how many have nothing new.

    Read so many tasks at a time: in full, 100,000 of them are a gigabyte.

    Args:
        names: of those who answered, by id; brought up to date, and kept for who leaves.
    """
    people: dict[int, Person] | None = None
    found: list[Returned] = []
    known = 0
    while batch := list(islice(tasks, _BATCH)):
        if people is None:
            left = {int(number): Person(int(number), name) for number, name in names.items()}
            people = {**left, **client.people()}
        by = [each.get("completed_by") for task in batch for each in task["annotations"]]
        names.update((str(each), people[each].name) for each in by if isinstance(each, int) and each in people)
        for image in read_returned(batch, ledger, project.config, people, status, findings):
            if _is_known(image, memory):
                known += 1
            else:
                found.append(image)
    whole = joined(found)
    new = [image for image in whole if not _is_known(image, memory)]
    return new, known + len(whole) - len(new)


def _is_known(image: Returned, memory: Mapping[str, Entry]) -> bool:
    return is_known(memory.get(str(image.turn)), image.version, image.digests)


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


def _where(name: str, operator: str, kind: str, value: Any) -> Fields:
    return {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind, "value": value}


_ANSWERED = _where("total_annotations", "greater", "Number", 0)
_NO_ANSWER = _where("total_annotations", "equal", "Number", 0)
_SKIPPED = _where("cancelled_annotations", "greater", "Number", 0)
_NOT_SKIPPED = _where("cancelled_annotations", "equal", "Number", 0)
