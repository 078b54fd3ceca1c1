"""Samples as Label Studio's tasks: what is shown, what it starts with, and how it is known again.

A task carries in its data which image it is (`labelloop_key`), and each time that it was
pushed: with which version of the ledger, when, what it started with and for which labeling
config. Each region carries the version too, in its `meta`, since a page that is open does
not notice when the task changes under it. Nothing about a task is kept anywhere else.

Reference: https://labelstud.io/guide/tasks and https://labelstud.io/guide/predictions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson

from ..datasets.schema import Box, Json, Sample, Size
from .config import COMMENT, UNSURE, Config
from .percent import to_percent

KEY = "labelloop_key"
PUSHED = "labelloop_pushed"
META = "labelloop"
"""Where a region has the version that it was pushed with, in its `meta`."""

CHOSEN = "label-"
"""The id of a region for the image's class is this and the version that it was pushed with."""

MODEL = "labelloop"
"""The one `model_version` of everything that tasks start with: a project shows only those of its first one."""

LABELS = "labels"
NOTHING = "nothing"
"""What a task starts with: today's labels, nothing, or the boxes of the run of another name."""

_KEPT = 30
"""So many pushes does a task remember: no page stays open for longer."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One time that an image is sent to the desk: which data set, which image, and how often it was before.

    A turn has one task; an image gets a further turn only where its last one is done.
    """

    dataset: str
    key: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.dataset}/{self.key}"


def parse_turn(text: str) -> Turn | None:
    """The turn that `str` made this text of, None where it is none."""
    named = text.split("/", 2)
    return Turn(named[1], named[2], int(named[0])) if len(named) == 3 and named[0].isdecimal() else None


@dataclass(frozen=True, slots=True)
class Pushed:
    """One time that a task was pushed: the ledger's version, when, its start, and the tags of its labeling config."""

    version: int
    time: str
    start: str
    tags: str


@dataclass(frozen=True, slots=True)
class Task:
    """What a task's data says of it; `pushed` has the oldest push first."""

    id: int
    turn: Turn
    pushed: tuple[Pushed, ...]

    @property
    def last(self) -> Pushed:
        """The last time that it was pushed."""
        return self.pushed[-1]


def to_data(sample: Sample, turn: Turn, config: Config, url: str, pushed: Sequence[Pushed]) -> dict[str, Json]:
    """The data of a task: the image's address and what labelloop knows it by."""
    return {
        config.field: url,
        "key": sample.key,
        "sha256": sample.sha256,
        KEY: str(turn),
        PUSHED: format_pushed(pushed),
    }


def format_pushed(pushed: Sequence[Pushed]) -> str:
    """What a task says of the times that it was pushed, of the last ones: JSON on one line."""
    return orjson.dumps([[each.version, each.time, each.start, each.tags] for each in pushed[-_KEPT:]]).decode()


def to_result(sample: Sample, boxes: Sequence[Box], config: Config, version: int) -> list[dict[str, Json]]:
    """The regions that a person starts with, in the order of the boxes, then the image's own class."""
    result: list[dict[str, Json]] = []
    if config.label:
        for box in boxes:
            result += _regions(box, sample.size, config, version)
    if config.choice and sample.label is not None:
        result.append(
            {
                "id": f"{CHOSEN}{version}",
                "type": "choices",
                "from_name": config.choice,
                "to_name": config.image,
                "value": {"choices": [sample.label]},
            }
        )
    return result


def to_task(
    sample: Sample, turn: Turn, config: Config, url: str, start: str, version: int, time: datetime,
    boxes: Sequence[Box] | None = None,
) -> dict[str, Json]:  # fmt: skip
    """The task for an image.

    Args:
        start: `labels`, `nothing`, or the name of a run.
        version: of the ledger, that the sample is from.
        time: of the push.
        boxes: what a run found, where `start` names one.
    """
    pushed = Pushed(version, time.isoformat(), start, config.tags)
    task: dict[str, Json] = {"data": to_data(sample, turn, config, url, [pushed])}
    result = start_result(sample, config, start, version, boxes)
    if result:
        task["predictions"] = [cast(Json, {"model_version": MODEL, "result": result})]
    return task


def start_result(
    sample: Sample, config: Config, start: str, version: int, boxes: Sequence[Box] | None = None
) -> list[dict[str, Json]]:
    """The regions that a task of this start has; none where it starts with nothing."""
    if start == NOTHING:
        return []
    return to_result(sample, sample.boxes if boxes is None else boxes, config, version)


def parse_task(task: Mapping[str, Any]) -> Task | None:
    """What a task's data says; None where labelloop did not make it."""
    data = task.get("data")
    if not isinstance(data, Mapping):
        return None
    fields = cast("Mapping[str, object]", data)
    turn = parse_turn(str(fields.get(KEY, "")))
    try:
        raw = cast("list[list[Any]]", orjson.loads(cast(str, fields[PUSHED])))
        pushed = tuple(Pushed(int(version), str(time), str(start), str(tags)) for version, time, start, tags in raw)
    except (KeyError, TypeError, ValueError):
        return None
    return Task(int(task["id"]), turn, pushed) if turn and pushed else None


def _regions(box: Box, size: Size, config: Config, version: int) -> list[dict[str, Json]]:
    """The region of a box, and what is said of it besides."""
    place = dict(zip(("x", "y", "width", "height"), to_percent(box.corners, size), strict=True))
    shared: dict[str, Json] = {
        "id": box.id,
        "to_name": config.image,
        "original_width": size.width,
        "original_height": size.height,
        "image_rotation": 0,
    }
    drawn: dict[str, Json] = {**place, "rotation": 0}
    region: dict[str, Json] = {
        **shared,
        "type": "rectanglelabels",
        "from_name": config.label,
        "meta": {META: version},
        "value": {**drawn, "rectanglelabels": [box.label]},
    }
    if box.score is not None:
        region["score"] = box.score
    regions = [region]
    if config.unsure and box.attributes.get(UNSURE) is True:
        value: dict[str, Json] = {**drawn, "choices": [UNSURE]}
        regions.append({**shared, "type": "choices", "from_name": config.unsure, "value": value})
    comment = box.attributes.get(COMMENT)
    if config.comment and isinstance(comment, str) and comment.strip():
        value = {**drawn, "text": [comment]}
        regions.append({**shared, "type": "textarea", "from_name": config.comment, "value": value})
    return regions
