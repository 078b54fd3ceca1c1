"""A classifier's run in the window: what it says of each image or box, what of it is wrong, and where it looked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from ..datasets.window import Window
from ..datasets.window_documents import sample_id
from ..datasets.window_evaluations import register_classes
from ..datasets.window_fiftyone import answered, fiftyone
from ..datasets.window_findings import (
    Shown,
    forget,
    remember,
    remove_fields,
    set_values,
    settle,
    write_classes,
)
from ..datasets.window_look import set_look
from .window_boxes import Judged, fields_of_run, save_view, show_boxes

if TYPE_CHECKING:
    from ..datasets.schema import Json
    from ..training.runs import Run

_HEAT_SIDE = 64
"""Pixels of a heat map's longer side: a model's own are 7 and would be drawn as squares."""
_COLD = 0.15
"""So little heat is not drawn."""


@answered()
def show_classifier(
    window: Window, run: Run, split: str, predictions: pl.DataFrame, heat_maps: Mapping[str, Any] | None = None
) -> Shown:
    """Show what a classifier says of a split, in the place of what was shown of it before.

    Args:
        predictions: rows of `LABELS`.
        heat_maps: by key, arrays of shape (rows, columns) in [0, 1], as `heat_maps` gives them. Those of boxes are left out.
    """
    if run.plan.settings.get("from") == "boxes":
        return show_boxes(window, _on_boxes(run, split, predictions))
    field, _, _, evaluation = fields_of_run(run.id)
    maps = f"{field}_looked"
    dataset = window.dataset()
    forget(dataset, run.id)
    remove_fields(dataset, (field, maps, evaluation))
    labels = {each.key: each.label for each in run.samples() if each.split == split and each.label is not None}
    rows = predictions.filter(pl.col("key").is_in(labels)).select("key", "label", "score")
    said = {key: (label, score) for key, label, score in rows.iter_rows()}
    write_classes(window, field, said, labels, f"What {run.id} says of the images of {split}")
    judged = {key: (labels[key], *each) for key, each in said.items()}
    register_classes(window, evaluation, (field, "label"), judged, run.plan.classes)
    if heat_maps:
        _write_heat_maps(window, maps, heat_maps, run)
    dataset = settle(window)
    wrong = sum(labels[key] != label for key, (label, _) in said.items())
    views: list[str] = []
    if wrong:
        where = fiftyone().ViewField
        view = dataset.match(where(f"{field}.kind") == "class").sort_by(f"{field}.confidence", reverse=True)
        views.append(save_view(dataset, f"{run.id}: class errors", view, f"{wrong} images, the surest first"))
    fields = (field, maps) if heat_maps else (field,)
    facts: dict[str, Json] = {"split": split, "kind": "classifier", "classes": list(run.plan.classes)}
    shown = Shown(run.id, fields, (field,), tuple(views), evaluation, facts)
    remember(dataset, shown)
    set_look(dataset, window.ledger.classes(window.version), window.shape())
    return shown


def _on_boxes(run: Run, split: str, predictions: pl.DataFrame) -> Judged:
    """What a classifier of boxes says of each, in the box's own place."""
    from ..training.crops import find_examples

    examples = find_examples(run.samples(), "boxes", run.plan.classes).found
    known = {each.sample.key: each for each in examples if each.sample.split == split}
    rows: list[tuple[object, ...]] = []
    boxes: list[tuple[object, ...]] = []
    for key, label, score in predictions.select("key", "label", "score").iter_rows():
        example = known.get(key)
        if example is None or example.corners is None:
            continue
        truth, box = example.sample.label or "", key.rpartition("#")[2]
        kind = "correct" if label == truth else "class"
        rows.append((example.image, label, *map(float, example.corners), score, kind, 1.0, box, truth))
        boxes.append((example.image, box, truth, *map(float, example.corners), kind, score, 1.0))
    corners = dict.fromkeys(("x1", "y1", "x2", "y2"), pl.Float64)
    found = pl.DataFrame(
        rows, orient="row",
        schema={"key": pl.String, "label": pl.String, **corners, "score": pl.Float64, "kind": pl.String,
                "iou": pl.Float64, "truth": pl.String, "truth_label": pl.String},
    )  # fmt: skip
    truth = pl.DataFrame(
        boxes, orient="row",
        schema={"key": pl.String, "id": pl.String, "label": pl.String, **corners, "kind": pl.String,
                "score": pl.Float64, "iou": pl.Float64},
    )  # fmt: skip
    # Boxes are judged as a detector's are, each found in its own place.
    facts: dict[str, Json] = {"split": split, "kind": "detector", "classes": list(run.plan.classes)}
    keys = list(dict.fromkeys(found["key"]))
    return Judged(run.id, split, run.plan.version, run.plan.classes, keys, found, truth, facts)


def _write_heat_maps(window: Window, field: str, maps: Mapping[str, Any], run: Run) -> None:
    from ..training.inspection.grad_cam import on_whole_image

    fo = fiftyone()
    window.dataset().add_sample_field(
        field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Heatmap, description=f"Where {run.id} looked (Grad-CAM)"
    )
    sizes = {each.key: each.size for each in run.samples()}

    def drawn(key: str, heat: Any) -> dict[str, Any]:
        whole = on_whole_image(heat, None, sizes[key], _HEAT_SIDE)
        whole[whole < _COLD] = (
            0  # FiftyOne draws whatever is not 0, and the picture would lie under the colour of nothing
        )
        return fo.Heatmap(map=whole, range=[0, 1]).to_mongo().to_dict()

    made = {key: drawn(key, heat) for key, heat in maps.items() if key in sizes}
    set_values(window, {sample_id(key): {field: document} for key, document in made.items()})
