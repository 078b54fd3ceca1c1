"""How much a run's images may change before it fails: what it still gets right under each change, by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ...datasets.errors import LabelloopError
from ...datasets.reading import Progress
from ...datasets.schema import Json, Sample
from ..crops import Example
from ..plans import labels_digest
from ..runs import Run, result_of
from .robustness_classifier import ClassifierTrial
from .robustness_conditions import FAMILIES, Family
from .robustness_detector import DetectorTrial
from .robustness_pictures import draw, look_at_all, title
from .robustness_results import FORMAT, Broken, Point, Robustness, read_robustness, write_robustness

USUAL_LIMIT = 100
"""So many images are put through every change, unless somebody asks for more."""

_SHOWN = 12
"""Pictures kept of each kind of change."""


class Trial(Protocol):
    """What is asked of a kind of run; what it says of a picture is its own affair, and goes back to it."""

    confidence: float | None
    finest: int

    def examples(self, samples: Sequence[Sample], split: str) -> list[Example]:
        """What of these it is tried on."""
        ...

    def look(self, samples: Sequence[Sample], progress: Progress) -> Mapping[str, Any]:
        """What it says of pictures, by their keys."""
        ...

    def judge(
        self, family: str, level: float, truth: Sequence[Sample], found: Mapping[str, Any], tightness: Sequence[float]
    ) -> tuple[Point, dict[str, tuple[str, ...]]]:
        """The scores under one change, and of each picture that is not right the classes that are lost."""
        ...

    def broken(self, key: str, family: str, level: float, missed: tuple[str, ...], found: Any) -> Broken:
        """A picture that is right as it is and not under a change."""
        ...


def try_robustness(
    run: Run,
    *,
    split: str = "test",
    limit: int = USUAL_LIMIT,
    families: Sequence[str] = tuple(FAMILIES),
    beside: Sequence[Run] = (),
    progress: Progress | None = None,
) -> Robustness:
    """What a run bears on the images of a split, and the same saved in the run's folder.

    A result that was saved for the same images, labels and changes is read, not made again.

    Args:
        limit: take so many images (of a classifier of boxes: so many boxes), drawn by the hash of their keys; 0 for all.
        beside: all runs that are to stand beside each other, this one among them: all are tried on the images that they share.
        progress: called with the steps done and all of them: each picture is made and looked at.

    Raises:
        LabelloopError: the run is not done, or the split has nothing labelled.
    """
    result_of(run)
    trial = trial_of(run)
    there = trial.examples(judged_samples(beside or [run], split), split)
    examples = draw(there, limit)
    samples = [example.sample for example in examples]
    asked: dict[str, Json] = {
        "format": FORMAT, "labels": labels_digest(samples), "families": list(families),
        "levels": [[name, *FAMILIES[name].levels] for name in families],
    }  # fmt: skip
    saved = read_robustness(run, split)
    if saved is not None and saved.asked == asked:
        return saved
    side = min(max(max(sample.size) for sample in samples), trial.finest * int(str(run.plan.settings["imgsz"])))
    points, broken, count = _try(trial, examples, families, side, progress)
    made = Robustness(
        run.id, split, count, len(there), trial.confidence, side, points[""],
        {name: tuple(points[title(FAMILIES[name], level)] for level in FAMILIES[name].levels) for name in families},
        tuple(broken), asked, run.plan.kind,
    )  # fmt: skip
    write_robustness(run, made)
    return made


def trial_of(run: Run) -> Trial:
    """What knows how to try this kind of run."""
    return DetectorTrial(run) if run.plan.kind == "detector" else ClassifierTrial(run)


def judged_samples(runs: Sequence[Run], split: str) -> list[Sample]:
    """What runs are tried on: the images that are in this split of all, with the labels that the last of them knows.

    A round between two runs mends labels of the test split; both are judged by the mended ones.
    """
    same = [{each.key: each.sha256 for each in run.samples() if each.split == split} for run in runs[:-1]]
    return [
        each
        for each in runs[-1].samples()
        if each.split != split or all(known.get(each.key) == each.sha256 for known in same)
    ]


def refuse_mixed(runs: Sequence[Run]) -> None:
    """Refuse runs that cannot stand beside each other.

    Raises:
        LabelloopError: they are detectors and classifiers.
    """
    kinds = sorted({run.plan.kind for run in runs})
    if len(kinds) > 1:
        names = ", ".join(run.id for run in runs)
        raise LabelloopError(f"runs must be all detectors or all classifiers, received {' and '.join(kinds)}: {names}")


def _try(
    trial: Trial, examples: Sequence[Example], families: Sequence[str], side: int, progress: Progress | None
) -> tuple[dict[str, Point], list[Broken], int]:
    """By the title of a change its point; the pictures that break at the mildest changes; and how many pictures could be read.

    Raises:
        LabelloopError: no picture could.
    """
    truth, found, tightness = look_at_all(examples, families, side, trial.look, progress)
    if not truth[""]:
        raise LabelloopError(f"none of the {len(examples)} images can be read")
    points: dict[str, Point] = {}
    right: set[str] = set()
    broken: dict[str, dict[str, Broken]] = {name: {} for name in families}
    for name, level, change in [("", 0.0, ""), *((each.name, at, title(each, at)) for each, at in _mildest(families))]:
        mine = {key: said for key, said in found.items() if key.startswith(f"{change}/")}
        points[change], lost = trial.judge(name, level, truth[change], mine, tightness[change])
        if not name:
            right = {sample.key.partition("/")[2] for sample in truth[""] if sample.key not in lost}
            continue
        for key, labels in lost.items():
            plain = key.partition("/")[2]
            if plain in right and plain not in broken[name] and len(broken[name]) < _SHOWN:
                broken[name][plain] = trial.broken(plain, name, level, labels, mine.get(key))
    return points, [one for name in families for one in broken[name].values()], len(truth[""])


def _mildest(families: Sequence[str]) -> list[tuple[Family, float]]:
    return [(FAMILIES[name], level) for name in families for level in FAMILIES[name].mildest_first()]
