"""What runs bear, as a page: for each kind of change what to do, curves, classes, and the pictures that break it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from ...datasets.errors import LabelloopError
from ...datasets.images import ImageProblem
from ...datasets.palette import class_colour
from ...datasets.schema import Sample
from ..pages import Cell, Page, Picture
from ..runs import Run
from .pictures import Drawn, picture_of, short, tag
from .plots import plot_lines
from .robustness import read_pixels
from .robustness_advice import advise
from .robustness_conditions import FAMILIES, Change, Family
from .robustness_results import Broken, Point, Robustness, folder_of

_MOST_LINES = 6
"""Classes that are drawn beside the mean, those that fall lowest; the table has all."""


def write_robustness_page(results: Sequence[Robustness], runs: Sequence[Run], path: Path) -> Path:
    """The page of one run, or of several beside each other, with the pictures of the last.

    Raises:
        LabelloopError: the runs were not tried on the same images, or the page cannot be written.
    """
    if len({str(each.asked.get("labels")) for each in results}) > 1:
        raise LabelloopError(
            f"{' and '.join(each.run for each in results)} must be tried on the same images with the same labels,"
            " received different ones"
        )
    last, run = results[-1], runs[-1]
    names = " and ".join(each.run for each in results)
    page = Page(
        f"What {names} bear{'s' if len(results) == 1 else ''}",
        f"{last.images} of {last.there} images of the split {last.split}, as they are and under"
        f" {sum(map(len, last.families.values()))} changes",
    )
    for each in advise(last, run.plan):
        if each.level is not None:
            page.note(f"{last.run}: {each.finding}" if len(results) > 1 else each.finding)
    page.text(
        "AP50 and recall are at IoU .5; recall is at the confidence that was best on val"
        f" ({', '.join(f'{each.run} {each.confidence:g}' for each in results)}). Whether an augmentation helps is seen"
        " by training with it and looking here again."
    )
    page.table(
        ["", *(f"{each.run} {what}" for each in results for what in ("AP50", "recall"))],
        [
            ["as they are", *_scores([each.untouched for each in results])],
            *(
                [f"{name}, mean of {len(last.families[name])}", *_means([each.families[name] for each in results])]
                for name in last.families
            ),
        ],
    )
    samples = {each.key: each for each in run.samples() if each.split == last.split}
    for name in last.families:
        _add_family(page, FAMILIES[name], results, run, samples)
    return page.write(path)


def page_path(results: Sequence[Robustness], runs: Sequence[Run]) -> Path:
    """Where the page lies: in the folder of the last run."""
    others = "".join(f"-with-{each.run}" for each in results[:-1])
    return folder_of(runs[-1]) / f"{results[-1].split}{others}.html"


def _add_family(
    page: Page, family: Family, results: Sequence[Robustness], run: Run, samples: Mapping[str, Sample]
) -> None:
    last = results[-1]
    page.heading(family.name.capitalize())
    advice = next(each for each in advise(last, run.plan) if each.family == family.name)
    page.text(f"{last.run}: {advice.sentence}" if len(results) > 1 else advice.sentence)
    if family.name == "turned":
        _explain_turns(page, last)
    if family.name == "scaled":
        page.text(
            "Farther away, the image lies small in a grey frame; nearer, its middle fills the frame, and a box of which"
            " less than half is left counts neither way."
        )
    page.figure(
        _plot(family, results),
        f"AP50 and recall over {family.unit}, for {', '.join(each.run for each in results)}",
        _plot_caption(results),
    )
    page.table(
        ["class", "boxes", *(f"{level:g}" for level in _levels(family))],
        _rows(family, last, "all"),
        f"AP50 of {last.run} by {family.unit}; {family.untouched:g} is the image as it is",
    )
    pictures = [_picture(each, samples, last, run) for each in last.broken if each.family == family.name]
    if pictures:
        page.text(
            "The mildest changes at which a box is lost that was found before. Solid: the label."
            f" Dashed: what is found with {last.confidence:g} or more."
        )
        page.pictures([each for each in pictures if each])


def _explain_turns(page: Page, result: Robustness) -> None:
    points = result.families["turned"]
    worst = min(points, key=lambda point: point.tightness)
    page.text(
        "The canvas grows with the turn, so nothing is cut off, but at 45 degrees everything looks 1.4 times smaller to"
        " the detector: compare with the sizes below. A label has no angle, so nobody knows how tight a box around the"
        " turned object would be: as large as the turned box needs, or, for a coin, no larger than before. Asked for is"
        f" the middle of the two; at {worst.level:g} degrees an answer that fits either has an IoU of"
        f" {worst.tightness:.2f} with it at least (mean of the boxes)."
    )
    page.text(
        "A long object that lay aslant in its box, as a note in a tilted photo, can need a box much smaller still when it"
        " is turned straight: an answer that fits it then counts as wrong at IoU .5. So what decides here is the loose"
        " recall: the part of boxes that something of their class is on by an IoU of .1. Look at the pictures too."
    )


def _plot(family: Family, results: Sequence[Robustness]) -> bytes:
    levels = _levels(family)
    panels: list[tuple[str, list[tuple[str, list[float], list[float]]]]] = []
    shown = [("AP50", "mAP50", "AP50"), ("recall", "recall", "recall")]
    if family.name == "turned":
        shown.append(("loose recall", "loose", "loose"))
    for title, metric, of_class in shown:
        lines = [
            (each.run, levels, [float(point.scores[metric] or 0.0) for point in _points(family, each)])
            for each in results
        ]
        if len(results) == 1:
            for name in _falling(family, results[0]):
                values = [float(point.classes[name][of_class] or 0.0) for point in _points(family, results[0])]
                lines.append((name, levels, values))
        panels.append((title, lines))
    turned = family.name == "turned"
    places = tuple(range(0, 360, 45)) if turned else levels
    return plot_lines(panels, family.unit, places=places, even=not turned, faint_from=len(results))


def _plot_caption(results: Sequence[Robustness]) -> str:
    if len(results) > 1:
        return "The mean of all classes, by run."
    classes = [name for name, metrics in results[0].untouched.classes.items() if metrics["boxes"]]
    if len(classes) > _MOST_LINES:
        return f"Thick: the mean of all classes; thin: the {_MOST_LINES} that are found worst."
    return "Thick: the mean of all classes; thin: each class."


def _falling(family: Family, result: Robustness) -> list[str]:
    """The classes with the lowest mean AP50, in their declared order."""
    points = _points(family, result)
    known = [name for name, metrics in result.untouched.classes.items() if metrics["boxes"]]
    mean = {name: sum(float(point.classes[name]["AP50"] or 0.0) for point in points) for name in known}
    lowest = set(sorted(known, key=lambda name: mean[name])[:_MOST_LINES])
    return [name for name in known if name in lowest]


def _rows(family: Family, result: Robustness, first: str) -> list[list[Cell]]:
    points = _points(family, result)
    rows: list[list[Cell]] = [[first, result.untouched.scores["boxes"], *(point.scores["mAP50"] for point in points)]]
    for name, metrics in result.untouched.classes.items():
        if metrics["boxes"]:
            rows.append([name, metrics["boxes"], *(point.classes[name]["AP50"] for point in points)])
    return rows


def _points(family: Family, result: Robustness) -> list[Point]:
    """The points in the order of a plot, the untouched images' among them."""
    points = {point.level: point for point in result.families[family.name]}
    return [points.get(level, result.untouched) for level in _levels(family)]


