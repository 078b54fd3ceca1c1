"""Suspects: labels that are probably wrong, and the list of them that a workspace keeps."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import prod
from pathlib import Path
from typing import Any, cast

import orjson

from ...datasets.errors import LabelloopError
from ...datasets.schema import Box, Json
from ...datasets.workspace import Workspace

KINDS = ("missing", "spurious", "class", "location", "image-label")
"""What can be wrong: no box where one belongs, a box where none belongs, its class, its place, the image's own label."""

EVIDENCE = ("out-of-fold", "held-out", "in-sample", "near-duplicate", "folder", "geometry", "runs disagree")
"""What can speak against a label."""

_FILE = "suspects.json"
_LOOK = 3.0
"""Seconds to open an image and see what is on it, before anything on it is mended."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that is probably wrong, or a place where one is probably missing.

    `box` is the id of the labelled box, "" for what is missing and for an image's own label; `label` is what
    is said today, "" for what is missing; `proposed` is where and what the model says, None where it says nothing.
    `probability`, in [0, 1], is that the label is wrong; `worth`, in [0, 1], what mending it adds to AP50, if it
    is wrong; `seconds` what a person needs to look and mend. `rank` is what a minute spent on it is worth: the higher,
    the earlier. `reason` is one sentence, `evidence` names of `EVIDENCE`.
    """

    key: str
    kind: str
    box: str
    label: str
    proposed: Box | None
    proposed_label: str
    probability: float
    worth: float
    seconds: float
    rank: float
    reason: str
    evidence: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, received {self.kind!r}")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability must be between 0 and 1, received {self.probability}")
        if not self.seconds > 0:
            raise ValueError(f"seconds must be above 0, received {self.seconds}")


@dataclass(frozen=True, slots=True)
class RankedImage:
    """An image with suspects, the best first: how probable it is that any of them is right, and the seconds for all."""

    key: str
    rank: float
    probability: float
    seconds: float
    suspects: tuple[Suspect, ...]


@dataclass(frozen=True, slots=True)
class SuspectList:
    """The suspects of a data set, the best first.

    `version` is the ledger's, `made` ISO 8601 in UTC; `source` says what predictions it rests on: `runs` their ids,
    `folds` how many (0: none), `in_sample` of how many images the run itself had learned the labels, `images` how many
    were looked at, `images_without_predictions` how many could not be.
    """

    dataset: str
    version: int
    made: str
    source: Mapping[str, Json]
    suspects: tuple[Suspect, ...]

    def images(self) -> list[RankedImage]:
        """The images with suspects, those first on which a minute is worth most; empty where there are no suspects.

        An image is opened once for all of its suspects, so the time to look at it counts once.
        """
        of_image: dict[str, list[Suspect]] = {}
        for suspect in self.suspects:
            of_image.setdefault(suspect.key, []).append(suspect)
        ranked = [_ranked(key, suspects) for key, suspects in of_image.items()]
        return sorted(ranked, key=lambda image: (-image.rank, image.key))


def only_kinds(found: SuspectList, kinds: Collection[str]) -> SuspectList:
    """The list with suspects of these kinds only; all where none is named."""
    return replace(found, suspects=tuple(each for each in found.suspects if each.kind in kinds)) if kinds else found


def seconds_for(kind: str) -> float:
    """Seconds that a person needs for one suspect: to look at the image, and to mend what is wrong.

    Drawing a box takes a click on each of its extreme points; choosing another class, or deleting a box, a click or two.

    Reference: Papadopoulos et al., Extreme clicking for efficient object annotation, ICCV 2017: 7 s a box;
    Su et al., Crowdsourcing annotations for visual object detection, 2012: 26 s with verification.
    """
    return _LOOK + {"missing": 7.0, "location": 7.0, "class": 3.0, "spurious": 2.0, "image-label": 2.0}[kind]


def rank_of(probability: float, worth: float, seconds: float) -> float:
    """What a minute spent on a suspect is worth: expected gain in AP."""
    return probability * worth / seconds * 60.0


def write_suspects(workspace: Workspace, found: SuspectList) -> Path:
    """The file that the list was written to, in the place of the one before.

    Raises:
        LabelloopError: the folder cannot be written.
    """
    folder = workspace.suspects(found.dataset)
    path = folder / _FILE
    beside = folder / f".{_FILE}.{os.getpid()}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(orjson.dumps(to_json(found), option=orjson.OPT_INDENT_2))
        os.replace(beside, path)
    except OSError as error:
        raise LabelloopError(f"cannot write suspects to {folder}: {error}") from error
    return path


def read_suspects(workspace: Workspace, dataset: str) -> SuspectList | None:
    """The suspects that were found last, None where nobody looked for any.

    Raises:
        LabelloopError: the file is no list of suspects.
    """
    path = workspace.suspects(dataset) / _FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        said = cast("dict[str, Any]", orjson.loads(text))
        suspects = tuple(_from_json(each) for each in said.pop("suspects"))
        return SuspectList(suspects=suspects, **{field: said[field] for field in _FIELDS})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabelloopError(
            f"{path}: not a list of suspects: {error}; labelloop suspects {dataset} makes it anew"
        ) from error


def to_json(found: SuspectList) -> dict[str, Json]:
    """The list as a JSON object."""
    head = {name: getattr(found, name) for name in _FIELDS}
    return {**head, "source": dict(found.source), "suspects": [suspect_json(each) for each in found.suspects]}


def suspect_json(suspect: Suspect) -> Json:
    """A suspect as a JSON object."""
    said: dict[str, Json] = {
        name: cast("Json", getattr(suspect, name)) for name in _SUSPECT if name not in ("proposed", "evidence")
    }
    said["evidence"] = list(suspect.evidence)
    said["proposed"] = _box_json(suspect.proposed)
    return {name: said[name] for name in _SUSPECT}


_FIELDS = tuple(field.name for field in fields(SuspectList) if field.name != "suspects")
_SUSPECT = tuple(field.name for field in fields(Suspect))


def _box_json(box: Box | None) -> Json:
    if box is None:
        return None
    return {name: value for name, value in asdict(box).items() if name in ("label", "x1", "y1", "x2", "y2", "score")}


def _from_json(said: Mapping[str, Any]) -> Suspect:
    values = {name: said[name] for name in _SUSPECT}
    proposed = values["proposed"]
    values["proposed"] = None if proposed is None else Box(**proposed)
    values["evidence"] = tuple(values["evidence"])
    return Suspect(**values)


def _ranked(key: str, suspects: Sequence[Suspect]) -> RankedImage:
    seconds = _LOOK + sum(each.seconds - _LOOK for each in suspects)
    gain = sum(each.probability * each.worth for each in suspects)
    wrong = 1.0 - prod(1.0 - each.probability for each in suspects)
    return RankedImage(key, gain / seconds * 60.0, min(max(wrong, 0.0), 1.0), seconds, tuple(suspects))
