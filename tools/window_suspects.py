"""Suspects in the window: the boxes that should perhaps be there, or be otherwise, and a view of their images, best first."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import polars as pl

from ..datasets.window import Window, open_window
from ..datasets.window_fiftyone import answered, fiftyone
from ..datasets.window_findings import (
    Shown,
    forget,
    remember,
    remove_fields,
    settle,
    shown_findings,
    write_boxes,
    write_values,
)
from ..datasets.window_look import set_look
from ..datasets.workspace import Workspace

if TYPE_CHECKING:
    from ..datasets.schema import Sample
    from ..training.suspects.suspect import Suspect, SuspectList

NAME = "suspects"
"""Of the finding, of its field with boxes, and of its saved view."""

_REASONS, _RANK, _KINDS = "suspect_reasons", "suspect_rank", "suspect_kinds"
_FIELDS = (NAME, _REASONS, _RANK, _KINDS)
_SCHEMA = pl.Schema(
    {
        "key": pl.String, "label": pl.String, "x1": pl.Float64, "y1": pl.Float64, "x2": pl.Float64, "y2": pl.Float64,
        "kind": pl.String, "probability": pl.Float64, "today": pl.String, "reason": pl.String, "box": pl.String,
    }
)  # fmt: skip
_TEXTS = {
    "": "Labels that are probably wrong: what the model would have there, or the label itself where it is to go",
    "kind": "missing, spurious, class, location or image-label",
    "probability": "How likely today's label is wrong, in [0, 1]",
    "today": "Today's label",
    "reason": "Why it is a suspect",
    "box": "The id of the suspect's box in the ledger",
}


def suspects_in_window(workspace: Workspace, found: SuspectList, author: str) -> str:
    """Show suspects in the window of their data set, where there is one; the sentence that says so, else "".

    Raises:
        LabelloopError: the MongoDB of the workspace does not start.
    """
    from ..datasets.ledger import Ledger
    from .rounds import open_suspects
    from .windows import fiftyone_session

    if find_spec("fiftyone") is None or not workspace.window(found.dataset).is_dir():
        return ""
    ledger = Ledger(workspace.ledger(found.dataset))
    with fiftyone_session(workspace, author):
        window = open_window(ledger)
        if window is None or show_suspects(window, open_suspects(workspace, ledger, found)) is None:
            return ""
    return f"In the window: the saved view {NAME}; reload its page."


def renew_suspects(workspace: Workspace, window: Window) -> None:
    """Where suspects are shown, show those that are left after what rounds have brought back."""
    from ..training.suspects.suspect import read_suspects
    from .rounds import open_suspects

    if NAME in shown_findings(window.dataset()):
        found = read_suspects(workspace, window.ledger.folder.name)
        show_suspects(window, open_suspects(workspace, window.ledger, found) if found else None)


@answered()
def show_suspects(window: Window, found: SuspectList | None) -> Shown | None:
    """Show suspects in the place of those that were shown; None where there are none, and nothing is shown then."""
    dataset = window.dataset()
    forget(dataset, NAME)
    remove_fields(dataset, _FIELDS)
    classes, shape = window.ledger.classes(window.version), window.shape()
    images = found.images() if found else []
    known = {each.key: each for each in window.ledger.samples(window.version, keys=[each.key for each in images])}
    images = [each for each in images if each.key in known]
    if not images:
        set_look(settle(window), classes, shape)
        return None
    boxes = [row for image in images for each in image.suspects if (row := _row(each, known[each.key]))]
    keys = [each.key for each in images]
    write_boxes(window, NAME, keys, pl.DataFrame(boxes, schema=_SCHEMA, orient="row"), _TEXTS)
    reasons = {each.key: [one.reason for one in each.suspects] for each in images}
    kinds = {each.key: sorted({one.kind for one in each.suspects}) for each in images}
    ranks = {key: at for at, key in enumerate(keys, start=1)}
    write_values(window, _REASONS, "texts", reasons, "Why labels of the image are suspects")
    write_values(window, _KINDS, "texts", kinds, "The kinds of suspects that the image has")
    write_values(window, _RANK, "whole", ranks, "1 for the image that is to be looked at first")
    dataset = settle(window)
    where = fiftyone().ViewField
    view = dataset.match(where(_RANK) > 0).sort_by(_RANK)
    count = sum(map(len, reasons.values()))
    said = f"{count} labels on {len(keys)} images, those first whose mending is worth most per minute"
    dataset.save_view(NAME, view, description=said, overwrite=True)
    shown = Shown(NAME, _FIELDS, (NAME,), (NAME,))
    remember(dataset, shown)
    set_look(dataset, classes, shape)
    return shown


def _row(suspect: Suspect, sample: Sample) -> tuple[object, ...] | None:
    """The suspect as a box to draw: what is proposed, else the box that is to go; None where there is neither."""
    labelled = next((box for box in sample.boxes if box.id and box.id == suspect.box), None)
    box = suspect.proposed or labelled
    if box is None:
        return None
    return (
        suspect.key, suspect.proposed_label or box.label, *box.corners, suspect.kind, suspect.probability,
        suspect.label, suspect.reason, suspect.box,
    )  # fmt: skip
