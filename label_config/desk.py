"""The desk of one data set: its project at Label Studio, and what the workspace keeps of it.

A project is known by a mark in its description, made of the data set's name and its
ledger's own id: a project of the same title is somebody else's, and stays so.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson
from deltalake import DeltaTable

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.workspace import Workspace, checked_name
from .checking import describe_config, read_config
from .client import Client
from .config import Config, Kind
from .conflicts import write_whole
from .memory import Remembered, format_memory, parse_memory
from .rendering import MADE, render_config

_TITLE = 50
"""Label Studio's own limit for a project's title."""


def desk_folder(workspace: Workspace, name: str) -> Path:
    """Where the workspace keeps what it knows of a data set's desk."""
    return workspace.home / "desk" / checked_name(name)


@contextmanager
def only_one(folder: Path) -> Generator[None]:
    """Nobody else pushes to or pulls from this desk at the same time.

    Raises:
        LabelloopError: somebody does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise LabelloopError(
            f"another push or pull of {folder.name} is under way; try again when it is done"
        ) from error
    try:
        yield
    finally:
        os.close(handle)


@dataclass(slots=True)
class State:
    """What is remembered between two pulls; without it the next one looks at every task again.

    `mark` is Label Studio's time up to which changes were seen, `turns` those that have a
    task, `version` that of the ledger up to which `memory` is known, and `memory` what was
    taken in, by turn, as `memory.parse_memory` reads it.
    """

    project: int = 0
    url: str = ""
    mark: str = ""
    turns: list[str] = field(default_factory=list[str])
    version: int = -1
    memory: Mapping[str, Remembered] = field(default_factory=dict[str, Remembered])


def read_state(folder: Path, url: str, project: int) -> State:
    """The state of this project's desk; an empty one where there is none that can be read."""
    try:
        fields = cast("dict[str, Any]", orjson.loads((folder / "state.json").read_bytes()))
        memory = parse_memory(orjson.dumps(fields.pop("memory")).decode())
        state = State(**fields, memory=memory)
    except (OSError, TypeError, ValueError, LookupError):
        return State(project, url)
    return state if (state.project, state.url) == (project, url) else State(project, url)


def write_state(folder: Path, state: State) -> None:
    """Keep a state."""
    memory = orjson.loads(format_memory(state.memory))
    plain = {name: getattr(state, name) for name in ("project", "url", "mark", "turns", "version")}
    write_whole(folder / "state.json", orjson.dumps({**plain, "memory": memory}))


def read_counts(folder: Path) -> dict[str, int]:
    """How many tasks were `waiting`, `done`, `skipped` and with `drafts` when last asked; empty before that."""
    try:
        found = cast("dict[str, int]", orjson.loads((folder / "counts.json").read_bytes()))
        return {str(name): int(count) for name, count in found.items()}
    except (OSError, AttributeError, TypeError, ValueError):
        return {}


def write_counts(folder: Path, counts: Mapping[str, int]) -> None:
    """Remember the counts of tasks."""
    write_whole(folder / "counts.json", orjson.dumps(dict(counts)))


@dataclass(frozen=True, slots=True)
class Project:
    """A data set's project: its id, its labeling config, and how many people are to answer each task.

    `changed` says whether its config was another one until now.
    """

    id: int
    config: Config
    annotators: int
    changed: bool = False


def find_project(client: Client, ledger: Ledger) -> int:
    """The id of a data set's project, 0 where there is none."""
    mark = _mark(ledger)
    found = [int(each["id"]) for each in client.projects() if mark in str(each.get("description") or "")]
    return min(found, default=0)


