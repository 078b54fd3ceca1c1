"""Label files as they come: any encoding that says what it is, any end of line, and no key that is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.datasets.label_files import decode, parse_json, read_json, read_lines
from labelloop.datasets.recipe import Recipe

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_read_in_every_encoding_that_its_standard_knows(encoding: str) -> None:
    assert parse_json('{"label": "천원", "x": NaN}'.encode(encoding)) == {"label": "천원", "x": pytest.approx(float("nan"), nan_ok=True)}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_mark_is_read_by_it(encoding: str) -> None:
    assert decode("천원\n".encode(encoding)) == "천원\n"


@pytest.mark.parametrize(
    ("data", "encoding", "why"),
    [
        ("천원".encode("cp949"), "", "file is not utf-8 text"),
        (b"\xff\xfea", "", "file is not utf-16 text"),
        (b"a", "rot13", "file is not rot13 text"),
        (b"a", "klingon", "file is not klingon text"),
    ],
)
def test_what_is_not_in_its_encoding_says_so(data: bytes, encoding: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"{why} .* a recipe can name another encoding"):
        decode(data, encoding)


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "a\0b"])
def test_a_recipe_names_an_encoding_that_there_is(encoding: str) -> None:
    with pytest.raises(ValueError, match="encoding must be one that Python knows"):
        Recipe(encoding=encoding)


def test_lines_end_in_three_ways_and_in_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("a b\r\nc\rd\u2028e\x0bf\x85\n".encode())
    assert read_lines(tmp_path / "a.txt") == ["a b", "c", "d\u2028e\x0bf\x85", ""]


@pytest.mark.parametrize(
    "text",
    [
        '{"shapes": [{"label": "cat"}], "shapes": []}',
        '{"shapes": [], "deep": [{"shapes": 1, "shapes": 2}]}',
        '{"shapes": 1, "images": {"a.jpg1": {"shapes": 2}, "a.jpg1": {"shapes": 3}}}',
    ],
)
def test_labels_that_a_second_key_would_hide_are_found(tmp_path: Path, text: str) -> None:
    """JSON parsers keep the last of two keys: an image with labels became a negative."""
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "a.json").write_text(text, encoding=encoding)
        with pytest.raises(ValueError, match="must stand once in an object, received it twice"):
            read_json(tmp_path / "a.json", once=("shapes",))


def test_keys_that_stand_twice_in_different_objects_are_fine(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"shapes": [{"label": "shapes", "shapes": 1}, {"shapes": 1}]}')
    assert "shapes" in read_json(tmp_path / "a.json", once=("shapes",))
