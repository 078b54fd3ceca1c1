"""Random games at the desk and in the ledger against a model of what must come out; nothing is lost, nothing invented.

People answer, answer again, draw what others drew and take answers back; somebody edits the
ledger and settles conflicts; pushes and pulls run, and are killed anywhere.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.label_config import refreshing
from labelloop.label_config.conflicts import DeskConflict
from labelloop.label_config.pull import open_conflicts
from labelloop.label_config.settling import settle
from tests.label_config.conftest import MakeDesk
from tests.label_config.desk_model import Answer, Boxes, World, boxes_in, boxes_of, plain
from tests.label_config.plain_desk import Killed, PlainClient, make_plain_desk
from tests.label_config.servers import Desk, region, sample, user_id

PEOPLE = ("mina@example.org", "jun@example.org", "sol@example.org")
LABELS = ("10", "50", "won note")
SIZE = Size(64, 48)
PLACES = (0, 1, 5, 20, 21, 40)
"""Left edges of boxes 20 px wide: any two overlap by 0.9 (the same), by about 0.6 (the same object, not so drawn), or hardly."""
LANES = 12
"""Boxes of one lane may be one object, those of two never overlap."""
IMAGES = 2


def corners(lane: int, place: float) -> tuple[float, float, float, float]:
    return (float(place), 4.0 * lane, place + 20.0, 4.0 * lane + 3)


@dataclass
class Played:
    """One image: its worlds, and what is at the desk, which is the same in all of them."""

    worlds: list[World]
    start: Boxes = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    lanes: int = 2
    pushed: bool = False


class Play:
    """A desk that is played with at random, and the model beside it.

    Args:
        kill: runs `push` or `pull` and kills it somewhere.
        needed: how many people are to answer.
    """

    def __init__(self, desk: Desk, seed: int, kill: Callable[[str], None], needed: int) -> None:
        self.desk, self.random, self.kill, self.needed = desk, random.Random(seed), kill, needed
        self.images = {each.key: Played([World(boxes_of(each))]) for each in desk.ledger.samples()}
        self.company = self.random.choice([0.05, 0.4])  # how often an answer is another one, maybe another person's
        self.project = 0
        self.made = count(1)
        self.times = count(1)

    def run(self, steps: int) -> list[str]:
        self.push()
        names = (
            ["edit"] * 6
            + ["answer"] * 8
            + ["pull"] * 4
            + ["push", "skip", "killed_pull", "killed_push", "settle", "withdraw"]
        )
        done: list[str] = []
        for _ in range(steps):
            done.append(self.random.choice(names))
            getattr(self, done[-1])()
        self.pull()
        return done

    def key(self) -> str:
        return self.random.choice(sorted(self.images))

    def new_id(self) -> str:
        return f"{next(self.made):024x}"

    # What happens in the ledger.

    def edit(self) -> None:
        key = self.key()
        now = self.desk.sample(key)
        boxes = {box.id: box for box in now.boxes}
        kind = self.random.choice(["rename", "move", "rename", "move", "delete", "draw", "copy", "back"])
        some = self.random.choice(sorted(boxes)[-3:]) if boxes else ""
        if kind == "draw":
            self.draw(key, boxes)
        elif kind == "copy":  # what somebody drew at the desk, drawn here as well
            drawn = [box for answer in self.images[key].answers for box in answer.boxes.values()]
            if drawn:
                label, (x1, y1, _, _) = self.random.choice(drawn)
                self.put(boxes, self.new_id(), self.random.choice([label, "10"]), int(y1) // 4, x1)
        elif kind == "back":  # what was deleted, as undo brings it back
            past = {box.id: box for box in self.desk.ledger.samples(1, keys=[key])[0].boxes}
            boxes.update((each, past[each]) for each in sorted(past)[:1])
        elif some and kind == "delete":
            del boxes[some]
        elif some and kind == "rename":
            boxes[some] = replace(boxes[some], label=self.random.choice(LABELS))
        elif some:
            self.put(boxes, some, boxes[some].label, int(boxes[some].y1) // 4, self.random.choice(PLACES))
        made = tuple(boxes.values())
        self.desk.commit(replace(now, boxes=made, state="labelled" if made else "negative"))
        for world in self.images[key].worlds:
            world.ledger = boxes_of(self.desk.sample(key))

    def draw(self, key: str, boxes: dict[str, Box]) -> None:
        lane = self.images[key].lanes = (self.images[key].lanes + 1) % LANES
        self.put(boxes, self.new_id(), self.random.choice(LABELS), lane, self.random.choice(PLACES))

    def put(self, boxes: dict[str, Box], name: str, label: str, lane: int, place: float) -> None:
        boxes[name] = Box(label, *corners(lane, place), name)

    def settle(self) -> None:
        """Take a side of one conflict that is open in any case."""
        known = [
            each
            for each in open_conflicts(self.desk.ledger, self.desk.folder)
            if len(self.images[each.key].worlds) == 1
        ]
        if known:
            conflict = self.random.choice(known)
            side = self.random.choice(sorted(conflict.sides))
            settle(self.desk.ledger, self.desk.folder, {conflict.id: side}, author="ann")
            self.images[conflict.key].worlds[0].settle((conflict.box, conflict.what), side)

    # What happens at the desk.

    def answer(self) -> None:
        key = self.key()
        image = self.images[key]
        if not image.pushed:
            return
        task = self.desk.task(self.project, key)
        own = [each for each in task["annotations"] if not each["was_cancelled"]]
        shown = task["predictions"][0]["result"] if task["predictions"] else []
        if not image.answers:
            image.start = boxes_in(shown)
        if not own or self.random.random() < self.company:
            bases = [shown, *(each["result"] for each in own)]
            start = self.random.choice([shown, self.random.choice(bases), self.near(self.random.choice(bases))])
            self.submit(key, self.changed(key, start))
        else:
            each = self.random.choice(own)
            result = self.changed(key, each["result"])
            self.desk.answer_again(each, result)
            at = next(place for place, known in enumerate(image.answers) if known.name == str(each["id"]))
            image.answers[at] = replace(image.answers[at], time=next(self.times), boxes=boxes_in(result))

    def submit(self, key: str, result: list[dict[str, Any]]) -> None:
        image = self.images[key]
        person = self.random.choice(PEOPLE[: 2 + (self.needed > 1)])
        made = self.desk.answer(self.project, key, person, result)
        image.answers.append(Answer(str(made["id"]), person, int(made["id"]), next(self.times), boxes_in(result)))

    def near(self, result: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The boxes drawn anew, nearly where they were."""
        return [
            self.region(each["value"]["rectanglelabels"][0], *place, self.new_id())
            for each in result
            for place in [
                (round(each["value"]["y"] * 0.48) // 4, each["value"]["x"] * 0.64 + self.random.choice([0, 1]))
            ]
            if each["value"]["x"] * 0.64 < 43
        ]

    def changed(self, key: str, result: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        boxes = {each["id"]: each for each in deepcopy(list(result))}
        for _ in range(self.random.choice([0, 1, 1, 2])):
            kind = self.random.choice(["rename", "move", "rename", "move", "delete", "draw", "redraw"])
            some = self.random.choice(sorted(boxes)[-3:]) if boxes else ""
            if kind == "draw":
                drawn: dict[str, Box] = {}
                self.draw(key, drawn)
                (box,) = drawn.values()
                boxes[box.id] = self.region(box.label, int(box.y1) // 4, box.x1, box.id)
            elif some:
                value = boxes[some]["value"]
                lane = round(value["y"] * 0.48) // 4
                if kind in ("delete", "redraw"):
                    del boxes[some]
                if kind == "redraw":
                    name = self.new_id()
                    boxes[name] = self.region(self.random.choice(LABELS), lane, self.random.choice(PLACES), name)
                elif kind == "rename":
                    value["rectanglelabels"] = [self.random.choice(LABELS)]
                elif kind == "move":
                    value["x"] = self.random.choice(PLACES) / 0.64
        return list(boxes.values())

    def region(self, label: str, lane: int, place: float, name: str) -> dict[str, Any]:
        return region(label, place / 0.64, 4 * lane / 0.48, 20 / 0.64, 3 / 0.48, name, SIZE)

    def skip(self) -> None:
        key = self.key()
        if self.images[key].pushed:
            body = {"result": [], "was_cancelled": True, "completed_by": user_id(self.desk.client, PEOPLE[1])}
            self.desk.client.post(f"/api/tasks/{self.desk.task(self.project, key)['id']}/annotations", body)

    def withdraw(self) -> None:
        """Somebody deletes an answer."""
        key = self.key()
        image = self.images[key]
        if image.answers:
            gone = image.answers.pop(self.random.randrange(len(image.answers)))
            self.desk.client.delete(f"/api/annotations/{gone.name}/")

    # What runs in between.

    def push(self) -> None:
        self.project = self.desk.push(annotators=self.needed).project
        tasks = [task["data"]["key"] for task in self.desk.tasks(self.project)]
        assert sorted(tasks) == sorted(self.images), "each image has one task"
        for image in self.images.values():
            image.pushed = True

    def pull(self) -> None:
        report = self.desk.pull()
        alone = [image for image in self.images.values() if len({each.person for each in image.answers}) < self.needed]
        assert len(report.findings) <= sum(len(image.answers) >= self.needed for image in alone)
        self.pulled(and_not=False)
        self.compare(report.open)
        again = self.desk.pull()
        assert (again.commits, again.open) == ((), report.open), "a second pull changes nothing"

    def pulled(self, *, and_not: bool) -> None:
        for image in self.images.values():
            after = [world.pull(image.start, image.answers, self.needed) for world in image.worlds]
            before = [*image.worlds, *(world.close() for world in image.worlds)] if and_not else []
            worlds = [*before, *after]
            image.worlds = [world for place, world in enumerate(worlds) if world not in worlds[:place]]

    def killed_push(self) -> None:
        self.kill("push")
        self.push()

    def killed_pull(self) -> None:
        self.kill("pull")
        self.pulled(and_not=True)

    def compare(self, found: Sequence[DeskConflict]) -> None:
        for now in self.desk.ledger.samples():
            image = self.images[now.key]
            seen = {
                (each.box, each.what): (plain(each.base, each.what), {name: plain(said, each.what) for name, said in each.said.items()})
                for each in found
                if each.key == now.key
            }  # fmt: skip
            told = [
                (world.ledger, {thing: (clash.base, dict(clash.said)) for thing, clash in world.really_open().items()})
                for world in image.worlds
            ]
            assert (boxes_of(now), seen) in told, (now.key, "no edit is lost, none invented, and no conflict")
            image.worlds = [
                world for world, said in zip(image.worlds, told, strict=True) if said == (boxes_of(now), seen)
            ]


def make_samples(photos: Path) -> list[Sample]:
    return [
        sample(
            photos, f"{number}.png", Box("10", *corners(0, 20), f"a{number:023x}"), Box("50", *corners(1, 0), f"b{number:023x}")
        )
        for number in range(IMAGES)
    ]  # fmt: skip


def play_plainly(folder: Path, seed: int, steps: int) -> list[str]:
    """A game without a server; what is killed ends before a request or a write, at any of them."""
    desk, client = make_plain_desk(folder, "game", make_samples(folder / "photos"))
    draw = random.Random(seed)

    def kill(what: str) -> None:
        late = draw.random() < 0.5  # with the first request or write after a commit
        left = count(draw.randrange(4, 24) if what == "pull" else draw.randrange(60), -1)
        commits: list[str] = []

        def die() -> None:
            if commits if late and what == "pull" else next(left) == 0:
                raise Killed

        def mortal(work: Callable[..., Any]) -> Callable[..., Any]:
            def done(*given: Any, **more: Any) -> Any:
                die()
                made = work(*given, **more)
                commits.append(work.__name__) if work.__name__ == "commit" else None
                die()
                return made

            return done

        client.before = die
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "replace", mortal(os.replace))
                patch.setattr(Ledger, "commit", mortal(Ledger.commit))
                getattr(desk, what)()
        except Killed:
            pass
        finally:
            client.before = PlainClient().before

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refreshing, "FEW", seed % 2 * 20)
        return Play(desk, seed, kill, needed=1 + (seed % 3 == 2)).run(steps)


@pytest.mark.parametrize("seed", range(int(os.environ.get("LABELLOOP_TEST_GAMES", "4"))))
def test_no_edit_is_lost_and_none_is_invented_in_any_order(tmp_path: Path, seed: int) -> None:
    assert "pull" in play_plainly(tmp_path, seed, 60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("LABELLOOP_TEST_SERVER_GAMES", "1"))))
