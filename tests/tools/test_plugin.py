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
from labelloop.datasets.window import Window, build_window, find_edits, open_window
from labelloop.label_config.conflicts import make_conflict
from labelloop.label_config.desk import State, desk_folder, ledger_mark, write_state
from labelloop.tools.fiftyone_plugin import MANIFEST, PANEL, SCRIPT
from labelloop.tools.fiftyone_plugin.actions import ACTIONS
from labelloop.tools.fiftyone_plugin.forms import Action, Choice, Note, Place, Progress, Said, Show, Switch
from labelloop.tools.fiftyone_plugin.labels import head_of, tables_of
from labelloop.tools.window_conflicts import VIEW
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
    assert read["panels"] == [PANEL]
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


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_form_can_be_asked(action: Action) -> None:
    assert action.form(make_place("forms"), {}) is not None
