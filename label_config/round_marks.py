"""Which images at a desk were sent for a round of correction: the pull says so in the commits that take their answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import orjson

_FILE = "rounds.json"


def read_rounds(folder: Path) -> dict[str, str]:
    """The id of the round that each image was last sent for, by key; empty where there was none.

    Args:
        folder: where the workspace keeps what it knows of this desk (`desk_folder`).
    """
    try:
        said = cast("dict[str, Any]", orjson.loads((folder / _FILE).read_bytes()))
        return {str(key): str(name) for key, name in said.items()}
    except (OSError, AttributeError, ValueError):
        return {}


def add_rounds(folder: Path, marks: Mapping[str, str]) -> None:
    """Remember for which round images are sent; the file is written beside its place and renamed over it."""
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{_FILE}.{os.getpid()}.new"
    beside.write_bytes(orjson.dumps({**read_rounds(folder), **marks}, option=orjson.OPT_SORT_KEYS))
    os.replace(beside, folder / _FILE)
