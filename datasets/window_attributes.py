"""A box's attributes as the window shows them: fields of a Detection, and one text for what cannot be a field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, cast

from .label_files import parse_json
from .schema import Json

Kind = Literal["bool", "int", "float", "str", "bools", "ints", "floats", "strs"]
"""What a field holds; the plural ones are lists."""

MORE = "more"
"""The field with the attributes that cannot be fields of their own, as a JSON object."""

ADDED = ("author", "tool", "size")
"""Fields that the window adds to a box, to filter by; changes to them are no edits."""

BUILT_IN = frozenset({"id", "_id", "_cls", "label", "bounding_box", "attributes"})
"""Fields of a Detection that are no attributes."""

UNKNOWN_TO_US = ("mask", "mask_path", "index", "instance")
"""Fields of a Detection that a box has no place for."""

# Names that FiftyOne's Detection uses itself, as field or method; a test compares with FiftyOne's own list.
_TAKEN = frozenset(
    {
        "STRICT", "attributes", "bounding_box", "clean", "clear_field", "confidence", "copy", "delete_attribute",
        "export_mask", "fancy_repr", "field_names", "field_to_mongo", "field_to_python", "from_dict", "from_json",
        "from_mask", "get_attribute_value", "get_field", "get_mask", "get_text_score", "has_attribute", "has_field",
        "has_mask", "id", "import_mask", "index", "instance", "instance_id", "iter_attributes", "iter_fields", "label",
        "mask", "mask_path", "merge", "my_metaclass", "set_attribute_value", "set_field", "tags", "to_dict", "to_json",
        "to_mongo", "to_polyline", "to_segmentation", "to_shapely", "validate", MORE, *ADDED,
    }
)  # fmt: skip

_KINDS: dict[type, Kind] = {bool: "bool", int: "int", float: "float", str: "str"}
_INT64 = 2**63


@lru_cache(maxsize=100_000)
def fields_of(text: str | None) -> Mapping[str, Json]:
    """The fields that a ledger's attributes (JSON text) become, `tags` among them; not to be written to."""
    return to_fields(cast("Mapping[str, Json]", parse_json(text))) if text else {}


def to_fields(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """The fields that attributes become: a name and a value that FiftyOne can hold are one, the rest is `more`."""
    fields: dict[str, Json] = {}
    more: dict[str, Json] = {}
    for name, value in attributes.items():
        if _is_field(name, value):
            fields[name] = value
        else:
            more[name] = value
    if more:
        fields[MORE] = json.dumps(more, ensure_ascii=False, sort_keys=True)
    return fields


def from_fields(fields: Mapping[str, object], known: Mapping[str, Json]) -> dict[str, Json]:
    """The attributes that edited fields say, with those of `known` that were not touched as they were.

    A field that is None is one that is not there, as FiftyOne sees it.

    Raises:
        ValueError: a value that JSON cannot hold, or `more` is no JSON object.
    """
    was = {name: value for name, value in to_fields(known).items() if name != "tags" or value}
    now = {name: _plain(name, value) for name, value in fields.items() if value is not None}
    now = {name: value for name, value in now.items() if name != "tags" or value}  # each Detection has tags
    changed = {name for name in {*was, *now} if not same(was.get(name), now.get(name))}
    if not changed:
        return dict(known)
    kept = {name: value for name, value in known.items() if _is_field(name, value) and name not in changed}
    hidden = {name: value for name, value in known.items() if not _is_field(name, value)}
    if MORE in changed:
        hidden = _more(now.get(MORE))
    new = {name: value for name, value in now.items() if name in changed and name != MORE}
    given = {**hidden, **kept, **new}
    order = [*(name for name in known if name in given), *(name for name in given if name not in known)]
    return {name: given[name] for name in order}


def same(one: object, other: object) -> bool:
    """Whether two values say the same; true and 1 do not, 1 and 1.0 do."""
    if isinstance(one, list) and isinstance(other, list):
        ours, theirs = cast("list[object]", one), cast("list[object]", other)
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def kind_of(value: Json) -> Kind | None:
    """What kind of field holds a value; None where none does."""
    if isinstance(value, list):
        kinds = {kind_of(each) for each in value}
        kind = kinds.pop() if len(kinds) == 1 else "float" if kinds == {"int", "float"} else None
        return cast("Kind", f"{kind}s") if kind in _KINDS.values() else None
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return None
    if isinstance(value, str) and "\0" in value:
        return None
    return _KINDS.get(type(value))


def field_kinds(texts: Iterable[str | None]) -> dict[str, Kind]:
    """The kind of each field that these attributes (JSON texts) need, in the order met; not of one whose values differ."""
    found: dict[str, Kind | None] = {}
    for text in texts:
        for name, value in fields_of(text).items():
            kind = kind_of(value)
            if kind is None or name == "tags":
                continue
            known = found.setdefault(name, kind)
            if known != kind:
                found[name] = _wider(known, kind)
    return {name: kind for name, kind in found.items() if kind is not None}


def _wider(one: Kind | None, other: Kind) -> Kind | None:
    if {one, other} == {"int", "float"}:
        return "float"
    return "floats" if {one, other} == {"ints", "floats"} else None


def _is_field(name: str, value: Json) -> bool:
    """Whether an attribute can be a field of its own."""
    if name == "tags":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return (
        0 < len(name) <= 100
        and name not in _TAKEN
        and not name.startswith("_")
        and not any(character in ".$\0" for character in name)
        and (value is None or value == [] or kind_of(value) is not None)
    )


def _plain(name: str, value: object) -> Json:
    """A value as FiftyOne gives it, as JSON has it."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return int(value)  # MongoDB's 64-bit integers have a type of their own
    if isinstance(value, float) and value - value == 0:
        return value
    if isinstance(value, list | tuple):
        return [_plain(name, each) for each in cast("list[object]", value)]
    if isinstance(value, Mapping):
        return {str(key): _plain(name, each) for key, each in cast("Mapping[object, object]", value).items()}
    raise ValueError(f"attribute {name} must be text, a number, true or false or a list of those, received {value!r}")


def _more(text: Json) -> dict[str, Json]:
    if text is None or text == "":
        return {}
    try:
        read = parse_json(text) if isinstance(text, str) else None
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise ValueError(f"{MORE} must be a JSON object, received {text!r}")
    return cast("dict[str, Json]", read)