def ensure_project(client: Client, ledger: Ledger, kind: Kind | None, *, xml: str = "", annotators: int = 0) -> Project:
    """The project of a data set and its labeling config, made or brought up to date.

    Args:
        kind: what people are asked for, where the project has no config of a person's own;
            None keeps what it is, boxes at first.
        xml: a person's own config; "" keeps the one that was given before, or renders one.
        annotators: how many people are to answer each task; 0 keeps what it is, 1 at first.

    Raises:
        LabelloopError: the config does not fit the classes, or it would take away a
            class or a field that answers at the desk use.
    """
    classes = ledger.classes()
    project = find_project(client, ledger)
    if not project:
        config = read_config(xml, classes) if xml else render_config(classes, kind or "boxes")
        made = client.post(
            "/api/projects",
            {
                "title": ledger.folder.name[:_TITLE],
                "description": f"{_mark(ledger)}: made by labelloop, which knows it by this line.",
                "label_config": config.xml,
                "maximum_annotations": annotators or 1,
                "enable_empty_annotation": True,
                "show_collab_predictions": True,
                "show_skip_button": True,
            },
        )
        return Project(int(made["id"]), config, annotators or 1)
    now = client.get(f"/api/projects/{project}")
    config = _config_now(str(now["label_config"]), classes, kind, xml)
    wanted: dict[str, Any] = {}
    if config.xml.strip() != str(now["label_config"]).strip():
        _refuse_orphans(client, project, describe_config(str(now["label_config"])), config)
        wanted["label_config"] = config.xml
    if annotators and annotators != now["maximum_annotations"]:
        wanted["maximum_annotations"] = annotators
    if wanted:
        client.patch(f"/api/projects/{project}", wanted)
    return Project(project, config, annotators or int(now["maximum_annotations"]), "label_config" in wanted)


def config_of(client: Client, project: int) -> Config:
    """The labeling config that a project has.

    Raises:
        LabelloopError: it was changed there into one that cannot be read back.
    """
    return describe_config(str(client.get(f"/api/projects/{project}", include="id,label_config")["label_config"]))


def _config_now(xml_there: str, classes: tuple[str, ...], kind: Kind | None, xml: str) -> Config:
    """The config that a project should have: the given one, else its own, else a rendered one."""
    if xml:
        return read_config(xml, classes)
    if MADE in xml_there:
        return render_config(classes, kind or describe_config(xml_there).kind)
    return read_config(xml_there, classes)


def _refuse_orphans(client: Client, project: int, there: Config, config: Config) -> None:
    """Return when no answer and no draft at the desk has a class or a field that a config no longer has.

    Label Studio's own summary of labels in use counts one a submission, so the answers are read.

    Raises:
        LabelloopError: some do.
    """
    gone = {name for name in (there.label, there.choice) if name and name not in (config.label, config.choice)}
    if set(there.classes) <= set(config.classes) and not gone:
        return
    lost: dict[str, int] = {}
    fields = 0
    for about in ({"filter": "total_annotations", "operator": "greater", "type": "Number", "value": 0},
                  {"filter": "draft_exists", "operator": "equal", "type": "Boolean", "value": True}):  # fmt: skip
        where = {**about, "filter": f"filter:tasks:{about['filter']}"}
        for task in client.tasks(project, where=[where], full=True):
            answers = cast("list[Mapping[str, Any]]", task["annotations" if about["type"] == "Number" else "drafts"])
            fields += sum(each.get("from_name") in gone for answer in answers for each in answer["result"])
            for label in _labels(answers):
                if label in there.classes and label not in config.classes:
                    lost[label] = lost.get(label, 0) + 1
    if fields:
        raise LabelloopError(
            f"answers at the desk are in a field that the new labeling config does not have ({fields} in"
            f" {', '.join(sorted(gone))}): --task both keeps it"
        )
    if lost:
        told = ", ".join(f"{label} ({count})" for label, count in sorted(lost.items()))
        raise LabelloopError(
            f"answers at the desk use classes that the new labeling config does not have: {told}; let the people there"
            " rename or delete those boxes first"
        )


def _labels(answers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The classes in answers, one for each time."""
    for answer in answers:
        for region in cast("list[Mapping[str, Any]]", answer["result"]):
            value = cast("Mapping[str, list[str]]", region.get("value") or {})
            if region.get("type") in ("rectanglelabels", "choices"):
                yield from value.get(str(region["type"]), ())


def _mark(ledger: Ledger) -> str:
    return f"labelloop {ledger.folder.name} {str(DeltaTable(ledger.folder).metadata().id)[:12]}"
