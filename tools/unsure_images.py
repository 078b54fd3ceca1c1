"""Unlabelled images that a model is least sure of, and what a person starts from there."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ..datasets.reading import Progress
from ..datasets.schema import Box, Sample
from ..training.crops import Example
from ..training.rounds.choosing import Candidate, label_unsureness, unsureness
from ..training.runs import Run
from ..training.suspects.suspect import seconds_for

_LOOKED_AT = 500
"""So many unlabelled images are looked at for the ones that a model is least sure of: a minute or two without a GPU."""
_LOW = 0.05


def find_unsure(
    run: Run | None, unlabelled: Sequence[Sample], seed: int, progress: Progress | None = None
) -> tuple[list[Candidate], dict[str, tuple[Box, ...]]]:
    """Unlabelled images, the one that the model is least sure of first, and a detector's boxes there.

    A classifier's guess is not given along: to choose a class takes one click with it or without, and whoever is shown a
    guess at a doubtful image is inclined to agree. A classifier of boxes says nothing of images without boxes.

    Args:
        run: None, where there is no model, finds nothing.
        seed: draws the images that are looked at, where there are many.

    Raises:
        LabelloopError: the model could not be asked.
    """
    if run is None or not unlabelled or run.plan.settings.get("from") == "boxes":
        return [], {}
    drawn = random.Random(seed).sample(list(unlabelled), min(_LOOKED_AT, len(unlabelled)))
    some = sorted(drawn, key=lambda each: each.key)
    return (_by_detector if run.plan.kind == "detector" else _by_classifier)(run, some, progress)


def _by_detector(
    run: Run, samples: Sequence[Sample], progress: Progress | None
) -> tuple[list[Candidate], dict[str, tuple[Box, ...]]]:
    from ..training.detecting import detect, own_confidence

    seen = detect(run, samples, confidence=_LOW, progress=progress)
    least = own_confidence(run)
    order = sorted(samples, key=lambda each: (-unsureness(seen[each.key]), each.key))
    kept = {key: tuple(box for box in boxes if (box.score or 0) >= least) for key, boxes in seen.items()}
    return [Candidate(each.key, None, 6.0 + 6.0 * len(kept[each.key])) for each in order], kept


def _by_classifier(
    run: Run, samples: Sequence[Sample], progress: Progress | None
) -> tuple[list[Candidate], dict[str, tuple[Box, ...]]]:
    from ..training.classifying import classify

    seen = classify(run, [Example(each, each.key) for each in samples], progress=progress)
    order = sorted(seen, key=lambda key: (-label_unsureness(seen[key]), key))
    return [Candidate(key, None, seconds_for("image-label"), ("image-label",)) for key in order], {}
