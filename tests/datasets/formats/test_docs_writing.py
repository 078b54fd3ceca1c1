"""What docs/writing_a_format.md says: its module keeps what every format owes, its commands say what it shows, its mistakes are seen."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from labelloop.datasets import formats
from labelloop.datasets.convert import convert
from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.importing import import_source
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.reading import open_source
from labelloop.datasets.workspace import Workspace
from labelloop.tools.cli import verbs
from tests.datasets.formats import test_contract as contract
from tests.test_readme import is_shown

TEXT = (Path(__file__).parents[3] / "docs" / "writing_a_format.md").read_text(encoding="utf-8")
NAME = "tfcsv"
(CODE,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
LISTED, ROWS = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
CONTRACT = [value for name, value in vars(contract).items() if name.startswith("test_")]
MISTAKES = [
    [cell.strip() for cell in line[1:-1].split("|")]
    for line in TEXT.split("## Where it goes wrong")[1].splitlines()
    if line.startswith("| `")
]
"""What is written in place of what, by the table of the page, and what says so."""


@pytest.fixture
def teach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A function that makes code the format of the page, found by its module's being in the package's path."""
    folder = tmp_path / "formats"
    folder.mkdir()
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(folder)])

    def do(code: str) -> None:
        (folder / f"{NAME}.py").write_text(code, encoding="utf-8")

    yield do
    formats.load.cache_clear()
    sys.modules.pop(f"{formats.__name__}.{NAME}", None)
    vars(formats).pop(NAME, None)


@pytest.fixture
def taught(teach: Callable[[str], None]) -> str:
    teach(CODE)
    return NAME


def keeps_the_contract(test: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    given = {"name": NAME, "tmp_path": tmp_path, "tmp_path_factory": tmp_path_factory}
    test(**{name: given[name] for name in inspect.signature(test).parameters if name in given})


def draw_pets(folder: Path) -> Path:
    """The folder that the page shows."""
    for line in LISTED.splitlines():
        path = folder / line
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".jpg":
            Image.new("RGB", (80, 60), (len(line), ord(path.name[0]), 0)).save(path)
        else:
            path.write_text(ROWS, encoding="utf-8")
    return folder


def draw_cats(folder: Path) -> Path:
    """LabelMe with a score, a negative, and a box without a score."""
    folder.mkdir()
    shape = {"label": "cat", "shape_type": "rectangle", "points": [[10, 10], [40, 40.5]]}
    for stem, shapes in (("a", [{**shape, "score": 0.9}]), ("b", []), ("c", [shape])):
        Image.new("RGB", (80, 60), (ord(stem), 0, 0)).save(folder / f"{stem}.jpg")
        said = {"shapes": shapes, "imagePath": f"{stem}.jpg", "imageWidth": 80, "imageHeight": 60}
        (folder / f"{stem}.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def test_it_is_one_module_of_less_than_a_hundred_lines() -> None:
    assert len(CODE.splitlines()) < 100


@pytest.mark.parametrize("test", CONTRACT, ids=lambda test: test.__name__)
def test_it_keeps_the_contract(
    test: Any, taught: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert taught in formats.writable_names()
    (tmp_path / "there").mkdir()
    keeps_the_contract(test, tmp_path / "there", tmp_path_factory)


def test_the_page_lists_what_the_contract_says() -> None:
    listed = TEXT.split("## The tests that it gets")[1].split("\n\n")[3]
    assert listed.count("\n- ") + 1 == len(CONTRACT)


def test_its_commands_say_what_the_page_shows(taught: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw_pets(Path("pets"))
    draw_cats(Path("cats"))
    blocks = re.findall(r"```console\n\$ labelloop (.*?)\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 2
    for typed, shown in blocks:
        words, _, comment = typed.partition("  # ")
        done = CliRunner().invoke(verbs, words.split())
        assert is_shown(shown.splitlines(), done.output), done.output
        assert done.exit_code == int("exit status 1" in comment)
    assert [sample.key for sample in open_source(Path("cats-csv")).dataset().samples] == ["a.jpg", "c.jpg"]


def test_findings_come_to_their_image(taught: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")
    import_source(workspace, "pets", open_source(draw_pets(tmp_path / "pets")), author="ann")
    rows = Ledger(workspace.ledger("pets")).frame().select("key", "findings").iter_rows()
    found = {key: [each.partition(":")[0] for each in findings] for key, findings in rows}
    assert found == {"train/a.jpg": [], "train/b.jpg": ["scaled"], "train/c.jpg": ["orphan-image"]}


def test_what_is_wrong_is_said_with_its_place(taught: str, tmp_path: Path) -> None:
    source = draw_pets(tmp_path / "pets")
    csv = source / "train/_annotations.csv"
    wrong = ("a.jpg,80,60,cat,x,10,40,40", "gone.jpg,80,60,cat,1,1,9,9", "../b.jpg,80,60,cat,1,1,9,9", "b.jpg,0")
    csv.write_text(ROWS + "".join(f"{row}\n" for row in wrong))
    reading = open_source(source)
    assert [sample.key for sample in reading.samples()] == ["train/c.jpg"]
    assert [str(finding).partition(": ")[0] for finding in reading.findings.stopping()] == [
        "train/_annotations.csv:a.jpg:row 5",
        "train/_annotations.csv:b.jpg:row 8",
        "train/_annotations.csv:gone.jpg",
        "train/_annotations.csv:../b.jpg",
    ]
    with pytest.raises(LabelloopError, match="4 problems"):
        convert(source, tmp_path / "target", "yolo")
    for broken in (b"\xff\xfe\xff", b"name,box\n"):
        csv.write_bytes(broken)
        reading = open_source(source)
        assert len(list(reading.samples())) == 3
        assert [finding.kind for finding in reading.findings.stopping()] == ["unreadable-label-file"]


def test_an_image_size_of_nothing_is_a_finding(taught: str, tmp_path: Path) -> None:
    source = draw_pets(tmp_path / "pets")
    (source / "train/_annotations.csv").write_text(ROWS.replace("80,60", "0,60"))
    reading = open_source(source)
    reading.dataset()
    assert [finding.kind for finding in reading.findings.stopping()] == ["size-unknown"]


@pytest.mark.parametrize(("right", "wrong", "says"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_mistakes_are_seen_by_what_the_page_says(
    right: str, wrong: str, says: str, teach: Callable[[str], None], tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    right, wrong = right.strip("`"), wrong.strip("`")
    assert right in CODE
    teach(CODE.replace(right, wrong))
    (test,) = (each for each in CONTRACT if f"`{each.__name__}`" in says)
    (tmp_path / "there").mkdir()
    try:
        keeps_the_contract(test, tmp_path / "there", tmp_path_factory)
    except (AssertionError, LabelloopError) as error:
        said = str(error)
    else:
        pytest.fail(f"{test.__name__} does not see it")
    assert [each for each in re.findall(r"\*(.+?)\*", says) if each not in said] == [], said
