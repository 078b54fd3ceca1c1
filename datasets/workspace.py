"""The workspace: the one folder in which everything that labelloop keeps for itself lies."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import LabelloopError

DEFAULT_HOME = ".labelloop"
_NAME = re.compile(r"[^\W_][\w.-]{0,63}", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with ledgers, extracted images, caches and the servers' data; deleting it deletes all of that."""

    home: Path

    def ledger(self, name: str) -> Path:
        """The folder of a data set's ledger, a Delta Lake table.

        Raises:
            LabelloopError: the name cannot be one.
        """
        return self.home / "ledgers" / checked_name(name)

    def media(self, name: str) -> Path:
        """Where images lie that a label file carried inside it."""
        return self.home / "media" / checked_name(name)

    def window(self, name: str) -> Path:
        """Where the state of a data set's window is remembered."""
        return self.home / "windows" / checked_name(name)

    @property
    def runs(self) -> Path:
        """The folder of the trainings, one folder each."""
        return self.home / "runs"

    def suspects(self, name: str) -> Path:
        """The folder of a data set's suspects, as they were found last."""
        return self.home / "suspects" / checked_name(name)

    def rounds(self, name: str) -> Path:
        """The folder of a data set's rounds of correction, one folder each."""
        return self.home / "rounds" / checked_name(name)

    @property
    def cache(self) -> Path:
        """What can be computed again: hashes and embeddings of files."""
        return self.home / "cache"

    @property
    def hashes(self) -> Path:
        """The hashes of image files, remembered: a SQLite file."""
        return self.cache / "hashes.sqlite"

    @property
    def embeddings(self) -> Path:
        """The embeddings of image files, remembered: a folder."""
        return self.cache / "embeddings"

    @property
    def quality(self) -> Path:
        """How bright and sharp image files are, remembered: a folder."""
        return self.cache / "quality"

    @property
    def mongo(self) -> Path:
        """The data, the log and the address of the workspace's own MongoDB."""
        return self.home / "mongo"

    def names(self) -> list[str]:
        """The names of the data sets, in alphabetical order."""
        folder = self.home / "ledgers"
        return sorted(each.name for each in folder.iterdir() if has_ledger(each)) if folder.is_dir() else []


def has_ledger(folder: Path) -> bool:
    """Whether a ledger is in the folder: whoever makes one and is killed leaves an empty log."""
    return next((folder / "_delta_log").glob("*.json"), None) is not None


def find_workspace(home: Path | None = None) -> Workspace:
    """The workspace of `home`, else of LABELLOOP_HOME, else `.labelloop` in the current folder; it need not exist."""
    chosen = home or Path(os.environ.get("LABELLOOP_HOME") or DEFAULT_HOME)
    return Workspace(Path(os.path.abspath(chosen.expanduser())))


def checked_name(name: str) -> str:
    """The name of a data set, as it is.

    Raises:
        LabelloopError: it is not letters, digits, `.`, `_` and `-`, a letter or digit first, 64 at most.
    """
    if not _NAME.fullmatch(name):
        raise LabelloopError(
            "a data set's name must be letters, digits, '.', '_' and '-', a letter or a digit first, 64 at most;"
            f" received {name!r}"
        )
    return name


def default_author() -> str:
    """Who commits where nobody says who: LABELLOOP_AUTHOR, else the name of the login."""
    named = os.environ.get("LABELLOOP_AUTHOR")
    if named:
        return named
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
