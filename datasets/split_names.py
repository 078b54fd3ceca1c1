"""What folders that hold a split are called, in the data sets that people have."""

from __future__ import annotations

from collections.abc import Mapping

SPLIT_OF: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""The split that a folder's name means, by the name in lower case."""


def find_split(key: str) -> str | None:
    """The split that the folders of a path name, the topmost that names one; None where none does."""
    return next((SPLIT_OF[name] for name in key.lower().split("/")[:-1] if name in SPLIT_OF), None)
