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
from ..crops import Example
from ..pages import Cell, Page, Picture
from ..runs import Run
from .pictures import Drawn, picture_of, short, tag
from .plots import plot_lines
from .robustness import judged_samples, refuse_mixed, trial_of
from .robustness_advice import advise
from .robustness_conditions import FAMILIES, Change, Family
from .robustness_measures import MEASURES, Measures
from .robustness_pictures import read_pixels
from .robustness_results import Broken, Point, Robustness, folder_of

_MOST_LINES = 6
"""Classes that are drawn beside the mean, those that fall lowest; the table has all."""


def write_robustness_page(results: Sequence[Robustness], runs: Sequence[Run], path: Path) -> Path:
    """The page of one run, or of several of a kind beside each other, with the pictures of the last.

    Raises:
        LabelloopError: the runs are of two kinds, were not tried on the same images, or the page cannot be written.
    """
    refuse_mixed(runs)
    if len({str(each.asked.get("labels")) for each in results}) > 1:
        raise LabelloopError(
            f"{' and '.join(each.run for each in results)} must be tried on the same images with the same labels,"
            " received different ones"
        )
    last, run = results[-1], runs[-1]
    measures = MEASURES[last.kind]
    names = " and ".join(each.run for each in results)
    page = Page(
        f"What {names} bear{'s' if len(results) == 1 else ''}",
        f"{last.images} of {last.there} {last.things} of the split {last.split}, as they are and under"
        f" {sum(map(len, last.families.values()))} changes",
    )
    for each in advise(last, run.plan):
        if each.level is not None:
            page.note(f"{last.run}: {each.finding}" if len(results) > 1 else each.finding)
    page.text(
        f"{_explain_figures(results)} Whether an augmentation helps is seen by training with it and looking here again."
    )
    page.table(
        ["", *(f"{each.run} {figure.title}" for each in results for figure in measures.figures)],
        [
            ["as they are", *_scores([each.untouched for each in results], measures)],
            *(
                [
                    f"{name}, mean of {len(last.families[name])}",
                    *_means([each.families[name] for each in results], measures),
                ]
                for name in last.families
            ),
        ],
    )
    examples = {each.sample.key: each for each in trial_of(run).examples(judged_samples(runs, last.split), last.split)}
    for name in last.families:
        _add_family(page, FAMILIES[name], results, run, examples)
    return page.write(path)


def page_path(results: Sequence[Robustness], runs: Sequence[Run]) -> Path:
    """Where the page lies: in the folder of the last run."""
    others = "".join(f"-with-{each.run}" for each in results[:-1])
    return folder_of(runs[-1]) / f"{results[-1].split}{others}.html"


def _explain_figures(results: Sequence[Robustness]) -> str:
    """What the figures are."""
    if results[-1].kind == "classifier":
        return (
            "Accuracy is the part of the pictures whose likeliest class is theirs; recall is the same among those of one"
            " class, and of all classes its mean."
        )
    return (
        "AP50 and recall are at IoU .5; recall is at the confidence that was best on val"
        f" ({', '.join(f'{each.run} {each.confidence:g}' for each in results)})."
    )


def _add_family(
    page: Page, family: Family, results: Sequence[Robustness], run: Run, examples: Mapping[str, Example]
) -> None:
    last = results[-1]
    measures, detects = MEASURES[last.kind], last.kind == "detector"
    page.heading(family.name.capitalize())
    advice = next(each for each in advise(last, run.plan) if each.family == family.name)
    page.text(f"{last.run}: {advice.sentence}" if len(results) > 1 else advice.sentence)
    if family.name == "turned":
        page.text(
            "The canvas grows with the turn, so nothing is cut off, but at 45 degrees everything looks 1.4 times smaller to"
            f" the {last.kind}: compare with the sizes below."
        )
        if detects:
            _explain_turns(page, last)
    if family.name == "scaled":
        page.text(
            "Farther away, the image lies small in a grey frame; nearer, its middle fills the frame"
            + (", and a box of which less than half is left counts neither way." if detects else ".")
        )
    titles = [figure.title for figure in measures.figures]
    page.figure(
        _plot(family, results),
        f"{titles[0]} and {titles[1]} over {family.unit}, for {', '.join(each.run for each in results)}",
        _plot_caption(results),
    )
    page.table(
        ["class", measures.many, *(f"{level:g}" for level in _levels(family))],
        _rows(family, last),
        f"{measures.by_class.title} of {last.run} by {family.unit}; {family.untouched:g} is the image as it is",
    )
    pictures = [_picture(each, examples, last, run) for each in last.broken if each.family == family.name]
    if pictures:
        page.text(
            "The mildest changes at which a box is lost that was found before. Solid: the label."
            f" Dashed: what is found with {last.confidence:g} or more."
            if detects
            else "The mildest changes at which a picture is taken for another class that was right before."
        )
        page.pictures([each for each in pictures if each])


