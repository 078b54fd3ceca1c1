"""What the panels Errors and Rounds show and what a click in them means, without the App around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.tools.fiftyone_plugin.errors import (
    KINDS,
    MATRIX,
    PAIRS,
    Clicked,
    clicked,
    head_of_errors,
    runs_choice,
    tables_of_errors,
)
from labelloop.tools.fiftyone_plugin.forms import Progress
from labelloop.tools.fiftyone_plugin.jobs import read_answer, watch_command, with_progress
from labelloop.tools.fiftyone_plugin.rounds import Interval, interval_plot
from labelloop.tools.fiftyone_plugin.values import number_of, whole_of
from labelloop.tools.window_errors import NOTHING, KindCount, RunErrors


def errors(classes: tuple[str, ...] = ("10", "5.0"), worth: float | None = 0.25) -> RunErrors:
    """Three boxes of the first class right, two of the last taken for the first, and one box on nothing."""
    count = len(classes) + 1
    matrix = [[0] * count for _ in range(count)]
    matrix[0][0], matrix[-2][0], matrix[-1][0] = 3, 2, 1
    kinds = (KindCount("class", 2, 2, worth), KindCount("background", 1, 1, worth and worth / 2))
    return RunErrors("won-3", "test", "detector", classes, kinds, tuple(map(tuple, matrix)))


def test_the_tables_of_a_run() -> None:
    kinds, matrix = tables_of_errors(errors())
    assert kinds.columns == ("kind", "boxes", "images", "worth", "bar")
    assert [(row["kind"], row["worth"], row["bar"]) for row in kinds.rows] == [
        ("class", "0.250", "█" * 12),
        ("background", "0.125", "█" * 6),
    ]
    assert matrix.labels == ("label ↓ predicted →", "10", "5.0", NOTHING)
    assert not any("." in column for column in matrix.columns), "FiftyOne takes a dot for a path"
    assert [tuple(row.values()) for row in matrix.rows] == [
        ("10", 3, "", ""),
        ("5.0", 2, "", ""),
        (NOTHING, 1, "", ""),
    ]
    assert "3 predictions and missed labels are wrong" in head_of_errors(errors())


def test_what_mending_is_worth_is_left_out_where_nobody_knows_it() -> None:
    kinds, _ = tables_of_errors(errors(worth=None))
    assert kinds.columns == ("kind", "boxes", "images", "bar")
    assert [row["bar"] for row in kinds.rows] == ["█" * 12, "█" * 6]


def test_a_matrix_that_is_too_wide_is_a_list_of_its_largest_cells() -> None:
    many = errors(tuple(f"class {number}" for number in range(30)))
    _, pairs = tables_of_errors(many)
    assert pairs.name == PAIRS
    assert [tuple(row.values()) for row in pairs.rows] == [("class 29", "class 0", 2), (NOTHING, "class 0", 1)]
    assert clicked(many, PAIRS, 1, 0) == Clicked(truth=NOTHING, predicted="class 0")


@pytest.mark.parametrize(
    ("table", "row", "column", "means"),
    [
        (KINDS, 1, 0, Clicked(kind="background")),
        (MATRIX, 1, 1, Clicked(truth="5.0", predicted="10")),
        (MATRIX, 2, 1, Clicked(truth=NOTHING, predicted="10")),
        (MATRIX, 0, 3, Clicked(truth="10", predicted=NOTHING)),
        (MATRIX, 0, 0, Clicked()),  # the name of the row
        (MATRIX, -1, 2, Clicked()),  # the head of the table
        (MATRIX, 9, 1, Clicked()),
        ("other", 0, 0, Clicked()),
    ],
)
def test_what_a_click_means(table: str, row: int, column: int, means: Clicked) -> None:
    assert clicked(errors(), table, row, column) == means


def test_the_run_that_is_shown() -> None:
    assert runs_choice(["won-1", "won-2"], "won-1") == "won-1"
    assert runs_choice(["won-1", "won-2"], "won-9") == "won-2"
    assert runs_choice([], "won-1") == ""


def test_a_run_without_errors() -> None:
    right = RunErrors("won-3", "test", "detector", (), (), ((0,),))
    assert head_of_errors(right).endswith("Nothing.")


def test_the_intervals_are_drawn_from_above_with_their_ends() -> None:
    (data,), layout = interval_plot([Interval("the model", 0.1, 0.02, 0.2), Interval("the labels", -0.05, None, None)])
    assert data["y"] == ["the labels", "the model"]
    assert data["x"] == [-0.05, 0.1]
    assert data["error_x"]["array"] == [0, pytest.approx(0.1)]
    assert data["error_x"]["arrayminus"] == [0, pytest.approx(0.08)]
    assert layout["height"] > 100


def test_numbers_that_somebody_typed() -> None:
    assert whole_of({"budget": " 12 "}, "budget", 60) == 12
    assert whole_of({"budget": ""}, "budget", 60) == 60
    assert whole_of({}, "budget", None) is None
    assert number_of({"minutes": "2.5"}, "minutes", 0.0) == 2.5
    with pytest.raises(LabelloopError, match="budget must be a whole number, received -3"):
        whole_of({"budget": "-3"}, "budget", 60)
    for wrong in ("soon", "nan", "-1", "inf"):
        with pytest.raises(LabelloopError, match="minutes must be a number, 0 or above"):
            number_of({"minutes": wrong}, "minutes", 0.0)


def test_a_command_is_watched_to_its_end(tmp_path: Path) -> None:
    words = ["runs", "list", "--home", str(tmp_path / "home")]
    seen = list(watch_command(words, tmp_path / "job", lambda: ("looking", 0.5)))
    assert set(seen) == {Progress("looking", 0.5)}
    assert read_answer(tmp_path / "job")["runs"] == []


def test_a_command_that_fails_says_its_own_sentence(tmp_path: Path) -> None:
    words = ["status", "nowhere", "--home", str(tmp_path / "home")]
    with pytest.raises(LabelloopError, match=r"^(?!Error)(?!Traceback).*nowhere"):
        list(watch_command(words, tmp_path / "job", lambda: ("looking", 0.5)))


def test_work_says_how_far_it_is_and_what_it_comes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelloop.tools.fiftyone_plugin.jobs._LOOK_SECONDS", 0.01)
    seen = Event()

    def work(count: Callable[[int, int], None]) -> str:
        count(3, 4)
        assert seen.wait(30), "somebody looks meanwhile"
        return "done"

    steps: list[Progress] = []
    came: list[str] = []

    def watched() -> Iterator[Progress]:
        came.append((yield from with_progress("sending", work, 0.5, 0.9)))

    for step in watched():
        steps.append(step)
        if step.label == "sending: 3 of 4":
            seen.set()
    assert came == ["done"]
    assert steps[0] == Progress("sending", 0.5)
    assert steps[-1] == Progress("sending: 3 of 4", pytest.approx(0.8))


def test_work_that_fails_says_why() -> None:
    def work(_: Callable[[int, int], None]) -> None:
        raise LabelloopError("the desk is away")

    with pytest.raises(LabelloopError, match="the desk is away"):
        list(with_progress("sending", work, 0, 1))
