"""The options of commands on a data set, and the ledger that they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from ..datasets.errors import LabelloopError
from ..datasets.workspace import Workspace, default_author, find_workspace

if TYPE_CHECKING:
    from ..datasets.ledger import Ledger

P = ParamSpec("P")
R = TypeVar("R")

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="The workspace; else LABELLOOP_HOME, else ./.labelloop.",
)
author_option = click.option(
    "--author", default=default_author, show_default="LABELLOOP_AUTHOR or your login", help="Who commits."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
message_option = click.option("-m", "--message", default="", help="What was done and why.")


def dataset_options(command: Callable[P, R]) -> Callable[P, R]:
    """The argument NAME, a data set in the workspace, and --home and --json."""
    for decorate in (json_option, home_option, click.argument("name")):
        command = decorate(command)
    return command


def open_ledger(home: Path | None, name: str) -> Ledger:
    """The ledger of a data set in a workspace.

    Raises:
        LabelloopError: there is none of that name; the text lists those that there are.
    """
    workspace = find_workspace(home)
    folder = workspace.ledger(name)
    if name not in workspace.names():
        known = ", ".join(workspace.names())
        raise LabelloopError(
            f"no data set {name} in {workspace.home}; "
            + (f"there are {known}" if known else f"labelloop import SOURCE --name {name} makes it")
        )
    with ledger_library():
        from ..datasets.ledger import Ledger

        return Ledger(folder)


def the_only_name(workspace: Workspace) -> str:
    """The name of the only data set of a workspace.

    Raises:
        LabelloopError: there is none, or there are several.
    """
    names = workspace.names()
    if len(names) != 1:
        raise LabelloopError(
            f"say which data set: there are {', '.join(names)}"
            if names
            else f"no data set in {workspace.home} yet: labelloop import SOURCE --name NAME makes one"
        )
    return names[0]


class ledger_library:  # noqa: N801 - reads as a statement: with ledger_library()
    """A context in which a missing deltalake or polars becomes a sentence that says what to install."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Raise LabelloopError where the ledger's libraries are not there."""
        if isinstance(error, ModuleNotFoundError) and error.name in ("deltalake", "polars"):
            raise LabelloopError(
                f"the ledger needs {error.name}, which is not installed: pip install 'labelloop[ledger]'"
            ) from error
