"""What a run gets wrong, as one page: first what would gain most, then kinds, classes, parts, scores and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ...datasets.palette import class_colour
from ...datasets.schema import Box
from ..pages import Cell, Page, Picture
from ..runs import Run
from .classifier_inspecting import ClassifierInspection
from .classifier_page import add_classifier
from .errors import KINDS
from .grad_cam import Heat
from .inspecting import Inspection, Part
from .pictures import Drawn, picture_of, short, tag
from .plots import plot_bars, plot_confusion, plot_lines, plot_reliability
from .sentences import MENDING, sentences_of

ERRORS = tuple(kind for kind in KINDS if kind != "correct")
_EACH, _WORST = 12, 12
_ROOM = 5_500_000
"""Bytes of pictures on a page; text for a browser makes a third more of them."""
_MOST_CLASSES = 40


def write_page(
    inspection: Inspection | ClassifierInspection,
    run: Run,
    path: Path,
    *,
    heat: Mapping[str, Heat] | None = None,
) -> Path:
    """The page of what a run gets wrong: one file with everything in it, under about 8 MB.

    Args:
        heat: for a classifier, heat maps by key as `heat_maps` makes them; None makes those that are shown.

    Raises:
        LabelloopError: it cannot be written.
    """
    what = "pictures" if isinstance(inspection, ClassifierInspection) else "images"
    page = Page(
        f"What {run.id} gets wrong",
        f"{run.plan.model} on {run.plan.dataset}, version {run.plan.version}; {inspection.images:,} {what} of the split"
        f" {inspection.split}",
    )
    first, *others = sentences_of(inspection)
    page.note(first)
    for sentence in others:
        page.text(sentence)
    if isinstance(inspection, ClassifierInspection):
        add_classifier(page, inspection, run, heat)
    else:
        _add_detector(page, inspection, run)
    return page.write(path)


def _add_detector(page: Page, inspection: Inspection, run: Run) -> None:
    overall = inspection.scores.overall
    page.table(
        ["boxes", "mAP50-95", "AP50", "precision", "recall", "confidence", "false alarms"],
        [
            [
                inspection.boxes,
                *(overall.get(name) for name in ("mAP50-95", "mAP50", "precision", "recall")),
                inspection.confidence,
                overall.get("false_alarms"),
            ]
        ],
        "precision and recall at IoU .5 and this confidence, which had the best mean F1 on val; false alarms: the part of the"
        " images without a box on which something is found",
    )
    if inspection.unlabelled:
        page.text(f"{inspection.unlabelled} images of the split are left out, as nobody has labelled them.")
    _add_kinds(page, inspection)
    _add_classes(page, inspection)
    _add_parts(page, inspection.parts)
    _add_scores(page, inspection)
    _Album(inspection, run).add(page)


def _add_kinds(page: Page, inspection: Inspection) -> None:
    worth = inspection.gains.worth
    order = sorted(ERRORS, key=lambda kind: -worth.get(kind, 0.0))
    page.heading("Kinds of error")
    page.figure(
        plot_bars(order, [worth.get(kind, 0.0) for kind in order], "What mending each kind would gain", "AP50"),
        "What AP50 would gain if all errors of a kind were mended",
        "Each by itself, over predictions of any score (TIDE's dAP).",
    )
    page.table(
        ["kind", "", "count", "would gain"],
        [
            [kind, MENDING.get(kind, "right"), inspection.counts.get(kind, 0), worth.get(kind)]
            for kind in ("correct", *order)
        ],
        f"Counted at confidence {inspection.confidence:g}.",
    )
    page.table(
        ["", "would gain"],
        [
            ["if no prediction were wrong", worth.get("false_positive")],
            ["if no box were left unfound", worth.get("false_negative")],
        ],
    )


def _add_classes(page: Page, inspection: Inspection) -> None:
    page.heading("Classes")
    scores = inspection.scores.per_class
    columns = ("boxes", "AP50-95", "AP50", "precision", "recall")
    kinds = [kind for kind in KINDS if kind != "correct"]
    rows: list[list[Cell]] = [
        [
            name,
            *(scores[name].get(column) for column in columns),
            *(inspection.class_counts[name].get(kind, 0) for kind in kinds),
        ]
        for name in inspection.classes
        if name in scores
    ]
    rows.sort(key=lambda row: (row[2] is None, row[2]))
    page.table(["class", *columns, *kinds], rows, "The worst first. Errors are of what was predicted, or missed.")
    _add_confusion(page, inspection.confusion, [*inspection.classes, "nothing"], inspection.confidence)


def _add_confusion(page: Page, counts: Sequence[Sequence[int]], names: Sequence[str], confidence: float) -> None:
    if len(names) <= _MOST_CLASSES:
        page.figure(
            plot_confusion(counts, names, names),
            "Confusion matrix: a row for each label, a column for each predicted class",
            f"At confidence {confidence:g}. Rows add up to the boxes of a class, columns to its predictions. The last column are"
            " boxes that nothing right has and no other class was found on, the last row all other wrong predictions.",
        )
    pairs = sorted(
        (
            (-count, names[row], names[column])
            for row, each in enumerate(counts)
            for column, count in enumerate(each)
            if count and row != column and max(row, column) < len(names) - 1
        )
    )
    if pairs:
        page.table(
            ["labelled", "taken for", "times"],
            [[label, said, -count] for count, label, said in pairs[:15]],
            "Classes that are taken for others most often.",
        )


def _add_parts(page: Page, parts: Sequence[Part]) -> None:
    if not parts:
        return
    page.heading("Parts of the split")
    page.table(
        ["part", "images", "boxes", "mAP50-95", "AP50", "less or more", "precision", "recall", "from", "to"],
        [
            [
                part.name,
                part.images,
                part.boxes,
                part.ap,
                part.ap50,
                None if part.difference is None else f"{part.difference:+.3f}{', few' if part.uncertain else ''}",
                part.precision,
                part.recall,
                part.recall_low,
                part.recall_high,
            ]
            for part in parts[:_MOST_CLASSES]
        ],
        "The worst first. Less or more: mAP50-95 beside that of all other images. From and to: the 95 % interval of recall, wide for"
        " those marked few.",
    )


def _add_scores(page: Page, inspection: Inspection) -> None:
    thresholds = inspection.thresholds
    page.heading("Which confidence to use")
    lines = [
        (name, [p.confidence for p in thresholds.points if getattr(p, field) is not None],
         [getattr(p, field) for p in thresholds.points if getattr(p, field) is not None])
        for name, field in (("precision", "precision"), ("recall", "recall"), ("F1", "f1"), ("false alarms", "false_alarms"))
    ]  # fmt: skip
    page.figure(
        plot_lines([(f"on {thresholds.split}", [line for line in lines if line[1]])], "confidence", faint_from=0),
        f"Precision, recall and F1 over the confidence on {thresholds.split}",
        f"The best mean F1 on {thresholds.split} is at {thresholds.best:g}; used here is {inspection.confidence:g}.",
    )
    if thresholds.at_alarms:
        page.table(
            ["false alarms at most", "confidence", "precision", "recall"],
            [
                [f"{100 * part:g} %", point.confidence, point.precision, point.recall]
                for part, point in thresholds.at_alarms.items()
            ],
            "The part of the images without a box on which something may be found, and the confidence that keeps to it.",
        )
    if len(thresholds.best_of) > 1:
        page.table(
            ["class", "best confidence"], [[name, value] for name, value in thresholds.best_of.items()][:_MOST_CLASSES]
        )
    if inspection.calibration.error is not None:
        page.heading("Do scores mean what they say?")
        page.figure(
            plot_reliability(inspection.calibration),
            "The part of predictions that is right, by score",
            f"On average a score is {inspection.calibration.error:.3f} away from how often it is right.",
        )


class _Album:
    """The pictures of a detector's page, until there is no more room."""

    def __init__(self, inspection: Inspection, run: Run) -> None:
        self._inspection = inspection
        self._samples = {sample.key: sample for sample in run.samples() if sample.split == inspection.split}
        self._place = {name: at for at, name in enumerate(inspection.classes)}
        self._labels = {
            key: [self._drawn(box, dashed=False) for box in sample.boxes] for key, sample in self._samples.items()
        }
        self._said: dict[str, list[Drawn]] = {}
        for row in inspection.errors.predictions.iter_rows(named=True):
            self._said.setdefault(row["key"], []).append(self._drawn(_box(row), dashed=True))
        self._room = _ROOM

    def add(self, page: Page) -> None:
        """Add the worst of each kind of error, and the worst images."""
        worth = self._inspection.gains.worth
        kinds = sorted(ERRORS, key=lambda kind: -worth.get(kind, 0.0))
        shown = {kind: list(self._of_kind(kind)) for kind in kinds}
        if any(shown.values()):
            page.heading("Pictures of each kind of error")
            page.text("Solid lines and the text above are labels; dashed lines and the text below are predictions.")
        for kind in kinds:
            if shown[kind]:
                count = self._inspection.counts.get(kind, 0)
                few = f", the worst {len(shown[kind])} here" if len(shown[kind]) < count else ""
                page.text(f"{kind.capitalize()}: {MENDING[kind]}. {count:,} in all{few}.")
                page.pictures(shown[kind])
        worst = [
            self._picture(each.key, None, short(each.key), f"{each.wrong} wrong, {each.missed} not found rightly")
            for each in self._inspection.worst[:_WORST]
            if each.key in self._samples and self._room > 0
        ]
        if worst:
            page.heading("The worst images")
            page.pictures(worst)

    def _of_kind(self, kind: str) -> Iterator[Picture]:
        errors = self._inspection.errors
        if kind == "missed":
            size = (pl.col("x2") - pl.col("x1")) * (pl.col("y2") - pl.col("y1"))
            rows = errors.boxes.filter(pl.col("kind") == kind).sort(size, descending=True)
        else:
            rows = errors.predictions.filter(pl.col("kind") == kind).sort("score", descending=True)
        nth = pl.int_range(pl.len()).over("key")  # two of an image, so that one bad image does not take all places
        for row in rows.filter(nth < 2).head(_EACH).iter_rows(named=True):
            if self._room > 0 and row["key"] in self._samples:
                yield self._picture(row["key"], self._around(row), _title(kind, row), short(row["key"]))

    def _around(self, row: Mapping[str, Any]) -> Box:
        """What a picture is to show: the box, and with a prediction the label that it is compared with."""
        box = _box(row)
        other = next((each for each in self._samples[row["key"]].boxes if each.id and each.id == row.get("truth")), box)
        return Box(
            box.label, min(box.x1, other.x1), min(box.y1, other.y1), max(box.x2, other.x2), max(box.y2, other.y2)
        )

    def _picture(self, key: str, around: Box | None, title: str, text: str) -> Picture:
        drawn = [*self._labels[key], *self._said.get(key, [])]
        jpeg = picture_of(self._samples[key], drawn, around=around)
        self._room -= len(jpeg)
        return Picture(jpeg, title, text)

    def _drawn(self, box: Box, *, dashed: bool) -> Drawn:
        colour = class_colour(self._place.get(box.label, len(self._place)))
        return Drawn(box, colour, dashed, tag(box.label, box.score))


def _box(row: Mapping[str, Any]) -> Box:
    score = row.get("score") if "truth" in row else None
    return Box(row["label"], row["x1"], row["y1"], row["x2"], row["y2"], score=score)


def _title(kind: str, row: Mapping[str, Any]) -> str:
    if kind == "missed":
        return f"{row['label']} not found"
    said = tag(row["label"], row["score"])
    if kind in ("class", "both"):
        return f"{said}, labelled {row['truth_label']}"
    return f"{said}, IoU {row['iou']:.2f}" if kind in ("location", "duplicate") else said
