"""JSON is read as it is written, numbers of any length too."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.datasets.label_files import _has_long_integer, parse_json

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_VALUES)
def test_every_value_is_read_as_the_standard_library_reads_it(value: object) -> None:
    text = json.dumps(value)
    assert parse_json(text) == parse_json(text.encode()) == value


def test_an_integer_beyond_64_bits_stays_that_integer() -> None:
    for number in (2**63, 2**64 - 1, 2**64, -(2**64), 10**40):
        assert parse_json(f'{{"id": {number}}}') == {"id": number}


@pytest.mark.parametrize("length", [10, 1 << 20])
@given(st.integers(-60, 60), st.integers(10**17, 10**21))
def test_an_integer_is_found_wherever_it_stands_and_long_fractions_are_none(length: int, at: int, number: int) -> None:
    padding = " " * max(length + at, 0)
    assert parse_json(f'{{"a":{padding}{number},"b":0.{number}}}') == {"a": number, "b": float(f"0.{number}")}
    assert not _has_long_integer(f'{{"b":{padding}0.{number}{number}}}'.encode())
