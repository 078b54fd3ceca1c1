"""What the panel Labels shows, and its forms and actions, without the App around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box
from labelloop.datasets.window import Window, build_window, find_edits, open_window
from labelloop.label_config.conflicts import make_conflict
from labelloop.label_config.desk import State, desk_folder, ledger_mark, write_state
from labelloop.tools.fiftyone_plugin.actions import ACTIONS
from labelloop.tools.fiftyone_plugin.forms import Action, Choice, Note, Place, Progress, Said, Show, Switch
from labelloop.tools.fiftyone_plugin.labels import head_of, tables_of
from labelloop.tools.fiftyone_plugin.names import ERRORS, MANIFEST, PANELS, ROUNDS, SCRIPT
from labelloop.tools.fiftyone_plugin.rounds import rounds_of
from labelloop.tools.window_conflicts import VIEW
from labelloop.tools.window_errors import count_errors
from labelloop.training.predictions import from_boxes, write_predictions
from labelloop.training.results import format_result
from labelloop.training.runs import begin_run
from labelloop.training.suspects.suspect import Suspect, SuspectList, write_suspects
from tests.datasets.window_runs import box, new_ledger, sample, workspace

_ACTIONS = {action.name: action for action in ACTIONS}


def make_place(name: str) -> Place:
    samples = [
        sample("a.jpg", box("a.jpg"), box("a.jpg", "앞면", (1, 1, 50, 50)), split="train"),
        sample("b.jpg", box("b.jpg", "앞면"), split="val"),
        sample("c.jpg", state="negative"),
        sample("d.jpg", label="100"),
    ]
    ledger = new_ledger(name, samples, findings={"a.jpg": ["clipped: x", "clipped: y"], "b.jpg": ["scaled: z"]})
    return place_of(build_window(ledger))


def place_of(window: Window) -> Place:
    return Place(workspace(), window, "ann", lambda: ["a.jpg"])


def again(place: Place) -> Place:
    """As the App asks anew before each form and each run."""
    window = open_window(place.window.ledger)
    assert window is not None
    return replace(place, window=window)


def form(place: Place, name: str, values: Mapping[str, Any] | None = None) -> str:
    fields = _ACTIONS[name].form(again(place), values or {})
    return "\n".join(field.text for field in fields if isinstance(field, Note))


def run(place: Place, name: str, values: Mapping[str, Any] | None = None) -> Said:
    *steps, last = _ACTIONS[name].run(again(place), values or {})
    assert isinstance(last, Said)
    assert all(isinstance(step, (Progress, Show)) for step in steps)
    return last


def rename(window: Window, key: str, label: str) -> None:
    from fiftyone import ViewField  # imported by the window already

    dataset = window.dataset()
    found = dataset.match(ViewField("key") == key).first()
    found.ground_truth.detections[0].label = label
    found.save()


def commit(ledger: Ledger, key: str, label: str) -> None:
    (old,) = ledger.samples(keys=[key])
    changed = replace(old, boxes=(replace(old.boxes[0], label=label), *old.boxes[1:]))
    ledger.commit({key: changed}, base=ledger.version(), author="bob", tool="test", message="by bob")


def test_the_manifest_names_everything() -> None:
    read = yaml.safe_load(MANIFEST)
    assert read["operators"] == [action.name for action in ACTIONS]
    assert read["panels"] == list(PANELS)
    assert read["js_bundle"] == SCRIPT
    assert len(set(read["operators"])) == len(ACTIONS)


def test_the_tables_count_right() -> None:
    place = make_place("tables")
    versions, balance, findings = tables_of(place.window)
    assert [row["version"] for row in versions.rows] == [1, 0]
    assert balance.columns == ("class", "boxes", "image labels", "train", "val", "in no split")
    assert [tuple(row[name] for name in balance.columns) for row in balance.rows] == [
        ("10", 1, 0, 1, 0, 0),
        ("50", 0, 0, 0, 0, 0),
        ("100", 0, 1, 0, 0, 1),
        ("앞면", 2, 0, 1, 1, 0),
    ]
    assert [tuple(row.values()) for row in findings.rows] == [("clipped", 1), ("scaled", 1)]


def test_the_head_says_what_was_edited_and_that_the_ledger_went_on() -> None:
    place = make_place("head")
    assert "Nothing was edited since" in head_of(place.window)
    rename(place.window, "a.jpg", "50")
    commit(place.window.ledger, "b.jpg", "10")
    head = head_of(place.window)
    assert "**1 box renamed**" in head
    assert "The ledger is at version 2" in head


def test_commit_asks_about_conflicts_only_where_there_can_be_some() -> None:
    place = make_place("commit-form")
    assert form(place, "commit") == "Nothing was edited since this version."
    rename(place.window, "a.jpg", "50")
    assert form(place, "commit") == "Edited: **1 box renamed**"
    assert not any(isinstance(field, Choice) for field in _ACTIONS["commit"].form(place, {}))
    commit(place.window.ledger, "b.jpg", "10")
    assert any(isinstance(field, Choice) for field in _ACTIONS["commit"].form(place, {}))
    assert run(place, "commit").sentence == "Version 3: 1 box renamed."


def test_a_label_that_is_no_class_becomes_one_where_that_is_wanted() -> None:
    place = make_place("new-class")
    rename(place.window, "a.jpg", "500")
    rename(place.window, "b.jpg", "10")
    said = form(place, "commit")
    assert said.startswith("Edited: **1 box renamed, 1 that cannot be taken**\na.jpg: box ")
    assert said.endswith("received '500'")
    names = [field.name for field in _ACTIONS["commit"].form(place, {}) if isinstance(field, Switch)]
    assert names == ["new_classes", "skip_bad"]
    assert form(place, "commit", {"new_classes": True}) == "Edited: **2 boxes renamed**"
    with pytest.raises(LabelloopError, match="nothing was"):
        run(place, "commit")
    assert run(place, "commit", {"new_classes": True}).sentence == "Version 2: 2 boxes renamed."
    assert place.window.ledger.classes()[-1] == "500"


def test_an_undo_beside_edits_leaves_the_window_and_says_so() -> None:
    place = make_place("undo")
    commit(place.window.ledger, "b.jpg", "10")
    run(place, "refresh", {"version": "2"})
    rename(place.window, "a.jpg", "50")
    said = run(place, "revert", {"commit": "2"})
    assert said.sentence.startswith("Undid 2. Version 3: 1 box renamed.")
    assert said.sentence.endswith("The window stays as it is: what was edited here is not committed yet.")
    assert again(place).window.version == 2
    assert find_edits(again(place).window).summary() == "1 box renamed"
    with pytest.raises(LabelloopError, match="not committed"):
        run(place, "refresh", {"version": "3"})
    done = run(place, "refresh", {"version": "3", "discard": True})
    assert done.changed
    assert not find_edits(again(place).window)


def test_export_shows_what_is_lost_before(tmp_path: Path) -> None:
    place = make_place("export-form")
    assert form(place, "export") == ""
    said = form(place, "export", {"format": "yolo"})
    assert "images will be written" in said
    assert "Not in it:" in said
    with pytest.raises(LabelloopError, match="must be an absolute path"):
        run(place, "export", {"format": "yolo", "target": "out"})


def test_conflicts_are_a_saved_view_as_long_as_there_are_some() -> None:
    place = make_place("conflicts")
    dataset = place.window.dataset()
    (old,) = place.window.ledger.samples(keys=["b.jpg"])
    ledger = place.window.ledger
    told = make_conflict("b.jpg", old.boxes[0].id, "label", "앞면", "앞면", {"eve": "10"}, "1/conflicts/b.jpg", 7)
    folder = desk_folder(place.workspace, ledger.folder.name)
    folder.mkdir(parents=True)
    write_state(folder, State(1, "then", ledger_mark(ledger), version=ledger.version(), conflicts=[told]))
    steps = list(_ACTIONS["conflicts"].run(place, {}))
    assert steps[0] == Show(["b.jpg"])
    assert dataset.load_saved_view(VIEW).values("key") == ["b.jpg"]
    commit(place.window.ledger, "b.jpg", "10")
    assert run(place, "conflicts").sentence == "No conflicts."
    dataset.reload()
    assert VIEW not in dataset.list_saved_views()


def test_what_changed_is_shown() -> None:
    place = make_place("diff")
    commit(place.window.ledger, "b.jpg", "10")
    steps = list(_ACTIONS["diff"].run(place, {"before": "1", "after": "2", "show": True}))
    assert Show(["b.jpg"]) in steps
    last = steps[-1]
    assert isinstance(last, Said)
    assert last.sentence == "From version 1 to 2: 1 box renamed"
    assert "| 앞면 | 0 | 0 | 0 | 1 | 0 |" in last.text
    assert not last.changed, "nothing was written, so the page stays"


def test_what_a_run_gets_wrong_is_shown_and_leads_to_its_panel() -> None:
    place = make_place("inspected")
    ledger = place.window.ledger
    assert form(place, "inspect") == "No run is done yet: Train makes one."
    made = begin_run(
        place.workspace, "detector", "inspected", 1, ledger.frame(), classes=ledger.classes(), model="yolov8n", seed=0,
        settings={}, reasons={},
    )  # fmt: skip
    rows = from_boxes({"b.jpg": (Box("10", 10, 20, 110, 220, score=0.9),)})  # the label is another
    write_predictions(made.folder / "predictions", "val", rows)
    made.finish(format_result({}))
    done = run(place, "inspect", {"run": made.id})
    assert done.sentence.startswith(f"{made.id} on val is shown: 2 saved views")
    assert (done.changed, done.panel) == (True, ERRORS)
    assert [each.kind for each in count_errors(place.window, made.id).kinds] == ["class"]
    with pytest.raises(LabelloopError, match="no run inspected-9"):
        run(place, "inspect", {"run": "inspected-9"})


def test_the_panel_rounds_has_the_queue_in_its_order() -> None:
    place = make_place("queue")
    assert "Nobody has looked for suspects yet" in rounds_of(place).head
    assert "Nobody has looked" in form(place, "round_start")
    assert form(place, "round_report").startswith("No round was sent yet")
    few = Suspect("a.jpg", "class", "", "10", None, "50", 0.5, 0.01, 6.0, 0.05, "a class", ("held-out",))
    more = Suspect(
        "b.jpg", "missing", "", "", Box("10", 1, 1, 9, 9), "10", 0.9, 0.1, 10.0, 0.54, "a box", ("in-sample",)
    )
    source = {"runs": ["queue-1"], "folds": 0, "in_sample": 1}
    write_suspects(place.workspace, SuspectList("queue", 1, "2026-01-01T00:00:00+00:00", source, (few, more)))
    shown = rounds_of(place)
    assert shown.queue == ["b.jpg", "a.jpg"]
    assert "2 labels are suspects, on 2 images, by queue-1, at version 1" in shown.head
    assert "Of 1 images the model had learned the labels" in shown.head
    (queue,) = shown.tables
    assert [(row["image"], row["what"], row["wrong"]) for row in queue.rows] == [
        ("b.jpg", "a box", "90%"),
        ("a.jpg", "a class", "50%"),
    ]
    done = run(place, "suspects")
    assert done.sentence.startswith("2 suspects on 2 images")
    assert (done.changed, done.panel) == (True, ROUNDS)
    assert place.window.dataset().load_saved_view("suspects").values("key") == ["b.jpg", "a.jpg"]
    commit(place.window.ledger, "b.jpg", "10")
    assert "The ledger is at version 2 since" in rounds_of(again(place)).head
    with pytest.raises(LabelloopError, match="a round must have 2 images at least, received 1"):
        run(place, "round_start", {"budget": "1"})


def test_the_form_says_that_images_of_a_frozen_test_split_are_blind() -> None:
    place = make_place("frozen")
    assert "split test" not in form(place, "push")
    source: dict[str, Any] = {"runs": [], "folds": 2}
    write_suspects(place.workspace, SuspectList("frozen", 1, "2026-01-01T00:00:00+00:00", source, ()))
    assert "Images of the split test show neither labels nor boxes" in form(place, "push")
    assert form(place, "round_settle") == "No blind answer differs from the labels of test, as of the last pull."


def test_all_that_a_round_brought_is_undone_at_once() -> None:
    place = make_place("undo-round")
    ledger = place.window.ledger
    for key, round in (("a.jpg", "undo-round-round-1"), ("b.jpg", "")):
        (old,) = ledger.samples(keys=[key])
        changed = replace(old, boxes=(replace(old.boxes[0], label="50"), *old.boxes[1:]))
        ledger.commit({key: changed}, base=ledger.version(), author="bob", tool="test", message="m", round=round)
    choice = next(each for each in _ACTIONS["revert"].form(again(place), {}) if isinstance(each, Choice))
    assert choice.options["undo-round-round-1"] == "undo-round-round-1 · all that this round brought"
    said = run(place, "revert", {"commit": "undo-round-round-1"})
    assert said.sentence.startswith("Undid 2. Version 4:")
    labels = {each.key: each.boxes[0].label for each in ledger.samples() if each.boxes}
    assert labels == {"a.jpg": "10", "b.jpg": "50"}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_form_can_be_asked(action: Action) -> None:
    assert action.form(make_place("forms"), {}) is not None
