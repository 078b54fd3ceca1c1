"""What a command prints: one JSON object on stdout, people's text and progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from unicodedata import east_asian_width

import click


def say(text: str = "") -> None:
    """Print text for people, on stderr."""
    click.echo(text, err=True)


def show_json(value: object) -> None:
    """Print one JSON object on stdout, keys in the order given, indented."""
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


@contextmanager
def progress_bar(label: str) -> Generator[Callable[[int, int], None] | None]:
    """A function to call with (done, total), shown as a bar with an estimate; None where nobody watches."""
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
    cells = [[str(cell) for cell in row] for row in rows]
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
