"""Random edits at the desk and in the ledger, pushes, pulls and kills, against a model of what must come out.

The model is the three-way rule itself, on each field of each box: what the desk says now,
what it said when it was last taken in, and what the ledger says.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from labelloop.datasets.schema import Box, Sample
from labelloop.label_config.tasks import META
from tests.label_config.conftest import MakeDesk
from tests.label_config.servers import CLASSES, Desk, region, sample, user_id

pytestmark = pytest.mark.slow

IMAGES, STEPS = 5, 45
MINA, JUN = "mina@example.org", "jun@example.org"
GONE = "gone"


@dataclass
class Modelled:
    """One image: fields by (box, name); a box that is not there has the label `gone`."""

    ledger: dict[tuple[str, str], Any]
    taken: dict[tuple[str, str], Any] = field(default_factory=dict)
    desk: dict[tuple[str, str], Any] = field(default_factory=dict)
    author: str = ""
    conflicts: dict[tuple[str, str], Any] = field(default_factory=dict)
    pushed: bool = False
    answered: bool = False


def fields_of(given: Sample) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for box in given.boxes:
        found[box.id, "label"] = box.label
        found[box.id, "corners"] = tuple(round(each, 6) for each in box.corners)
    return found


def pull_model(image: Modelled) -> None:
    """What a pull must do to one image."""
    if not image.answered:
        return
    if image.desk != image.taken:
        image.conflicts.clear()
    for box in {box for box, _ in {**image.desk, **image.taken, **image.ledger}}:
        sides = [
            {name: side[box, name] for name in ("label", "corners") if (box, name) in side}
            for side in (image.taken, image.ledger, image.desk)
        ]
        past, ours, theirs = sides
        if theirs in (past, ours):
            continue
        if ours == past:
            take(image, box, theirs)
        elif not ours or not theirs:
            image.conflicts[box, "box"] = ours
        else:
            for name in ("label", "corners"):
                if theirs[name] not in (past.get(name), ours[name]):
                    if ours[name] == past.get(name):
                        image.ledger[box, name] = theirs[name]
                    else:
                        image.conflicts[box, name] = ours[name]
    image.taken = dict(image.desk)


def take(image: Modelled, box: str, theirs: dict[str, Any]) -> None:
    for name in ("label", "corners"):
        if theirs:
            image.ledger[box, name] = theirs[name]
        else:
            image.ledger.pop((box, name), None)


class Play:
    """A desk that is played with at random, and the model beside it."""

    def __init__(self, desk: Desk, seed: int, photos: Path) -> None:
        self.desk, self.random, self.photos = desk, random.Random(seed), photos
        self.keys = sorted(desk.ledger.keys())
        self.images = {each.key: Modelled(fields_of(each)) for each in desk.ledger.samples()}
        self.project = 0
        self.made = 0

    def step(self) -> str:
        # A conflict stays as it is in this game: its settling has a test of its own.
        name = self.random.choice(
            ["window", "window", "answer", "answer", "answer", "push", "pull", "skip", "killed pull", "killed push"]
        )
        getattr(self, name.replace(" ", "_"))()
        return name

    def window(self) -> None:
        key = self.random.choice(self.keys)
        now = self.desk.sample(key)
        boxes = self.edited(now.boxes)
        state = "labelled" if boxes else "negative"
        self.desk.commit(replace(now, boxes=boxes, state=state))
        self.images[key].ledger = fields_of(self.desk.sample(key))

    def edited(self, boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        kind = self.random.choice(["rename", "move", "delete", "rename", "move"])
        if not boxes:
            return boxes
        index = self.random.randrange(len(boxes))
        box = boxes[index]
        if kind == "rename":
            changed = [replace(box, label=self.random.choice(CLASSES))]
        elif kind == "move":
            x = self.random.randrange(0, 30)
            changed = [replace(box, x1=float(x), x2=x + 20.5)]
        else:
            changed = []
        return (*boxes[:index], *changed, *boxes[index + 1 :])

    def answer(self) -> None:
        key = self.random.choice(self.keys)
        image = self.images[key]
        if not image.pushed:
            return
        task = self.desk.task(self.project, key)
        answers = [each for each in task["annotations"] if not each["was_cancelled"]]
        result = answers[0]["result"] if answers else task["predictions"][0]["result"] if task["predictions"] else []
        author = image.author or self.random.choice([MINA, JUN])
        changed = self.changed([dict(each) for each in result])
        if answers:
            self.desk.answer_again(answers[0], changed)
        else:
            self.desk.answer(self.project, key, author, changed)
        image.author, image.answered = author, True
        image.desk = self.said(key, changed)

    def changed(self, result: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kind = self.random.choice(["rename", "move", "delete", "draw", "nothing"])
        if kind == "draw":
            self.made += 1
            x = self.random.randrange(0, 50)
            return [
                *result,
                region(
                    self.random.choice(CLASSES), x, 70.0, 30.0, 20.0, f"drawn{self.made}", sample(self.photos, "x").size
                ),
            ]
        if not result or kind == "nothing":
            return result
        index = self.random.randrange(len(result))
        each = result[index]
        if kind == "delete":
            return result[:index] + result[index + 1 :]
        value = dict(each["value"])
        if kind == "rename":
            value["rectanglelabels"] = [self.random.choice(CLASSES)]
        else:
            value["x"] = float(self.random.randrange(0, 40))
        return [*result[:index], {**each, "value": value}, *result[index + 1 :]]

    def said(self, key: str, result: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
        """What a result says, by the ids for life that its boxes get."""
        from labelloop.label_config.answers import read_answer
        from labelloop.label_config.rendering import render_config

        versions = [each["meta"][META] for each in result if each.get("meta")]
        past = self.desk.ledger.samples(versions[0], keys=[key])[0] if versions else self.desk.sample(key)
        if not versions:
            past = replace(past, boxes=(), state="negative")
        answer = read_answer({"id": 1, "result": result}, past, render_config(CLASSES), "x", "")
        return fields_of(answer.said)

    def skip(self) -> None:
        key = self.random.choice(self.keys)
        if self.images[key].pushed and not self.images[key].answered:
            task = self.desk.task(self.project, key)
            body = {"result": [], "was_cancelled": True, "completed_by": user_id(self.desk.client, JUN)}
            self.desk.client.post(f"/api/tasks/{task['id']}/annotations", body)

    def push(self) -> None:
        report = self.desk.push()
        self.project = report.project
        for task in self.desk.tasks(self.project):
            image = self.images[task["data"]["key"]]
            image.pushed = True
            if not image.answered:
                # A task that was skipped is touched: it starts with what it had.
                start = task["predictions"][0]["result"] if task["predictions"] else []
                image.taken = self.said(task["data"]["key"], start)
                image.desk = dict(image.taken)
        tasks = [task["data"]["key"] for task in self.desk.tasks(self.project)]
        assert len(tasks) == len(set(tasks)), "no image has two tasks"

    def pull(self) -> None:
        if not self.project:
            return
        report = self.desk.pull()
        assert report.findings == ()
        for image in self.images.values():
            pull_model(image)
        self.compare()
        head = self.desk.ledger.version()
        assert self.desk.pull().commits == ()
        assert self.desk.ledger.version() == head, "a second pull changes nothing"

    def killed_push(self) -> None:
        self.killed("push")
        self.push()

    def killed_pull(self) -> None:
        if self.project:
            self.killed("pull")
            self.pull()

    def killed(self, what: str) -> None:
        desk = self.desk
        code = f"""
