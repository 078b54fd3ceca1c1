"""Every command that reports has `--json`, and what it prints on stdout then is one JSON object and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from labelloop.tools.cli import verbs
from tests.tools.test_ledger_commands import labelme
from tests.training.finished_runs import detector
from tests.training.rounds.test_report import answered, begin

pytest.importorskip("deltalake")

SHOWS = {"demo"}
"""What is a show for people, of commands that have --json themselves."""

ELSEWHERE = {
    "browse", "commit", "conflicts", "export-model", "pull", "push", "robustness", "round settle", "round start",
    "sample-data answer", "serve", "train classifier", "train detector",
}  # fmt: skip
"""What needs a server, a training or weights; tests of their own read what they print."""

WORDS = {
    "blame": ("won", "10/test 0.jpg"),
    "check": ("photos",),
    "convert": ("photos", "converted", "--format", "coco"),
    "diff": ("won", "1"),
    "export": ("photos", "--format", "yolo", "--to", "exported"),
    "import": ("photos", "--name", "again"),
    "inspect": ("won-1", "--no-window"),
    "log": ("won",),
    "preview": ("photos", "--limit", "2", "--copies", "1"),
    "recipe": ("photos",),
    "restore": ("spare", "--version", "1"),
    "revert": ("spare", "--commit", "1"),
    "round list": ("won",),
    "round report": ("won",),
    "round status": ("won",),
    "runs compare": ("won-1", "won-2", "--on", "2", "--no-plot"),
    "runs list": (),
    "runs show": ("won-1", "--no-plot"),
    "sample-data cars": ("cars", "--count", "2"),
    "sample-data won": ("notes", "--count", "2"),
    "split": ("photos", "--no-near-duplicates", "--to", "splits.csv"),
    "status": (),
    "suspects": ("won", "--run", "won-2", "--no-window"),
}
"""The words of each command after its name."""


def leaves(command: click.Command, context: click.Context, *path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, click.Context(found, info_name=name, parent=context), *path, name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos, and a workspace with a data set of them, one with two runs and a round, and a spare one."""
    folder = tmp_path_factory.mktemp("json")
    ledger, true, round = begin(folder / "home")
    detector(folder / "home", ledger.samples(1), {"10": 7})
    answered(ledger, true, round)
    detector(folder / "home", ledger.samples(), {}, version=2)
    for number in range(6):
        labelme(folder / "photos", f"shot {number}", ("10" if number % 2 else "50", 1, 1, 20, 20), color=number)
    for name in ("photos", "spare"):
        assert run(folder, "import", "photos", "--name", name)
    return folder


@cache
def run(folder: Path, *words: str) -> str:
    """What a command prints on stdout that ends with status 0 or, where it has findings, 1; each runs once."""
    environment = {**os.environ, "LABELLOOP_HOME": str(folder / "home"), "LABELLOOP_AUTHOR": "mina"}
    done = subprocess.run(
        [sys.executable, "-m", "labelloop.tools", *words, "--json"],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode in (0, 1), (words, done.stderr)
    assert "Error" not in done.stderr
    return done.stdout


def test_every_command_is_here() -> None:
    known = dict(leaves(verbs, click.Context(verbs)))
    assert set(known) == SHOWS | ELSEWHERE | set(WORDS)
    for name, command in known.items():
        options = [option for parameter in command.params for option in parameter.opts]
        assert ("--json" in options) == (name not in SHOWS), name


@pytest.mark.parametrize("name", WORDS)
def test_stdout_is_one_json_object_and_nothing_else(name: str, place: Path) -> None:
    out = run(place, *name.split(), *WORDS[name])
    said = json.loads(out)
    assert isinstance(said, dict)
    assert out == f"{out.strip()}\n"
    assert all(key.isidentifier() and key == key.lower() for key in said), "keys are words with _ between them"


def test_one_thing_has_one_name_in_all_of_them(place: Path) -> None:
    said = {name: json.loads(run(place, *name.split(), *words)) for name, words in WORDS.items() if name in NAMED}
    for name, keys in NAMED.items():
        assert keys <= set(said[name]), name


NAMED = {
    "blame": {"name", "key"},
    "diff": {"name"},
    "inspect": {"run", "split", "page"},
    "log": {"name", "commits"},
    "round list": {"name", "rounds"},
    "round report": {"name", "round", "page", "images"},
    "round status": {"name", "round", "images"},
    "suspects": {"dataset", "file", "page"},
}
"""What is found under which key, in whichever command."""
