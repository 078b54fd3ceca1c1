"""`push`, `pull` and `conflicts` as a person types them: which images, what is said, and the exit status."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labelloop.datasets.errors import LabelloopError
from labelloop.label_config.rendering import render_config
from labelloop.tools.cli import verbs
from tests.label_config.plain_desk import make_plain_desk, reach_plain_desk
from tests.label_config.servers import CLASSES, Desk, sample
from tests.label_config.test_taking import MINA, A, changed, edit, two_boxes


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Two labelled images, of which one is for training, a negative one, and one that nobody has labelled."""
    given = [
        two_boxes("a.png", split="train"), two_boxes("b.png"), sample(Path(), "c.png"),
        sample(Path(), "d 한글.png", state="unlabelled", split="train"),
    ]  # fmt: skip
    return reach_plain_desk(monkeypatch, *make_plain_desk(tmp_path, "won", given))


def run(desk: Desk, *words: str | Path, status: int = 0) -> Result:
    verb, *rest = map(str, words)
    done = CliRunner().invoke(verbs, [verb, "won", "--home", str(desk.workspace.home), *rest])
    code = 1 if isinstance(done.exception, LabelloopError) else done.exit_code
    assert code == status, (done.output, done.exception)
    return done


def said(done: Result) -> str:
    return str(done.exception) if isinstance(done.exception, LabelloopError) else " ".join(done.output.split())


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ([], ["a.png", "b.png", "c.png", "d 한글.png"]),
        (["--limit", "3"], ["a.png", "b.png", "c.png"]),
        (["--limit", "99", "--unlabelled"], ["d 한글.png"]),
        (["--where", "split = 'train'"], ["a.png", "d 한글.png"]),
        (["--where", "split = 'train'", "--unlabelled", "--with", "nothing"], ["d 한글.png"]),
        (["--where", "count = 2", "--limit", "1"], ["a.png"]),
        (["--keys", "{keys}"], ["b.png", "d 한글.png"]),
        (["--keys", "{keys}", "--unlabelled"], ["d 한글.png"]),
    ],
)
def test_which_images_are_sent(desk: Desk, tmp_path: Path, words: list[str], made: list[str]) -> None:
    (tmp_path / "keys").write_text("d 한글.png\n\nb.png\nb.png\n", encoding="utf-8")
    told = json.loads(run(desk, "push", *(word.format(keys=tmp_path / "keys") for word in words), "--json").stdout)
    assert (told["made"], told["unchanged"]) == (len(made), 0)
    assert sorted(task["data"]["key"] for task in desk.tasks(1)) == made
    again = run(desk, "push", *(word.format(keys=tmp_path / "keys") for word in words))
    assert f"{len(made)} there already" in said(again)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["--findings"], 1, "no image of won meets these conditions"),
        (["--where", "split = 'test'"], 1, "no image of won meets these conditions"),
        (["--keys", "{empty}"], 1, "no image of won meets these conditions"),
        (["--keys", "{strange}"], 1, "strange:2: 'nope.png' is no image of this data set"),
        (["--where", "split ="], 1, "where"),
        (["--limit", "0"], 2, "--limit"),
        (["--with", "won-7"], 1, "no run won-7 in"),
        (["--annotators", "0"], 2, "--annotators"),
        (["--task", "boxes", "--config", "{config}"], 2, "--config says what people are asked for; leave --task out"),
        (["--config", "{empty}"], 1, "must hold a labeling config, received an empty file"),
        (["--config", "{latin}"], 1, "latin: "),
        (["--config", "{strange}"], 1, "the labeling config cannot be used"),
    ],
)
def test_what_cannot_be_sent_is_a_sentence(
    desk: Desk, tmp_path: Path, words: list[str], status: int, text: str
) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "strange").write_text("a.png\nnope.png\n")
    (tmp_path / "latin").write_bytes("<View><!-- 한 --></View>".encode("euc-kr"))
    (tmp_path / "config").write_text(render_config(CLASSES).xml)
    places = {name: tmp_path / name for name in ("empty", "strange", "latin", "config")}
    done = run(desk, "push", *(word.format(**places) for word in words), status=status)
    assert text in said(done)
    assert not list(desk.client.projects()), "nothing was sent"


def test_a_pull_says_what_came_and_ends_with_1_while_something_contradicts(desk: Desk) -> None:
    run(desk, "push", "--annotators", "2")
    project = 1
    result = changed(desk.result(project, "a.png"), A, "no")
    desk.answer(project, "a.png", MINA, result)
    told = said(run(desk, "pull"))
    assert "1 answered by fewer people than are asked, 3 waiting" in told
    run(desk, "push", "--annotators", "1")
    edit(desk, A, label="<b>")
    told = said(run(desk, "pull", status=1))
    assert "1 conflict; the ledger keeps its side until somebody settles it" in told
    assert "label was 10; the ledger has <b>, mina@example.org no" in told
    json_told = json.loads(run(desk, "pull", "--json", status=1).stdout)
    assert (json_told["incomplete"], json_told["conflicts"][0]["said"]) == (0, {MINA: "no"})
    assert "1 conflict" in said(run(desk, "conflicts", status=1))


def test_conflicts_are_asked_again_and_only_those(desk: Desk) -> None:
    run(desk, "push")
    desk.answer(1, "a.png", MINA, changed(desk.result(1, "a.png"), A, "no"))
    desk.answer(1, "b.png", MINA)
    edit(desk, A, label="<b>")
    run(desk, "pull", status=1)
    assert "1 new tasks" in said(run(desk, "conflicts", "--push", status=1))
    assert "1 there already" in said(run(desk, "conflicts", "--push", status=1)), "once is enough"
    (task,) = (each for each in desk.tasks(1) if each["data"]["labelloop_key"].startswith("2/"))
    assert task["data"]["key"] == "a.png"
    start = task["predictions"][0]["result"]
    assert [each["value"]["rectanglelabels"] for each in start] == [["<b>"], ["50"]], "with the labels of today"
    desk.client.post(f"/api/tasks/{task['id']}/annotations", {"result": start, "completed_by": 1})
    assert "confirmed as they were" in said(run(desk, "pull"))
    assert "No conflicts." in said(run(desk, "conflicts"))


def test_a_data_set_that_was_never_pushed_is_said(desk: Desk) -> None:
    assert "won was never pushed to http://127.0.0.1:1: labelloop push won makes its project" in said(
        run(desk, "pull", status=1)
    )
    assert "No conflicts." in said(run(desk, "conflicts"))
    assert json.loads(run(desk, "conflicts", "--push", "--json").stdout) == {"name": "won", "conflicts": []}


def test_a_name_that_is_no_text_for_a_terminal_is_shown_safely(desk: Desk) -> None:
    run(desk, "push")
    desk.commit(replace(desk.sample("a.png"), boxes=(replace(desk.sample("a.png").boxes[0], label="\x1b[31mred"),)))
    desk.answer(1, "a.png", MINA, changed(desk.result(1, "a.png"), A, "no"))
    done = run(desk, "pull", status=1)
    assert "\x1b" not in done.output
    assert r"\x1b[31mred" in done.output
