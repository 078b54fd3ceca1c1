"""Every sentence that docs/troubleshooting.md explains is one that labelloop says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
GAP = "\0"
"""What stands for the parts of a sentence that differ."""


def said_in(tree: ast.AST) -> list[str]:
    """The texts of a module, one for each expression; where a value is put in, and where texts are joined, is a gap."""

    def text(node: ast.expr) -> str | None:
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)  # type: ignore[misc]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return (text(node.left) or GAP) + (text(node.right) or GAP)
        return None

    return [said for node in ast.walk(tree) if isinstance(node, ast.expr) and (said := text(node))]


@pytest.fixture(scope="module")
def said() -> str:
    """All texts of the code, a line each; of the shell script and the tests' reasons for skipping too."""
    files = [path for room in ("datasets", "label_config", "training", "tools") for path in (ROOT / room).rglob("*.py")]
    files.append(ROOT / "tests" / "browser" / "conftest.py")
    texts = [text for path in files for text in said_in(ast.parse(path.read_text(encoding="utf-8")))]
    script = re.sub(r"\$\([^)]*\)|\$\w+|\$\*", GAP, (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8"))
    return "\n".join(text.replace("\n", " ") for text in [*texts, *script.splitlines()])


ROWS = re.findall(r"^\| `(.+?)` \|", TEXT.partition("## Setting up")[2], re.MULTILINE)


def test_there_are_many_and_each_stands_once() -> None:
    assert len(ROWS) > 50
    assert len(set(ROWS)) == len(ROWS)


@pytest.mark.parametrize("sentence", ROWS)
def test_the_sentence_is_one_that_is_said(sentence: str, said: str) -> None:
    pattern = r"[^\n]*?".join(re.escape(part) for part in sentence.split("..."))
    assert len(sentence.replace("...", "").strip()) > 12, "too little to be known again"
    assert re.search(pattern, said), sentence


def test_a_sentence_that_nobody_says_would_be_seen(said: str) -> None:
    assert not re.search(re.escape("the workspace's MongoDB is on holiday"), said)


def test_the_logs_are_where_the_page_says(said: str) -> None:
    names = re.findall(r"^\| `\.labelloop/(?:[\w-]+/)+([\w.]+)` \|", TEXT, re.MULTILINE)
    assert sorted(names) == ["app.log", "log", "log", "log.txt"]
    assert all(f"\n{name}\n" in said for name in names)
