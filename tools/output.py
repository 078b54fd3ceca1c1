"""What a command prints: one JSON object on stdout, people's text and progress on stderr.

File names and labels come from strangers and may hold what moves a cursor, turns the text
around or is no Unicode; none of it reaches a terminal as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast
from unicodedata import east_asian_width

import click


def say(text: str = "") -> None:
    """Print text for people, on stderr; a newline ends a line, all else that is not printable is escaped."""
    click.echo("\n".join(map(printable, text.split("\n"))), err=True)


def printable(text: str) -> str:
    r"""The text on one line, with everything in it that is not printable written out as an escape.

    That is control characters (`\x1b`, `\n`), marks that turn the direction of writing
    (`\u202e`) and bytes of a file name that are no UTF-8 (`\udcff`).
    """
    return text if text.isprintable() else "".join(map(_escaped, text))


def show_json(value: object) -> None:
    r"""Print one JSON object on stdout in UTF-8, keys in the order given, indented.

    What is not printable stands as JSON's own escape and reads back the same; bytes of a
    file name that are no UTF-8 have none and become text, `\\udcff`.
    """
    import orjson

    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # a lone surrogate, mostly; whatever else it was raises again
        text = orjson.dumps(_encodable(value), option=orjson.OPT_INDENT_2).decode()
    lines = text.split("\n")  # a newline in a value is escaped already
    click.echo("\n".join(line if line.isprintable() else "".join(map(_json_escaped, line)) for line in lines).encode())


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() else ascii(letter)[1:-1]


def _json_escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    units = letter.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _encodable(value: object) -> object:
    """The value with every text in it such that it can be encoded."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return {_encodable(key): _encodable(each) for key, each in entries}
    if isinstance(value, (list, tuple)):
        return [_encodable(each) for each in cast("Sequence[object]", value)]
    return value


LOADING = "loading the model that compares images"
"""What a bar says while torch is imported."""


@contextmanager
def progress_bar(label: str) -> Generator[Callable[[int, int], None] | None]:
    """A function to call with (done, total), shown as a bar with an estimate; None where nobody watches.

    Until it is called the bar only moves: for what takes seconds and cannot say how many.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """The rows under their header, columns aligned; numbers to the right, Hangul counted as two columns wide."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(header, *cells, strict=True)]
    right = [bool(rows) and all(isinstance(row[column], (int, float)) for row in rows) for column in range(len(header))]
    lines = [
        [_pad(cell, width, number) for cell, width, number in zip(row, widths, right, strict=True)]
        for row in (header, *cells)
    ]
    return "\n".join("  " + "  ".join(line).rstrip() for line in lines)


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if right else cell + space


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
