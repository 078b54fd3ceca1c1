"""Inspections as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ..training.inspection.classifier_inspecting import ClassifierInspection
from ..training.inspection.errors import KINDS
from ..training.inspection.inspecting import Inspection
from ..training.inspection.sentences import MENDING, sentences_of
from .output import table

_SHOWN = 8


def inspection_text(inspection: Inspection | ClassifierInspection) -> str:
    """What matters first: the sentences, then the kinds, the classes, the parts, and the worst images."""
    head = f"{inspection.run} on {inspection.split}: {inspection.images} images"
    lines = [head, *(f"  {sentence}" for sentence in sentences_of(inspection)), ""]
    if isinstance(inspection, ClassifierInspection):
        return "\n".join([*lines, *_of_classifier(inspection)])
    return "\n".join([*lines, *_of_detector(inspection)])


def inspection_json(inspection: Inspection | ClassifierInspection) -> dict[str, object]:
    """Everything that an inspection has; predictions and boxes as lists of objects."""
    said = {"run": inspection.run, "split": inspection.split, "sentences": sentences_of(inspection)}
    if isinstance(inspection, ClassifierInspection):
        at_accuracy = {str(wanted): asdict(kept) for wanted, kept in inspection.thresholds.at_accuracy.items()}
        return {
            **said, **asdict(inspection), "thresholds": {**asdict(inspection.thresholds), "at_accuracy": at_accuracy},
        }  # fmt: skip
    errors, gains = inspection.errors, inspection.gains
    rest = {
        name: getattr(inspection, name)
        for name in (
            "classes",
            "images",
            "boxes",
            "unlabelled",
            "confidence",
            "counts",
            "hidden",
            "class_counts",
            "confusion",
        )
    }
    thresholds = asdict(inspection.thresholds)
    thresholds["at_alarms"] = {str(part): point for part, point in thresholds["at_alarms"].items()}
    return {
        **said, **rest, "ap50": gains.ap50, "worth": dict(gains.worth), "scores": asdict(inspection.scores),
        "parts": [asdict(part) for part in inspection.parts], "calibration": asdict(inspection.calibration),
        "thresholds": thresholds, "worst": [asdict(image) for image in inspection.worst],
        "predictions": errors.predictions.to_dicts(), "labels": errors.boxes.to_dicts(),
    }  # fmt: skip


def _of_detector(inspection: Inspection) -> list[str]:
    worth, counts = inspection.gains.worth, inspection.counts
    kinds, at = sorted(MENDING, key=lambda kind: -worth[kind]), f"{inspection.confidence:g}"
    lines = [
        table(
            [(kind, counts[kind], f"{worth[kind]:+.3f}", MENDING[kind]) for kind in kinds],
            ("error", "count", "AP50 if mended", "what they are"),
        ),
        f"  {counts['correct']} of {inspection.boxes} boxes are found. Counts are at the confidence {at}; AP50 is of all scores.",
        "",
        table(
            [
                (
                    name, metrics.get("boxes") or 0, _number(metrics.get("AP50-95")), _number(metrics.get("precision")),
                    _number(metrics.get("recall")), *(inspection.class_counts[name][kind] for kind in KINDS[1:]),
                )
                for name, metrics in inspection.scores.per_class.items()
            ],
            ("class", "boxes", "AP50-95", "precision", "recall", *KINDS[1:]),
        ),
    ]  # fmt: skip
    if inspection.parts:
        rows = [
            (
                part.name, part.images, _number(part.ap), _signed(part.difference), _number(part.recall),
                "few boxes" if part.uncertain else "",
            )
            for part in inspection.parts[:_SHOWN]
        ]  # fmt: skip
        lines += ["", table(rows, ("part", "images", "mAP50-95", "to the rest", "recall", ""))]
        lines += _more(len(inspection.parts), "parts")
    if inspection.worst:
        rows = [(image.key, f"{image.f1:.2f}", image.wrong, image.missed) for image in inspection.worst[:_SHOWN]]
        lines += [
            "",
            table(rows, ("worst images", "F1", "wrong", "not found")),
            *_more(len(inspection.worst), "images"),
        ]
    return lines


def _of_classifier(inspection: ClassifierInspection) -> list[str]:
    rows = [
        (name, metrics["images"], _number(metrics["precision"]), _number(metrics["recall"]), _number(metrics["f1"]))
        for name, metrics in inspection.scores.per_class.items()
    ]
    lines = [table(rows, ("class", "images", "precision", "recall", "F1"))]
    if inspection.parts:
        rows = [
            (
                part.name,
                part.images,
                f"{part.accuracy:.3f}",
                _signed(part.difference),
                "few images" if part.uncertain else "",
            )
            for part in inspection.parts[:_SHOWN]
        ]
        lines += ["", table(rows, ("part", "images", "accuracy", "to the rest", ""))]
        lines += _more(len(inspection.parts), "parts")
    if inspection.worst:
        rows = [(each.key, each.label, each.predicted, f"{each.score:.3f}") for each in inspection.worst[:_SHOWN]]
        lines += ["", table(rows, ("sure and wrong", "label", "predicted", "score"))]
        lines += _more(len(inspection.worst), "pictures")
    return lines


def _more(count: int, what: str) -> Sequence[str]:
    return [f"  and {count - _SHOWN} more {what}"] if count > _SHOWN else []


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"
