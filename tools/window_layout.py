"""How a window's page is laid out when it opens: the grid, and labelloop's panels beside it."""

from __future__ import annotations

from typing import Any

from ..datasets.window import Window
from ..datasets.window_embeddings import BRAIN_KEY
from ..datasets.window_fiftyone import fiftyone
from .fiftyone_plugin.names import PANELS

_GRID_SHARE = {False: 0.5, True: 0.43}
"""Without and with embeddings: no panel's tab must lie under the menu at the right, on a screen 1440 pixels wide."""
_NAMES = {False: "labels", True: "labels-and-embeddings"}
"""FiftyOne calls a saved layout a workspace; the page's address names one."""
_NOTE = "labelloop panels"


def save_layout(window: Window) -> str:
    """The name of the layout to open a window with, saved in its dataset where it is not yet; one that a user changed stays."""
    dataset = window.dataset()
    embeddings = BRAIN_KEY in dataset.list_brain_runs()
    name = _NAMES[embeddings]
    noted = dict(dataset.info or {})
    known = dict(noted.get(_NOTE) or {})
    # A window that an older labelloop laid out gets its new panels once; what was moved before is laid out anew then.
    if name not in dataset.list_workspaces() or known.get(name) != list(PANELS):
        dataset.save_workspace(
            name,
            _spaces(embeddings=embeddings),
            description="The images, and what is known of their labels",
            overwrite=True,
        )
        dataset.info = {**noted, _NOTE: {**known, name: list(PANELS)}}
        dataset.save()
    return name


def _spaces(*, embeddings: bool) -> Any:
    fo = fiftyone()
    beside = [fo.Panel(type=panel) for panel in PANELS]
    if embeddings:
        beside.append(fo.Panel(type="Embeddings"))
    grid = fo.Panel(type="Samples", pinned=True)
    # Without an active child, a saved space opens empty.
    return fo.Space(
        children=[
            fo.Space(children=[grid], active_child=grid.component_id),
            fo.Space(children=beside, active_child=beside[0].component_id),
        ],
        orientation="horizontal",
        sizes=[_GRID_SHARE[embeddings], 1 - _GRID_SHARE[embeddings]],
    )
