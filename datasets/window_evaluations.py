"""FiftyOne's Model Evaluation panel, filled with what labelloop measured.

FiftyOne could evaluate by itself, in a minute for 5,000 images and 5e-6 beside COCO's
figure. Here its results are made of ours, so the panel's mAP is COCO's to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bson import ObjectId

from .window_documents import sample_id
from .window_fiftyone import fiftyone
from .window_findings import detections_in, set_values
from .window_place import Window


@dataclass(frozen=True, slots=True)
class Match:
    """A box of the labels and the prediction that claims it; of either there may be none (its id is "").

    `key` is the image's; the ids are those of the Detections in the window.
    """

    key: str
    truth: str
    truth_label: str
    prediction: str
    predicted_label: str
    iou: float = 0.0
    score: float | None = None


def register_detections(
    window: Window,
    eval_key: str,
    fields: tuple[str, str],
    matches: Sequence[Match],
    classes: Sequence[str],
    *,
    precision: Any = None,
    recall: Any = None,
    thresholds: Sequence[float] = (0.5,),
) -> None:
    """Register matches between the boxes of two fields as an evaluation of the images that have the first.

    Args:
        fields: that of the predictions and that of the labels, written by `write_boxes`.
        precision: array of shape (T, K, 101), -1 for classes without a box, for IoU thresholds, classes and
            recalls 0, 0.01, ... 1; the panel's mAP is its mean. None where there is none.
        recall: array of shape (T, K).
        thresholds: the T IoU thresholds.
    """
    import numpy as np

    fiftyone()
    from fiftyone.utils.eval import coco, detection  # pyright: ignore[reportMissingTypeStubs]

    coco_, detection_ = cast("Any", coco), cast("Any", detection)
    dataset = window.dataset()
    predicted, truth = fields
    config = coco_.COCOEvaluationConfig(predicted, truth, iou=0.5, classwise=False, compute_mAP=precision is not None)
    method = config.build()
    if eval_key in dataset.list_evaluations():
        dataset.delete_evaluation(eval_key)
    view = dataset.exists(predicted)
    method.register_run(view, eval_key)
    method.register_samples(dataset, eval_key)
    _mark(window, eval_key, fields, matches)
    rows = [
        (
            each.truth_label if each.truth else None, each.predicted_label if each.prediction else None,
            each.iou if each.truth and each.prediction else None, each.score, each.truth or None, each.prediction or None,
        )
        for each in matches
    ]  # fmt: skip
    if precision is None:
        results = detection_.DetectionResults(view, config, eval_key, rows, classes=list(classes), backend=method)
    else:
        results = coco_.COCODetectionResults(
            view, config, eval_key, rows, precision, np.linspace(0, 1, 101), np.array(thresholds), list(classes),
            recall_sweep=recall, backend=method,
        )  # fmt: skip
    method.save_run_results(view, eval_key, results, cache=False)


def register_classes(
    window: Window,
    eval_key: str,
    fields: tuple[str, str],
    said: Mapping[str, tuple[str, str, float]],
    classes: Sequence[str],
) -> None:
    """Register what a classifier says of images as an evaluation.

    Args:
        fields: that of the predictions and that of the labels.
        said: by key, the label, the class that was predicted, and its score.
    """
    fiftyone()
    from fiftyone.utils.eval import classification  # pyright: ignore[reportMissingTypeStubs]

    module = cast("Any", classification)
    dataset = window.dataset()
    config = module.SimpleEvaluationConfig(*fields)
    method = config.build()
    if eval_key in dataset.list_evaluations():
        dataset.delete_evaluation(eval_key)
    view = dataset.exists(fields[0])
    method.register_run(view, eval_key)
    method.register_samples(dataset, eval_key)
    set_values(window, {sample_id(key): {eval_key: row[0] == row[1]} for key, row in said.items()})
    results = module.ClassificationResults(
        view, config, eval_key, [row[0] for row in said.values()], [row[1] for row in said.values()],
        confs=[row[2] for row in said.values()], classes=list(classes), backend=method,
    )  # fmt: skip
    method.save_run_results(view, eval_key, results, cache=False)


def _mark(window: Window, eval_key: str, fields: tuple[str, str], matches: Sequence[Match]) -> None:
    """Write what became of each box, where FiftyOne's panel looks for it: `tp`, `fp` or `fn`, its partner and their IoU."""
    predicted, truth = fields
    marks: tuple[dict[ObjectId, dict[str, Any]], ...] = ({}, {})
    counts: dict[ObjectId, dict[str, int]] = {}
    for each in matches:
        right = bool(each.truth and each.prediction) and each.truth_label == each.predicted_label
        together = {f"{eval_key}_iou": each.iou} if each.truth and each.prediction else {}
        count = counts.setdefault(sample_id(each.key), {"tp": 0, "fp": 0, "fn": 0})
        if each.prediction:
            partner = {f"{eval_key}_id": each.truth, **together}
            marks[0][ObjectId(each.prediction)] = {eval_key: "tp" if right else "fp", **partner}
            count["tp" if right else "fp"] += 1
        if each.truth:
            partner = {f"{eval_key}_id": each.prediction, **together}
            marks[1][ObjectId(each.truth)] = {eval_key: "tp" if right else "fn", **partner}
            count["fn"] += not right
    values: dict[ObjectId, dict[str, Any]] = {}
    found = window.collection().find({predicted: {"$exists": True}}, {predicted: True, truth: True})
    for document in found:
        changed: dict[str, Any] = {}
        for field, marked in zip(fields, marks, strict=True):
            boxes = detections_in(document, field)
            changed[f"{field}.detections"] = [{**each, **marked.get(each["_id"], {})} for each in boxes]
        count = counts.get(document["_id"], {"tp": 0, "fp": 0, "fn": 0})
        values[document["_id"]] = {**changed, **{f"{eval_key}_{name}": number for name, number in count.items()}}
    set_values(window, values)