import sys
from pathlib import Path
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.label_config.desk import desk_folder
from labelloop.label_config.media import LinkedImages
from labelloop.label_config.push import push
from labelloop.label_config.pull import pull
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
        time.sleep(self.random.uniform(0, 0.6))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()

    def compare(self) -> None:
        for given in self.desk.ledger.samples():
            image = self.images[given.key]
            assert fields_of(given) == image.ledger, given.key
        found = {(each.key, each.box, each.what) for each in self.desk.pull(everything=True).open}
        told = {
            (key, box, name)
            for key, image in self.images.items()
            for (box, name), ours in image.conflicts.items()
            if ours == now(image, box, name)
        }
        assert found == told, "no conflict is lost, none invented, and one that the ledger settled is over"


def now(image: Modelled, box: str, name: str) -> Any:
    """What the ledger says of the thing that a conflict is about."""
    if name == "box":
        return {each: image.ledger[box, each] for each in ("label", "corners") if (box, each) in image.ledger}
    return image.ledger.get((box, name))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_edit_is_lost_and_none_is_invented(make_desk: MakeDesk, tmp_path: Path, seed: int) -> None:
    samples = [
        sample(
            tmp_path, f"{number}.png", Box("10", 1, 2, 30, 40, f"{number}{1:023x}"), Box("50", 5, 6, 17, 18, f"{number}{2:023x}")
        )
        for number in range(IMAGES)
    ]  # fmt: skip
    play = Play(make_desk(samples), seed, tmp_path)
    play.push()
    done = [play.step() for _ in range(STEPS)]
    play.pull()
    assert "pull" in done or "killed pull" in done
