"""The window in a real browser: look, filter, edit, commit, compare, undo, export; the ledger says the same."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="there is no playwright to drive a browser")

from labelloop.datasets.ledger import Ledger
from tests.browser.pages import Opened, Window, cy, expect
from tests.browser.servers import BOX, CLASSES, COUNT, SECOND, Browsing, key, labelloop


def changes(home: Path, before: int, after: int) -> list[dict[str, Any]]:
    return labelloop("diff", "won", before, after, "--home", home, "--json")["changes"]


def box_at(home: Path, name: str, corners: tuple[float, ...]) -> str:
    """The id of the box that an image had at these corners when it was imported."""
    (sample,) = ledger(home).samples(1, keys=[name])
    (found,) = [box.id for box in sample.boxes if box.corners == corners]
    return found


def ledger(home: Path) -> Ledger:
    return Ledger(home / "ledgers" / "won")


def version(home: Path) -> int:
    return ledger(home).version()


def near(corners: list[float], wanted: tuple[float, ...]) -> bool:
    """Within half a pixel and a hand's tremor of it."""
    return all(abs(one - other) <= 1.5 for one, other in zip(corners, wanted, strict=True))


def test_it_opens_as_a_user_wants_it(window: Window) -> None:
    groups = window.page.locator('[data-cy^="sidebar-group-entry-"]')
    assert groups.evaluate_all("all => all.map(each => each.getAttribute('data-cy').slice(20))") == [
        "TAGS", "LABELS", "SPLIT", "GROUP", "SIZE", "QUALITY", "FINDINGS", "METADATA",
    ]  # fmt: skip
    expect(window.panel).to_contain_text("won, version 1")
    expect(window.panel).to_contain_text("Nothing was edited since")
    inside = window.panel.evaluate("panel => [panel.scrollWidth, panel.clientWidth]")
    assert inside[0] <= inside[1], "the panel must not scroll sideways"
    assert window.page.get_by_role("dialog").count() == 0
    window.page.wait_for_timeout(3000)  # FiftyOne's advertisement opens by itself, a moment later
    expect(window.page.get_by_text("Accelerate your workflow")).to_have_count(0)


def test_filtering_by_class_counts_right(window: Window) -> None:
    window.unfold("ground_truth")
    window.filter("ground_truth.detections.label", CLASSES[0])
    window.expect_count(f"{COUNT // 3} of {COUNT} samples")
    window.filter("ground_truth.detections.label", CLASSES[2])
    window.expect_count(f"{2 * COUNT // 3 - 1} of {COUNT} samples")  # the last image has no box


def test_edits_are_committed_as_they_were_made(window: Window, home: Path, tmp_path: Path) -> None:
    start = version(home)
    opened = Opened(window, key(0))
    first, second = box_at(home, key(0), BOX), box_at(home, key(0), SECOND)
    assert set(opened.boxes()) == {first, second}
    opened.choose(first)
    assert opened.classes() == list(CLASSES)
    opened.rename(CLASSES[2])
    opened.back()

    middle = ((SECOND[0] + SECOND[2]) / 2, (SECOND[1] + SECOND[3]) / 2)
    opened.move(middle, (middle[0] - 20, middle[1] + 30))
    opened.back()
    opened.close()

    opened = Opened(window, key(1))
    opened.choose(box_at(home, key(1), BOX))
    opened.drag((BOX[2], BOX[3]), (BOX[2] + 40, BOX[3] + 50))
    opened.back()
    opened.close()

    opened = Opened(window, key(2))
    opened.add((200, 100), (300, 180))
    opened.rename(CLASSES[1])
    opened.back()
    opened.close()

    opened = Opened(window, key(3))
    gone = box_at(home, key(3), BOX)
    opened.choose(gone)
    opened.delete()
    opened.close()

    opened = Opened(window, key(COUNT - 1))
    opened.set_state("unlabelled")
    opened.close()

    window.expect_edited("1 state changed, 1 box added, 1 box deleted, 2 boxes moved, 1 box renamed")
    said = window.act("Commit edits", {"What was done and why": "by hand", "Who did it": "bob"})
    assert f"Version {start + 1}: 1 state changed, 1 box added, 1 box deleted, 2 boxes moved, 1 box renamed." in said
    expect(window.panel).to_contain_text(f"won, version {start + 1}")
    expect(window.panel).to_contain_text("Nothing was edited since")

    made = changes(home, start, start + 1)
    found = {(each["key"], each["kind"]): each for each in made}
    assert sorted(found) == [
        (key(0), "box-moved"), (key(0), "box-renamed"), (key(1), "box-moved"), (key(2), "box-added"),
        (key(3), "box-deleted"), (key(COUNT - 1), "state"),
    ]  # fmt: skip
    assert len(made) == len(found)
    renamed, moved = found[key(0), "box-renamed"], found[key(0), "box-moved"]
    assert (renamed["box"], renamed["before"]["label"], renamed["after"]["label"]) == (first, CLASSES[0], CLASSES[2])
    assert renamed["before"]["corners"] == renamed["after"]["corners"]
    assert moved["box"] == second
    assert near(moved["after"]["corners"], (SECOND[0] - 20, SECOND[1] + 30, SECOND[2] - 20, SECOND[3] + 30))
    assert near(found[key(1), "box-moved"]["after"]["corners"], (BOX[0], BOX[1], BOX[2] + 40, BOX[3] + 50))
    added = found[key(2), "box-added"]["after"]
    assert added["label"] == CLASSES[1]
    assert near(added["corners"], (200, 100, 300, 180))
    assert found[key(3), "box-deleted"]["box"] == gone
    assert found[key(COUNT - 1), "state"]["after"] == "unlabelled"
    last = labelloop("log", "won", "--home", home, "--json")["commits"][0]
    assert (last["author"], last["tool"], last["message"]) == ("bob", "window", "by hand")

    said = window.act("Compare versions")
    assert f"From version {start} to {start + 1}" in said
    assert f'{key(3)}: box "{CLASSES[0]}" deleted' in said

    said = window.act("Undo a commit", {"Why": "only a test"})
    assert "Undid" in said
    expect(window.panel).to_contain_text(f"won, version {start + 2}")
    assert changes(home, start, start + 2) == []
    assert gone in Opened(window, key(3)).boxes(), "the page must not go on with what it had open"


