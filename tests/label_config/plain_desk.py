"""A Label Studio in memory, for games of many steps: the calls that a desk makes, as the real one answers them.

The same games are played with a real server; what differs there shows here as a failure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from labelloop.datasets.schema import Sample
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client, Person
from labelloop.tools import desks
from labelloop.tools.label_studio import LabelStudio
from tests.label_config.servers import Desk, make_ledger

Fields = dict[str, Any]


class Killed(BaseException):
    """The process ends here."""


@dataclass
class PlainClient:
    """What `Client` does, without a server.

    `before` is called before each request and may raise: what is under way ends there.
    """

    url: str = "http://127.0.0.1:1"
    before: Callable[[], None] = lambda: None
    _projects: dict[int, Fields] = field(default_factory=dict)
    _tasks: dict[int, Fields] = field(default_factory=dict)
    _people: dict[int, Person] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))
    _ticks: Iterator[int] = field(default_factory=lambda: count(1))

    def get(self, path: str, **params: Any) -> Any:
        self.before()
        if path.startswith("/api/projects/"):
            return _copy(self._projects[_number(path)])
        return []

    def post(self, path: str, body: Any, **params: Any) -> Any:
        self.before()
        made: Fields = {**_copy(body), "id": next(self._ids)}
        if path == "/api/projects":
            made["created_at"] = datetime.now(UTC).isoformat()
            self._projects[made["id"]] = made
        elif path == "/api/users/":
            self._people[made["id"]] = Person(made["id"], made["email"])
        elif path == "/api/predictions/":
            self._tasks[made["task"]]["predictions"].append(made)
        elif path.endswith("/drafts"):
            self._tasks[_number(path)]["drafts"].append(made)
        elif path.endswith("/annotations"):
            task = self._tasks[_number(path)]
            now = self._touch(task)
            made = {"was_cancelled": False, **made, "created_at": now, "updated_at": now, "lead_time": 0.0}
            task["annotations"].append(made)
        return _copy(made)

    def patch(self, path: str, body: Any) -> Any:
        self.before()
        number = _number(path)
        if path.startswith("/api/projects/"):
            self._projects[number].update(_copy(body))
        elif path.startswith("/api/tasks/"):
            self._tasks[number].update(_copy(body))
            self._touch(self._tasks[number])
        else:
            task, found = self._part(number)
            found.update(_copy(body))
            if path.startswith("/api/annotations/"):
                found["updated_at"] = self._touch(task)

    def delete(self, path: str) -> None:
        self.before()
        task, found = self._part(_number(path))
        for name in ("annotations", "predictions"):
            task[name] = [each for each in task[name] if each is not found]
        self._touch(task)

    def people(self) -> dict[int, Person]:
        return dict(self._people)

    def projects(self) -> Iterator[Fields]:
        self.before()
        yield from map(_copy, list(self._projects.values()))

    def count_tasks(self, project: int) -> int:
        return len(list(self.tasks(project)))

    def tasks(
        self, project: int, *, include: str = "", where: Sequence[Fields] = (), full: bool = False
    ) -> Iterator[Fields]:
        self.before()
        for task in list(self._tasks.values()):
            shown = _counted(task)
            if task["project"] == project and all(_holds(shown, each) for each in where):
                yield {name: value for name, value in shown.items() if name != "draft_exists"}

    def tasks_by_id(
        self, project: int, ids: Iterable[int], *, include: str = "", full: bool = True
    ) -> Iterator[Fields]:
        wanted = set(ids)
        yield from (task for task in self.tasks(project) if task["id"] in wanted)

    def drafted(self, project: int) -> set[int]:
        return {task["id"] for task in self._tasks.values() if task["project"] == project and task["drafts"]}

    def newest_change(self, project: int) -> str:
        return max((task["updated_at"] for task in self.tasks(project)), default="")

    def count(self, project: int, where: Sequence[Fields]) -> int:
        return len(list(self.tasks(project, where=where)))

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> int:
        for given in tasks:  # one by one: a request that is killed has made some
            self.before()
            task: Fields = {"predictions": [], "drafts": [], **_copy(given), "id": next(self._ids), "project": project}
            task["annotations"] = []
            for each in task["predictions"]:
                each.update(id=next(self._ids), task=task["id"])
            self._touch(task)
            self._tasks[task["id"]] = task
        return len(tasks)

    def delete_tasks(self, project: int, ids: Sequence[int]) -> None:
        self.before()
        for each in ids:
            del self._tasks[each]

    def set_data(self, project: int, ids: Sequence[int], name: str, text: str) -> None:
        for each in ids:  # one by one: a request that is killed has done some
            self.before()
            self._tasks[each]["data"][name] = text

    def delete_predictions(self, project: int, ids: Sequence[int]) -> None:
        for each in ids:
            self.before()
            self._tasks[each]["predictions"] = []

    def import_predictions(self, project: int, predictions: Sequence[Mapping[str, Any]]) -> int:
        for each in predictions:
            self.before()
            made = {"id": next(self._ids), **_copy(each)}
            self._tasks[each["task"]]["predictions"].append(made)
        return len(predictions)

    def _touch(self, task: Fields) -> str:
        now = datetime.now(UTC) + timedelta(microseconds=next(self._ticks))  # no two at one time
        task["updated_at"] = now.isoformat().replace("+00:00", "Z")
        return str(task["updated_at"])

    def _part(self, number: int) -> tuple[Fields, Fields]:
        return next(
            (task, each)
            for task in self._tasks.values()
            for each in [*task["annotations"], *task["predictions"]]
            if each["id"] == number
        )


def make_plain_desk(folder: Path, name: str, samples: Sequence[Sample]) -> tuple[Desk, PlainClient]:
    """A desk without a server, and the client that plays it; the images are drawn below the folder."""
    workspace = Workspace(folder / "home")
    client = PlainClient()
    server = LabelStudio(client.url, "", own=False, media=folder / "media")
    photos = folder / "photos"
    placed = [replace(each, path=photos / each.key) for each in samples]
    ledger = make_ledger(workspace, name, photos, placed)
    return Desk(server, cast(Client, client), workspace, name, ledger), client


def reach_plain_desk(monkeypatch: pytest.MonkeyPatch, made: Desk, client: PlainClient) -> Desk:
    """The desk, which commands reach from now on whatever workspace and data set they are given."""

    @contextmanager
    def opened(*_: Any) -> Generator[desks.Desk]:
        yield desks.Desk(made.server, cast(Client, client), made.folder, made.images)

    monkeypatch.setattr(desks, "open_desk", opened)
    return made


def _counted(task: Fields) -> Fields:
    shown = _copy(task)
    skipped = sum(each["was_cancelled"] for each in task["annotations"])
    return {
        **shown, "cancelled_annotations": skipped, "total_annotations": len(task["annotations"]) - skipped,
        "draft_exists": bool(task["drafts"]),
    }  # fmt: skip


def _holds(task: Fields, where: Fields) -> bool:
    name = where["filter"].removeprefix("filter:tasks:")
    value = task["data"].get(name.removeprefix("data.")) if name.startswith("data.") else task[name]
    if where["type"] == "Datetime":
        value, wanted = (datetime.fromisoformat(each.replace("Z", "+00:00")) for each in (value, where["value"]))
        return bool(value > wanted)
    return bool(value > where["value"] if where["operator"] == "greater" else value == where["value"])


def _number(path: str) -> int:
    return next(int(part) for part in path.split("/") if part.isdecimal())


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))
