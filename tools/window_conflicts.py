"""Conflicts with the desk, in the window: a saved view of the images that have some."""

from __future__ import annotations

from ..datasets.window import Window
from ..datasets.window_fiftyone import fiftyone
from ..datasets.workspace import Workspace
from ..label_config.conflicts import DeskConflict
from ..label_config.desk import desk_folder
from ..label_config.pull import open_conflicts

VIEW = "in conflict"


def show_conflicts(workspace: Workspace, window: Window) -> list[DeskConflict]:
    """The open conflicts; the window's saved view of their images is made, brought up to date, or taken away."""
    ledger = window.ledger
    found = open_conflicts(ledger, desk_folder(workspace, ledger.folder.name))
    keys = sorted({each.key for each in found})
    dataset = window.dataset()
    if not keys:
        if dataset.has_saved_view(VIEW):
            dataset.delete_saved_view(VIEW)
        return found
    view = dataset.match(fiftyone().ViewField("key").is_in(keys))
    dataset.save_view(
        VIEW, view, description="The desk said one thing, the ledger or somebody else another", overwrite=True
    )
    return found