def test_nor_with_a_real_server_and_processes_that_are_killed(
    make_desk: MakeDesk, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "FEW", seed % 2 * 20)
    desk = make_desk(make_samples(tmp_path))
    draw = random.Random(seed)
    steps = int(os.environ.get("LABELLOOP_TEST_STEPS", "30"))
    play = Play(desk, seed, lambda what: kill_process(desk, what, draw.uniform(0, 0.6)), needed=1 + (seed % 3 == 2))
    play.run(steps)


def kill_process(desk: Desk, what: str, seconds: float) -> None:
    """A process that pushes or pulls, ended by SIGKILL after so long."""
    code = f"""
import sys
from pathlib import Path
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.label_config.desk import desk_folder
from labelloop.label_config.media import LinkedImages
from labelloop.label_config import refreshing
from labelloop.label_config.push import push
from labelloop.label_config.pull import pull
refreshing.FEW = {refreshing.FEW}
token = sys.stdin.readline().strip()
workspace = Workspace(Path({str(desk.workspace.home)!r}))
ledger, folder = Ledger(workspace.ledger({desk.name!r})), desk_folder(workspace, {desk.name!r})
client = Client({desk.server.url!r}, token)
print("ready", flush=True)
if {what!r} == "push":
    push(ledger, client, folder, LinkedImages(Path({str(desk.server.media)!r}), {desk.name!r}))
else:
    pull(ledger, client, folder)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(desk.server.token + "\n")
    child.stdin.close()
    child.stdout.readline()
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
