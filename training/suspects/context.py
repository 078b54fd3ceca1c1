"""What an image's folder, its file's name and its group say of a label: evidence that needs no model.

Where nearly all labels in a folder are of one class, another one there is less likely; and images of one group
(the same capture, near-duplicates) mostly show the same. How far that holds is read off the labels themselves, and where it
does not, nothing is said. A label that agrees with its folder or name is no more probable for that: it was often made from it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from ...datasets.schema import Sample

Evidence = Literal["folder", "near-duplicate"]

PURE = 0.8
"""From this share of one class on, a context says something."""
_LEAST = 5
"""Labels that a folder has at least, for it to say something."""
_LEAST_FACTOR = 1 / 3
"""So much less probable at most does a group that agrees make a mistake: one mistake is often copied to all of it."""
_CAP = 50.0
"""So many times more or less probable a context makes a mistake, at most."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a context says of a label: by how much it multiplies the odds that its class is wrong, the class that it speaks for, and why in words."""

    factor: float
    label: str
    evidence: Evidence
    reason: str


class Contexts:
    """What folders and groups say of labels, by image key and label.

    Args:
        samples: all images with labels; of boxes, each counts.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        rows = [(sample, _labels(sample)) for sample in samples]
        self._classes = max(len({label for _, labels in rows for label in labels}), 2)
        self._places = {name: self._counted(rows, of) for name, of in _PLACES.items()}
        self._place_of = {sample.key: {name: of(sample) for name, of in _PLACES.items()} for sample, _ in rows}
        self._groups = self._counted(rows, lambda sample: sample.group or "")
        self._group_of = {sample.key: sample.group or "" for sample in samples}
        self._agree = self._pure(self._groups, least=2)

    def said(self, key: str, label: str) -> list[Said]:
        """What speaks for or against a label on an image; empty where nothing does."""
        found: list[Said] = []
        for name, place in self._place_of.get(key, {}).items():
            counts = self._places[name].get(place, Counter())
            total = counts.total()
            top, count = counts.most_common(1)[0] if counts else ("", 0)
            if place and total >= _LEAST and count >= PURE * total and top != label:
                factor = self._factor((counts[label] - 0.5) / total)
                found.append(Said(factor, top, "folder", f"{count} of {total} labels {name} {place} say {top}"))
                break  # the name of a file mostly repeats its folder: the same word is not heard twice
        group = self._group_of.get(key, "")
        others = self._groups.get(group, Counter()) - Counter({label: 1})
        total = others.total()
        if group and total and self._agree >= PURE:
            top, count = others.most_common(1)[0]
            # One label more of the average group, so that a single neighbour does not decide.
            factor = max(self._factor((others[label] + self._agree * (top == label)) / (total + 1)), _LEAST_FACTOR)
            reason = f"{count} of {total} other labels on images like this one say {top}"
            found.append(Said(factor, top, "near-duplicate", reason))
        return found

    def _factor(self, share: float) -> float:
        """How much more probable this label is where it is wrong than where it is right, in [1/50, 50]."""
        return min(max((1.0 / self._classes) / max(share, 1e-3), 1.0 / _CAP), _CAP)

    def _counted(
        self, rows: Sequence[tuple[Sample, list[str]]], of: Callable[[Sample], str]
    ) -> dict[str, Counter[str]]:
        counts: dict[str, Counter[str]] = {}
        for sample, labels in rows:
            counts.setdefault(of(sample), Counter()).update(labels)
        return counts

    def _pure(self, counts: dict[str, Counter[str]], least: int) -> float:
        """The share of labels that are of their context's most frequent class; 0 where too few are in any."""
        kept = [each for name, each in counts.items() if name and each.total() >= least]
        total = sum(each.total() for each in kept)
        return sum(each.most_common(1)[0][1] for each in kept) / total if total >= _LEAST else 0.0


def with_factors(probability: float, factors: Sequence[float]) -> float:
    """A probability whose odds are multiplied by these."""
    odds = probability / max(1.0 - probability, 1e-9)
    for factor in factors:
        odds *= factor
    return odds / (1.0 + odds)


def _labels(sample: Sample) -> list[str]:
    return [box.label for box in sample.boxes] if sample.label is None else [sample.label]


def _folder(sample: Sample) -> str:
    return PurePosixPath(sample.key).parent.as_posix().removeprefix(".")


def _prefix(sample: Sample) -> str:
    """What a file's name begins with, up to the first mark between words; "" where that is all of it."""
    stem = PurePosixPath(sample.key).stem
    first = _BETWEEN.split(stem, maxsplit=1)[0]
    return "" if first == stem else first


_BETWEEN = re.compile(r"[ _.-]")
_PLACES: Mapping[str, Callable[[Sample], str]] = {"in the folder": _folder, "on files named": _prefix}
