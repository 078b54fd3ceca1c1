"""Every command: its help ends with an example that parses, its options are explained, the README names it."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from labelloop.tools.cli import verbs
from labelloop.tools.command_list import SECTIONS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def commands(group: click.Group = verbs, above: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, those of groups too."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield " ".join((*above, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))


COMMANDS = dict(commands())
EVERY = pytest.mark.parametrize("name", COMMANDS)


def examples(command: click.Command) -> list[str]:
    """The lines that the help shows under `Example:`, at its end."""
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    _, found, ending = text.rpartition("Example:\n")
    assert found, "help must end with `Example:` and a line for each"
    lines = [line.strip() for line in ending.splitlines()]
    assert all(line.startswith("labelloop ") for line in lines), f"nothing may follow the examples, received {lines}"
    return lines


def parse(words: list[str], group: click.Group = verbs) -> str:
    """The command that the words lead to, once its options are parsed; nothing runs."""
    command = group.get_command(click.Context(group), words[0])
    assert command is not None, f"no command {words[0]}"
    if isinstance(command, click.Group):
        return f"{words[0]} {parse(words[1:], command)}"
    command.make_context(words[0], words[1:])
    return words[0]


def test_there_are_commands_and_they_are_found_by_being_there() -> None:
    folder = Path(__file__).parents[2] / "tools" / "commands"
    files = {path.stem.rstrip("_").replace("_", "-") for path in folder.glob("*.py")} - {"--init"}
    assert files == {name for name in COMMANDS if " " not in name}


@EVERY
def test_the_help_says_what_it_does_and_ends_with_an_example(name: str) -> None:
    command = COMMANDS[name]
    assert re.match(r"[A-Z][^.]+[.:,]", command.help or ""), command.help
    assert any(line.startswith(f"labelloop {name} ") for line in examples(command))


def test_the_help_of_all_ends_with_examples() -> None:
    assert len(examples(verbs)) >= 2


@EVERY
def test_every_option_is_explained(name: str) -> None:
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]}"
            assert parameter.help.endswith("."), f"{name} {parameter.opts[0]}: {parameter.help}"
        else:
            assert str(parameter.metavar or parameter.name).upper().removesuffix("...") in (COMMANDS[name].help or "")


@EVERY
def test_the_readme_names_it(name: str) -> None:
    assert re.search(rf"(labelloop |\*\*|`){name}\b", README)


@pytest.mark.parametrize("line", [line for command in (verbs, *COMMANDS.values()) for line in examples(command)])
def test_examples_parse(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos-splits.csv").write_text("key,split\n")
    monkeypatch.chdir(tmp_path)
    assert parse(shlex.split(line)[1:]) in COMMANDS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "photos-splits.csv"]


@pytest.mark.parametrize("words", [["check"], ["check", "photos", "--nope"], ["check", "nowhere"], ["split", "photos", "--seed", "x"],
                                   ["convert", "photos", "made", "--format", "nope"], ["sample-data", "won", "x", "--count", "0"]])  # fmt: skip
def test_wrong_examples_would_not_parse(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.UsageError):
        parse(words)


def test_the_list_of_commands_has_each_once_in_the_order_of_the_work_and_cuts_nothing():
    listed = [name for section in SECTIONS.values() for name in section]
    assert sorted(listed) == sorted(name for name in COMMANDS if " " not in name)
    shown = CliRunner().invoke(verbs, ["--help"], terminal_width=80).output
    assert shown.index("recipe ") < shown.index("import ") < shown.index("train ") < shown.index("round ")
    lines = shown[shown.index("Read and check a folder:") :].splitlines()
    assert all(said in shown for section in SECTIONS.values() for said in section.values())
    assert not any(len(line) > 80 or line.endswith("...") for line in lines)
