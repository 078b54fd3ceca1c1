"""What reaches a terminal, and what a program gets as JSON."""

from __future__ import annotations

import contextlib
import io
import json
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.tools.output import printable, say, show_json, table

HOSTILE = [
    ("\x1b[31mred", r"\x1b[31mred"),
    ("a\nb", r"a\nb"),
    ("a\rb", r"a\rb"),
    ("a\x9bb", r"a\x9bb"),
    ("\u202egpj.exe", r"\u202egpj.exe"),
    ("\u2066x\u2069", r"\u2066x\u2069"),
    ("bad\udcff", r"bad\udcff"),
    ("\U000e0041", r"\U000e0041"),
]


@pytest.mark.parametrize(("given", "shown"), HOSTILE)
def test_what_is_not_printable_is_written_out(given: str, shown: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert printable(given) == shown
    say(printable(given))
    assert capfd.readouterr().err == f"{shown}\n"
    assert shown in table([(given, 1)], ("name", "count"))


@pytest.mark.parametrize(
    "text", ["", "photos/10_12_1.jpg", "사진 2023.03 (1)", normalize("NFD", "사진"), "né — 😀", "a\\b"]
)
def test_ordinary_names_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


def test_say_keeps_its_own_lines_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    say("one\n  two\x1b[2J\rthree\n")
    assert capfd.readouterr().err == "one\n  two\\x1b[2J\\rthree\n\n"


def test_columns_are_as_wide_as_what_is_shown() -> None:
    assert table([("a\x1b", 1), ("동전", 20)], ("name", "n")) == "  name    n\n  a\\x1b   1\n  동전   20"


@pytest.mark.parametrize("given", [given for given, _ in HOSTILE])
def test_json_is_utf_8_without_anything_that_moves_a_terminal(given: str, capfd: pytest.CaptureFixture[str]) -> None:
    show_json({"places": [given], given: (1, None, 2.5)})
    out = capfd.readouterr().out
    assert out.replace("\n", "").isprintable()
    text = given.encode("utf-8", "backslashreplace").decode()
    assert json.loads(out) == {"places": [text], text: [1, None, 2.5]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(value=VALUES)
def test_json_without_surrogates_reads_back_the_same(value: object) -> None:
    raw = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(raw, encoding="ascii", write_through=True)) as out:
        show_json(value)
        out.flush()
    assert json.loads(raw.getvalue()) == value


def test_a_value_that_is_no_json_still_raises() -> None:
    with pytest.raises(TypeError):
        show_json({"a": object()})
