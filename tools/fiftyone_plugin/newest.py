"""The window brought to the ledger's last version after an action that committed something."""

from __future__ import annotations

from .forms import Place

_SHOWN = 30


def show_newest(place: Place) -> str:
    """Bring the window to the ledger's last version; a sentence where it, or a part of it, stays as it is."""
    from ...datasets.window import UncommittedEdits, refresh_window
    from ..window_suspects import renew_suspects

    try:
        done = refresh_window(place.window)
    except UncommittedEdits:
        return "The window stays as it is: what was edited here is not committed yet."
    renew_suspects(place.workspace, done.window)
    left = done.left
    return f"Left as they are, since somebody edits them: {', '.join(left[:_SHOWN])}." if left else ""
