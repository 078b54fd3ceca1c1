"""The window of a data set: a FiftyOne dataset that shows one version of its ledger, and what it remembers of itself."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, cast

from deltalake import DeltaTable

from .errors import LabelloopError
from .ledger import Ledger
from .window_documents import GROUND_TRUTH, LABEL, Shape
from .window_fiftyone import answered, database, fiftyone
from .workspace import Workspace

LAYOUT = 1
"""Counts up when documents are made differently, so that a window of an older labelloop is built again."""

_NOTE = "labelloop"
_PARTIAL = " being built"


@dataclass(frozen=True, slots=True)
class Window:
    """A complete window: the ledger, the version of it that is shown, and of which rows (a SQL condition, "" for all).

    `name` is that of the FiftyOne dataset, `layout` how its documents were made.
    """

    ledger: Ledger
    name: str
    version: int
    where: str = ""
    layout: int = LAYOUT

    def dataset(self) -> Any:
        """The FiftyOne dataset."""
        return fiftyone().load_dataset(self.name)

    def collection(self) -> Any:
        """The `pymongo` collection in which its samples lie."""
        found = database().datasets.find_one({"name": self.name}, {"sample_collection_name": True})
        if found is None:
            raise LabelloopError(f"the window of {self.ledger.folder.name} is gone; labelloop browse builds it again")
        return database()[found["sample_collection_name"]]

    def shape(self) -> Shape:
        """Which fields for labels it has."""
        found: Any = database().datasets.find_one({"name": self.name}, {"sample_fields.name": True})
        names = {str(each["name"]) for each in found["sample_fields"]} if found else set[str]()
        return Shape(GROUND_TRUTH in names, LABEL in names)


@answered()
def open_window(ledger: Ledger) -> Window | None:
    """The window of a ledger's data set; None where there is none, or none that was built to its end.

    Raises:
        LabelloopError: FiftyOne has a dataset of that name which is not this ledger's window.
    """
    name = dataset_name(ledger)
    note = _note_of(name)
    if note is None:
        return None
    if note.get("ledger") != identity(ledger):
        raise LabelloopError(
            f"FiftyOne has a dataset {name} that is not the window of {ledger.folder}, so it is left alone;"
            " rename it, or set FIFTYONE_DATABASE_NAME to another database"
        )
    return Window(ledger, name, int(note["version"]), str(note["where"]), int(note["layout"]))


@answered()
def remove_window(ledger: Ledger) -> None:
    """Remove the window of a ledger's data set, edits that are not committed with it; the ledger stays as it is.

    Raises:
        LabelloopError: the dataset of that name is not this ledger's window.
    """
    with locked(ledger):
        open_window(ledger)
        for name in (dataset_name(ledger), partial_name(ledger)):
            delete_dataset(name)


def write_note(dataset: Any, ledger: Ledger, version: int, where: str) -> None:
    """Remember in the dataset what it shows; a window without this note is not complete."""
    note = {"ledger": identity(ledger), "version": version, "where": where, "layout": LAYOUT}
    dataset.info = {**dict(dataset.info or {}), _NOTE: note}
    dataset.save()


def dataset_name(ledger: Ledger) -> str:
    """The name of the FiftyOne dataset for a ledger: the data set's own, made plain where FiftyOne could mix it up.

    FiftyOne knows datasets by their names in lower case with only letters, digits and `-`.
    """
    name = ledger.folder.name
    plain = "".join(character if character.isascii() and character.isalnum() else "-" for character in name.lower())
    if name == plain.strip("-") and "--" not in name:
        return name
    return f"{name} {blake2b(name.encode(), digest_size=3).hexdigest()}"


def partial_name(ledger: Ledger) -> str:
    """The name under which a window lies until it is complete."""
    return dataset_name(ledger) + _PARTIAL


def delete_dataset(name: str) -> None:
    """Delete a FiftyOne dataset, where there is one of that name."""
    fo = fiftyone()
    if fo.dataset_exists(name):
        fo.delete_dataset(name)


def identity(ledger: Ledger) -> str:
    """The id that the ledger's table got when it was made."""
    return str(DeltaTable(ledger.folder).metadata().id)


@contextmanager
def locked(ledger: Ledger) -> Generator[None]:
    """Nobody else builds or refreshes this window at the same time.

    Raises:
        LabelloopError: somebody does.
    """
    folder = Workspace(ledger.folder.parent.parent).window(ledger.folder.name)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabelloopError(
                f"the window of {ledger.folder.name} is being built or refreshed by another labelloop; try again soon"
            ) from None
        yield
    finally:
        os.close(handle)


def _note_of(name: str) -> dict[str, Any] | None:
    """What the dataset of a name remembers of itself, empty for a stranger's; None where there is no such dataset."""
    found: Any = database().datasets.find_one({"name": name}, {"info": True})
    if found is None:
        return None
    info = cast("dict[str, Any]", found.get("info") or {})
    return info.get(_NOTE) or {}
