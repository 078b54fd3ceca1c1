"""Boxes that a run says, beside the labels it is judged by, in the window: fields, a view of each kind of error, an evaluation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..datasets.schema import Json
from ..datasets.window import Window
from ..datasets.window_evaluations import Match, register_detections
from ..datasets.window_fiftyone import fiftyone
from ..datasets.window_findings import (
    Shown,
    box_id,
    field_name,
    forget,
    remember,
    remove_fields,
    settle,
    write_boxes,
    write_values,
)
from ..datasets.window_look import set_look

WRONG = ("class", "location", "both", "duplicate", "background", "missed")
"""The kinds of errors, in TIDE's order."""

_SAID = {
    "class": "well placed, of the wrong class",
    "location": "of the right class, badly placed",
    "both": "of the wrong class and badly placed",
    "duplicate": "a second box on what has one already",
    "background": "a box where nothing is",
    "missed": "labels that no prediction finds",
}
_KIND = "What it is, by TIDE's names: correct, class, location, both, duplicate, background or missed"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be shown of a run: its id, the split, the images, and the predictions and labels as `Errors` has them.

    `precision` (T, K, 101), `recall` (T, K) and `thresholds` (T) are as `register_detections` takes them; None and
    empty where there are none. `facts` are what `Shown` keeps.
    """

    run: str
    split: str
    version: int
    classes: Sequence[str]
    keys: Sequence[str]
    predictions: pl.DataFrame
    boxes: pl.DataFrame
    facts: Mapping[str, Json]
    precision: Any = None
    recall: Any = None
    thresholds: Sequence[float] = (0.5,)


def fields_of_run(run: str) -> tuple[str, str, str, str]:
    """The names of a run's predictions, of the labels that it was judged by, of the errors of an image, and of its evaluation."""
    name = field_name(run)
    return name, f"{name}_truth", f"{name}_errors", f"eval_{name}"


def show_boxes(window: Window, judged: Judged) -> Shown:
    """Show it, in the place of what was shown of that run before.

    The window gets a field of the predictions and one of the labels that they are judged by,
    each box with its kind, the kinds of error of each image, a saved view of the patches of
    each kind, and an evaluation for FiftyOne's Model Evaluation panel.
    """
    run, split = judged.run, judged.split
    predictions, truth, wrong, evaluation = fields_of_run(run)
    dataset = window.dataset()
    forget(dataset, run)
    remove_fields(dataset, (predictions, truth, wrong))  # left where a process was killed
    found = _numbered(judged.predictions, predictions)
    boxes = _numbered(judged.boxes.rename({"id": "box"}), truth)
    write_boxes(
        window, predictions, judged.keys, found.drop("truth"),
        {"": f"What {run} says of {split}", "kind": _KIND, "iou": "With the box that it is compared with",
         "truth_label": "The label of the box that it is compared with"},
    )  # fmt: skip
    write_boxes(
        window, truth, judged.keys, boxes.drop("score").rename({"iou": "claimed_iou"}),
        {"": f"The labels of {split} that {run} is judged by, in version {judged.version}", "kind": _KIND,
         "box": "The id of the box in the ledger", "claimed_iou": "With the best prediction that claims it"},
    )  # fmt: skip
    kinds = _by_image(judged.keys, found, boxes)
    write_values(window, wrong, "texts", kinds, f"The kinds of error that {run} makes here")
    register_detections(
        window, evaluation, (predictions, truth), to_matches(found, boxes), judged.classes,
        precision=judged.precision, recall=judged.recall, thresholds=judged.thresholds,
    )  # fmt: skip
    dataset = settle(window)
    views = _views(dataset, run, found, boxes)
    shown = Shown(run, (predictions, truth, wrong), (predictions,), views, evaluation, judged.facts)
    remember(dataset, shown)
    set_look(dataset, window.ledger.classes(window.version), window.shape())
    return shown


def to_matches(predictions: pl.DataFrame, boxes: pl.DataFrame) -> list[Match]:
    """Each box of the labels with the one prediction that claims it, and those that remain on either side alone.

    A correct prediction claims its box before one of another class, and the surer before the
    less sure. Badly placed ones, duplicates and those on background claim none.

    Args:
        predictions, boxes: as `Errors` has them, with the ids of their Detections in `id`; the ledger's in `box`.
    """
    ids = {
        (key, box): (own, label)
        for key, box, own, label in boxes.select("key", "box", "id", "label").iter_rows()
        if box
    }
    ordered = predictions.with_columns(first=pl.col("kind") != "correct").sort(
        "first", "score", descending=[False, True], maintain_order=True
    )
    claimed: set[str] = set()
    matches: list[Match] = []
    for row in ordered.iter_rows(named=True):
        own, label = ids.get((row["key"], row["truth"]), ("", ""))
        if row["kind"] not in ("correct", "class") or own in claimed:
            own, label = "", ""
        claimed.add(own)
        matches.append(Match(row["key"], own, label, row["id"], row["label"], row["iou"] if own else 0.0, row["score"]))
    left = boxes.filter(~pl.col("id").is_in(claimed))
    matches += [Match(key, own, label, "", "") for key, own, label in left.select("key", "id", "label").iter_rows()]
    return matches


def save_view(dataset: Any, name: str, view: Any, text: str) -> str:
    """Save a view over one of that name; returns the name."""
    dataset.save_view(name, view, description=text, overwrite=True)
    return name


def _numbered(rows: pl.DataFrame, field: str) -> pl.DataFrame:
    """The rows with the id that each box's Detection gets."""
    seen: dict[str, int] = defaultdict(int)
    ids: list[str] = []
    for key in rows["key"]:
        ids.append(box_id(field, key, seen[key]))
        seen[key] += 1
    return rows.with_columns(pl.Series("id", ids, dtype=pl.String))


def _by_image(keys: Sequence[str], predictions: pl.DataFrame, boxes: pl.DataFrame) -> dict[str, list[str]]:
    """The kinds of error of each image, in TIDE's order; none for an image where all is right."""
    wrong = pl.concat(
        [predictions.select("key", "kind").filter(pl.col("kind") != "correct"),
         boxes.select("key", "kind").filter(pl.col("kind") == "missed")]
    )  # fmt: skip
    found: dict[str, set[str]] = {key: set() for key in keys}
    for key, kind in wrong.iter_rows():
        found.setdefault(key, set()).add(kind)
    return {key: [kind for kind in WRONG if kind in kinds] for key, kinds in found.items()}


def _views(dataset: Any, run: str, predictions: pl.DataFrame, boxes: pl.DataFrame) -> tuple[str, ...]:
    """Save the view of the images with errors, and one of the patches of each kind that there is."""
    found, truth, wrong, _ = fields_of_run(run)
    where = fiftyone().ViewField
    counts = {
        **dict(predictions.group_by("kind").len().iter_rows()),
        "missed": boxes.filter(pl.col("kind") == "missed").height,
    }
    kinds = [kind for kind in WRONG if counts.get(kind)]
    if not kinds:
        return ()
    worst = dataset.match(where(wrong).length() > 0).sort_by(where(wrong).length(), reverse=True)
    names = [save_view(dataset, f"{run}: images with errors", worst, "Those with the most kinds of error first")]
    for kind in kinds:
        field = truth if kind == "missed" else found
        view = dataset.filter_labels(field, where("kind") == kind).to_patches(field)
        name = f"{run}: {'missed' if kind == 'missed' else f'{kind} errors'}"
        names.append(save_view(dataset, name, view, f"{counts[kind]}: {_SAID[kind]}"))
    return tuple(names)