def _explain_turns(page: Page, result: Robustness) -> None:
    points = result.families["turned"]
    worst = min(points, key=lambda point: point.tightness)
    page.text(
        "A label has no angle, so nobody knows how tight a box around the turned object would be: as large as the turned box needs, or, for a coin, no larger than before. Asked for is"
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
    for figure in MEASURES[results[-1].kind].shown(family.name):
        lines = [
            (each.run, levels, [float(point.scores[figure.overall] or 0.0) for point in _points(family, each)])
            for each in results
        ]
        if len(results) == 1 and figure.of_class:
            for name in _falling(family, results[0]):
                values = [float(point.classes[name][figure.of_class] or 0.0) for point in _points(family, results[0])]
                lines.append((name, levels, values))
        panels.append((figure.title, lines))
    turned = family.name == "turned"
    places = tuple(range(0, 360, 45)) if turned else levels
    return plot_lines(panels, family.unit, places=places, even=not turned, faint_from=len(results))


def _plot_caption(results: Sequence[Robustness]) -> str:
    if len(results) > 1:
        return "The mean of all classes, by run."
    whole = "all pictures, or the mean of all classes" if results[0].kind == "classifier" else "the mean of all classes"
    if len(_known(results[0])) > _MOST_LINES:
        return f"Thick: {whole}; thin: the {_MOST_LINES} that fall lowest."
    return f"Thick: {whole}; thin: each class."


def _known(result: Robustness) -> list[str]:
    """The classes that there is something of, in their declared order."""
    count = MEASURES[result.kind].count
    return [name for name, metrics in result.untouched.classes.items() if metrics[count]]


def _falling(family: Family, result: Robustness) -> list[str]:
    """The classes that fall lowest on average, in their declared order."""
    points, figure = _points(family, result), MEASURES[result.kind].by_class.of_class
    known = _known(result)
    mean = {name: sum(float(point.classes[name][figure] or 0.0) for point in points) for name in known}
    lowest = set(sorted(known, key=lambda name: mean[name])[:_MOST_LINES])
    return [name for name in known if name in lowest]


def _rows(family: Family, result: Robustness) -> list[list[Cell]]:
    """A row for all, with what has no figure by class before it, and one for each class."""
    points, measures = _points(family, result), MEASURES[result.kind]
    of = measures.by_class
    total = sum(int(result.untouched.classes[name][measures.count] or 0) for name in _known(result))
    rows: list[list[Cell]] = [
        [f"all, {figure.title}", total, *(point.scores[figure.overall] for point in points)]
        for figure in measures.figures
        if not figure.of_class
    ]
    rows.append(["all, mean" if rows else "all", total, *(point.scores[of.overall] for point in points)])
    for name in _known(result):
        count = result.untouched.classes[name][measures.count]
        rows.append([name, count, *(point.classes[name][of.of_class] for point in points)])
    return rows


def _points(family: Family, result: Robustness) -> list[Point]:
    """The points in the order of a plot, the untouched images' among them."""
    points = {point.level: point for point in result.families[family.name]}
    return [points.get(level, result.untouched) for level in _levels(family)]


def _levels(family: Family) -> list[float]:
    """From small to large; from mild to strong where that goes down."""
    downwards = family.levels[0] > family.levels[-1]
    return sorted([*family.levels, family.untouched], reverse=downwards)


def _scores(points: Sequence[Point], measures: Measures) -> list[Cell]:
    return [point.scores[figure.overall] for point in points for figure in measures.figures]


def _means(of: Sequence[Sequence[Point]], measures: Measures) -> list[Cell]:
    return [
        sum(float(point.scores[figure.overall] or 0.0) for point in points) / len(points)
        for points in of
        for figure in measures.figures
    ]


def _picture(broken: Broken, examples: Mapping[str, Example], result: Robustness, run: Run) -> Picture | None:
    """The changed picture, made again; None where it is gone."""
    family, example = FAMILIES[broken.family], examples.get(broken.key)
    if example is None:
        return None
    try:
        pixels, small = read_pixels(example, result.side)
    except ImageProblem:
        return None
    changed = Change(family, broken.level).make(pixels, small, broken.key)
    classes = list(run.plan.classes)
    drawn = [
        Drawn(box, class_colour(classes.index(box.label)), box.score is not None, tag(box.label, box.score))
        for box in (*changed.sample.boxes, *broken.found)
        if box.label in classes
    ]
    with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
        path = Path(name) / "changed.png"
        Image.fromarray(changed.pixels).save(path, compress_level=1)
        shown = Sample(broken.key, path, changed.sample.size, state="unlabelled")
        jpeg = picture_of(shown, drawn)
    missed = ", ".join(sorted(broken.missed))
    said = f"{missed}, taken for {tag(broken.said, broken.score)}" if broken.said else f"{missed} lost"
    return Picture(jpeg, family.describe(broken.level).capitalize(), f"{short(broken.key)}: {said}")
