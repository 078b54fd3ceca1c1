"""Numbers that somebody typed into a form."""

from __future__ import annotations

from typing import TypeVar

from ...datasets.errors import LabelloopError
from .forms import Values

Default = TypeVar("Default", int, None)


def whole_of(values: Values, name: str, default: Default) -> int | Default:
    """The whole number in a field; the default where it is empty.

    Raises:
        LabelloopError: it is none.
    """
    text = _text(values, name)
    if text and not text.isdecimal():
        raise LabelloopError(f"{name} must be a whole number, received {text}")
    return int(text) if text else default


def number_of(values: Values, name: str, default: float) -> float:
    """The number in a field, at least 0; the default where it is empty.

    Raises:
        LabelloopError: it is none.
    """
    text = _text(values, name)
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise LabelloopError(f"{name} must be a number, 0 or above, received {text}")
    return value


def _text(values: Values, name: str) -> str:
    given = values.get(name)
    return "" if given is None else str(given).strip()
