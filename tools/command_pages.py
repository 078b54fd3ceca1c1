"""A page of documentation for each command, made from its help: `make docs` writes them, and a test compares."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from .cli import verbs

_PLACE = "A page for each command, made from `labelloop COMMAND --help`."


def format_pages() -> dict[str, str]:
    """The text of each page by its file name, README.md with the list of all."""
    context = click.Context(verbs, info_name="labelloop")
    pages: dict[str, str] = {}
    rows: list[str] = []
    for name in verbs.list_commands(context):
        command = verbs.get_command(context, name)
        if command is None or command.hidden:
            continue
        parts = list(_parts(command, ["labelloop", name]))
        pages[f"{name}.md"] = "\n".join(parts).rstrip() + "\n"
        rows.append(f"| [`{name}`]({name}.md) | {command.get_short_help_str(200)} |")
    pages["README.md"] = "\n".join(["# Commands", "", _PLACE, "", "| command | what it does |", "|---|---|", *rows, ""])
    return pages


def write_pages(folder: Path) -> None:
    """Write the pages, and take away those of commands that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = format_pages()
    for path in folder.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def _parts(command: click.Command, path: Sequence[str]) -> Iterator[str]:
    """The lines of a command's page, and of the commands below it."""
    context = click.Context(command, info_name=" ".join(path))
    yield f"{'#' * (len(path) - 1)} {' '.join(path)}"
    yield ""
    yield from _help(command.help or "")
    yield "```text"
    yield " ".join([*path, *command.collect_usage_pieces(context)])
    yield "```"
    yield ""
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    rows = [row for option in options if (row := option.get_help_record(context))]
    if rows:
        yield "| option | what it does |"
        yield "|---|---|"
        for names, said in rows:
            yield f"| `{_cell(names)}` | {_cell(said)} |"
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _parts(below, [*path, name])


def _help(text: str) -> Iterator[str]:
    """Help as Markdown: a block that click is not to wrap is shown as it is."""
    for paragraph in text.strip().split("\n\n"):
        lines = [line.strip() if not paragraph.startswith("\b") else line for line in paragraph.splitlines()]
        if lines[0].strip() != "\b":
            yield " ".join(lines)
        elif lines[1].strip() == "Example:":
            yield from ("```sh", *(line.strip() for line in lines[2:]), "```")
        else:
            yield from ("```text", *lines[1:], "```")
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
