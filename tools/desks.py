"""The desk of a data set, open: its Label Studio, a client for it, and the way by which images are shown there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..datasets.errors import LabelloopError
from ..datasets.workspace import Workspace
from .label_studio import LabelStudio, ensure_label_studio, label_studio_folder
from .label_studio_process import is_running, read_record
from .output import progress_bar, say

if TYPE_CHECKING:
    from pathlib import Path

    from ..datasets.schema import Sample
    from ..label_config.client import Client
    from ..label_config.media import Images


@dataclass(frozen=True, slots=True)
class Desk:
    """A Label Studio that answers, and what a push or a pull needs of it.

    `folder` is where the workspace keeps what it knows of the data set's project there.
    """

    server: LabelStudio
    client: Client
    folder: Path
    images: Images


@contextmanager
def open_desk(workspace: Workspace, name: str, image_address: str = "") -> Generator[Desk]:
    """The desk of a data set: the workspace's own Label Studio, started for as long as it is needed, or the team's.

    Args:
        image_address: for a team's server: the address under which it shows an image, with
            `{key}` in it.

    Raises:
        LabelloopError: there is no Label Studio, it does not start, or does not know the token.
    """
    from ..label_config.client import Client
    from ..label_config.desk import desk_folder
    from ..label_config.media import AddressedImages, LinkedImages

    with start_label_studio(workspace) as server, Client(server.url, server.token) as client:
        images: Images = LinkedImages(server.media, name)
        if image_address:
            images = AddressedImages(image_address)
        elif not server.own:
            images = _Unreachable(server.url)
        yield Desk(server, client, desk_folder(workspace, name), images)


def watch_desk(workspace: Workspace, name: str, look: Callable[[Desk], None], every: float) -> None:
    """Look at a desk again and again until Ctrl-C, also where its Label Studio is stopped and started meanwhile.

    Args:
        every: seconds between two looks.

    Raises:
        LabelloopError: there is no Label Studio at first, or a look fails for another reason
            than that it is away or that somebody else pushes or pulls.
    """
    from ..label_config.client import DeskAway
    from ..label_config.desk import DeskBusy

    opened = False
    told = ""
    try:
        while True:
            try:
                with open_desk(workspace, name) as desk:
                    opened = True
                    while True:
                        with suppress(DeskBusy):  # there is a next time
                            look(desk)
                        told = ""
                        time.sleep(every)
                        if not desk.server.is_alive():
                            raise DeskAway(f"Label Studio at {desk.server.url} has stopped")
            except DeskAway as error:
                if not opened:
                    raise
                if str(error) != told:
                    say(f"{error}. Waiting until it is there again, until Ctrl-C.")
                told = str(error)
                time.sleep(1)
    except KeyboardInterrupt:
        if not opened:
            raise


def is_first_start(workspace: Workspace) -> bool:
    """Whether the workspace's own Label Studio has never been started and must prepare its database."""
    return not os.environ.get("LABEL_STUDIO_URL") and not (label_studio_folder(workspace) / "ready").exists()


def address_now(workspace: Workspace) -> str:
    """Where the Label Studio for a workspace is now: the team's address, that of its own while it runs, else ""."""
    url = os.environ.get("LABEL_STUDIO_URL", "")
    if url:
        return url.rstrip("/")
    record = read_record(label_studio_folder(workspace))
    return f"http://127.0.0.1:{record.port}" if record is not None and is_running(record) else ""


def start_label_studio(workspace: Workspace, port: int = 0) -> LabelStudio:
    """As `ensure_label_studio`, with its progress and its warnings on the terminal."""
    if is_first_start(workspace):
        say("Label Studio is set up for the first time, which takes a minute or two.")
    with progress_bar("preparing Label Studio") as progress:
        server = ensure_label_studio(workspace, port=port, progress=progress)
    for warning in server.warnings:
        say(warning)
    return server


@dataclass(frozen=True, slots=True)
class _Unreachable:
    """Images of this machine at a server elsewhere that was not told how to reach them."""

    url_of_server: str

    def url(self, sample: Sample) -> str:
        """Never asked for: `prepare` refuses."""
        raise LabelloopError(
            f"{self.url_of_server} cannot read {sample.path}: --image-address says where it finds images"
        )

    def prepare(self, client: Client, project: int, samples: object) -> None:
        """Refuse.

        Raises:
            LabelloopError: always.
        """
        raise LabelloopError(
            f"{self.url_of_server} runs elsewhere and cannot read images of this machine: --image-address says where it"
            " finds them, such as https://host/photos/{key}, s3://bucket/{key} or /data/local-files/?d=photos/{key}"
        )

    def forget_all_but(self, keys: object) -> None:
        """Nothing: none of them is shown."""
