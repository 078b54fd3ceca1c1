"""A run in the window: what it gets wrong, shown, shown anew and taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import polars as pl

from ..datasets.window import Window, open_window
from ..datasets.window_fiftyone import answered
from ..datasets.window_findings import Shown, forget, settle, shown_findings
from ..datasets.window_look import set_look
from ..datasets.workspace import Workspace
from .window_boxes import Judged, show_boxes
from .window_classifiers import show_classifier

if TYPE_CHECKING:
    from ..datasets.schema import Json, Sample
    from ..training.inspection.errors import Errors, Gains
    from ..training.runs import Run


def run_in_window(
    workspace: Workspace,
    run: Run,
    split: str,
    author: str,
    *,
    found: tuple[Errors, Gains] | None = None,
    heat_maps: Mapping[str, Any] | None = None,
) -> str:
    """Show what a run gets wrong in the window of its data set, where there is one; the sentence that says so, else "".

    Args:
        found: a detector's errors on that split and what mending them would gain.
        heat_maps: a classifier's, as `show_classifier`.

    Raises:
        LabelloopError: the MongoDB of the workspace does not start.
    """
    from ..datasets.ledger import Ledger
    from .windows import fiftyone_session

    ledger = workspace.ledger(run.plan.dataset)
    if find_spec("fiftyone") is None or not workspace.window(run.plan.dataset).is_dir() or not ledger.is_dir():
        return ""
    with fiftyone_session(workspace, author):
        window = open_window(Ledger(ledger))
        if window is None:
            return ""
        if found is not None:
            shown = show_run(window, run, split, *found)
        else:
            from ..training.predictions import read_predictions

            rows = read_predictions(run.folder / "predictions", split)
            shown = show_classifier(window, run, split, rows, heat_maps)
    return f"In the window: {len(shown.views)} saved views that begin with {run.id}; reload its page."


def show_inspected(window: Window, run: Run, split: str, *, looked: int = 0) -> Shown:
    """Judge a run on a split by the labels that it was made from, and show what it gets wrong.

    Args:
        looked: for so many images at most, those that are wrong first, show where a classifier of images looked.

    Raises:
        LabelloopError: it predicted nothing for that split.
    """
    from ..training.predictions import read_predictions

    rows = read_predictions(run.folder / "predictions", split)
    if run.plan.kind != "detector":
        return show_classifier(window, run, split, rows, _heat_maps(run, split, rows, looked))
    from ..training.detecting import own_confidence
    from ..training.inspection.errors import find_errors, find_gains

    truth = _judged(run, split)
    errors = find_errors(truth, rows, run.plan.classes, confidence=own_confidence(run))
    return show_run(window, run, split, errors, find_gains(truth, rows, run.plan.classes))


@answered()
def show_run(window: Window, run: Run, split: str, errors: Errors, gains: Gains) -> Shown:
    """Show what a detector's run gets wrong on a split, in the place of what was shown of it before; as `show_boxes`.

    Args:
        errors, gains: on that split, as `find_errors` and `find_gains` give them.
    """
    judged = _judged(run, split)
    precision, recall, thresholds = _curves(run, split, judged)
    facts: dict[str, Json] = {
        "split": split, "kind": "detector", "classes": list(run.plan.classes), "worth": dict(gains.worth), "ap50": gains.ap50,
    }  # fmt: skip
    return show_boxes(
        window,
        Judged(
            run.id, split, run.plan.version, run.plan.classes, [each.key for each in judged], errors.predictions,
            errors.boxes, facts, precision, recall, thresholds,
        ),
    )  # fmt: skip


@answered()
def hide_run(window: Window, run: str) -> bool:
    """Take away what shows a run, by its id; whether there was something."""
    dataset = window.dataset()
    gone = forget(dataset, run)
    if gone:
        set_look(settle(window), window.ledger.classes(window.version), window.shape())
    return gone


def hide_gone_runs(workspace: Workspace, window: Window) -> list[str]:
    """Take away what shows runs that are there no more; their ids."""
    from ..training.runs import list_runs
    from .window_suspects import NAME

    there = {run.id for run in list_runs(workspace, window.ledger.folder.name)}
    gone = [name for name in shown_findings(window.dataset()) if name not in there and name != NAME]
    return [name for name in gone if hide_run(window, name)]


def _judged(run: Run, split: str) -> list[Sample]:
    from ..training.detection_problem import is_judged

    return [each for each in run.samples() if each.split == split and is_judged(each)]


def _curves(run: Run, split: str, judged: Sequence[Sample]) -> tuple[Any, Any, Sequence[float]]:
    """COCO's precision (T, K, 101) and recall (T, K) over all predictions of a split, and the T thresholds of IoU."""
    import numpy as np

    from ..training.detection_problem import EVERYTHING, judge, to_problem
    from ..training.predictions import read_predictions

    rows = read_predictions(run.folder / "predictions", split)
    evaluator = judge(to_problem(judged, rows, run.plan.classes), (("all", 0.0, EVERYTHING),))
    precision = np.asarray(evaluator.eval["precision"])[..., 0, -1]
    recall = np.asarray(evaluator.eval["recall"])[..., 0, -1]
    return precision.transpose(0, 2, 1), recall, [float(each) for each in evaluator.params.iou_thrs]


def _heat_maps(run: Run, split: str, rows: pl.DataFrame, most: int) -> dict[str, Any]:
    """Where a classifier of images looked, for the wrong ones and the least sure, at most so many; none for one of boxes."""
    from ..training.classifying import examples_of
    from ..training.inspection.grad_cam import heat_maps

    if most <= 0 or run.plan.settings.get("from") == "boxes":
        return {}
    said = {key: (label, score) for key, label, score in rows.select("key", "label", "score").iter_rows()}
    known = [each for each in examples_of(run, split) if each.sample.key in said]
    known.sort(key=lambda each: (said[each.sample.key][0] == each.sample.label, said[each.sample.key][1]))
    return dict(heat_maps(run, known[:most]))
