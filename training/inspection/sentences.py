"""What an inspection says in sentences, the most important first."""

from __future__ import annotations

from .classifier_inspecting import ClassifierInspection
from .inspecting import Inspection

MENDING = {
    "class": "boxes in the right place with the wrong class",
    "location": "boxes of the right class that are badly placed",
    "both": "boxes of the wrong class that are badly placed",
    "duplicate": "second boxes on what has one already",
    "background": "boxes where nothing is",
    "missed": "labels that no prediction comes near",
}
"""What the predictions or labels of each kind of error are."""

_LITTLE = 0.005
_MUCH = 0.02


def sentences_of(inspection: Inspection | ClassifierInspection) -> list[str]:
    """What would gain most, the weakest class, the weakest part, and what the scores are worth."""
    if isinstance(inspection, ClassifierInspection):
        return _of_classifier(inspection)
    return [
        _gain(inspection),
        *_hidden(inspection),
        *_weakest_class(inspection),
        *_weakest_part(inspection),
        *_scores(inspection),
    ]


def _gain(inspection: Inspection) -> str:
    worth = {kind: inspection.gains.worth[kind] for kind in MENDING}
    kind = max(worth, key=lambda each: worth[each])
    now = inspection.gains.ap50
    if worth[kind] < _LITTLE:
        return f"AP50 is {now:.3f}, and no kind of error is worth more than {_LITTLE} of it."
    return (
        f"Mending {kind} errors would gain most: AP50 is {now:.3f} and would be {now + worth[kind]:.3f}."
        f" They are {MENDING[kind]}; at the confidence {inspection.confidence:g} there are {inspection.counts[kind]}."
    )


def _hidden(inspection: Inspection) -> list[str]:
    """A box that is found with a low score is no matter of more labels, and mending "missed" gains nothing there."""
    lost = inspection.errors.boxes.filter(inspection.errors.boxes["kind"] != "correct").height
    if not inspection.hidden:
        return []
    said = (
        f"Of the {lost} boxes that are not found at the confidence {inspection.confidence:g}, {inspection.hidden} are found"
        " with a lower score: there the model sees and is not sure."
    )
    return [said]


def _weakest_class(inspection: Inspection) -> list[str]:
    known = {
        name: float(value)
        for name, metrics in inspection.scores.per_class.items()
        if (value := metrics.get("AP50-95")) is not None
    }
    if len(known) < 2:
        return []
    weakest = min(known, key=lambda name: known[name])
    mean = sum(known.values()) / len(known)
    counts = inspection.class_counts[weakest]
    boxes = inspection.scores.per_class[weakest].get("boxes")
    said = f"The weakest class is {weakest}: AP50-95 {known[weakest]:.3f} on {boxes} boxes, where the mean of all is {mean:.3f}"
    others = [name for name in inspection.classes if name != weakest]
    place = {name: at for at, name in enumerate(inspection.classes)}
    row = inspection.confusion[place[weakest]]
    taken = max(others, key=lambda name: row[place[name]])
    if row[place[taken]]:
        said += f"; taken for {taken}: {row[place[taken]]}"
    if counts["missed"]:
        said += f"; missed: {counts['missed']}"
    return [f"{said}."]


def _weakest_part(inspection: Inspection) -> list[str]:
    """The worst of those that have enough boxes; only where there is none, the worst of all."""
    worse = [(part.difference, part) for part in inspection.parts if part.difference is not None]
    worse = [(difference, part) for difference, part in worse if difference < -_MUCH]
    for difference, part in worse:
        if not part.uncertain:
            return [
                f"The weakest part is {part.name}: mAP50-95 {part.ap:.3f}, {-difference:.3f} below the rest ({part.boxes} boxes)."
            ]
    return [
        f"The weakest part may be {part.name}, {-difference:.3f} below the rest, but there are too few boxes to be sure"
        f" ({part.boxes})."
        for difference, part in worse[:1]
    ]


def _scores(inspection: Inspection) -> list[str]:
    best = inspection.thresholds
    said = [f"The confidence {best.best:g} serves best on {best.split} (mean F1)."]
    for part, point in best.at_alarms.items():
        if point.recall is not None:
            said.append(
                f"To find something on at most {part:.0%} of the images without a box, use the confidence"
                f" {point.confidence:g}: recall is {point.recall:.3f} then."
            )
            break
    return said


def _of_classifier(inspection: ClassifierInspection) -> list[str]:
    overall = inspection.scores.overall
    wrong = sum(sum(row) for row in inspection.confusion) - sum(row[at] for at, row in enumerate(inspection.confusion))
    said = [f"Accuracy is {overall['accuracy']:.3f}: {wrong} of {inspection.images} are wrong."]
    cells = [
        (count, inspection.classes[row], inspection.classes[column])
        for row, counts in enumerate(inspection.confusion)
        for column, count in enumerate(counts)
        if row != column
    ]
    count, truth, taken = max(cells, default=(0, "", ""))
    if count:
        said.append(f"Most often {truth} is taken for {taken}: {count} times.")
    worse = [part for part in inspection.parts if part.difference < -_MUCH]
    part = next((part for part in worse if not part.uncertain), worse[0] if worse else None)
    if part is not None:
        said.append(
            f"The weakest part {'may be' if part.uncertain else 'is'} {part.name}: accuracy {part.accuracy:.3f},"
            f" {-part.difference:.3f} below the rest{', but there are too few to be sure' if part.uncertain else ''}"
            f" ({part.images})."
        )
    if inspection.calibration.error is not None:
        said.append(f"Scores are off by {inspection.calibration.error:.3f} on average (expected calibration error).")
    for wanted, point in inspection.thresholds.at_accuracy.items():
        if (overall["accuracy"] or 0.0) < wanted:
            said.append(
                f"Where only scores from {point.confidence:g} on are believed, {wanted:.0%} of the answers are right and"
                f" {point.kept:.0%} of the pictures have one (on {inspection.thresholds.split})."
            )
            break
    return said
