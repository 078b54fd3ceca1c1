"""The ledger at 100,000 images with 3 boxes each, against deltalake's own merge in the same run.

    python tests/bench/bench_ledger.py [--count 100000] [--rounds 7]

Figures are medians where a thing is done more than once; peak memory is that of this process.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TypeVar

import polars as pl
from deltalake import DeltaTable

from labelloop.datasets.boxes import with_ids
from labelloop.datasets.findings import Findings
from labelloop.datasets.history import blame
from labelloop.datasets.import_plan import ImportPlan
from labelloop.datasets.ledger import Ledger
from labelloop.datasets.ledger_rows import SCHEMA
from labelloop.datasets.schema import Box, Sample, Size

T = TypeVar("T")


def samples(count: int) -> list[Sample]:
    """Images with three boxes each."""
    rng = random.Random(0)
    made: list[Sample] = []
    for number in range(count):
        key = f"{number // 1000:03}/{number:06}.jpg"
        boxes: list[Box] = []
        for _ in range(3):
            x, y = rng.random() * 500, rng.random() * 300
            label = f"class {rng.randrange(8)}"
            boxes.append(Box(label, x, y, x + 20 + rng.random() * 100, y + 20 + rng.random() * 100))
        made.append(
            Sample(
                key, Path("/photos") / key, Size(640, 480), boxes=tuple(boxes), sha256=f"{rng.getrandbits(256):064x}"
            )
        )
    return made


def timed(said: str, work: Callable[[], T]) -> T:
    """What the work gives, and its seconds printed."""
    began = time.perf_counter()
    result = work()
    print(f"{said:58} {time.perf_counter() - began:8.3f} s   {peak():6.0f} MB")
    return result


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def moved(sample: Sample, by: float) -> Sample:
    first, *rest = sample.boxes
    return replace(sample, boxes=(replace(first, x2=first.x2 + by), *rest))


def bare_merge(folder: Path, rows: pl.DataFrame) -> None:
    """What deltalake itself does with the same rows: its merge by key, and nothing about authors or pasts."""
    columns = {name: f"s.`{name}`" for name in SCHEMA}
    merge = DeltaTable(folder).merge(rows, "t.key = s.key", source_alias="s", target_alias="t")
    merge.when_matched_update(columns).when_not_matched_insert(columns).execute()


def main() -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    gc.set_threshold(100_000, 50, 100)  # as the command line does
    folder = Path(tempfile.mkdtemp())
    try:
        measure(folder, options.count, options.rounds)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, count: int, rounds: int) -> None:
    """All figures, for so many images."""
    drawn = samples(count)
    gc.freeze()
    print(f"{count} images in memory{'':40} {peak():25.0f} MB")
    named = timed("ids for their boxes", lambda: [replace(one, boxes=with_ids(one.key, one.boxes)) for one in drawn])
    ledger = Ledger.create(folder / "pets", "ann", [f"class {n}" for n in range(8)])
    first = {one.key: one for one in named}
    timed("commit of all, the first", lambda: commit(ledger, first, 0))
    first_size = size_of(ledger.folder)
    print(f"bytes on disk: {first_size / 1e6:.1f} MB, {len(DeltaTable(ledger.folder).file_uris())} files")
    shutil.copytree(ledger.folder, folder / "bare")
    plan = timed("plan of importing the same again", lambda: ImportPlan(ledger, 1, drawn_again(drawn), Findings()))
    assert not plan.changed
    timed("all rows as a frame", ledger.frame)
    timed("all samples", ledger.samples)
    ten_changed(ledger, folder / "bare", named, rounds)
    neighbours(ledger, named, rounds)
    timed("difference of two versions (10 images)", lambda: ledger.changes(1, 2))
    timed("difference of the first and the last version", lambda: ledger.changes(1))
    many_commits(ledger, named)
    everything = {one.key: moved(one, 3) for one in ledger.samples()}
    timed("commit of all, changed", lambda: commit(ledger, everything, ledger.version()))
    timed("difference where all changed", lambda: ledger.changes(ledger.version() - 1))


def drawn_again(drawn: list[Sample]) -> list[Sample]:
    return [replace(one, boxes=tuple(replace(box) for box in one.boxes)) for one in drawn]


def commit(ledger: Ledger, changed: dict[str, Sample], base: int) -> None:
    made = ledger.commit(changed, base=base, author="ann", tool="import", message="bench")
    assert made is not None


def ten_changed(ledger: Ledger, bare: Path, named: list[Sample], rounds: int) -> None:
    """A commit of ten images from anywhere, and deltalake's merge of the same rows, in turns."""
    rng = random.Random(1)
    ours: list[float] = []
    theirs: list[float] = []
    grew: list[int] = []
    for turn in range(rounds):
        chosen = {one.key: moved(one, 1 + turn / 10) for one in rng.sample(named, 10)}
        changed = {one.key: moved(one, 1 + turn / 10) for one in ledger.samples(keys=list(chosen))}
        before = size_of(ledger.folder)
        began = time.perf_counter()
        commit(ledger, changed, ledger.version())
        ours.append(time.perf_counter() - began)
        grew.append(size_of(ledger.folder) - before)
        rows = ledger.frame(keys=list(chosen))
        began = time.perf_counter()
        bare_merge(bare, rows)
        theirs.append(time.perf_counter() - began)
    print(
        f"commit of 10 images from anywhere: {median(ours):.3f} s ({min(ours):.3f} to {max(ours):.3f}),"
        f" deltalake's merge {median(theirs):.3f} s ({min(theirs):.3f} to {max(theirs):.3f}):"
        f" {median(ours) / median(theirs):.2f} times; {median(grew) / 1e6:.2f} MB on disk each"
    )


def neighbours(ledger: Ledger, named: list[Sample], rounds: int) -> None:
    """A commit of ten images that lie beside each other."""
    took: list[float] = []
    grew: list[int] = []
    for turn in range(rounds):
        start = turn * 1000
        there = ledger.samples(keys=[one.key for one in named[start : start + 10]])
        changed = {one.key: moved(one, 1) for one in there}
        before = size_of(ledger.folder)
        began = time.perf_counter()
        commit(ledger, changed, ledger.version())
        took.append(time.perf_counter() - began)
        grew.append(size_of(ledger.folder) - before)
    print(f"commit of 10 neighbours: {median(took):.3f} s; {median(grew) / 1e6:.2f} MB on disk each")


def many_commits(ledger: Ledger, named: list[Sample]) -> None:
    """The history of an image and of the ledger, after so many commits."""
    key = named[len(named) // 2].key
    (there,) = ledger.samples(keys=[key])
    began = time.perf_counter()
    for turn in range(100):
        there = moved(there, 1 + turn / 100)
        commit(ledger, {key: there}, ledger.version())
    print(f"100 commits of one image: {(time.perf_counter() - began) / 100:.3f} s each")
    steps = timed("blame of an image with 101 commits", lambda: blame(ledger, key))
    assert len(steps) >= 101
    small = Ledger.create(ledger.folder.parent / "small", "ann", ["class 0"])
    commit(small, {there.key: there}, 0)
    for total in (500, 2000):
        while small.version() < total:
            there = moved(there, 0.001)
            commit(small, {there.key: there}, small.version())
        timed(f"log of {total} commits", small.commits)
        timed(f"  the samples after {total} commits", small.samples)
    print(f"bytes on disk for 2000 commits of one image: {size_of(small.folder) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
