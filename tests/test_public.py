"""The public face: every name is there, is documented, costs nothing until it is used, and docs/python.md does what it says."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import labelloop
from labelloop.tools.sample_data import write_won
from tests.training.finished_runs import detector, money

TUTORIAL = Path(__file__).parents[1] / "docs" / "python.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import labelloop, sys; print(sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'polars', 'click', 'PIL'}))"
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", labelloop.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    value = getattr(labelloop, name)
    assert name in dir(labelloop)
    if name != "__version__":
        assert inspect.getdoc(value)
        assert value.__module__.startswith("labelloop.")
        assert f"ll.{name}" in "\n".join(BLOCKS), "the tutorial uses every public name"


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(labelloop.__file__).read_text(encoding="utf-8"))
    typed = {alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed - {None} == set(labelloop.__all__) - {"__version__"}


def test_other_names_are_not_public() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'walk'"):
        labelloop.walk  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skimage", reason="sample data is drawn on scikit-image's photos")
    monkeypatch.chdir(tmp_path)
    write_won(tmp_path / "photos", count=24, mistakes=0.1)
    for missed in (0, 3):  # two runs: one has nothing to be compared with
        detector(tmp_path / "home", money(), {"10": missed})
    known: dict[str, object] = {}
    for number, block in enumerate(BLOCKS, start=1):
        exec(compile(block, f"docs/python.md, block {number}", "exec"), known)
