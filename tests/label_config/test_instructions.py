"""What people at the desk are told and shown, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.label_config.instructions import instructions
from labelloop.label_config.rendering import render_config
from tests.label_config.conftest import MakeDesk
from tests.label_config.servers import CLASSES
from tests.label_config.test_desk import two_boxes

pytestmark = pytest.mark.slow


def test_people_are_told_what_is_asked_and_what_somebody_wrote_stays(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    at = f"/api/projects/{desk.push().project}"
    there = desk.client.get(at)
    assert there["show_instruction"]
    assert there["expert_instruction"] == instructions(render_config(CLASSES)), "or else it is never brought up to date"
    desk.push(kind="both")
    told = desk.client.get(at)["expert_instruction"]
    assert told == instructions(render_config(CLASSES, "both"))
    assert "one class" in told
    desk.client.patch(at, {"expert_instruction": "<p>Worn coins too.</p>"})
    desk.push(kind="boxes")
    assert desk.client.get(at)["expert_instruction"] == "<p>Worn coins too.</p>"


def test_the_list_of_tasks_shows_nothing_that_only_labelloop_reads(make_desk: MakeDesk, tmp_path: Path) -> None:
    desk = make_desk([two_boxes(tmp_path)])
    project = desk.push().project
    desk.push()
    views = desk.client.get("/api/dm/views", project=project)
    (view,) = views
    hidden = set(view["data"]["hiddenColumns"]["explore"])
    shown = {f"tasks:data.{name}" for name in desk.task(project, "a.png")["data"]} - hidden
    assert shown == {"tasks:data.image", "tasks:data.key"}
