"""What the window shows of a run's errors, counted: by kind, and which class is taken for which; and the images of each count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl

from ..datasets.errors import LabelloopError
from ..datasets.window import Window
from ..datasets.window_fiftyone import answered
from ..datasets.window_findings import Shown, detections_in, shown_findings

NOTHING = "nothing"
"""In the place of a class: no label is there, or no prediction."""

_SCHEMA = pl.Schema({"key": pl.String, "truth": pl.String, "predicted": pl.String, "kind": pl.String})


@dataclass(frozen=True, slots=True)
class KindCount:
    """How many boxes are of a kind of error, on how many images, and what AP50 would gain without them (None: not known)."""

    kind: str
    boxes: int
    images: int
    worth: float | None


@dataclass(frozen=True, slots=True)
class RunErrors:
    """A run's errors on a split, as the window shows them.

    `kinds` has those that there are, what they are worth most first. `matrix` counts, one row a
    class of the labels and one column a class that was predicted, both in the order of `classes`; the last
    row is what was predicted where nothing is, the last column what was not predicted at all.
    """

    run: str
    split: str
    kind: str
    classes: tuple[str, ...]
    kinds: tuple[KindCount, ...]
    matrix: tuple[tuple[int, ...], ...]

    def confusions(self) -> list[tuple[str, str, int]]:
        """(label, predicted, how many) for each cell beside the diagonal that is not 0, the largest first."""
        names = (*self.classes, NOTHING)
        found = [
            (names[row], names[column], count)
            for row, counts in enumerate(self.matrix)
            for column, count in enumerate(counts)
            if count and row != column
        ]
        return sorted(found, key=lambda each: -each[2])


def shown_runs(window: Window) -> list[str]:
    """The ids of the runs that the window shows, in the order in which they were shown."""
    return [name for name, shown in shown_findings(window.dataset()).items() if "classes" in shown.facts]


@answered()
def count_errors(window: Window, run: str) -> RunErrors:
    """What the window shows of a run, counted.

    Raises:
        LabelloopError: it does not show that run.
    """
    shown = _shown(window, run)
    rows = _rows(window, shown)
    classes = tuple(cast("Sequence[str]", shown.facts["classes"]))
    place = {name: number for number, name in enumerate((*classes, NOTHING))}
    matrix = [[0] * len(place) for _ in place]
    for truth, predicted, count in rows.group_by("truth", "predicted").len().iter_rows():
        if truth in place and predicted in place:
            matrix[place[truth]][place[predicted]] += count
    worth = cast("Mapping[str, float]", shown.facts.get("worth") or {})
    counted = (
        rows.filter(~pl.col("kind").is_in(["correct", ""])).group_by("kind").agg(pl.len(), pl.col("key").n_unique())
    )
    kinds = [KindCount(kind, boxes, images, worth.get(kind)) for kind, boxes, images in counted.iter_rows()]
    kinds.sort(key=lambda each: (-(each.worth or 0.0), -each.boxes, each.kind))
    return RunErrors(
        run, str(shown.facts["split"]), str(shown.facts["kind"]), classes, tuple(kinds), tuple(map(tuple, matrix))
    )


@answered()
def keys_of_kind(window: Window, run: str, kind: str) -> list[str]:
    """The images with an error of a kind, in the order of their keys."""
    rows = _rows(window, _shown(window, run)).filter(pl.col("kind") == kind)
    return sorted(set(rows["key"]))


@answered()
def keys_of_cell(window: Window, run: str, truth: str, predicted: str) -> list[str]:
    """The images of a cell of the matrix, in the order of their keys; NOTHING stands for the last row or column."""
    rows = _rows(window, _shown(window, run)).filter(truth=truth, predicted=predicted)
    return sorted(set(rows["key"]))


def _shown(window: Window, run: str) -> Shown:
    dataset = window.dataset()
    dataset.reload()  # another process may have shown it
    shown = shown_findings(dataset).get(run)
    if shown is None or "classes" not in shown.facts:
        raise LabelloopError(f"the window does not show {run}; Inspect a run does, and so does labelloop inspect {run}")
    return shown


def _rows(window: Window, shown: Shown) -> pl.DataFrame:
    """One row a prediction and one a label that no prediction claims: image, label, predicted class and kind."""
    if shown.facts["kind"] != "detector":
        found = window.dataset().exists(shown.fields[0])
        paths = [f"{shown.fields[0]}.{name}" for name in ("truth_label", "label", "kind")]
        return pl.DataFrame(dict(zip(_SCHEMA, found.values(["key", *paths]), strict=True)), schema=_SCHEMA)
    predictions, truth = shown.fields[:2]
    names = [f"{predictions}.detections.{name}" for name in ("label", "kind", "truth_label")]
    names += [f"{truth}.detections.{name}" for name in ("label", "kind")]
    wanted = dict.fromkeys(["key", *names], True)
    rows: list[tuple[str, str, str, str]] = []
    for document in window.collection().find({predictions: {"$exists": True}}, wanted):
        key = document["key"]
        for each in detections_in(document, predictions):
            on_box = each["kind"] in ("correct", "class")
            rows.append((key, each["truth_label"] if on_box else NOTHING, each["label"], each["kind"]))
        # One that only a badly placed prediction comes near is no error of its own.
        rows += [
            (key, each["label"], NOTHING, "missed" if each["kind"] == "missed" else "")
            for each in detections_in(document, truth)
            if each["kind"] not in ("correct", "class")
        ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
