"""What a classifier gets wrong, on its page: which classes it takes for which, in which parts, and where it looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...datasets.errors import LabelloopError
from ...datasets.images import ImageProblem
from ..classifying import examples_of
from ..crops import Example
from ..pages import Cell, Page, Picture
from ..predictions import read_predictions
from ..runs import Run
from .classifier_inspecting import ClassifierInspection
from .classifier_thresholds import ClassThresholds
from .grad_cam import Heat, heat_maps, heat_picture, plain_picture
from .pictures import short
from .plots import plot_confusion, plot_lines, plot_reliability

_WORST, _RIGHT = 16, 8
_MOST_CLASSES = 40


def shown_examples(inspection: ClassifierInspection, run: Run) -> tuple[list[Example], list[Example]]:
    """The wrong examples that are shown, the surest first, and right ones: of each class the surest, as many as fit."""
    examples = {each.sample.key: each for each in examples_of(run, inspection.split)}
    wrong = [examples[each.key] for each in inspection.worst[:_WORST] if each.key in examples]
    surest: dict[str, tuple[float, Example]] = {}
    rows = read_predictions(run.folder / "predictions", inspection.split)
    for key, label, score in rows.select("key", "label", "score").iter_rows():
        example = examples.get(key)
        if example is not None and example.sample.label == label and (label not in surest or score > surest[label][0]):
            surest[label] = (score, example)
    right = [surest[name][1] for name in inspection.classes if name in surest]
    return wrong, right[:_RIGHT]


def heat_of(inspection: ClassifierInspection, run: Run) -> dict[str, Heat]:
    """The heat maps of the examples that a page shows, by key; see `heat_maps`."""
    wrong, right = shown_examples(inspection, run)
    return heat_maps(run, [*wrong, *right])


def add_classifier(
    page: Page, inspection: ClassifierInspection, run: Run, heat: Mapping[str, Heat] | None = None
) -> None:
    """Fill a page with what a classifier gets wrong."""
    overall = {name: value for name, value in inspection.scores.overall.items() if isinstance(value, int | float)}
    page.table([name.replace("_", " ") for name in overall], [list(overall.values())])
    if inspection.unlabelled:
        page.text(f"{inspection.unlabelled} images of the split are left out, as nobody has labelled them.")
    _add_classes(page, inspection)
    if inspection.parts:
        page.heading("Parts of the split")
        page.table(
            ["part", "pictures", "accuracy", "less or more", "from", "to"],
            [
                [
                    part.name,
                    part.images,
                    part.accuracy,
                    f"{part.difference:+.3f}{', few' if part.uncertain else ''}",
                    part.low,
                    part.high,
                ]
                for part in inspection.parts[:_MOST_CLASSES]
            ],
            "The worst first. Less or more: beside the other pictures. From and to: the 95 % interval, wide for those marked few.",
        )
    _add_thresholds(page, inspection.thresholds)
    if inspection.calibration.error is not None:
        page.heading("Do scores mean what they say?")
        page.figure(
            plot_reliability(inspection.calibration),
            "The part of pictures that is right, by score",
            f"On average a score is {inspection.calibration.error:.3f} away from how often it is right.",
        )
    _add_pictures(page, inspection, run, heat)


def _add_classes(page: Page, inspection: ClassifierInspection) -> None:
    page.heading("Classes")
    scores = inspection.scores.per_class
    columns = list(dict.fromkeys(name for metrics in scores.values() for name in metrics))
    rows: list[list[Cell]] = [
        [name, *(scores[name].get(column) for column in columns)] for name in inspection.classes if name in scores
    ]
    if "f1" in columns:
        place = 1 + columns.index("f1")
        rows.sort(key=lambda row: (row[place] is None, row[place]))
    page.table(["class", *columns], rows, "The worst first." if "f1" in columns else "")
    if len(inspection.classes) <= _MOST_CLASSES:
        page.figure(
            plot_confusion(inspection.confusion, inspection.classes, inspection.classes),
            "Confusion matrix: a row for each label, a column for each predicted class",
            "How often a picture of the row's class was taken for the column's.",
        )
    pairs = _confused(inspection.confusion, inspection.classes)
    if pairs:
        page.table(["labelled", "taken for", "times"], [[label, said, count] for count, label, said in pairs[:15]])


def _add_thresholds(page: Page, thresholds: ClassThresholds) -> None:
    points = [point for point in thresholds.points if point.accuracy is not None]
    if not points:
        return
    page.heading("From which score on to believe it")
    scores = [point.confidence for point in points]
    lines = [
        ("accuracy on those", scores, [point.accuracy or 0.0 for point in points]),
        ("part of the pictures", scores, [point.kept for point in points]),
    ]
    page.figure(
        plot_lines([(f"on {thresholds.split}", lines)], "score of the likeliest class, at least", faint_from=0),
        f"Accuracy and how many pictures are left, over the least score, on {thresholds.split}",
        "What has a lower score is left to a person.",
    )
    if thresholds.at_accuracy:
        page.table(
            ["wanted accuracy", "score", "part of the pictures", "accuracy"],
            [[wanted, each.confidence, each.kept, each.accuracy] for wanted, each in thresholds.at_accuracy.items()],
        )


def _confused(counts: Sequence[Sequence[int]], names: Sequence[str]) -> list[tuple[int, str, str]]:
    """How often which class is taken for which other, the most frequent first."""
    pairs = [
        (count, names[row], names[column])
        for row, each in enumerate(counts)
        for column, count in enumerate(each)
        if count and row != column
    ]
    return sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))


def _add_pictures(
    page: Page, inspection: ClassifierInspection, run: Run, heat: Mapping[str, Heat] | None
) -> None:  # fmt: skip
    wrong, right = shown_examples(inspection, run)
    page.heading("Pictures, and where it looked")
    if heat is None:
        try:
            heat = heat_maps(run, [*wrong, *right])
        except LabelloopError as error:
            page.text(f"There are no heat maps: {error}")
            heat = {}
    if heat:
        page.text(
            "Each picture stands beside its heat map (Grad-CAM): the brighter, the more the score of the predicted class came"
            " from there. It is as coarse as the model's last feature map, and says where, not why."
        )
    said = {each.key: each for each in inspection.worst}
    for title, examples in (("Wrong, the surest first.", wrong), ("Right, of each class the surest.", right)):
        shown: list[Picture] = []
        for example in examples:
            key = example.sample.key
            taken = said.get(key)
            name = (
                f"{taken.predicted} {taken.score:.2f}, labelled {taken.label}" if taken else str(example.sample.label)
            )
            shown += _pair(example, heat.get(key), name)
        if shown:
            page.text(title)
            page.pictures(shown)


def _pair(example: Example, heat: Heat | None, title: str) -> list[Picture]:
    """A picture and its heat map; the picture alone where there is no map, nothing where it cannot be read."""
    folder = example.image.rpartition("/")[0].rpartition("/")[2]  # one name may lie in several, that of each class
    file = f"{folder}/{short(example.image)}" if folder else short(example.image)
    try:
        shown = [Picture(plain_picture(example, side=240), title, file)]
        if heat is not None:
            empty = "nothing speaks for this class" if not heat.any() else "where the score came from"
            shown.append(Picture(heat_picture(example, heat, side=240), "heat map", empty))
    except ImageProblem:
        return []
    return shown
