"""The scripted annotator: whatever sample data has wrong on purpose comes home right, and what is right untouched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.schema import Box, Sample
from labelloop.tools.scripted_annotator import EMAIL, Answered, answer_tasks
from tests.label_config.plain_desk import make_plain_desk
from tests.label_config.servers import Desk, sample

A, B = (f"{number:024x}" for number in (1, 2))
RIGHT = Box("10", 4, 4, 24, 24, A)


def truth_file(folder: Path, images: dict[str, Any]) -> Path:
    """The truth of images whose photos are ten times as large as the images in the ledger."""
    path = folder / "photos.truth.json"
    path.write_text(json.dumps({"images": {key: {"size": [640, 480], **each} for key, each in images.items()}}))
    return path


def played(tmp_path: Path, samples: list[Sample], images: dict[str, Any], **push: Any) -> tuple[Desk, Answered]:
    desk, _ = make_plain_desk(tmp_path, "won", samples)
    desk.push(**push)
    done = answer_tasks(desk.client, desk.ledger, desk.folder, truth_file(tmp_path, images))
    return desk, done


def one(label: str, x1: float, y1: float, x2: float, y2: float) -> dict[str, Any]:
    return {"boxes": [{"label": label, "corners": [10 * x1, 10 * y1, 10 * x2, 10 * y2]}]}


def test_what_is_wrong_is_mended_and_what_is_right_is_left(tmp_path: Path) -> None:
    samples = [
        sample(Path(), "right.png", RIGHT),
        sample(Path(), "renamed.png", Box("50", 4, 4, 24, 24, A)),
        sample(Path(), "moved.png", Box("10", 10, 4, 30, 24, A)),
        sample(Path(), "missing.png"),
        sample(Path(), "extra.png", RIGHT, Box("50", 40, 30, 60, 46, B)),
        sample(Path(), "stranger.png", RIGHT),
    ]
    keys = [each.key for each in samples[:-1]]
    desk, done = played(tmp_path, samples, {key: one("Ten_back", 4, 4, 24, 24) for key in keys})
    assert (done.answered, done.changed, done.unknown) == (5, 4, 1)
    report = desk.pull()
    assert (report.edited, report.confirmed, report.open, report.findings) == (4, 1, (), ())
    assert {commit.author for commit in report.commits} == {EMAIL}
    assert desk.sample("right.png").boxes == (RIGHT,)
    assert desk.sample("renamed.png").boxes == (RIGHT,), "corners that are right stay to the last bit"
    for key in ("moved.png", "missing.png", "extra.png"):
        (box,) = desk.sample(key).boxes
        assert (box.label, box.corners) == ("10", pytest.approx((4, 4, 24, 24)))
    assert [desk.sample(key).boxes[0].id for key in ("moved.png", "extra.png")] == [A, A]
    assert desk.sample("stranger.png").boxes == (RIGHT,)


def test_it_answers_once_and_as_many_as_it_may(tmp_path: Path) -> None:
    samples = [sample(Path(), f"{number}.png", RIGHT) for number in range(3)]
    desk, _ = make_plain_desk(tmp_path, "won", samples)
    desk.push()
    truth = truth_file(tmp_path, {each.key: one("10", 4, 4, 24, 24) for each in samples})
    found = [answer_tasks(desk.client, desk.ledger, desk.folder, truth, limit=2).answered for _ in range(3)]
    assert found == [2, 1, 0]


def test_the_class_of_an_image(tmp_path: Path) -> None:
    samples = [sample(Path(), "a.png", label="10"), sample(Path(), "b.png", label="50")]
    desk, done = played(tmp_path, samples, {key: {"label": "10"} for key in ("a.png", "b.png")}, kind="image-labels")
    assert (done.answered, done.changed) == (2, 1)
    desk.pull()
    assert [desk.sample(key).label for key in ("a.png", "b.png")] == ["10", "10"]


def test_a_task_without_a_start_gets_every_box(tmp_path: Path) -> None:
    desk, done = played(
        tmp_path, [sample(Path(), "a.png", RIGHT)], {"a.png": one("10", 30, 4, 50, 24)}, start="nothing"
    )  # fmt: skip
    assert done.changed == 1
    assert [each.what for each in desk.pull().open] == ["box", "box"], "a blind answer is an opinion"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"images": {"a.png": {"boxes": [{"label": "x", "corners": [0, 0, 1, 1]}]}}}']
)
def test_a_file_that_is_no_truth_is_refused(tmp_path: Path, text: str) -> None:
    desk, _ = make_plain_desk(tmp_path, "won", [sample(Path(), "a.png", RIGHT)])
    desk.push()
    path = tmp_path / "truth.json"
    path.write_text(text)
    with pytest.raises(LabelloopError, match=r"truth\.json must be the truth beside sample data"):
        answer_tasks(desk.client, desk.ledger, desk.folder, path)
