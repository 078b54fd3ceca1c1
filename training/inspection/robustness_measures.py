"""What is measured under a change: of a detector how it finds boxes, of a classifier whether its likeliest class is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..plans import Kind


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure in [0, 1]: its title, its name among a point's scores, and among those of a class ("" where classes have none)."""

    title: str
    overall: str
    of_class: str


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of a kind of run.

    `figures` are shown, the main one first; the last is recall, by which the weakest class is found. `by_class` is the one in the table of classes.
    `count` is what a class's figures stand on, its name among those of a class; `one` and `many` say it in words.
    `for_turns` decides alone where images are turned; None for the same as everywhere. `nothing` says that a run is of no use even
    on untouched images.
    """

    figures: tuple[Measure, Measure]
    by_class: Measure
    count: str
    one: str
    many: str
    for_turns: Measure | None
    nothing: str

    @property
    def main(self) -> Measure:
        """The first that is named."""
        return self.figures[0]

    def shown(self, family: str) -> tuple[Measure, ...]:
        """What is drawn of a kind of change."""
        return (*self.figures, self.for_turns) if family == "turned" and self.for_turns else self.figures

    def deciding(self, family: str) -> tuple[Measure, ...]:
        """Where one of these falls, a change is not borne."""
        return (self.for_turns,) if family == "turned" and self.for_turns else self.figures

    def recall(self, family: str) -> Measure:
        """The recall that is said beside the main figure, and of each class."""
        return self.deciding(family)[-1]


_AP50, _RECALL = Measure("AP50", "mAP50", "AP50"), Measure("recall", "recall", "recall")

MEASURES: Mapping[Kind, Measures] = {
    "detector": Measures(
        (_AP50, _RECALL), _AP50, "boxes", "box", "boxes",
        # Nobody knows how tight a box around a turned object should be.
        Measure("loose recall", "loose", "loose"), "It finds nothing to begin with.",
    ),
    "classifier": Measures(
        (Measure("accuracy", "accuracy", ""), _RECALL), _RECALL, "images", "picture", "pictures", None,
        "It is right about nothing to begin with.",
    ),
}  # fmt: skip
"""Overall, recall is the mean of the classes' recalls."""
