"""A scripted annotator: answers the tasks of sample data at the desk as somebody who knows the truth would.

It is a program and says so by its name, in Label Studio and in the ledger's history. It does what
a person does by hand: leaves what is right, renames, moves, deletes and draws what is not, and submits.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson

from ..datasets.boxes import iou
from ..datasets.errors import LabelloopError
from ..datasets.reading import Progress
from ..datasets.schema import Box, Size
from ..label_config.percent import Percent, to_corners, to_percent
from ..label_config.projects import read_project_of
from ..label_config.tasks import parse_task
from .sample_data.won import WORDS

if TYPE_CHECKING:
    from ..datasets.ledger import Ledger
    from ..label_config.client import Client, Fields
    from ..label_config.config import Config

EMAIL = "scripted-annotator@example.org"
_SAME_OBJECT = 0.1
_GOOD_ENOUGH = 0.9
"""A box that overlaps the truth by so much is left as it is, as a person would leave it."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How many tasks were answered, in how many of them something was changed, and how many are of images without a truth."""

    answered: int
    changed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The true boxes of an image, or its true class, in the ledger's own classes and pixels."""

    size: Size
    boxes: tuple[Box, ...]
    label: str | None


def answer_tasks(
    client: Client, ledger: Ledger, folder: Path, truth: Path, *, limit: int = 0, progress: Progress | None = None
) -> Answered:
    """Answer every task of a data set's project that has no answer yet.

    Args:
        folder: where the workspace keeps what it knows of this desk (`desk_folder`).
        truth: the file beside sample data that was drawn with mistakes.
        limit: answer so many tasks at most; 0 for all.

    Raises:
        LabelloopError: no such file, or the data set has no project at the desk.
    """
    known = read_truth(truth, ledger)
    project = read_project_of(client, ledger, folder)
    me = _user_id(client)
    waiting = [
        int(task["id"])
        for task in client.tasks(project.id, include="id,total_annotations,cancelled_annotations")
        if not (task.get("total_annotations") or task.get("cancelled_annotations"))
    ]
    answered = changed = unknown = 0
    for task in client.tasks_by_id(project.id, waiting):
        if limit and answered >= limit:
            break
        about = parse_task(task)
        said = known.get(about.turn.key) if about else None
        if said is None:
            unknown += 1
            continue
        start = cast("list[Fields]", task.get("predictions") or [])
        shown: list[Fields] = start[0]["result"] if start else []
        result = _answer(shown, said, project.config)
        body = {"result": result, "parent_prediction": start[0]["id"] if start else None, "completed_by": me}
        client.post(f"/api/tasks/{task['id']}/annotations", body)
        answered += 1
        changed += result != shown
        if progress:
            progress(answered, limit or len(waiting))
    return Answered(answered, changed, unknown)


def _answer(shown: Sequence[Mapping[str, Any]], truth: Truth, config: Config) -> list[Fields]:
    """The regions that are right: those that were shown, mended."""
    result: list[Fields] = []
    if config.label:
        here = [region for region in shown if region["type"] == "rectanglelabels"]
        left = {str(region["id"]): _box(region, truth.size) for region in here}
        mended: dict[str, Box] = {}
        drawn: list[Box] = []
        for box in truth.boxes:
            overlap, best = max(
                ((iou(each.corners, box.corners), name) for name, each in left.items()), default=(0.0, "")
            )
            if overlap < _SAME_OBJECT:
                drawn.append(box)
                continue
            mended[best] = box
            del left[best]
        for region in shown:
            if region["type"] != "choices" or region["from_name"] != config.choice:
                box = mended.get(str(region["id"]))
                result += [_mended(region, box, truth.size)] if box else []
        result += [_drawn(box, truth.size, config) for box in drawn]
    if config.choice and truth.label is not None:
        chosen = {"choices": [truth.label]}
        made: Fields = {
            "id": uuid.uuid4().hex[:10], "type": "choices", "from_name": config.choice, "to_name": config.image,
            "value": chosen,
        }  # fmt: skip
        there = (dict(region) for region in shown if (region["from_name"], region["value"]) == (config.choice, chosen))
        result.append(next(there, made))
    return result


def _mended(region: Mapping[str, Any], box: Box, size: Size) -> Fields:
    """The region of an object, with the true class and in the true place; as it is where both are right."""
    value = dict(region["value"])
    if iou(_box(region, size).corners, box.corners) < _GOOD_ENOUGH:
        value.update(_place(box, size))
    if region["type"] == "rectanglelabels":
        value["rectanglelabels"] = [box.label]
    return {**region, "value": value}


def _drawn(box: Box, size: Size, config: Config) -> Fields:
    return {
        "id": uuid.uuid4().hex[:10], "type": "rectanglelabels", "from_name": config.label, "to_name": config.image,
        "origin": "manual", "original_width": size.width, "original_height": size.height, "image_rotation": 0,
        "value": {**_place(box, size), "rotation": 0, "rectanglelabels": [box.label]},
    }  # fmt: skip


def _place(box: Box, size: Size) -> dict[str, float]:
    return dict(zip(("x", "y", "width", "height"), to_percent(box.corners, size), strict=True))


def _box(region: Mapping[str, Any], size: Size) -> Box:
    value = region["value"]
    percent = Percent(value["x"], value["y"], value["width"], value["height"])
    names = value.get("rectanglelabels") or [""]
    return Box(str(names[0]), *to_corners(percent, size))


def read_truth(path: Path, ledger: Ledger) -> dict[str, Truth]:
    """The truth by key, of the images that the ledger has."""
    classes = ledger.classes()
    class_of = {f"{word}_{side}": str(value) for value, word in WORDS.items() for side in ("front", "back")}
    found: dict[str, Truth] = {}
    try:
        images: dict[str, Any] = orjson.loads(path.read_bytes())["images"]
        for sample in ledger.samples(keys=images.keys()):
            image, (width, height) = images[sample.key], sample.size
            drawn_width, drawn_height = image.get("size", sample.size)
            across, down = width / drawn_width, height / drawn_height
            boxes: list[Box] = []
            for each in image.get("boxes", ()):
                label, (x1, y1, x2, y2) = each["label"], each["corners"]
                named = label if label in classes else class_of[label]
                boxes.append(Box(named, x1 * across, y1 * down, x2 * across, y2 * down))
            found[sample.key] = Truth(sample.size, tuple(boxes), image.get("label"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabelloopError(
            f"{path} must be the truth beside sample data that was drawn with --mistakes: {error}"
        ) from error
    return found


def _user_id(client: Client) -> int:
    """The scripted annotator's id at the desk, signed up where it is not yet."""
    for person in client.people().values():
        if person.name == EMAIL:
            return person.id
    return int(client.post("/api/users/", {"email": EMAIL, "username": EMAIL.partition("@")[0]})["id"])
