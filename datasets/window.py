"""The window: a FiftyOne dataset that shows one version of a ledger, to browse and edit, and to commit from.

`show_window` opens it, `find_edits` says what was edited in it since, `refresh_window`
brings it to a version that was committed, and `verify_window` looks whether that held.
The environment must name a MongoDB before any of these is called.
"""

from __future__ import annotations

from .ledger import Ledger
from .window_building import build_window
from .window_edits import Remark
from .window_fiftyone import leave
from .window_place import LAYOUT, Window, open_window, remove_window
from .window_reading import Edits, UncommittedEdits, find_edits, verify_window
from .window_writing import Refreshed, refresh_window

__all__ = [
    "Edits",
    "Refreshed",
    "Remark",
    "UncommittedEdits",
    "Window",
    "build_window",
    "find_edits",
    "leave",
    "open_window",
    "refresh_window",
    "remove_window",
    "show_window",
    "verify_window",
]


def show_window(ledger: Ledger, *, version: int | None = None, where: str = "", discard: bool = False) -> Window:
    """The window on a version of the ledger: the one that is there, brought to it, or a new one.

    Args:
        version: None is the last.
        where: only rows for which this SQL expression is true, as `Ledger.frame`.
        discard: edits that are not committed are thrown away.

    Raises:
        UncommittedEdits: the window would have to change and has edits; its `window` can be opened as it is.
        LabelloopError: there is no such version, or FiftyOne's dataset of that name is not ours.
    """
    window = open_window(ledger)
    if window is None or window.where != where or window.layout != LAYOUT:
        return build_window(ledger, version=version, where=where, discard=discard)
    wanted = ledger.version() if version is None else version
    if window.version == wanted and not discard:
        return window
    return refresh_window(window, version=wanted, discard=discard).window
