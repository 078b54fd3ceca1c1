"""LabelMe pairs to YOLO and COCO, and `check` of them, against their peers in the same run.

    python tests/bench/bench_convert.py [--count 10000] [--rounds 3]

Every figure is that of a whole process: median seconds on the wall and of processors (which
other work on the machine disturbs less), images a second, the most memory that it and its
children had at once, and whether what it wrote is right. The rounds are interleaved. Images
stay in place, except where a tool always copies them; labelloop's figure includes reading
its own result back and comparing every box.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from conversion_data import CLASSES, Truth, draw, without_repeated_names, write_coco, write_yolo
from conversion_judge import judge
from measuring import Measured, measure, mongod

ROOT = Path(__file__).parent.parent.parent
PEERS = ROOT / ".venv-bench" / "bin"
SCRIPT = str(Path(__file__).with_name("conversion_peers.py"))
BARE = """
import json, os, sys
from PIL import Image
for folder, _, files in os.walk(sys.argv[1]):
    for name in sorted(files):
        path = os.path.join(folder, name)
        if name.endswith(".json"):
            with open(path) as file:
                json.load(file)
        else:
            with Image.open(path) as image:
                image.size
"""


@dataclass
class Contestant:
    """One tool at one task: what is run, what is true of what it is given, and what there is to know."""

    name: str
    words: Sequence[str]
    truth: Truth | None = None
    note: str = ""
    environment: Mapping[str, str] | None = None
    service: int = 0
    took: list[Measured] = field(default_factory=list)
    verdict: str = ""
    failed: str = ""


def main() -> None:
    """Measure, and print a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--task", help="only the tasks whose title has this in it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as ending:
        work = Path(name)
        source, target = work / "source", work / "out"
        truth = draw(source, asked.count)
        boxes = sum(map(len, truth.values()))
        print(
            f"{asked.count:,} images with {boxes:,} boxes, {asked.rounds} rounds, median of whole processes", flush=True
        )
        for title, contestants in _tasks(work, source, target, truth, _database(ending)).items():
            if not asked.task or asked.task in title:
                _compete(contestants, source, target, asked.rounds)
                _show(title, contestants, asked.count)


def _compete(contestants: Sequence[Contestant], source: Path, target: Path, rounds: int) -> None:
    for _ in range(rounds):
        for each in contestants:
            shutil.rmtree(target, ignore_errors=True)
            target.with_suffix(".json").unlink(missing_ok=True)
            try:
                each.took.append(measure(each.words, environment=each.environment, service=each.service))
            except RuntimeError as error:
                each.failed = str(error)
                continue
            if each.truth is not None and not each.verdict:
                each.verdict = judge(target, source, each.truth)


def _show(title: str, contestants: Sequence[Contestant], count: int) -> None:
    print(f"\n{title}")
    print(f"  {'':27s} {'seconds':>8s} {'images/s':>9s} {'cpu s':>7s} {'MB':>5s}  labelloop/this (cpu)  right?")
    ours, our_processors = _medians(contestants[0])
    for each in contestants:
        if not each.took:
            print(f"  {each.name:27s} failed: {each.failed}", flush=True)
            continue
        seconds, processors = _medians(each)
        megabytes = max(measured.megabytes for measured in each.took)
        ratios = f"{ours / seconds:.2f} ({our_processors / processors:.2f})"
        note = f" [{each.note}]" if each.note else ""
        print(
            f"  {each.name:27s} {seconds:8.2f} {count / seconds:9.0f} {processors:7.2f} {megabytes:5.0f}"
            f"  {ratios:>20s}  {each.verdict}{note}",
            flush=True,
        )


def _medians(each: Contestant) -> tuple[float, float]:
    return median(took.seconds for took in each.took), median(took.processor_seconds for took in each.took)


def _database(ending: ExitStack) -> tuple[int, dict[str, str]] | None:
    """A mongod for FiftyOne, stopped when the benchmark ends; None without FiftyOne, or where its mongod is missing."""
    program = Path(sys.prefix) / "lib" / f"python3.{sys.version_info[1]}" / "site-packages/fiftyone/db/bin/mongod"
    if find_spec("fiftyone") is None or not program.exists():
        print("fiftyone, or the mongod inside it, is not there and is left out")
        return None
    return ending.enter_context(mongod(program))


