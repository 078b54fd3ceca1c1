"""Runs beside each other: overall, by class and by slice, the largest change first, on the same labels only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..datasets.errors import LabelloopError
from ..datasets.schema import Sample
from . import classification_metrics
from .crops import Example, Origin, find_examples
from .curves import Curve, read_curve
from .detection_metrics import difference, evaluate
from .plans import Kind
from .predictions import read_predictions
from .results import MAIN, Metrics, Scores, read_scores
from .runs import Run, result_of

Values = tuple[float | None, ...]

COUNTS = ("boxes", "images")
"""What stands among metrics and is none."""


@dataclass(frozen=True, slots=True)
class Change:
    """A class or a slice: its main metric in each run, in their order, what it stands on, and how far it changed.

    `change` is the last run's less the first's with two runs, and otherwise the largest less the smallest; None where
    one of them says nothing. `count` is the number of boxes (a classifier's: of images).
    """

    name: str
    count: int
    values: Values
    change: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A run's main metric less the first run's, and where it lies with 95 % certainty if other images had been drawn."""

    run: str
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs that were judged on the same labels.

    `overall` has every metric that all of them know, with its value in each. `classes` and `slices` have the largest change
    first. `labels` says whose labels they were judged on.
    """

    kind: Kind
    runs: tuple[str, ...]
    split: str
    images: int
    labels: str
    overall: Mapping[str, Values]
    classes: tuple[Change, ...]
    slices: tuple[Change, ...]
    curves: tuple[Curve, ...]
    intervals: tuple[Interval, ...]

    @property
    def main(self) -> str:
        """The name of the metric that decides."""
        return MAIN[self.kind][0]

    def sentence(self) -> str:
        """What the numbers say in one line: how far the whole changed, and the class that changed most."""
        whole = self.overall.get(self.main, ())
        said = f"{self.main} went {_way(whole)}" if len(whole) == 2 else f"{self.main}: {_listed(self.runs, whole)}"
        changed = [each for each in self.classes if each.change]
        if not changed:
            return f"{said}; no class changed."
        most = changed[0]
        of_class = MAIN[self.kind][1]
        how = f"went {_way(most.values)}" if len(most.values) == 2 else f"lies between {_ends(most.values)}"
        return f"{said}; the class that changed most is {most.name}, whose {of_class} {how}."


def compare(
    runs: Sequence[Run], split: str = "", labels: Sequence[Sample] | None = None, named: str = ""
) -> Comparison:
    """The runs beside each other, in the order given.

    Args:
        split: judge them on this split; "" for the one that they are judged on.
        labels: judge all of them anew, by these labels, on the images that all of them predicted and none was trained
            on; None takes their own scores, which must be of the same labels.
        named: what to call `labels`.

    Raises:
        LabelloopError: fewer than two runs, one that is not done, runs of different kinds or judged on different
            labels; the text says what differs.
    """
    _refuse(runs)
    kind = runs[0].plan.kind
    chosen = split or str((runs[0].result() or {}).get("split", ""))
    if labels is None:
        _refuse_other_labels(runs, chosen)
        truth = [sample for sample in runs[0].samples() if sample.split == chosen]
        scores = [read_scores(run.result() or {}, chosen) for run in runs]
        named = f"{runs[0].plan.dataset} version {runs[0].plan.version}"
    else:
        truth = _common(runs, chosen, labels)
        if kind == "classifier":
            truth = _shared_examples(runs, chosen, truth)
        scores = [_judge(run, chosen, truth) for run in runs]
    return Comparison(
        kind,
        tuple(run.id for run in runs),
        chosen,
        scores[0].images,
        named,
        _beside([each.overall for each in scores]),
        _changes([each.per_class for each in scores], MAIN[kind][1]),
        _changes([each.per_slice for each in scores], MAIN[kind][0]),
        tuple(read_curve(run.epochs(), kind) for run in runs),
        _intervals(runs, chosen, truth) if kind == "detector" else (),
    )


def _refuse(runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise LabelloopError(f"two runs are needed to compare, received {len(runs)}")
    for run in runs:
        result_of(run)
        if run.plan.kind != runs[0].plan.kind:
            raise LabelloopError(
                f"runs must be of one kind: {runs[0].id} is a {runs[0].plan.kind}, {run.id} a {run.plan.kind}"
            )
        if run.plan.kind == "classifier" and _origin(run) != _origin(runs[0]):
            raise LabelloopError(
                f"runs must have learned from the same: {runs[0].id} from {_origin(runs[0])}, {run.id} from {_origin(run)}"
            )


def _refuse_other_labels(runs: Sequence[Run], split: str) -> None:
    """Return when all were judged on the same labels of a split.

    Raises:
        LabelloopError: they were not; the text says what differs, and how to compare them all the same.
    """
    first = runs[0]
    for run in runs[1:]:
        if not split or split not in run.plan.labels:
            there = ", ".join(name for name in run.plan.labels if name) or "none"
            raise LabelloopError(f"{run.id} must have the split {split or 'test'} like {first.id}, received {there}")
        if run.plan.labels[split] != first.plan.labels.get(split):
            raise LabelloopError(
                f"{first.id} and {run.id} were judged on different labels of {split}, so their numbers do not compare: "
                f"{_what_differs(first, run, split)}. --on VERSION judges both anew, by that version's labels, on the "
                "images that both predicted and neither was trained on"
            )


def _what_differs(first: Run, other: Run, split: str) -> str:
    one, two = ({sample.key: sample for sample in run.samples() if sample.split == split} for run in (first, other))
    both = one.keys() & two.keys()
    changed = sorted(key for key in both if _said(one[key]) != _said(two[key]))
    parts = [
        f"{len(keys)} {'images' if len(keys) != 1 else 'image'} {what} (such as {sorted(keys)[0]})"
        for keys, what in (
            (one.keys() - both, f"only {first.id} has"),
            (two.keys() - both, f"only {other.id} has"),
            (changed, "with other labels"),
        )
        if keys
    ]
    return ", ".join(parts)


def _said(sample: Sample) -> object:
    return (
        sample.sha256, sample.state, sample.label, sorted((box.label, *box.corners) for box in sample.boxes)
    )  # fmt: skip


def _common(runs: Sequence[Run], split: str, labels: Sequence[Sample]) -> list[Sample]:
    """The images that all runs predicted and none was trained on, with these labels.

    Raises:
        LabelloopError: there is none.
    """
    keys: set[tuple[str, str]] | None = None
    trained: set[str] = set()
    for run in runs:
        samples = run.samples()
        predicted = {(sample.key, sample.sha256) for sample in samples if sample.split == split}
        keys = predicted if keys is None else keys & predicted
        trained |= {sample.key for sample in samples if sample.split == "train"}
    found = [
        replace(sample, split=split)
        for sample in labels
        if (sample.key, sample.sha256) in (keys or ()) and sample.key not in trained
    ]
    if not found:
        raise LabelloopError(
            f"no image of {split} was predicted by {' and '.join(run.id for run in runs)}, is unchanged, and was in the "
            "train split of neither: there is nothing to compare them on"
        )
    return found


def _judge(run: Run, split: str, truth: Sequence[Sample]) -> Scores:
    rows = read_predictions(run.folder / "predictions", split)
    if run.plan.kind == "detector":
        keys = [sample.key for sample in truth]
        confidence = (run.result() or {})["overall"].get("confidence")
        return evaluate(truth, rows.filter(rows["key"].is_in(keys)), run.plan.classes, confidence=confidence)
    return classification_metrics.evaluate(truth, rows, run.plan.classes)


def _origin(run: Run) -> Origin:
    return "boxes" if run.plan.settings.get("from") == "boxes" else "labels"


def _shared_examples(runs: Sequence[Run], split: str, truth: Sequence[Sample]) -> list[Sample]:
    """The pictures of these images that all runs have looked at and have the class of.

    A box that was moved since is another picture, and one that was added none of theirs.

    Raises:
        LabelloopError: there is none.
    """
    found = {each.sample.key: each for each in find_examples(truth, _origin(runs[0])).found}
    for run in runs:
        own = [sample for sample in run.samples() if sample.split == split]
        seen = {each.sample.key: each for each in find_examples(own, _origin(run)).found}
        predicted = set(read_predictions(run.folder / "predictions", split)["key"])
        found = {
            key: each
            for key, each in found.items()
            if key in predicted and each.sample.label in run.plan.classes and _same_part(each, seen.get(key))
        }
    if not found:
        raise LabelloopError(
            f"no picture of {split} was predicted by {' and '.join(run.id for run in runs)}, lies where it lay, and is of"
            " a class that all know: there is nothing to compare them on"
        )
    return [each.sample for each in found.values()]


def _same_part(now: Example, then: Example | None) -> bool:
    return then is not None and now.corners == then.corners


def _intervals(runs: Sequence[Run], split: str, truth: Sequence[Sample]) -> tuple[Interval, ...]:
    if any(run.plan.classes != runs[0].plan.classes for run in runs):
        return ()
    keys = [sample.key for sample in truth]
    tables = [read_predictions(run.folder / "predictions", split) for run in runs]
    tables = [rows.filter(rows["key"].is_in(keys)) for rows in tables]
    found: list[Interval] = []
    for run, rows in zip(runs[1:], tables[1:], strict=True):
        said = difference(truth, tables[0], rows, run.plan.classes)
        if said is not None:
            found.append(Interval(run.id, *said))
    return tuple(found)


def _beside(tables: Sequence[Metrics]) -> dict[str, Values]:
    names = [name for name in tables[0] if all(name in other for other in tables) and name not in COUNTS]
    found = {name: tuple(_number(table[name]) for table in tables) for name in names}
    return {name: values for name, values in found.items() if any(value is not None for value in values)}


def _changes(tables: Sequence[Mapping[str, Metrics]], metric: str) -> tuple[Change, ...]:
    names = list(dict.fromkeys(name for table in tables for name in table))
    found: list[Change] = []
    for name in names:
        each = [table.get(name, {}) for table in tables]
        values = tuple(_number(metrics.get(metric)) for metrics in each)
        count = max(int(metrics.get("boxes", metrics.get("images", 0)) or 0) for metrics in each)
        known = [value for value in values if value is not None]
        change: float | None = None
        if len(known) == len(values):
            change = known[-1] - known[0] if len(known) == 2 else max(known) - min(known)
        found.append(Change(name, count, values, change))
    return tuple(sorted(found, key=lambda each: -abs(each.change or 0.0)))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _way(values: Values) -> str:
    return f"from {_shown(values[0])} to {_shown(values[1])}"


def _ends(values: Values) -> str:
    known = [value for value in values if value is not None]
    return f"{_shown(min(known, default=None))} and {_shown(max(known, default=None))}"


def _listed(runs: Sequence[str], values: Values) -> str:
    return ", ".join(f"{run} {_shown(value)}" for run, value in zip(runs, values, strict=True))
