"""How much a detector's images may change before it fails: recall and AP at IoU .5 under each change, by class."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from ...datasets.errors import LabelloopError
from ...datasets.passes import each
from ...datasets.reading import Progress
from ...datasets.schema import Box, Json, Sample, Size
from ...datasets.upright import read_upright
from ..detecting import detect, own_confidence
from ..detection_metrics import evaluate
from ..detector_settings import PREDICTION
from ..plans import labels_digest
from ..predictions import from_boxes
from ..results import Metrics, Scores
from ..runs import Run
from .errors import find_errors
from .robustness_conditions import FAMILIES, Change, Family, all_conditions, in_pixels
from .robustness_results import FORMAT, Broken, Point, Robustness, read_robustness, write_robustness

USUAL_LIMIT = 100
"""So many images are put through every change, unless somebody asks for more."""

_ROOM = 600_000_000
"""Bytes that changed pictures take on disk at a time."""
_LOOSE = ("correct", "location")
"""Boxes that something of their class is on, by an IoU of .1 at least."""
_SHOWN = 12
"""Pictures kept of each kind of change."""


def try_robustness(
    run: Run,
    *,
    split: str = "test",
    limit: int = USUAL_LIMIT,
    families: Sequence[str] = tuple(FAMILIES),
    progress: Progress | None = None,
) -> Robustness:
    """What a detector's run bears on the images of a split, and the same saved in the run's folder.

    A result that was saved for the same images, labels and changes is read, not made again.

    Args:
        limit: take so many images, drawn by the hash of their keys; 0 for all.
        progress: called with the steps done and all of them: each picture is made and looked at.

    Raises:
        LabelloopError: the run is none of a detector that is done, or the split has no labelled images.
    """
    _refuse(run)
    there = [each for each in run.samples() if each.split == split and each.state != "unlabelled"]
    if not any(each.boxes for each in there):
        known = ", ".join(sorted({each.split for each in run.samples() if each.split and each.boxes})) or "none"
        raise LabelloopError(f"{run.id} has no boxes in the split {split}; splits with boxes: {known}")
    samples = draw(there, limit)
    asked: dict[str, Json] = {
        "format": FORMAT, "labels": labels_digest(samples), "families": list(families),
        "levels": [[name, *FAMILIES[name].levels] for name in families],
    }  # fmt: skip
    saved = read_robustness(run, split)
    if saved is not None and saved.asked == asked:
        return saved
    side = min(max(max(sample.size) for sample in samples), 2 * int(str(run.plan.settings["imgsz"])))
    truth, found, tightness = _detect_all(run, samples, families, side, progress)
    confidence = own_confidence(run)
    points: dict[str, Point] = {}
    right: dict[str, set[str]] = {}
    broken: dict[str, list[Broken]] = {name: [] for name in families}
    for name, level, title in [("", 0.0, ""), *((f.name, level, _title(f, level)) for f, level in _mildest(families))]:
        mine = {key: boxes for key, boxes in found.items() if key.startswith(f"{title}/")}
        rows = from_boxes(mine)
        judged = truth[title]
        scores = evaluate(judged, rows, run.plan.classes, confidence=confidence)
        boxes = find_errors(judged, rows, run.plan.classes, confidence=confidence).boxes
        points[title] = _point(level, scores, boxes, tightness[title])
        there_enough = _LOOSE if name == "turned" else ("correct",)
        missed: dict[str, list[str]] = {}
        for key, label, kind in boxes.select("key", "label", "kind").iter_rows():
            if kind not in there_enough:
                missed.setdefault(key, []).append(label)
        right[title] = {sample.key.partition("/")[2] for sample in judged if sample.key not in missed}
        if name and len(broken[name]) < _SHOWN:
            known = {each.key for each in broken[name]}
            for key, labels in missed.items():
                plain = key.partition("/")[2]
                if plain in right[""] and plain not in known and len(broken[name]) < _SHOWN:
                    seen = tuple(box for box in mine.get(key, ()) if (box.score or 0.0) >= confidence)
                    broken[name].append(Broken(plain, name, level, tuple(labels), seen))
    made = Robustness(
        run.id, split, len(samples), len(there), confidence, side, points[""],
        {name: tuple(points[_title(FAMILIES[name], level)] for level in FAMILIES[name].levels) for name in families},
        tuple(one for name in families for one in broken[name]), asked,
    )  # fmt: skip
    write_robustness(run, made)
    return made


def draw(samples: Sequence[Sample], limit: int) -> list[Sample]:
    """So many of the samples, in their order, chosen by the hash of their keys; all for 0."""
    if not 0 < limit < len(samples):
        return list(samples)
    chosen = sorted(samples, key=lambda sample: hashlib.sha256(sample.key.encode()).digest())[:limit]
    keys = {sample.key for sample in chosen}
    return [sample for sample in samples if sample.key in keys]


def steps(images: int, families: Sequence[str] = tuple(FAMILIES)) -> int:
    """How many pictures are looked at: each image as it is and under each change."""
    return images * (1 + len(all_conditions(families)))


def read_pixels(sample: Sample, side: int) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Sample]:
    """The upright picture that changes are made to, (height, width, 3), and the sample with boxes in its pixels."""
    picture = read_upright(sample.path, side)
    return np.asarray(picture, np.uint8), in_pixels(sample, picture.size)


def _point(level: float, scores: Scores, boxes: pl.DataFrame, tightness: Sequence[float]) -> Point:
    """The scores with the loose recall of each class, and of all as their mean, beside them."""
    shares = boxes.group_by("label").agg(pl.col("kind").is_in(_LOOSE).mean()).iter_rows()
    loose: dict[str, float] = dict(shares)
    classes: dict[str, Metrics] = {
        name: {**metrics, "loose": loose.get(name)} for name, metrics in scores.per_class.items()
    }
    mean = sum(loose.values()) / len(loose) if loose else None
    return Point(level, {**scores.overall, "loose": mean}, classes, float(np.mean(tightness)) if tightness else 1.0)


def _detect_all(
    run: Run, samples: Sequence[Sample], families: Sequence[str], side: int, progress: Progress | None
) -> tuple[dict[str, list[Sample]], dict[str, tuple[Box, ...]], dict[str, list[float]]]:
    """By the title of a change, "" for none: the truth and the tightness; and by `title/key` what is found."""
    conditions = all_conditions(families)
    truth: dict[str, list[Sample]] = {title: [] for title in ("", *(_title(*each) for each in conditions))}
    tightness: dict[str, list[float]] = {title: [] for title in truth}
    found: dict[str, tuple[Box, ...]] = {}
    total, done = 2 * steps(len(samples), families), 0

    def note(more: int) -> None:
        if progress:
            progress(done + more, total)

    # A PNG of a photo takes about two bytes a pixel; turned pictures are up to twice as large.
    chunk = max(1, round(_ROOM / (3 * side * side * len(truth))))
    for start in range(0, len(samples), chunk):
        with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
            wanted: list[Sample] = []
            chunked = [(sample, start + at) for at, sample in enumerate(samples[start : start + chunk])]
            for made in each(lambda one: list(_make(one[0], one[1], conditions, side, Path(name))), chunked):
                for title, sample, tight in made:
                    truth[title].append(sample)
                    tightness[title] += tight
                    wanted.append(sample)
                note(len(wanted))
            done += len(wanted)
            looked = detect(
                run, wanted, confidence=float(PREDICTION["conf"]), progress=lambda seen, _: note(seen)
            )  # fmt: skip
            found.update(looked)
            done += len(wanted)
    return truth, found, tightness


def _make(
    sample: Sample, number: int, conditions: Sequence[tuple[Family, float]], side: int, folder: Path
) -> Iterator[tuple[str, Sample, tuple[float, ...]]]:
    """The pictures of one image, written, as samples of their own."""
    pixels, small = read_pixels(sample, side)
    for at, condition in enumerate((None, *conditions)):
        path = folder / f"{number}-{at}.png"
        if condition is None:
            title, key, tight = "", f"/{sample.key}", (1.0,) * len(small.boxes)
            shown, size, boxes = pixels, small.size, small.boxes
        else:
            title = _title(*condition)
            key = f"{title}/{sample.key}"
            changed = Change(*condition).make(pixels, small, key)
            tight, shown, size, boxes = changed.tightness, changed.pixels, changed.sample.size, changed.sample.boxes
        Image.fromarray(shown).save(path, compress_level=1)
        yield title, Sample(key, path, Size(*size), state="labelled" if boxes else "negative", boxes=boxes), tight


def _mildest(families: Sequence[str]) -> list[tuple[Family, float]]:
    return [(FAMILIES[name], level) for name in families for level in FAMILIES[name].mildest_first()]


def _title(family: Family, level: float) -> str:
    return f"{family.name}-{level:g}"


def _refuse(run: Run) -> None:
    if run.plan.kind != "detector":
        raise LabelloopError(
            f"robustness is built for detectors only, received {run.id}, which is a {run.plan.kind}'s run"
        )
    if run.status() != "done":
        raise LabelloopError(f"{run.id} must be done, received one that is {run.status()}")
