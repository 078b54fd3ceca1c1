"""Tasks at the desk that nobody has touched, given another start: many at a time, or one by one.

A page that somebody has open does not notice, and whoever opens one in between must not be
taken for somebody who deleted what was not there. So a task says beforehand that it starts
with nothing, for as long as its regions are exchanged: an answer from in between is an
opinion and changes no label. One task takes Label Studio a quarter of a second by its own
requests, and a few thousandths of one beside 1,000 others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from ..datasets.schema import Json
from .client import Client, DeskRefused, Fields
from .tasks import MODEL, NOTHING, PUSHED, Pushed, Task, format_pushed

FEW = 20
"""So many tasks are refreshed one by one: then there is no in between."""
_TOGETHER = 1000
_ABOUT = "id,total_annotations,cancelled_annotations"


@dataclass(frozen=True, slots=True)
class Stale:
    """A task whose start is of the past: its data as they are and as they should be, and the regions that it should have."""

    task: Task
    now: Mapping[str, Any]
    data: Mapping[str, Json]
    result: Sequence[Mapping[str, Json]]

    @property
    def is_shown_as_it_was(self) -> bool:
        """Whether its data differ in nothing but when it was pushed."""
        return all(self.now.get(name) == value for name, value in self.data.items() if name != PUSHED)


def refresh(
    client: Client, project: int, stale: Sequence[Stale], pushed: Pushed, done: Callable[[int], None]
) -> int:  # fmt: skip
    """How many of these tasks have their new start; one that somebody touched meanwhile is left as it is.

    Args:
        pushed: what they are to say of this push; its time is when each is done.
        done: is called with how many were dealt with since its last call.
    """
    alike = [each for each in stale if each.is_shown_as_it_was]
    together = alike if len(alike) > FEW else []
    chosen = {each.task.id for each in together}
    alone = [each for each in stale if each.task.id not in chosen]
    count = 0
    for start in range(0, len(together), _TOGETHER):
        batch = together[start : start + _TOGETHER]
        left = _untouched(client, project, batch)
        if _exchange(client, project, left, pushed):
            count += len(left)
            done(len(batch))
        else:
            alone += batch
    by_id = {each.task.id: each for each in alone}
    for fields in client.tasks_by_id(project, by_id):
        if not (fields.get("annotations") or fields.get("drafts")):
            _exchange_one(client, by_id[int(fields["id"])], fields, pushed)
            count += 1
        done(1)
    return count


def _untouched(client: Client, project: int, stale: Sequence[Stale]) -> list[Stale]:
    found = client.tasks_by_id(project, (each.task.id for each in stale), include=_ABOUT, full=False)
    touched = ("total_annotations", "cancelled_annotations")
    ids = {int(fields["id"]) for fields in found if not any(fields.get(name) for name in touched)}
    ids -= client.drafted(project)
    return [each for each in stale if each.task.id in ids]


def _exchange(client: Client, project: int, stale: Sequence[Stale], pushed: Pushed) -> bool:
    """Whether these tasks have their new regions; False where this Label Studio does not do that for many at a time."""
    if not stale:
        return True
    between = replace(pushed, start=NOTHING, time=_now())
    try:
        _note(client, project, stale, [between])
    except DeskRefused:
        return False
    client.delete_predictions(project, [each.task.id for each in stale])
    made = [
        {"task": each.task.id, "result": list(each.result), "model_version": MODEL} for each in stale if each.result
    ]  # fmt: skip
    if made and client.import_predictions(project, made) != len(made):
        return False
    if pushed.start != NOTHING:
        _note(client, project, stale, [between, replace(pushed, time=_now())])
    return True


def _note(client: Client, project: int, stale: Sequence[Stale], pushes: Sequence[Pushed]) -> None:
    """Add pushes to what tasks say of theirs, in one request for all that were pushed at the same times so far."""
    alike: dict[tuple[Pushed, ...], list[int]] = {}
    for each in stale:
        alike.setdefault(each.task.pushed, []).append(each.task.id)
    for before, ids in alike.items():
        client.set_data(project, ids, PUSHED, format_pushed([*before, *pushes]))


def _exchange_one(client: Client, stale: Stale, fields: Fields, pushed: Pushed) -> None:
    task, result, known = stale.task, stale.result, cast("list[Fields]", fields.get("predictions") or [])
    text = format_pushed([*task.pushed, replace(pushed, time=_now())])
    data = {**fields["data"], **stale.data, PUSHED: text}
    if not result:
        # The data first: an answer without a region finds its version there, and regions that are
        # left where a crash comes in between say their own.
        client.patch(f"/api/tasks/{task.id}", {"data": data})
        for each in known:
            client.delete(f"/api/predictions/{each['id']}/")
        return
    # The regions first: they say their version, so a crash in between is none.
    if known:
        client.patch(f"/api/predictions/{known[0]['id']}", {"result": result, "model_version": MODEL})
    else:
        client.post("/api/predictions/", {"task": task.id, "result": result, "model_version": MODEL})
    for each in known[1:]:
        client.delete(f"/api/predictions/{each['id']}/")
    client.patch(f"/api/tasks/{task.id}", {"data": data})


def _now() -> str:
    return datetime.now(UTC).isoformat()
