"""JSON values as text that gives the same values back, and what JSON cannot hold taken out of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import cast

import orjson

from .schema import NOTHING, Json

DEEPEST = 100
"""How deep attributes may nest; nobody means more, and readers of JSON give up at depths of their own."""

_LONG_NUMBER = re.compile(r"\d{19}")


def format_json(value: Mapping[str, Json]) -> str:
    """The value as JSON on one line.

    Raises:
        ValueError: a number in it is NaN or infinite, which JSON cannot say, or it nests too deep.
    """
    if problem := _problem(value):
        raise ValueError(f"attributes must be JSON, received {problem}")
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # integers beyond 64 bits and halves of characters, which Python's own reader lets in
        return json.dumps(value, separators=(",", ":"))


def parse_value(text: str) -> dict[str, Json]:
    """What `format_json` was given."""
    if _LONG_NUMBER.search(text) or "\\ud" in text:  # orjson makes floats of long integers, and refuses half characters
        return cast("dict[str, Json]", json.loads(text))
    return cast("dict[str, Json]", orjson.loads(text))


def storable(value: Mapping[str, Json]) -> Mapping[str, Json]:
    """The value itself where JSON can hold it; else one with null for NaN, infinity and what nests too deep."""
    return value if not _problem(value) else cast("dict[str, Json]", _without(cast(Json, value), 0)) or NOTHING


def _problem(value: object) -> str:
    """Why JSON cannot hold a value, "" where it can."""
    pending: list[tuple[object, int]] = [(value, 0)]
    while pending:
        each, depth = pending.pop()
        if isinstance(each, float):
            if not isfinite(each):
                return str(each)
        elif isinstance(each, (dict, list)):
            if depth > DEEPEST:
                return f"values that nest deeper than {DEEPEST}"
            inner = cast("list[object]", list(each.values()) if isinstance(each, dict) else each)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
            pending.extend((part, depth + 1) for part in inner)
    return ""


def _without(value: Json, depth: int) -> Json:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, (dict, list)) and depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return {key: _without(each, depth + 1) for key, each in value.items()}
    return [_without(each, depth + 1) for each in value] if isinstance(value, list) else value
