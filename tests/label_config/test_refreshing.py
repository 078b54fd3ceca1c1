"""Untouched tasks get another start, many at a time; who comes in between deletes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labelloop.label_config import refreshing
from labelloop.label_config.client import DeskRefused
from labelloop.label_config.tasks import LABELS, parse_task
from tests.label_config.plain_desk import Killed, PlainClient, make_plain_desk
from tests.label_config.servers import Desk
from tests.label_config.test_taking import MINA, A, two_boxes

KEYS = [f"{number:02}.png" for number in range(30)]


@pytest.fixture
def played(tmp_path: Path) -> tuple[Desk, PlainClient]:
    """A desk with 30 tasks, and a ledger that has renamed a box of each since."""
    desk, client = make_plain_desk(tmp_path, "won", [two_boxes(key) for key in KEYS])
    desk.push(KEYS[:20])
    desk.push()
    now = [desk.sample(key) for key in KEYS]
    desk.commit(*(replace(each, boxes=(replace(each.boxes[0], label="no"), each.boxes[1])) for each in now))
    return desk, client


def labels(task: dict[str, Any]) -> list[str]:
    (prediction,) = task["predictions"]
    return [region["value"]["rectanglelabels"][0] for region in prediction["result"]]


def is_new(task: dict[str, Any]) -> bool:
    parsed = parse_task(task)
    assert parsed is not None
    return (labels(task), parsed.last.version, parsed.last.start) == (["no", "50"], 2, LABELS)


def counted(client: PlainClient, monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """The calls of a method from now on."""
    calls: list[Any] = []
    whole: Callable[..., Any] = getattr(client, name)
    monkeypatch.setattr(client, name, lambda *given: (calls.append(given), whole(*given))[1])
    return calls


def test_many_are_refreshed_in_a_handful_of_requests(
    played: tuple[Desk, PlainClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, client = played
    patches, sets = counted(client, monkeypatch, "patch"), counted(client, monkeypatch, "set_data")
    assert desk.push().updated == 30
    assert (len(patches), len(sets)) == (0, 4), "one before and one after, for each of two pushes that they are from"
    assert all(map(is_new, desk.tasks(1)))
    assert desk.push().unchanged == 30
    for task in desk.tasks(1):
        parsed = parse_task(task)
        assert parsed is not None
        assert [(each.version, each.start) for each in parsed.pushed] == [(1, LABELS), (2, "nothing"), (2, LABELS)]
    desk.answer(1, KEYS[0], MINA)
    pulled = desk.pull()
    assert (pulled.confirmed, pulled.open) == (1, ())


def test_a_few_are_refreshed_one_by_one(played: tuple[Desk, PlainClient], monkeypatch: pytest.MonkeyPatch) -> None:
    desk, client = played
    sets = counted(client, monkeypatch, "set_data")
    assert desk.push(KEYS[: refreshing.FEW]).updated == refreshing.FEW
    assert sets == []
    assert sum(map(is_new, desk.tasks(1))) == refreshing.FEW


def test_a_server_that_cannot_is_asked_one_by_one(
    played: tuple[Desk, PlainClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, client = played

    def refuses(*_: Any) -> None:
        raise DeskRefused("Can't find 'add_data_field' in registered actions", 500)

    monkeypatch.setattr(client, "set_data", refuses)
    assert desk.push().updated == 30
    assert all(map(is_new, desk.tasks(1)))


def test_regions_that_a_server_leaves_out_are_sent_one_by_one(
    played: tuple[Desk, PlainClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, client = played
    whole = client.import_predictions
    monkeypatch.setattr(client, "import_predictions", lambda project, some: whole(project, some[:7]))
    assert desk.push().updated == 30
    assert all(map(is_new, desk.tasks(1)))


def test_another_image_or_none_is_another_task(played: tuple[Desk, PlainClient]) -> None:
    """Where more than the labels changed, and where there are none any more."""
    desk, client = played
    first, second = desk.sample(KEYS[0]), desk.sample(KEYS[1])
    desk.commit(replace(first, sha256="f" * 64), replace(second, boxes=(), state="negative"))
    assert desk.push().updated == 30
    tasks = {task["data"]["key"]: task for task in desk.tasks(1)}
    assert tasks[KEYS[0]]["data"]["sha256"] == "f" * 64
    assert tasks[KEYS[1]]["predictions"] == []
    assert desk.push(start="nothing").updated == 30
    assert [task["predictions"] for task in desk.tasks(1)] == [[]] * 30
    assert client.get("/api/projects/1")["id"] == 1
    assert desk.push().updated == 30


def test_who_was_faster_is_left_alone(played: tuple[Desk, PlainClient], monkeypatch: pytest.MonkeyPatch) -> None:
    desk, client = played
    listed = client.tasks_by_id

    def answered(*given: Any, **more: Any) -> Any:
        if not desk.task(1, KEYS[3])["annotations"]:
            desk.answer(1, KEYS[3], MINA)
        return listed(*given, **more)

    monkeypatch.setattr(client, "tasks_by_id", answered)
    report = desk.push()
    assert (report.updated, report.busy) == (29, 1)
    assert labels(desk.task(1, KEYS[3])) == ["10", "50"]


def test_who_works_on_a_task_keeps_its_start(played: tuple[Desk, PlainClient]) -> None:
    desk, client = played
    client.post(f"/api/tasks/{desk.task(1, KEYS[3])['id']}/drafts", {"result": []})
    report = desk.push()
    assert (report.updated, report.busy) == (29, 1)
    assert labels(desk.task(1, KEYS[3])) == ["10", "50"]
    assert (desk.push().unchanged, desk.push().busy) == (29, 1)


@pytest.mark.parametrize("calls", range(3, 43, 4))
def test_an_answer_in_between_changes_nothing_that_it_did_not_show(
    played: tuple[Desk, PlainClient], monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Killed anywhere between the first note and the last region; then somebody submits what is to be seen."""
    desk, client = played
    monkeypatch.setattr(refreshing, "FEW", 2)
    keys = KEYS[:6]
    left = iter(range(calls))

    def dies() -> None:
        if next(left, None) is None:
            raise Killed

    client.before = dies
    with suppress(Killed):
        desk.push(keys)
    client.before = PlainClient().before
    before = {key: desk.sample(key).boxes for key in keys}
    for key in keys:
        desk.answer(1, key, MINA)
    desk.pull()
    assert {key: desk.sample(key).boxes for key in keys} == before
    assert A in {box.id for box in desk.sample(KEYS[0]).boxes}
    assert desk.push().updated == 24