def _tasks(
    work: Path, source: Path, target: Path, truth: Truth, database: tuple[int, dict[str, str]] | None
) -> dict[str, list[Contestant]]:
    labelloop = f"{sys.prefix}/bin/labelloop"
    recipe = work / "recipe.yaml"
    recipe.write_text(f"format: labelme\nclasses: {list(CLASSES)}\naccept: [scaled]\n")
    given = ["--recipe", str(recipe)]
    convert = [labelloop, "convert", str(source), str(target), *given, "--leave-images", "--format"]
    coco, yolo = (Contestant("labelloop", [*convert, format], truth) for format in ("coco", "yolo"))
    tasks = {
        "check --headers-only": [
            Contestant("labelloop", [labelloop, "check", str(source), *given, "--headers-only"]),
            Contestant("bare json.load + Image.open", [sys.executable, "-c", BARE, str(source)]),
        ],
        "LabelMe to COCO": [coco],
        "LabelMe to YOLO": [yolo],
    }
    for format, contestants in (("coco", tasks["LabelMe to COCO"]), ("yolo", tasks["LabelMe to YOLO"])):
        if PEERS.exists():
            contestants += _peers(format, work, source, target, truth)
        else:
            print(f"{PEERS} is not there, so most peers are left out: tests/bench/run.sh installs them")
        contestants += _own_environment(format, work, source, target, truth, database)
    return tasks


def _peers(format: str, work: Path, source: Path, target: Path, truth: Truth) -> list[Contestant]:
    """Those that live in an environment of their own, since they pin old libraries."""
    python = [f"{PEERS}/python", SCRIPT]
    ends = [str(source), str(target)]
    found = [
        Contestant(name, [*python, f"{name}_to_{format}", *ends], truth)
        for name in ("labelme2coco", "globox", "supervision")
        if (name, format) != ("labelme2coco", "yolo")
    ]
    if format == "yolo":
        words = [
            f"{PEERS}/labelme2yolo",
            "-d",
            ends[0],
            "-o",
            ends[1],
            "--val_size",
            "0",
            "--include_background",
            *CLASSES,
        ]
        found.append(Contestant("labelme2yolo (Rust)", words, truth, "copies the images"))
    other, folder = ("YOLO", work / "darknet") if format == "coco" else ("COCO", work / "coco")
    (write_yolo if format == "coco" else write_coco)(folder, source, truth)
    words = [*python, f"datumaro_to_{format}", str(folder), str(target)]
    found.append(
        Contestant(f"datumaro, from {other}", words, truth, "cannot read LabelMe; writes hundredths of a pixel")
    )
    return found


def _own_environment(
    format: str, work: Path, source: Path, target: Path, truth: Truth, database: tuple[int, dict[str, str]] | None
) -> list[Contestant]:
    """Those that labelloop's own environment has."""
    python = [sys.executable, SCRIPT]
    found: list[Contestant] = []
    if find_spec("hotcoco"):
        known = without_repeated_names(truth)
        other, folder = ("YOLO", work / "darknet1") if format == "coco" else ("COCO", work / "coco1")
        (write_yolo if format == "coco" else write_coco)(folder, source, known)
        words = [*python, f"hotcoco_to_{format}", str(folder), str(target)]
        note = f"cannot read LabelMe, refuses two images of one name: {len(truth) - len(known)} images fewer"
        found.append(Contestant(f"hotcoco (Rust), from {other}", words, known, note))
    if database is not None:
        service, environment = database
        words = [*python, f"fiftyone_to_{format}", str(source), str(target)]
        note = "no LabelMe importer: its classes filled from the parsed jsons; memory with its database, cpu without"
        found.append(Contestant("fiftyone", words, truth, note, environment, service))
    return found


if __name__ == "__main__":
    # As for Ctrl-C: what was started is stopped, and what was written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
