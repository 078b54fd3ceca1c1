"""The formats: one module each, found by being here.

A module named `xyz.py` that defines `FORMAT` is the format `xyz` on the command line
and in the contract tests. docs/writing_a_format.md shows how to write one.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ..errors import LabelloopError
from ..format import Format
from ..tree import Tree


def names() -> list[str]:
    """The names of all formats, in alphabetical order."""
    return sorted(module.name for module in iter_modules(__path__))


@cache
def load(name: str) -> Format:
    """The format of this name.

    Raises:
        LabelloopError: there is none.
    """
    if name not in names():
        raise LabelloopError(f"format must be one of {', '.join(names())}, received {name!r}")
    found = import_module(f".{name}", __name__).FORMAT
    if not isinstance(found, Format):
        raise TypeError(f"formats/{name}.py must define FORMAT, a Format, received {type(found).__name__}")
    return found


def writable_names() -> list[str]:
    """The names of the formats that can be written, in alphabetical order."""
    return [name for name in names() if load(name).write is not None]


def detect(tree: Tree) -> str:
    """The format that a walked folder looks most like.

    Raises:
        LabelloopError: it looks like none of them, or like two alike.
    """
    sure = sorted(((load(name).detect(tree), name) for name in names()), reverse=True)
    (best, name), (second, other) = sure[0], [*sure, (0, "")][1]
    if best == 0:
        raise LabelloopError(
            f"{tree.root}: no known format ({', '.join(names())}) recognised in {len(tree.images)} images and"
            f" {len(tree.others)} other files; `labelloop recipe` looks closer"
        )
    if best == second:
        raise LabelloopError(
            f"{tree.root}: looks like {name} and like {other} alike; say which (--from, or `format:` in a recipe)"
        )
    return name