def test_what_an_open_page_writes_back_is_seen(window: Window, home: Path, new_page: Any) -> None:
    """The App merges a sample as it had it open over one that was changed beneath it."""
    start = version(home)
    kept, gone = box_at(home, key(6), BOX), box_at(home, key(6), SECOND)
    elsewhere = Browsing(home).ready()  # pages of one server all open the same sample
    try:
        stale = Opened(Window(new_page(), elsewhere.address).open(COUNT), key(6))
        opened = Opened(window, key(6))
        opened.choose(gone)
        opened.delete()
        opened.close()
        window.expect_edited("1 box deleted")
        window.act("Commit edits", {"What was done and why": "one less"})
        assert [each["kind"] for each in changes(home, start, start + 1)] == ["box-deleted"]
        stale.choose(kept)
        stale.rename(CLASSES[1])
        stale.back()
        shown = stale.boxes()
        stale.close()
    finally:
        assert elsewhere.interrupt() == 0
    found = labelloop("commit", "won", "--dry-run", "--home", home, "--json")["changes"]
    kinds = {(each["kind"], each["box"]) for each in found}
    # Whether the App brings the box back is its own affair: where it is there again, that is an edit.
    assert kinds == {("box-renamed", kept), *([("box-added", gone)] if gone in shown else [])}
    window.open(COUNT)
    window.expect_edited("1 box renamed")
    window.act("Show a version", {"Throw away what was edited here and is not committed": "yes"})
    expect(window.panel).to_contain_text("Nothing was edited since")


def test_export_says_what_is_lost_and_refuses_to_merge(window: Window, tmp_path: Path) -> None:
    target = tmp_path / "out"
    form = window.act("Export", {"New folder": str(target)}, only="images will be written")
    assert "ids of boxes" in form
    assert not target.exists()
    said = window.act("Export", {"New folder": str(target)})
    assert "as yolo" in said
    assert (target / "data.yaml").is_file()
    shutil.rmtree(target / "labels")
    said = window.act("Export", {"New folder": str(target)})
    assert "must not exist yet" in said
    assert "Traceback" not in said
    said = window.act("Export", {"New folder": "out"})
    assert "must be an absolute path" in said


def test_split_shows_in_the_sidebar(window: Window, home: Path) -> None:
    start = version(home)
    said = window.act("Split", {"Look for images that show one shot": "no", "train/val/test": "50/25/25"})
    assert f"Version {start + 1}" in said
    expect(window.panel).to_contain_text("train")
    window.open(COUNT)
    window.unfold("split")
    window.filter("split", "val")
    window.expect_count(f"{COUNT // 4} of {COUNT} samples")


def test_a_wrong_value_is_a_sentence(window: Window) -> None:
    said = window.act("Split", {"train/val/test": "lots"}, fails=True)
    assert "lots" in said
    assert "Traceback" not in said


def test_a_saved_view_is_there(window: Window) -> None:
    window.page.locator(cy("saved-views-selection")).click()
    expect(window.page.get_by_text("looked at, nothing there", exact=True)).to_be_visible()
