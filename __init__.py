"""labelloop: raw photos and JSON labels in, a training set that can be trusted out.

What is named here is public: it is documented in docs/python.md, and changes with a line in the changelog.
A name is imported where it is first used, so that `import labelloop` takes no time and needs no library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import VERSION

if TYPE_CHECKING:
    from .datasets.check import check as check
    from .datasets.convert import convert as convert
    from .datasets.errors import LabelloopError as LabelloopError
    from .datasets.export import export as export
    from .datasets.history import blame as blame
    from .datasets.history import revert as revert
    from .datasets.importing import import_source as import_source
    from .datasets.ledger import CommitConflict as CommitConflict
    from .datasets.ledger import Ledger as Ledger
    from .datasets.ledger_splits import split_ledger as split_ledger
    from .datasets.reading import Dataset as Dataset
    from .datasets.reading import open_source as open_source
    from .datasets.recipe import Recipe as Recipe
    from .datasets.recipe import read_recipe as read_recipe
    from .datasets.schema import Box as Box
    from .datasets.schema import Sample as Sample
    from .datasets.schema import Size as Size
    from .datasets.versions import read_version as read_version
    from .datasets.workspace import Workspace as Workspace
    from .datasets.workspace import find_workspace as find_workspace
    from .training.comparison import compare as compare
    from .training.predictions import read_predictions as read_predictions
    from .training.runs import Run as Run
    from .training.runs import find_run as find_run
    from .training.runs import list_runs as list_runs

__version__ = VERSION

_PLACES = {
    "Box": "datasets.schema",
    "CommitConflict": "datasets.ledger",
    "Dataset": "datasets.reading",
    "LabelloopError": "datasets.errors",
    "Ledger": "datasets.ledger",
    "Recipe": "datasets.recipe",
    "Run": "training.runs",
    "Sample": "datasets.schema",
    "Size": "datasets.schema",
    "Workspace": "datasets.workspace",
    "blame": "datasets.history",
    "check": "datasets.check",
    "compare": "training.comparison",
    "convert": "datasets.convert",
    "export": "datasets.export",
    "find_run": "training.runs",
    "find_workspace": "datasets.workspace",
    "import_source": "datasets.importing",
    "list_runs": "training.runs",
    "open_source": "datasets.reading",
    "read_predictions": "training.predictions",
    "read_recipe": "datasets.recipe",
    "read_version": "datasets.versions",
    "revert": "datasets.history",
    "split_ledger": "datasets.ledger_splits",
}
"""The module of each public name."""

__all__ = ["__version__", *_PLACES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
