"""What a run bears, as it is kept in the run's folder: `robustness/SPLIT.json`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from ...datasets.errors import LabelloopError
from ...datasets.schema import Box, Json
from ..plans import Kind
from ..results import Metrics
from ..runs import Run

FORMAT = 2
"""Of the saved file; one of another format is made anew."""


@dataclass(frozen=True, slots=True)
class Point:
    """What is right under one change: `scores` are overall, `classes` have those of each class; `robustness_measures` has their names.

    Of a detector both have `loose` besides, the recall from an IoU of .1 on, which is what can be said of turned boxes for
    certain, and `tightness` is the mean, over all boxes, of the IoU that a perfect answer has at least; see `middle_box`.
    """

    level: float
    scores: Metrics
    classes: Mapping[str, Metrics]
    tightness: float = 1.0


@dataclass(frozen=True, slots=True)
class Broken:
    """A picture that is right as it is, and not under a change.

    Of a detector: every box was found, `missed` are the labels of those that no longer are (turned: not even loosely), and
    `found` is what is found. Of a classifier: `missed` has its label, and `said` is what it is taken for, with `score`.
    """

    key: str
    family: str
    level: float
    missed: tuple[str, ...]
    found: tuple[Box, ...]
    said: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Robustness:
    """What a run bears: `untouched` is every image as it is, `families` has the points of each kind of change in order.

    `images` of `there` in the split were taken, always the same ones (of a classifier of boxes, boxes); `asked` says what
    the result stands on. `confidence` is that of a detector, from which on a box counts; a classifier has none.
    `broken` are the images that fail at the mildest changes, by kind of change, the mildest first.
    """

    run: str
    split: str
    images: int
    there: int
    confidence: float | None
    side: int
    untouched: Point
    families: Mapping[str, tuple[Point, ...]]
    broken: tuple[Broken, ...]
    asked: Mapping[str, Json]
    kind: Kind = "detector"

    @property
    def things(self) -> str:
        """What was taken, in words."""
        return "images" if self.kind == "detector" else "pictures"


def folder_of(run: Run) -> Path:
    """Where a run's results lie; they can be made again, so they may be deleted."""
    return run.folder / "robustness"


def read_robustness(run: Run, split: str) -> Robustness | None:
    """The result that was saved for a split; None where there is none, or one of another format."""
    try:
        said = cast("dict[str, Any]", orjson.loads((folder_of(run) / f"{split}.json").read_bytes()))
        if said["asked"]["format"] != FORMAT:
            return None
        said["untouched"] = Point(**said["untouched"])
        said["families"] = {name: tuple(Point(**one) for one in points) for name, points in said["families"].items()}
        said["broken"] = tuple(_to_broken(one) for one in said["broken"])
        return Robustness(**said)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_robustness(run: Run, made: Robustness) -> Path:
    """The file of a result, written beside its place and renamed over it.

    Raises:
        LabelloopError: it cannot be written.
    """
    path = folder_of(run) / f"{made.split}.json"
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(exist_ok=True)
        beside.write_bytes(orjson.dumps(asdict(made), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
        os.replace(beside, path)
    except OSError as error:
        raise LabelloopError(f"the result cannot be written to {path}: {error.strerror or error}") from error
    return path


def _to_broken(said: Mapping[str, Any]) -> Broken:
    found = tuple(Box(**box) for box in said["found"])
    return Broken(
        said["key"],
        said["family"],
        said["level"],
        tuple(said["missed"]),
        found,
        said.get("said", ""),
        said.get("score"),
    )
