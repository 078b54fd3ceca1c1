"""A run inspected, whatever its kind, and shown in the window of its data set."""

from __future__ import annotations

from collections.abc import Mapping

from ..datasets.errors import LabelloopError
from ..datasets.reading import Progress
from ..datasets.workspace import Workspace
from ..training.inspection.classifier_inspecting import ClassifierInspection, inspect_classifier
from ..training.inspection.classifier_page import heat_of
from ..training.inspection.grad_cam import Heat
from ..training.inspection.inspecting import Inspection, inspect_run
from ..training.runs import Run


def inspect_any(
    workspace: Workspace, run: Run, split: str = "", progress: Progress | None = None
) -> Inspection | ClassifierInspection:
    """The inspection of a detector's or a classifier's run; arguments and errors as theirs."""
    if run.plan.kind == "classifier":
        return inspect_classifier(run, split, memory=workspace.quality, progress=progress)
    return inspect_run(run, split, memory=workspace.quality, progress=progress)


def where_it_looked(run: Run, inspection: Inspection | ClassifierInspection) -> tuple[dict[str, Heat], str]:
    """The heat maps of a classifier's worst and best pictures, by key, and why there are none; both empty for a detector."""
    if isinstance(inspection, Inspection):
        return {}, ""
    try:
        return heat_of(inspection, run), ""
    except LabelloopError as error:
        return {}, f"There are no heat maps: {error}"


def show_in_window(
    workspace: Workspace,
    run: Run,
    inspection: Inspection | ClassifierInspection,
    author: str,
    heat: Mapping[str, Heat],
) -> str:
    """The sentence that says what the window shows now; "" where the data set has none.

    Args:
        heat: where a classifier looked, by key.
    """
    from .window_runs import run_in_window

    if isinstance(inspection, Inspection):
        return run_in_window(workspace, run, inspection.split, author, found=(inspection.errors, inspection.gains))
    return run_in_window(workspace, run, inspection.split, author, heat_maps=heat or None)
