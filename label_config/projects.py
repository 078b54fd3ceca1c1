"""The project of a data set at Label Studio: found again, made, and its labeling config kept up to date.

A project is known by a mark in its description, made of the data set's name and its
ledger's own id: a project of the same title is somebody else's, and stays so. Where a
person wrote another description over the mark, it is the project that was used last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from .checking import describe_config, read_config
from .client import Client, DeskRefused, Fields
from .config import Config, Kind
from .desk import ledger_mark, read_project
from .instructions import instructions
from .rendering import is_rendered, render_config
from .tasks import KEY, PUSHED, parse_task

_TITLE = 50
"""Label Studio's own limit for a project's title."""
_LITTLE_USE = (
    *(f"tasks:data.{name}" for name in ("sha256", KEY, PUSHED)),
    *(
        f"tasks:{name}"
        for name in (
            "inner_id", "annotations_results", "annotations_ids", "predictions_score", "predictions_model_versions",
            "predictions_results", "file_upload", "storage_filename", "created_at", "updated_at", "updated_by",
            "avg_lead_time", "draft_exists",
        )
    ),
)  # fmt: skip
_NARROW = ("data.key", "id", "completed_at", "cancelled_annotations", "total_predictions", "annotators")
_LISTED: Fields = {
    "title": "Default",
    "hiddenColumns": {
        "explore": _LITTLE_USE,
        "labeling": [*_LITTLE_USE, *(f"tasks:{name}" for name in _NARROW)],  # the list beside an open task
    },
}
"""How the list of tasks looks at first: as Label Studio makes it, without what labelloop alone reads."""
_MARK = re.compile(r"labelloop \S+ [0-9a-f-]{12}(?![0-9a-f-])")


@dataclass(frozen=True, slots=True)
class Project:
    """A data set's project: its id, when it was made, its labeling config, and how many people are to answer each task.

    `changed` says whether its config was another one until now.
    """

    id: int
    made: str
    config: Config
    annotators: int
    changed: bool = False


def find_project(client: Client, ledger: Ledger, folder: Path | None = None) -> int:
    """The id of a data set's project, 0 where there is none.

    Args:
        folder: where the workspace keeps what it knows of this desk, to find a project whose mark is gone.
    """
    mark = ledger_mark(ledger)
    found = [int(each["id"]) for each in client.projects() if mark in str(each.get("description") or "")]
    return min(found, default=0) or (_used_last(client, ledger, folder) if folder else 0)


def read_project_of(client: Client, ledger: Ledger, folder: Path) -> Project:
    """A data set's project as it is.

    Raises:
        LabelloopError: there is none, or its labeling config was changed there into one that cannot be read back.
    """
    project = find_project(client, ledger, folder)
    if not project:
        raise LabelloopError(
            f"{ledger.folder.name} was never pushed to {client.url}: labelloop push {ledger.folder.name} makes its project"
        )
    now = client.get(f"/api/projects/{project}", include="id,created_at,label_config,maximum_annotations")
    config = describe_config(str(now["label_config"]))
    return Project(project, str(now["created_at"]), config, int(now["maximum_annotations"]))


def ensure_project(
    client: Client, ledger: Ledger, folder: Path, kind: Kind | None, *, xml: str = "", annotators: int = 0
) -> Project:
    """The project of a data set and its labeling config, made or brought up to date.

    Args:
        folder: where the workspace keeps what it knows of this desk.
        kind: what people are asked for, by a config that is rendered; None keeps what it is, boxes at first.
        xml: a person's own config; "" keeps the one that was given before, or renders one.
        annotators: how many people are to answer each task; 0 keeps what it is, 1 at first.

    Raises:
        LabelloopError: the config does not fit the classes, or it would take away a
            class or a field that answers at the desk use.
    """
    if xml and kind:
        raise LabelloopError(
            f"a labeling config of one's own says what people are asked for; received the kind {kind} too"
        )
    classes = ledger.classes()
    project = find_project(client, ledger, folder)
    if not project:
        return _make(
            client, ledger, read_config(xml, classes) if xml else render_config(classes, kind or "boxes"), annotators
        )
    now = client.get(f"/api/projects/{project}")
    config = _config_now(str(now["label_config"]), classes, kind, xml)
    wanted: Fields = {}
    if config.xml.strip() != str(now["label_config"]).strip():
        _refuse_orphans(client, project, str(now["label_config"]), config)
        wanted["label_config"] = config.xml
        if str(now.get("expert_instruction") or "") == _told_people(str(now["label_config"])):
            wanted["expert_instruction"] = instructions(config)
    if annotators and annotators != now["maximum_annotations"]:
        wanted["maximum_annotations"] = annotators
    description = str(now.get("description") or "")
    if ledger_mark(ledger) not in description:
        wanted["description"] = f"{description}\n{_told(ledger)}".strip()
    if wanted:
        client.patch(f"/api/projects/{project}", wanted)
    needed = annotators or int(now["maximum_annotations"])
    return Project(project, str(now["created_at"]), config, needed, "label_config" in wanted)


def _make(client: Client, ledger: Ledger, config: Config, annotators: int) -> Project:
    body = {
        "title": ledger.folder.name[:_TITLE],
        "description": _told(ledger),
        "label_config": config.xml,
        "maximum_annotations": annotators or 1,
        "enable_empty_annotation": True,
        "show_collab_predictions": True,
        "show_skip_button": True,
        "expert_instruction": instructions(config),
        "show_instruction": True,
    }
    made = client.post("/api/projects", body)
    client.post("/api/dm/views", {"project": made["id"], "data": _LISTED})
    return Project(int(made["id"]), str(made["created_at"]), config, annotators or 1)


def _told_people(xml: str) -> str:
    """The instructions that a project with this labeling config was given; what a person wrote there is other ones."""
    try:
        return instructions(describe_config(xml))
    except LabelloopError:
        return "-"


def _used_last(client: Client, ledger: Ledger, folder: Path) -> int:
    """The project of the last pull or push, where it is still there, has no mark, and its first task is ours."""
    project, made = read_project(folder, ledger_mark(ledger))
    if not project:
        return 0
    try:
        found = client.get(f"/api/projects/{project}", include="id,created_at,description")
    except DeskRefused as error:
        if error.status == 404:
            return 0
        raise
    if str(found["created_at"]) != made:
        return 0
    if _MARK.search(str(found.get("description") or "")):
        return 0
    first = next(client.tasks(project, include="id,data"), None)
    task = parse_task(first) if first else None
    return project if task is not None and task.turn.dataset == ledger.folder.name else 0


def _config_now(xml_there: str, classes: tuple[str, ...], kind: Kind | None, xml: str) -> Config:
    """The config that a project should have: the given one, else a person's own, else a rendered one."""
    if xml:
        return read_config(xml, classes)
    if kind or is_rendered(xml_there):
        return render_config(classes, kind or describe_config(xml_there).kind)
    try:
        return read_config(xml_there, classes)
    except LabelloopError as error:
        raise LabelloopError(
            f"{error}\nThe project has this labeling config of a person's own: --config FILE gives it another one, and"
            " --task one made of the classes"
        ) from error


