"""Whether scores mean what they say: 8 in 10 predictions with a score of .8 should be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions with a score above `low` and up to `high`: how many, their mean score, and the part of them that is right."""

    low: float
    high: float
    count: int
    score: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins that have predictions, and the expected calibration error: the mean distance of score and truth, in [0, 1].

    `error` is None where nothing was predicted.
    """

    bins: tuple[Bin, ...]
    error: float | None


def calibrate(scores: npt.NDArray[np.floating], right: npt.NDArray[np.bool_], bins: int = BINS) -> Calibration:
    """How far scores lie from how often they are right.

    Args:
        scores: in [0, 1], shape (n,).
        right: whether each is right, shape (n,).

    Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, https://arxiv.org/abs/1706.04599
    """
    if not len(scores):
        return Calibration((), None)
    places = np.clip(np.ceil(np.asarray(scores, np.float64) * bins).astype(int) - 1, 0, bins - 1)
    found: list[Bin] = []
    for at in range(bins):
        mine = places == at
        if mine.any():
            mean, part = float(np.mean(scores[mine])), float(np.mean(right[mine]))
            found.append(Bin(at / bins, (at + 1) / bins, int(mine.sum()), mean, part))
    return Calibration(tuple(found), _error(found, len(scores)))


def _error(bins: Sequence[Bin], total: int) -> float:
    return sum(each.count * abs(each.score - each.right) for each in bins) / total
