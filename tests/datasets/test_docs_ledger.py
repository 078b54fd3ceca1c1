"""What docs/ledger.md says of the table is what the table is, and its programs run."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from labelloop.datasets.changes import Kind
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box
from tests.datasets.ledgers import by_key, sample

TEXT = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
TABLES: dict[str, list[list[str]]] = {}
for table in re.findall(r"(?:^\|.*\n)+", TEXT.split("## The schema")[1].split("### Conditions")[0], re.MULTILINE):
    head, _, *lines = [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()]
    TABLES[head[0]] = TABLES.get(head[0], []) + lines
COLUMNS = TABLES["column"]
BOX_FIELDS = [row for row in TABLES["field"] if len(row) == 4]
SAID = [row[0].strip("`") for row in TABLES["field"] if len(row) == 2]
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Three versions of the data set `won`, in which every column is filled on some row and empty on another."""
    full = replace(
        sample("a.jpg", Box("cat", 1, 2, 30, 40, score=0.5, attributes={"pose": "left"})),
        label="cat", split="train", group="g", tags=("confirmed",), extra={"weather": "fog"},
    )  # fmt: skip
    made = Ledger.create(tmp_path / ".labelloop" / "ledgers" / "won", "ann", ("cat", "dog"))
    empty = [sample("b.jpg", Box("dog", 1, 2, 30, 40)), sample("c.jpg"), sample("d.jpg", state="unlabelled")]
    made.commit(
        by_key(full, *empty), base=0, author="ann", tool="import", message="first",
        findings={"a.jpg": ["scaled: read at 1/4"]}, said={"a.jpg": "{}"}, details={"source": "photos"},
    )  # fmt: skip
    moved = replace(full, boxes=(replace(full.boxes[0], x1=3.0),))
    made.commit(by_key(moved), base=1, author="mina", tool="edit", message="tighter", round="won-round-1")
    return made


def shown(kind: Any) -> str:
    """Delta's type as the page writes it."""
    inner = getattr(kind, "element_type", None)
    return kind.type if inner is None else f"array of {getattr(inner, 'type', 'struct')}"


def test_every_column_and_every_field_of_a_box_with_its_type(ledger: Ledger) -> None:
    fields = DeltaTable(ledger.folder).schema().fields
    assert [(f"`{each.name}`", shown(each.type)) for each in fields] == [(row[0], row[1]) for row in COLUMNS]
    (boxes,) = (each.type.element_type for each in fields if each.name == "boxes")
    assert [(f"`{each.name}`", shown(each.type)) for each in boxes.fields] == [(row[0], row[1]) for row in BOX_FIELDS]
    assert all(each.nullable for each in (*fields, *boxes.fields)), "the page says that none is declared as not null"


def test_what_is_never_null_never_is_and_what_may_be_is_somewhere(ledger: Ledger) -> None:
    rows = ledger.frame()
    boxes = rows.explode("boxes")["boxes"].drop_nulls().struct.unnest()
    for frame, described in ((rows, COLUMNS), (boxes, BOX_FIELDS)):
        for name, _, null, _ in described:
            count = frame[name.strip("`")].null_count()
            assert (count == 0) == (null == "never"), name
            assert count < frame.height, f"{name} must be filled somewhere, or this test says nothing"


def test_what_is_said_of_a_commit(ledger: Ledger) -> None:
    own: set[str] | None = None
    for version in range(ledger.version() + 1):
        log = ledger.folder / "_delta_log" / f"{version:020}.json"
        said = next(json.loads(line)["commitInfo"] for line in log.read_text().splitlines() if "commitInfo" in line)
        assert set(SAID) <= said.keys()
        assert all(isinstance(said[name], str) for name in SAID)
        others = said.keys() - set(SAID)
        own = others if own is None else own & others
    assert own == {"timestamp", "operation", "operationParameters", "engineInfo", "clientVersion", "operationMetrics"}
    assert json.loads(said["counts"]) == {"box-moved": 1}
    assert (said["author"], said["tool"], said["message"], said["round"]) == ("mina", "edit", "tighter", "won-round-1")
    assert json.loads(said["classes"]) == ["cat", "dog"]


def test_the_kinds_of_changes_are_these() -> None:
    assert [row[0].strip("`") for row in TABLES["kind"]] == list(Kind.__args__)  # type: ignore[attr-defined]


def test_what_the_table_asks_of_its_readers(ledger: Ledger) -> None:
    table = DeltaTable(ledger.folder)
    protocol = table.protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
    for setting in table.metadata().configuration:
        assert setting in TEXT or setting == "delta.enableExpiredLogCleanup"


def test_the_conditions_are_conditions_that_some_row_meets(ledger: Ledger) -> None:
    conditions = [shlex.split(line, comments=True)[-1] for line in TEXT.splitlines() if " --where " in line]
    assert len(conditions) == 2
    met = [ledger.frame(where=each.replace("1000'", "cat'").replace("> 2", "> 0")).height for each in conditions]
    assert met == [1, 1]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda text: text.splitlines()[0])
def test_the_programs_run(
    program: str, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in re.findall(r"^(?:from|import) (\w+)", program, re.MULTILINE):
        if find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    if "INSTALL delta" in program:
        pytest.skip("DuckDB downloads its extension")
    if "내 작업" in program:
        (tmp_path / ".labelloop").rename(tmp_path / "내 작업")
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    exec(compile(program, "docs/ledger.md", "exec"), known)
    if "now" in known:
        assert known["now"].height == 4
    else:
        assert capsys.readouterr().out