def _levels(family: Family) -> list[float]:
    """From small to large; from mild to strong where that goes down."""
    downwards = family.levels[0] > family.levels[-1]
    return sorted([*family.levels, family.untouched], reverse=downwards)


def _scores(points: Sequence[Point]) -> list[Cell]:
    return [point.scores[name] for point in points for name in ("mAP50", "recall")]


def _means(of: Sequence[Sequence[Point]]) -> list[Cell]:
    return [
        sum(float(point.scores[name] or 0.0) for point in points) / len(points)
        for points in of
        for name in ("mAP50", "recall")
    ]


def _picture(broken: Broken, samples: Mapping[str, Sample], result: Robustness, run: Run) -> Picture | None:
    """The changed image, made again; None where it is gone."""
    family, sample = FAMILIES[broken.family], samples.get(broken.key)
    if sample is None:
        return None
    try:
        pixels, small = read_pixels(sample, result.side)
    except ImageProblem:
        return None
    changed = Change(family, broken.level).make(pixels, small, sample.key)
    classes = list(run.plan.classes)
    drawn = [
        Drawn(box, class_colour(classes.index(box.label)), box.score is not None, tag(box.label, box.score))
        for box in (*changed.sample.boxes, *broken.found)
        if box.label in classes
    ]
    with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
        path = Path(name) / "changed.png"
        Image.fromarray(changed.pixels).save(path, compress_level=1)
        shown = Sample(sample.key, path, changed.sample.size, state="unlabelled")
        jpeg = picture_of(shown, drawn)
    title = f"{family.describe(broken.level).capitalize()}"
    return Picture(jpeg, title, f"{short(sample.key)}: {', '.join(sorted(broken.missed))} lost")