def _refuse_orphans(client: Client, project: int, xml_there: str, config: Config) -> None:
    """Return when no answer and no draft at the desk has a class or a field that a config no longer has.

    Label Studio's own summary of labels in use counts one a submission, so the answers are
    read. An answer that says that nothing is there has no region in a field, and says it of
    the field for all that.

    Raises:
        LabelloopError: some do.
    """
    try:
        there = describe_config(xml_there)
    except LabelloopError:  # a person made it one that asks for nothing
        there = Config(xml_there)
    gone = {name for name in (there.label, there.choice) if name and name not in (config.label, config.choice)}
    away = set(there.classes) - set(config.classes)
    if not gone and not away:
        return
    lost: dict[str, int] = {}
    fields: set[int] = set()
    for task, answers in _answers(client, project):
        if gone and any(not answer["result"] or _fields(answer) & gone for answer in answers):
            fields.add(task)
        for label in _labels(answers):
            if label in away:
                lost[label] = lost.get(label, 0) + 1
    if fields:
        raise LabelloopError(
            f"answers at the desk are in a field that the new labeling config does not have ({len(fields)} tasks,"
            f" {', '.join(sorted(gone))}): --task both keeps it"
        )
    if lost:
        told = ", ".join(f"{label} ({count})" for label, count in sorted(lost.items()))
        raise LabelloopError(
            f"answers at the desk use classes that the new labeling config does not have: {told}; let the people there"
            " rename or delete those boxes first"
        )


def _answers(client: Client, project: int) -> Iterator[tuple[int, list[Mapping[str, Any]]]]:
    """The id and the answers of each task that has some, then those of each that has drafts; skips are none."""
    for name, about in (
        (
            "annotations",
            {"filter": "filter:tasks:total_annotations", "operator": "greater", "type": "Number", "value": 0},
        ),
        ("drafts", {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}),
    ):
        for task in client.tasks(project, where=[about], full=True):
            found = cast("list[Mapping[str, Any]]", task[name])
            yield int(task["id"]), [answer for answer in found if not answer.get("was_cancelled")]


def _fields(answer: Mapping[str, Any]) -> set[str]:
    return {str(region.get("from_name")) for region in cast("list[Mapping[str, Any]]", answer["result"])}


def _labels(answers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The classes in answers, one for each time."""
    for answer in answers:
        for region in cast("list[Mapping[str, Any]]", answer["result"]):
            value = cast("Mapping[str, list[str]]", region.get("value") or {})
            if region.get("type") in ("rectanglelabels", "choices"):
                yield from value.get(str(region["type"]), ())


def _told(ledger: Ledger) -> str:
    return f"{ledger_mark(ledger)}: made by labelloop, which knows it by this line."
