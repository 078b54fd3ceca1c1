"""The window against FiftyOne's own importer, and at 100,000 images: seconds and peak memory.

10,000 images of 3 boxes are built as a window and read by `fo.Dataset.from_dir` from a
YOLO folder with the same labels, in the same run against the same MongoDB:

    python tests/bench/bench_window.py [--count 10000] [--large 100000]
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PIL import Image

from labelloop.datasets.boxes import with_ids
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample, Size
from labelloop.datasets.window import build_window, find_edits, leave, refresh_window
from labelloop.datasets.window_fiftyone import fiftyone
from labelloop.datasets.workspace import Workspace
from labelloop.tools.mongod import ensure_mongod, fiftyone_environment

T = TypeVar("T")
CLASSES = ("10", "50", "100", "500")
SIZE = Size(64, 48)


def make_ledger(workspace: Workspace, name: str, count: int, photos: Path) -> Ledger:
    rng = random.Random(1)
    changed: dict[str, Sample | None] = {}
    for number in range(count):
        key = f"{number:06}.jpg"
        boxes: list[Box] = []
        for _ in range(3):
            x, y = rng.uniform(0, 40), rng.uniform(0, 30)
            boxes.append(Box(rng.choice(CLASSES), x, y, x + rng.uniform(2, 20), y + rng.uniform(2, 15)))
        changed[key] = Sample(
            key, photos / key, SIZE, boxes=with_ids(key, boxes), split="train", group=f"g{number // 2}", sha256=key
        )
    ledger = Ledger.create(workspace.ledger(name), "bench", CLASSES)
    ledger.commit(changed, base=0, author="bench", tool="bench", message="first")
    return ledger


def write_yolo(ledger: Ledger, folder: Path) -> None:
    """The same labels as a YOLO folder; all photos are one small one."""
    (folder / "images" / "train").mkdir(parents=True)
    (folder / "labels" / "train").mkdir(parents=True)
    Image.new("RGB", SIZE).save(folder / "one.jpg")
    for each in ledger.samples():
        os.link(folder / "one.jpg", folder / "images" / "train" / each.key)
        lines = [
            f"{CLASSES.index(box.label)} {(box.x1 + box.x2) / 2 / SIZE.width} {(box.y1 + box.y2) / 2 / SIZE.height}"
            f" {(box.x2 - box.x1) / SIZE.width} {(box.y2 - box.y1) / SIZE.height}"
            for box in each.boxes
        ]
        (folder / "labels" / "train" / each.key).with_suffix(".txt").write_text("\n".join(lines))
    names = "\n".join(f"  {number}: '{name}'" for number, name in enumerate(CLASSES))
    (folder / "dataset.yaml").write_text(f"path: {folder}\ntrain: images/train\nnames:\n{names}\n")


def timed(what: str, action: Callable[[], T]) -> tuple[float, T]:
    began, used = time.perf_counter(), time.process_time()
    result = action()
    seconds, busy = time.perf_counter() - began, time.process_time() - used
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
    print(f"{what:<52}{seconds:8.2f} s  {busy:7.2f} s of CPU  {peak:6.0f} MB at most so far", flush=True)
    return seconds, result


def compare(workspace: Workspace, count: int) -> None:
    photos = workspace.home / "yolo" / "images" / "train"
    ledger = make_ledger(workspace, "compared", count, photos)
    write_yolo(ledger, workspace.home / "yolo")
    fo = fiftyone()
    # In turns, so that a busy moment of the machine meets both.
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(2):
        ours.append(timed(f"window of {count:,} images", lambda: build_window(ledger))[0])
        seconds, dataset = timed(
            "fo.Dataset.from_dir of the same, YOLO",
            lambda: fo.Dataset.from_dir(
                dataset_dir=str(workspace.home / "yolo"), dataset_type=fo.types.YOLOv5Dataset, split="train"
            ),
        )
        theirs.append(seconds)
        assert len(dataset) == count
        dataset.delete()
    print(f"ratio of the better ones: {min(ours) / min(theirs):.3f}")


def grow(workspace: Workspace, count: int) -> None:
    """Run in a process of its own, so that the peak of memory is that of the window alone."""
    ledger = Ledger(workspace.ledger("large"))
    fiftyone()
    timed("(FiftyOne imported)", lambda: None)
    _, window = timed(f"window of {count:,} images", lambda: build_window(ledger))
    timed("find_edits, every sample compared, none edited", lambda: find_edits(window))
    dataset = window.dataset()
    timed(
        "set_values: a split for every tenth",
        lambda: dataset[: count // 10].set_values("split", ["val"] * (count // 10)),
    )
    _, edits = timed("find_edits", lambda: find_edits(window))
    assert len(edits.changed) == count // 10
    timed(
        "commit", lambda: ledger.commit(edits.to_commit(), base=window.version, author="b", tool="window", message="m")
    )
    _, done = timed("refresh_window after it", lambda: refresh_window(window))
    assert done.written == count // 10
    timed("refresh_window to version 1 again", lambda: refresh_window(done.window, version=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.home:
        grow(Workspace(asked.home), asked.large)
        leave()
        return
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        with ensure_mongod(workspace) as server:
            os.environ.update(fiftyone_environment(workspace, server))
            if asked.count:
                compare(workspace, asked.count)
            if asked.large:
                make_ledger(workspace, "large", asked.large, Path(folder) / "photos")
                subprocess.run([sys.executable, __file__, "--large", str(asked.large), "--home", folder], check=True)
            leave()


if __name__ == "__main__":
    main()
