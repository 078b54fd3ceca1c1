"""Push and pull of 5,000 tasks against one bulk import by Label Studio's bare API, in one run.

    python tests/bench/bench_desk.py [--images 5000] [--home FOLDER]

Prints one JSON object: seconds of each step, and the ratios that are promised: a push takes
at most 1.5 times the bare import, and a pull of 5 edited tasks a small part of an export.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from PIL import Image

from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.workspace import Workspace
from labelloop.label_config.client import Client
from labelloop.label_config.desk import desk_folder
from labelloop.label_config.media import LinkedImages
from labelloop.label_config.pull import pull
from labelloop.label_config.push import push
from labelloop.label_config.rendering import render_config
from labelloop.tools.label_studio import ensure_label_studio
from tests.label_config.servers import CLASSES, make_ledger

BOXES = 3


def samples(photos: Path, count: int) -> list[Sample]:
    """Images of 640x480 px with three boxes each; all are one file, since only its address counts here."""
    photos.mkdir(parents=True)
    Image.new("RGB", (640, 480), (90, 160, 40)).save(photos / "one.png")
    draw = random.Random(7)
    made: list[Sample] = []
    for number in range(count):
        boxes = tuple(
            Box(draw.choice(CLASSES), x := draw.uniform(0, 500), y := draw.uniform(0, 300), x + draw.uniform(9, 130),
                y + draw.uniform(9, 170), f"{number:016x}{index:08x}")
            for index in range(BOXES)
        )  # fmt: skip
        path = photos / f"folder {number % 50}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        os.link(photos / "one.png", path)
        made.append(
            Sample(path.relative_to(photos).as_posix(), path, Size(640, 480), boxes=boxes, sha256=f"{number:064x}")
        )
    return made


def timed(steps: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    """What the work gives; how long it took is noted."""
    start = time.perf_counter()
    given = work()
    steps[name] = round(time.perf_counter() - start, 2)
    print(f"{name}: {steps[name]} s", file=sys.stderr)
    return given


def main() -> None:
    """Run the steps one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--home", type=Path, help="a workspace whose Label Studio is set up already")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench(Path(folder), chosen.images, chosen.home or Path(folder) / "home")


def bench(scratch: Path, count: int, home: Path) -> None:
    """Measure and print."""
    steps: dict[str, float] = {}
    workspace, name = Workspace(home), f"bench-{scratch.name}"
    ledger = timed(
        steps, "ledger", lambda: make_ledger(workspace, name, scratch / "photos", samples(scratch / "photos", count))
    )
    server = timed(steps, "server", lambda: ensure_label_studio(workspace))
    with server, Client(server.url, server.token) as client:
        images, at = LinkedImages(server.media, name), desk_folder(workspace, name)
        steps_of_bare = bare_import(client, ledger.samples(), steps)
        first = timed(steps, "push", lambda: push(ledger, client, at, images))
        assert first.made == count
        timed(steps, "push again", lambda: push(ledger, client, at, images))
        timed(steps, "pull nothing", lambda: pull(ledger, client, at))
        project = first.project
        for task in list(client.tasks(project, include="id,data"))[:: max(1, count // 5)][:5]:
            (whole,) = client.tasks_by_id(project, [task["id"]])
            result = whole["predictions"][0]["result"]
            result[0]["value"]["rectanglelabels"] = ["no"]
            result[1]["value"]["x"] = 0.0
            client.post(f"/api/tasks/{task['id']}/annotations", {"result": result})
        pulled = timed(steps, "pull 5 edited", lambda: pull(ledger, client, at))
        assert pulled.edited == 5
        again = timed(steps, "pull again", lambda: pull(ledger, client, at))
        assert not again.commits
        timed(
            steps,
            "export of all",
            lambda: client.get(f"/api/projects/{project}/export", exportType="JSON", download_all_tasks="true"),
        )
        ratios = {
            "push / bare import": round(steps["push"] / steps_of_bare, 2),
            "pull of 5 / export": round(steps["pull 5 edited"] / steps["export of all"], 3),
        }
    print(json.dumps({"images": count, "boxes": BOXES, "seconds": steps, "ratios": ratios}, indent=2))


def bare_import(client: Client, rows: list[Sample], steps: dict[str, float]) -> float:
    """The seconds of one request that imports the same boxes without labelloop."""
    project = client.post("/api/projects", {"title": "bare", "label_config": render_config(CLASSES).xml})["id"]
    tasks = [
        {
            "data": {"image": f"/data/local-files/?d=bare/{row.key}"},
            "predictions": [
                {
                    "model_version": "bare",
                    "result": [
                        {
                            "id": box.id, "type": "rectanglelabels", "from_name": "label", "to_name": "image",
                            "original_width": 640, "original_height": 480, "image_rotation": 0,
                            "value": {
                                "x": box.x1 / 6.4, "y": box.y1 / 4.8, "width": (box.x2 - box.x1) / 6.4,
                                "height": (box.y2 - box.y1) / 4.8, "rotation": 0, "rectanglelabels": [box.label],
                            },
                        }
                        for box in row.boxes
                    ],
                }
            ],
        }
        for row in rows
    ]  # fmt: skip
    timed(steps, "bare import", lambda: client.import_tasks(project, tasks))
    return steps["bare import"]


if __name__ == "__main__":
    main()
