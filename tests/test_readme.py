"""What README.md, docs/recipes.md and the tutorials tell people to type is typed, in order, and does what they say it does."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = ("README.md", "docs/recipes.md", "docs/tutorial_banknotes.md", "docs/tutorial_cars.md")

NOT_RUN = {
    "make demo": "sets up everything first; the demo has a test of its own",
    "make test": "runs this test",
    "labelloop serve": "serves until it is stopped; tests/browser/test_serve.py does so",
    **dict.fromkeys(
        (
            "labelloop train",
            "labelloop inspect",
            "labelloop suspects",
            "labelloop round",
            "labelloop pull",
            "labelloop sample-data answer",
            "labelloop robustness",
            "labelloop runs",
            "labelloop push",
            "labelloop export-model",
        ),
        "needs a training; the demo's test and others run it",
    ),
    "pip install": "changes the environment; what it makes is tested by test_base_install.py",
}
"""Commands of the texts that are not run here, by their beginnings, and why."""


@dataclass
class Typed:
    """A command as a text shows it: where, the exit status that the text states, and the output that it shows."""

    place: str
    command: str
    status: int = 0
    output: list[str] = field(default_factory=list)


def typed(name: str) -> list[Typed]:
    """The commands in the console and sh blocks of a text, in order."""
    found: list[Typed] = []
    language = ""
    for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("```"):
            language = line[3:].strip() if not language else ""
        elif language in ("console", "sh"):
            prompt = line.startswith("$ ")
            if prompt or language == "sh":
                command, _, comment = (line[2:] if prompt else line).partition("  # ")
                stated = re.search(r"exit status (\d+)", comment)
                found.append(Typed(f"{name}:{number}", command.strip(), int(stated[1]) if stated else 0))
            else:
                found[-1].output.append(line)
        else:
            assert not re.match(r"( {4}|\$ )labelloop ", line), f"{name}:{number}: commands stand in console blocks"
    return found


def is_shown(shown: list[str], real: str) -> bool:
    """Whether the output is as shown; `...` is any text, and on a line of its own any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else r"[^\n]*".join(map(re.escape, line.split("..."))) + r"\n"
        for line in shown
    )
    return re.fullmatch(pattern, real) is not None


def run(each: Typed, folder: Path) -> None:
    words = shlex.split(each.command)
    assert words[0] == "labelloop", f"{each.place}: neither a command of labelloop nor one of NOT_RUN: {each.command}"
    done = subprocess.run(
        [sys.executable, "-m", "labelloop", *words[1:]], cwd=folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == each.status, f"{each.place}: {each.command}\n{done.stdout}"
    if each.output:
        assert is_shown(each.output, done.stdout), f"{each.place}: {each.command}\n{done.stdout}"


@pytest.mark.slow
def test_the_commands_do_what_the_texts_say(tmp_path: Path) -> None:
    """The texts are one sequence: docs/recipes.md goes on with the photos of the README."""
    pytest.importorskip("skimage", reason="sample data is drawn on scikit-image's photos")
    for name in TEXTS:
        folder = tmp_path / name.replace("/", "-")
        folder.mkdir()
        if name == "docs/recipes.md":
            shutil.copytree(tmp_path / "README.md" / "photos", folder / "photos")
        commands = [each for each in typed(name) if not each.command.startswith(tuple(NOT_RUN))]
        assert len(commands) >= 3
        for each in commands:
            run(each, folder)


def test_every_exception_is_needed() -> None:
    commands = [each.command for name in TEXTS for each in typed(name)]
    assert not [start for start in NOT_RUN if not any(command.startswith(start) for command in commands)]


def test_the_readme_names_the_make_targets_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)(?=`|  )", (ROOT / "README.md").read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize(
    ("shown", "real", "same"),
    [
        (["a", "...", "z"], "a\nz\n", True),
        (["a", "...", "z"], "a\nb\nc\nz\n", True),
        (["a", "...", "z"], "a\nb\n", False),
        (["in ... groups"], "in 12 groups\n", True),
        (["in ... groups"], "in 12\ngroups\n", False),
        (["a"], "a\nb\n", False),
        (["..."], "", True),
        (["1+1 (x)"], "1+1 (x)\n", True),
    ],
)
def test_shown_output_is_compared(shown: list[str], real: str, same: bool) -> None:
    assert is_shown(shown, real) == same
