"""Attributes become fields of a Detection and come back as they were, and only what was edited changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.schema import Json
from labelloop.datasets.window_attributes import MORE, field_kinds, from_fields, kind_of, same, to_fields

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)
names = st.sampled_from(["pose", "note", "tags", "label", "size", "more", "a.b", "$x", "_id", "", "occluded"])
attributes = st.dictionaries(names | st.text(max_size=4), values, max_size=6)


@given(attributes)
def test_what_was_not_touched_comes_back_as_it_was(given_: dict[str, Json]) -> None:
    back = from_fields(to_fields(given_), given_)
    assert back == given_
    assert list(back) == list(given_)


@given(attributes, st.sampled_from(["pose", "note", "new"]), st.text(max_size=3) | st.booleans() | st.integers(0, 9))
def test_an_edited_field_changes_that_attribute_alone(given_: dict[str, Json], name: str, value: Json) -> None:
    expected = {**given_, name: value}
    if isinstance(given_.get(name), dict) or (kind_of(given_.get(name)) is None and given_.get(name) is not None):
        return  # it is in `more`
    back = from_fields({**to_fields(given_), name: value}, given_)
    assert same(back[name], value)
    assert {key: each for key, each in back.items() if key != name} == {
        key: each for key, each in expected.items() if key != name
    }


def test_fields_that_are_deleted_go_and_none_is_nothing() -> None:
    known: dict[str, Json] = {"pose": "left", "note": None, "a.b": 1}
    assert from_fields({MORE: '{"a.b": 1}'}, known) == {"note": None, "a.b": 1}
    assert from_fields({"pose": None, MORE: '{"a.b": 1}'}, known) == {"note": None, "a.b": 1}


def test_more_is_edited_as_json() -> None:
    known: dict[str, Json] = {"a.b": 1, "pose": "left"}
    fields = {**to_fields(known), MORE: '{"a.b": 2, "c.d": [1]}'}
    assert from_fields(fields, known) == {"a.b": 2, "pose": "left", "c.d": [1]}
    assert from_fields({"pose": "left"}, known) == {"pose": "left"}
    with pytest.raises(ValueError, match=r"^more must be a JSON object, received '\[1\]'$"):
        from_fields({**fields, MORE: "[1]"}, known)


def test_values_that_json_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^attribute pose must be text, a number"):
        from_fields({"pose": b"x"}, {})
    with pytest.raises(ValueError, match=r"^attribute pose must be text, a number"):
        from_fields({"pose": float("nan")}, {})


def test_a_field_is_declared_where_its_values_are_of_one_kind() -> None:
    texts = [
        json.dumps({"a": 1, "b": True, "c": [1], "d": "x", "e": [], "f": None}),
        json.dumps({"a": 0.5, "b": 1, "c": [0.5], "d": "y"}),
        None,
    ]
    assert field_kinds(texts) == {"a": "float", "c": "floats", "d": "str"}


def test_true_is_not_one() -> None:
    assert not same(True, 1)
    assert same(1, 1.0)
    assert not same([True], [1])
