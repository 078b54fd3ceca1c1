"""The window in the browser: FiftyOne's App on this machine, and what it needs kept alive until Ctrl-C."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from urllib.parse import quote

from ..datasets.errors import LabelloopError
from ..datasets.ledger import Ledger
from ..datasets.window import UncommittedEdits, Window, show_window
from ..datasets.workspace import Workspace
from .app_server import AppServer, start_app
from .mongod import Server, ensure_mongod
from .output import progress_bar, say
from .servers import free_port
from .window_conflicts import show_conflicts
from .window_layout import save_layout
from .windows import fiftyone_session

_LOOK_SECONDS = 1.0
_FEW = 500
"""So many pictures are measured unasked: about ten seconds."""
_MANY = 30_000
"""From so many samples on, the sidebar's counts take seconds."""


def browse(
    workspace: Workspace,
    ledger: Ledger,
    *,
    author: str,
    version: int | None = None,
    where: str = "",
    port: int = 5151,
    discard: bool = False,
    quality: bool | None = None,
    embeddings: bool | None = None,
    until: Callable[[], bool] = lambda: False,
    ready: Callable[[str, int], None] = lambda _address, _version: None,
) -> None:
    """Show a data set in FiftyOne's App on 127.0.0.1 and say where, until Ctrl-C or until `until` says so.

    A MongoDB of the workspace's that dies meanwhile is started again, and so is the App.
    Only what this started is stopped at the end.

    Args:
        author: who commits what is edited in the browser.
        version, where, discard: as `show_window`.
        port: where to begin to look for a free one.
        quality, embeddings: measure the pictures and embed them, to filter by quality and for the
            Embeddings panel; None shows what costs little, False nothing.
        ready: called once with the page's address and the version that it shows.

    Raises:
        LabelloopError: there is no such version, or no MongoDB to be had, or the App does not start.
    """
    with fiftyone_session(workspace, author) as server:
        window = _shown(ledger, version, where, discard)
        _add_pictures(workspace, window, quality, embeddings)
        show_conflicts(workspace, window)
        layout = save_layout(window)
        # In this mode of FiftyOne's the sidebar names no values and counts nothing until they are typed.
        quick = window.collection().estimated_document_count() > _MANY
        os.environ.setdefault("FIFTYONE_APP_DEFAULT_QUERY_PERFORMANCE", str(quick).lower())
        chosen = free_port(port)
        if chosen != port:
            say(f"Port {port} is taken, so the window is on port {chosen}.")
        app = start_app(chosen, workspace.home / "fiftyone" / "app.log")
        try:
            address = f"{app.address}/datasets/{quote(window.name)}?workspace={layout}"
            say(address)
            say(
                f"{ledger.folder.name}, version {window.version}. Edits stay until they are committed, by the panel Labels"
                f" or labelloop commit {ledger.folder.name}. Ctrl-C stops."
            )
            ready(address, window.version)
            _keep_alive(workspace, server, app, until)
        except KeyboardInterrupt:
            say("\nStopped; the window stays as it is.")
        finally:
            app.stop()


def _shown(ledger: Ledger, version: int | None, where: str, discard: bool) -> Window:
    """The window, brought to a version; as it is where edits in it are not committed yet."""
    try:
        return show_window(ledger, version=version, where=where, discard=discard)
    except UncommittedEdits as error:
        say(f"{error}. It is shown as it is, at version {error.window.version}; --discard throws the edits away.")
        return error.window


def _add_pictures(workspace: Workspace, window: Window, quality: bool | None, embeddings: bool | None) -> None:
    """Show what the pictures themselves say: their quality, and how they lie to each other."""
    from ..datasets.window_embeddings import show_embeddings
    from ..datasets.window_quality import show_quality

    left: list[str] = []
    if quality is not False:
        with progress_bar("measuring") as progress:
            unknown = show_quality(window, workspace.quality, up_to=sys.maxsize if quality else _FEW, progress=progress)
        if unknown and not quality:
            left.append("--quality")
    if embeddings is not False:
        with progress_bar("embedding") as progress:
            shown = show_embeddings(window, workspace.embeddings, compute=bool(embeddings), progress=progress)
        if not shown and not embeddings:
            left.append("--embeddings")
    if left:
        say(f"More is shown with {' and '.join(left)}, which looks at every picture once.")


def _keep_alive(workspace: Workspace, server: Server, app: AppServer, until: Callable[[], bool]) -> None:
    """Look after MongoDB and the App, whose process may be another one at the end."""
    while not until():
        time.sleep(_LOOK_SECONDS)
        if server.own and not server.is_alive():
            say("MongoDB has stopped; it is started again.")
            with ensure_mongod(workspace) as again:
                if again.port != server.port:
                    raise LabelloopError("MongoDB's port was taken by another program meanwhile; browse again")
        if not app.is_alive():
            say("FiftyOne's App has stopped; it is started again.")
            app.process = start_app(app.port, app.log).process
