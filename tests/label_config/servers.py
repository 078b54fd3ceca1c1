"""A real Label Studio for tests: set up once in a session, its empty database copied for whoever needs one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from labelloop.datasets.errors import LabelloopError
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.label_config.desk import desk_folder
from labelloop.label_config.media import LinkedImages
from labelloop.label_config.pull import PullReport, pull
from labelloop.label_config.push import PushReport, push
from labelloop.tools.label_studio import LabelStudio, ensure_label_studio, find_program, label_studio_folder

CLASSES = ("10", "50", "won note", "앞면", "a'b\"c", "dog: big", "no", "#1 & co", "<b>")


def need_label_studio() -> None:
    """Skip where no Label Studio is installed."""
    try:
        find_program()
    except LabelloopError as error:
        pytest.skip(str(error))


def template(factory: pytest.TempPathFactory) -> Path:
    """A workspace whose Label Studio is set up and stopped; made at the first call of a session.

    LABELLOOP_TEST_TEMPLATE names a folder where it is kept for the next session.
    """
    need_label_studio()
    kept = os.environ.get("LABELLOOP_TEST_TEMPLATE")
    home = Path(kept) if kept else factory.getbasetemp() / "label-studio-template"
    if not (home / "done").exists():
        with ensure_label_studio(Workspace(home)):
            pass
        (home / "done").touch()
    return home


def copied(factory: pytest.TempPathFactory, home: Path) -> Workspace:
    """A workspace of one's own with a Label Studio that is set up."""
    shutil.copytree(label_studio_folder(Workspace(template(factory))), label_studio_folder(Workspace(home)))
    return Workspace(home)


@dataclass
class Desk:
    """A data set of small images with its ledger and a running Label Studio, as a test plays with them."""

    server: LabelStudio
    client: Client
    workspace: Workspace
    name: str
    ledger: Ledger

    @property
    def folder(self) -> Path:
        return desk_folder(self.workspace, self.name)

    @property
    def images(self) -> LinkedImages:
        return LinkedImages(self.server.media, self.name)

    def push(self, keys: Sequence[str] | None = None, **more: Any) -> PushReport:
        return push(self.ledger, self.client, self.folder, self.images, keys, **more)

    def pull(self, **more: Any) -> PullReport:
        return pull(self.ledger, self.client, self.folder, self.images, **more)

    def sample(self, key: str) -> Sample:
        return self.ledger.samples(keys=[key])[0]

    def commit(self, *samples: Sample, author: str = "window") -> None:
        self.ledger.commit(
            {sample.key: sample for sample in samples}, base=self.ledger.version(), author=author, tool="test",
            message="edited",
        )  # fmt: skip

    def tasks(self, project: int) -> list[dict[str, Any]]:
        return list(self.client.tasks(project, full=True))

    def task(self, project: int, key: str) -> dict[str, Any]:
        found = [task for task in self.tasks(project) if task["data"].get("key") == key]
        assert len(found) == 1, (key, found)
        return found[0]

    def answer(
        self, project: int, key: str, email: str, result: Sequence[Mapping[str, Any]] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Submit an annotation for a task as a person; None submits what the task starts with."""
        task = self.task(project, key)
        start = task["predictions"][0] if task["predictions"] else {"id": None, "result": []}
        body = {
            "result": list(start["result"] if result is None else result), "lead_time": 0.0,
            "parent_prediction": start["id"], "completed_by": user_id(self.client, email), **more,
        }  # fmt: skip
        return self.client.post(f"/api/tasks/{task['id']}/annotations", body)

    def answer_again(self, annotation: Mapping[str, Any], result: Sequence[Mapping[str, Any]]) -> None:
        """Change an annotation."""
        self.client.patch(f"/api/annotations/{annotation['id']}", {"result": list(result)})

    def result(self, project: int, key: str) -> list[dict[str, Any]]:
        """A copy of the regions that a task starts with."""
        task = self.task(project, key)
        return task["predictions"][0]["result"] if task["predictions"] else []


def user_id(client: Client, email: str) -> int:
    """The id of a person of this email, who is signed up where there is none yet."""
    known = {person.name: person.id for person in client.people().values()}
    return known.get(email) or int(
        client.post("/api/users/", {"email": email, "username": email.partition("@")[0]})["id"]
    )


def region(label: str, x: float, y: float, width: float, height: float, region_id: str, size: Size) -> dict[str, Any]:
    """A region as a person draws one."""
    return {
        "id": region_id, "type": "rectanglelabels", "from_name": "label", "to_name": "image", "origin": "manual",
        "original_width": size.width, "original_height": size.height, "image_rotation": 0,
        "value": {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [label]},
    }  # fmt: skip


def make_ledger(workspace: Workspace, name: str, photos: Path, samples: Sequence[Sample]) -> Ledger:
    """A ledger with these samples, whose images are drawn; each has a path under `photos` and a made-up hash."""
    ledger = Ledger.create(workspace.ledger(name), "test", CLASSES)
    drawn: dict[str, Sample] = {}
    for number, sample in enumerate(samples):
        path = photos / sample.key
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            Image.new("RGB", sample.size, (number * 40 % 256, 90, 160)).save(path)
        drawn[sample.key] = sample
    ledger.commit(drawn, base=0, author="test", tool="import", message="import", classes=CLASSES)
    return ledger


def sample(photos: Path, key: str, *boxes: Box, **more: Any) -> Sample:
    """A labelled sample of 64x48 px; without boxes a negative one."""
    if "state" not in more:
        more["state"] = "labelled" if boxes or more.get("label") else "negative"
    return Sample(key, photos / key, Size(64, 48), boxes=boxes, sha256=sha256(key.encode()).hexdigest(), **more)
