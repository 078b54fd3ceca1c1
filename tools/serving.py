"""Both browser pages at once: Label Studio to correct, FiftyOne to look."""

from __future__ import annotations

from collections.abc import Callable

from ..datasets.ledger import Ledger
from ..datasets.workspace import Workspace
from .browsing import browse
from .desks import start_label_studio
from .label_studio import LabelStudio, ensure_label_studio
from .output import say

_EVERY = 5


def serve(
    workspace: Workspace, ledger: Ledger, *, author: str, port: int = 5151, desk_port: int = 0,
    ready: Callable[[dict[str, object]], None] = lambda _said: None,
) -> None:  # fmt: skip
    """Run Label Studio and the window until Ctrl-C; what nobody else uses is stopped at the end.

    One that dies meanwhile is started again.

    Args:
        author: who commits what is edited in the window.
        port: where the window begins to look for a free one.
        desk_port: where Label Studio is to listen; 0 takes its last port, or a free one.
        ready: called once with where both pages are, as JSON.

    Raises:
        LabelloopError: one of the two does not start; the text says why.
    """
    desk = start_label_studio(workspace, desk_port)
    servers = [desk]
    looks = 0

    def look_after() -> bool:
        nonlocal looks
        looks += 1
        if looks % _EVERY == 0 and desk.own and not desk.is_alive():
            say("Label Studio has stopped; it is started again.")
            servers.append(ensure_label_studio(workspace, port=int(desk.url.rpartition(":")[2])))
        return False

    try:
        _tell(desk, ledger.folder.name)
        at_desk = (
            {"address": desk.url, "user": desk.user, "password_file": str(desk.password)}
            if desk.own
            else {"address": desk.url}
        )
        browse(
            workspace, ledger, author=author, port=port, until=look_after,
            ready=lambda address, version: ready(
                {"name": ledger.folder.name, "version": version, "window": address, "desk": at_desk}
            ),
        )  # fmt: skip
    finally:
        for server in servers:
            server.close()


def _tell(desk: LabelStudio, name: str) -> None:
    say(desk.url)
    if desk.own:
        say(f"Label Studio. Log in as {desk.user} with the password in {desk.password}.")
        if not desk.started:
            say("It ran already, and is stopped when nobody uses it any more.")
    say(f"labelloop push {name} sends images there, labelloop pull {name} takes the answers home.\n")
