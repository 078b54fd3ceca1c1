"""A run's failures and suspects in the window: in fields of their own, with views and an evaluation, and never an edit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box, Sample
from labelloop.datasets.window import Window, build_window, find_edits, refresh_window
from labelloop.datasets.window_commits import commit_window
from labelloop.datasets.window_findings import field_name, shown_findings
from labelloop.datasets.workspace import Workspace
from labelloop.tools.window_classifiers import show_classifier
from labelloop.tools.window_errors import NOTHING, count_errors, keys_of_cell, keys_of_kind, shown_runs
from labelloop.tools.window_runs import hide_gone_runs, hide_run, run_in_window, show_run
from labelloop.tools.window_suspects import NAME, show_suspects
from labelloop.training.detection_metrics import evaluate
from labelloop.training.inspection.errors import Errors, Gains, find_errors, find_gains
from labelloop.training.predictions import LABELS, from_boxes, write_predictions
from labelloop.training.results import format_result
from labelloop.training.runs import Run, begin_run
from labelloop.training.suspects.suspect import Suspect, SuspectList
from tests.datasets.window_runs import CLASSES, box, new_ledger, sample, workspace

A, B, C, D = "a.jpg", "b.jpg", "c.jpg", "d.jpg"


def scored(label: str, corners: tuple[float, float, float, float], score: float) -> Box:
    return Box(label, *corners, score=score)


FOUND = {
    A: (scored("10", (10, 20, 110, 220), 0.9), scored("10", (12, 22, 112, 222), 0.8)),  # right, and a duplicate
    B: (scored("100", (10, 20, 110, 220), 0.7), scored("50", (300, 300, 400, 400), 0.6)),  # wrong class; background
    D: (scored("50", (400, 300, 500, 400), 0.95),),  # background, where nothing is
}


def test_samples() -> list[Sample]:
    return [
        sample(A, box(A), split="test"),
        sample(B, box(B, "50"), split="test"),
        sample(C, box(C, "앞면"), split="test"),  # missed
        sample(D, state="negative", split="test"),
        sample("e.jpg", box("e.jpg"), split="train"),
    ]


test_samples.__test__ = False  # type: ignore[attr-defined]


def make_run(window: Window, kind: Any = "detector") -> Run:
    run = begin_run(
        workspace(), kind, window.ledger.folder.name, window.version, window.ledger.frame(window.version),
        classes=CLASSES, model="yolov8n", seed=0, settings={}, reasons={},
    )  # fmt: skip
    if kind == "detector":
        rows = from_boxes(FOUND)
        write_predictions(run.folder / "predictions", "test", rows)
        truth = [each for each in run.samples() if each.split == "test"]
        run.finish(format_result({"test": evaluate(truth, rows, CLASSES)}))
    return run


def errors_of(run: Run) -> tuple[Errors, Gains]:
    truth = [each for each in run.samples() if each.split == "test"]
    return find_errors(truth, from_boxes(FOUND), CLASSES), find_gains(truth, from_boxes(FOUND), CLASSES)


def shown(name: str) -> tuple[Window, Run]:
    window = build_window(new_ledger(name, test_samples()))
    run = make_run(window)
    show_run(window, run, "test", *errors_of(run))
    return window, run


@pytest.fixture
def won() -> tuple[Window, Run]:
    return shown("shown")


def kinds(window: Window, field: str) -> dict[str, list[str]]:
    keys, found = window.dataset().values(["key", f"{field}.detections.kind"])
    return {key: each for key, each in zip(keys, found, strict=True) if each is not None}


def test_each_box_has_its_kind(won: tuple[Window, Run]) -> None:
    window, run = won
    field = field_name(run.id)
    assert kinds(window, field) == {A: ["correct", "duplicate"], B: ["class", "background"], C: [], D: ["background"]}
    assert kinds(window, f"{field}_truth")[C] == ["missed"]
    dataset = window.dataset()
    keys, wrong = dataset.values(["key", f"{field}_errors"])
    assert dict(zip(keys, wrong, strict=True)) == {
        A: ["duplicate"], B: ["class", "background"], C: ["missed"], D: ["background"], "e.jpg": None,
    }  # fmt: skip
    first = dataset.match({"key": A}).first()[field].detections[0]
    assert (first.label, first.confidence) == ("10", 0.9)
    assert first.bounding_box == pytest.approx([10 / 640, 20 / 480, 100 / 640, 200 / 480])


def test_a_view_shows_the_patches_of_a_kind(won: tuple[Window, Run]) -> None:
    window, run = won
    dataset = window.dataset()
    assert set(dataset.list_saved_views()) >= {
        f"{run.id}: {name}"
        for name in ("images with errors", "class errors", "duplicate errors", "background errors", "missed")
    }
    assert f"{run.id}: location errors" not in dataset.list_saved_views()
    patches = dataset.load_saved_view(f"{run.id}: background errors")
    assert sorted(patches.values(f"{field_name(run.id)}.label")) == ["50", "50"]
    assert dataset.load_saved_view(f"{run.id}: missed").values(f"{field_name(run.id)}_truth.label") == ["앞면"]
    assert dataset.load_saved_view(f"{run.id}: images with errors").values("key")[0] == B


def test_the_evaluation_has_cocos_own_figure_and_the_right_cells(won: tuple[Window, Run]) -> None:
    window, run = won
    dataset = window.dataset()
    results = dataset.load_evaluation_results(f"eval_{field_name(run.id)}")
    overall = cast("Any", run.result())["overall"]
    assert results.mAP() == pytest.approx(overall["mAP50-95"], abs=1e-12)
    assert results.mAR() == pytest.approx(overall["AR100"], abs=1e-12)
    matrix, labels, _ = results._confusion_matrix(include_other=False, include_missing=True, tabulate_ids=False)
    cells = {
        (labels[row], labels[column]): int(matrix[row][column])
        for row in range(len(labels))
        for column in range(len(labels))
        if matrix[row][column]
    }
    nothing = "(none)"
    assert cells == {
        ("10", "10"): 1, ("50", "100"): 1, ("앞면", nothing): 1, (nothing, "10"): 1, (nothing, "50"): 2,
    }  # fmt: skip
    view = dataset.load_evaluation_view(f"eval_{field_name(run.id)}")
    assert sorted(view.values("key")) == [A, B, C, D]


def test_the_counts_lead_to_their_images(won: tuple[Window, Run]) -> None:
    window, run = won
    assert shown_runs(window) == [run.id]
    errors = count_errors(window, run.id)
    assert (errors.split, errors.classes) == ("test", CLASSES)
    counted = {each.kind: (each.boxes, each.images) for each in errors.kinds}
    assert counted == {"class": (1, 1), "duplicate": (1, 1), "background": (2, 2), "missed": (1, 1)}
    #          10 50 100 앞면 nothing
    assert errors.matrix == (
        (1, 0, 0, 0, 0),
        (0, 0, 1, 0, 0),
        (0, 0, 0, 0, 0),
        (0, 0, 0, 0, 1),
        (1, 2, 0, 0, 0),
    )
    assert errors.confusions()[0] == (NOTHING, "50", 2)
    assert keys_of_kind(window, run.id, "background") == [B, D]
    assert keys_of_kind(window, run.id, "missed") == [C]
    assert keys_of_cell(window, run.id, "50", "100") == [B]
    assert keys_of_cell(window, run.id, "앞면", NOTHING) == [C]
    assert keys_of_cell(window, run.id, NOTHING, "10") == [A]
    with pytest.raises(LabelloopError, match="does not show won-9"):
        count_errors(window, "won-9")


def test_nothing_of_it_is_an_edit(won: tuple[Window, Run]) -> None:
    window, run = won
    before = window.ledger.version()
    assert not find_edits(window, new_classes=True)
    done = commit_window(window, author="ann", message="nothing")
    assert done.commit is None
    assert window.ledger.version() == before
    dataset = window.dataset()
    edited = dataset.match({"key": A}).first()
    edited.ground_truth.detections[0].label = "100"
    edited[field_name(run.id)].detections[0].label = "앞면"  # somebody edits a prediction
    edited.save()
    edits = find_edits(window)
    assert edits.summary() == "1 box renamed"
    commit_window(window, author="ann", message="one box")
    after = window.ledger.samples(keys=[A])[0]
    assert [each.label for each in after.boxes] == ["100"]
    refresh_window(build_window(window.ledger))
    assert not find_edits(window)


def test_shown_again_it_is_the_same_and_hidden_nothing_is_left() -> None:
    window, run = shown("twice")
    fields = set(window.dataset().get_field_schema())
    views = window.dataset().list_saved_views()
    show_run(window, run, "test", *errors_of(run))
    dataset = window.dataset()
    assert set(dataset.get_field_schema()) == fields
    assert dataset.list_saved_views() == views
    assert hide_run(window, run.id)
    dataset = window.dataset()
    assert not any(field_name(run.id) in name for name in dataset.get_field_schema(flat=True))
    assert not any(run.id in name for name in dataset.list_saved_views())
    assert dataset.list_evaluations() == []
    assert shown_findings(dataset) == {}
    assert not any(field_name(run.id) in key for key in window.collection().find_one())
    assert not hide_run(window, run.id)


def test_a_run_that_is_gone_is_taken_away() -> None:
    window, run = shown("gone")
    assert hide_gone_runs(workspace(), window) == []
    run.folder.rename(run.folder.with_name(f".{run.id}"))
    assert hide_gone_runs(workspace(), window) == [run.id]


def test_the_sidebar_and_the_colours_know_the_predictions_and_keep_them(won: tuple[Window, Run]) -> None:
    window, run = won
    ledger = window.ledger
    (old,) = ledger.samples(keys=[C])
    ledger.commit({C: replace(old, boxes=(replace(old.boxes[0], label="500"),))}, base=ledger.version(), author="b",
                  tool="test", message="a new class")  # fmt: skip
    refresh_window(window)
    config = window.dataset().app_config
    groups = {group.name: group.paths for group in config.sidebar_groups}
    field = field_name(run.id)
    assert groups[run.id][:3] == [field, f"{field}_truth", f"{field}_errors"]
    assert field in [each["path"] for each in config.color_scheme.fields]
    assert config.active_fields.paths == ["ground_truth", field]


def test_a_classifier_is_shown() -> None:
    samples = [sample(key, label=label, split="test") for key, label in ((A, "10"), (B, "50"), (C, "50"))]
    window = build_window(new_ledger("whole", samples))
    run = make_run(window, "classifier")
    rows = [(A, "10", 0.9, [0.9]), (B, "10", 0.8, [0.8]), (C, "50", 0.7, [0.7])]
    import numpy as np

    maps = {A: np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)}
    show_classifier(window, run, "test", pl.DataFrame(rows, schema=LABELS, orient="row"), maps)
    dataset, field = window.dataset(), field_name(run.id)
    assert dataset.load_saved_view(f"{run.id}: class errors").values("key") == [B]
    assert dataset.match({"key": A}).first()[f"{field}_looked"].map.shape == (48, 64)
    errors = count_errors(window, run.id)
    assert [(each.kind, each.boxes) for each in errors.kinds] == [("class", 1)]
    assert errors.matrix[1][:2] == (1, 1)
    assert keys_of_cell(window, run.id, "50", "10") == [B]
    results = dataset.load_evaluation_results(f"eval_{field}")
    assert results.metrics()["accuracy"] == pytest.approx(2 / 3)
    assert not find_edits(window, new_classes=True)
    assert hide_run(window, run.id)
    assert f"{field}_looked" not in window.dataset().get_field_schema()


def test_a_classifier_of_boxes_is_shown_in_their_places() -> None:
    window = build_window(new_ledger("crops", test_samples()))
    ledger = window.ledger
    run = begin_run(
        workspace(), "classifier", "crops", 1, ledger.frame(), classes=("10", "50", "앞면"), model="efficientnet-lite0",
        seed=0, settings={"from": "boxes"}, reasons={},
    )  # fmt: skip
    keys = {each.key: f"{each.key}#{each.boxes[0].id}" for each in ledger.samples() if each.boxes}
    rows = [(keys[A], "10", 0.9, [0.9]), (keys[B], "앞면", 0.8, [0.8]), (keys[C], "앞면", 0.7, [0.7])]
    show_classifier(window, run, "test", pl.DataFrame(rows, schema=LABELS, orient="row"))
    errors = count_errors(window, run.id)
    assert [(each.kind, each.boxes) for each in errors.kinds] == [("class", 1)]
    assert keys_of_cell(window, run.id, "50", "앞면") == [B]
    dataset = window.dataset()
    assert dataset.load_saved_view(f"{run.id}: class errors").values(f"{field_name(run.id)}.label") == ["앞면"]
    results = dataset.load_evaluation_results(f"eval_{field_name(run.id)}")
    assert results.metrics()["accuracy"] == pytest.approx(2 / 3)
    assert not find_edits(window, new_classes=True)


def test_suspects_are_shown_best_first() -> None:
    window = build_window(new_ledger("suspected", test_samples()))
    (labelled,) = window.ledger.samples(keys=[A])[0].boxes
    suspects = (
        Suspect(A, "spurious", labelled.id, "10", None, "", 0.8, 0.01, 5.0, 0.096, "nothing is there", ("held-out",)),
        Suspect(C, "missing", "", "", Box("50", 1, 2, 30, 40), "50", 0.9, 0.1, 10.0, 0.54, "a box belongs there"),
        Suspect(
            "gone.jpg", "missing", "", "", Box("50", 1, 2, 30, 40), "50", 0.9, 0.1, 10.0, 0.54, "not in the window"
        ),
    )
    found = SuspectList("suspected", 1, "2026-01-01T00:00:00+00:00", {"runs": ["suspected-1"]}, suspects)
    show_suspects(window, found)
    dataset = window.dataset()
    view = dataset.load_saved_view(NAME)
    assert view.values("key") == [C, A], "C is worth more a minute"
    assert view.values("suspects.detections.kind") == [["missing"], ["spurious"]]
    assert view.values("suspects.detections.label") == [["50"], ["10"]]
    assert view.values("suspect_reasons") == [["a box belongs there"], ["nothing is there"]]
    assert dataset.app_config.active_fields.paths == ["ground_truth", "suspects"]
    assert not find_edits(window, new_classes=True)
    assert show_suspects(window, replace(found, suspects=())) is None
    assert not any("suspect" in name for name in window.dataset().get_field_schema())


@pytest.mark.parametrize(
    ("name", "field"),
    [("won-3", "won_3"), ("앞면-1", "앞면_1"), ("2023.03 (1)-2", "run_2023_03__1__2"), ("key", "run_key")],
)
def test_a_field_is_named_after_its_run(name: str, field: str) -> None:
    assert field_name(name) == field
    assert field_name(name).isidentifier()


def test_a_workspace_without_a_window_is_left_alone(tmp_path: Path) -> None:
    run = cast("Any", SimpleNamespace(plan=SimpleNamespace(dataset="won"), id="won-1"))
    assert run_in_window(Workspace(tmp_path), run, "test", "ann") == ""
    assert list(tmp_path.iterdir()) == []
