"""The difference of two models on the same images, how sure it is, and what it comes to in words.

Images of one group are drawn together: they show one shot and are no independent witnesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from .student import student_quantile

Numbers = npt.NDArray[np.float64]
Verdict = Literal["gain", "no evidence", "loss"]

CONFIDENCE = 0.95
DRAWS = 1000
"""So often images are drawn anew: the ends of an interval then move by a fiftieth of its length from seed to seed."""
_FEW_DRAWS = 300
_MANY_IMAGES = 2000
_FEW_GROUPS = 300
"""Up to so many groups each is left out once too: where a model is wrong on very few of them, drawing anew sees too little spread."""
LEAST_GROUPS = 10
"""With fewer groups of images an interval says nothing that can be trusted, and none is given."""


class Judged(Protocol):
    """What a model said of images, ready to be counted with weights."""

    @property
    def count(self) -> int:
        """How many images."""
        ...

    def values(self, weights: npt.ArrayLike) -> Numbers:
        """The metric for each row of weights of shape (rows, images), NaN where there is none."""
        ...

    def beside(self, other: Self) -> Self:
        """Both as one, of twice as many images."""
        ...


@dataclass(frozen=True, slots=True)
class Answers:
    """What a classifier said: 1 for each image where it was right and 0 where not, (n,). Its metric is accuracy."""

    right: Numbers

    @property
    def count(self) -> int:
        """How many images."""
        return len(self.right)

    def values(self, weights: npt.ArrayLike) -> Numbers:
        """The accuracy for each row of weights."""
        rows = np.atleast_2d(np.asarray(weights, np.float64))
        total = rows.sum(axis=1)
        return np.divide(rows @ self.right, total, out=np.full(len(rows), np.nan), where=total > 0)

    def beside(self, other: Answers) -> Answers:
        """Both as one."""
        return Answers(np.concatenate([self.right, other.right]))


@dataclass(frozen=True, slots=True)
class Seeds:
    """The same training with several seeds: its metric is their mean.

    Raises:
        ValueError: there is none.
    """

    each: tuple[Judged, ...]

    def __post_init__(self) -> None:
        if not self.each:
            raise ValueError("there must be a training at least, received none")

    @property
    def count(self) -> int:
        """How many images."""
        return self.each[0].count

    def values(self, weights: npt.ArrayLike) -> Numbers:
        """The mean metric for each row of weights."""
        return np.mean([one.values(weights) for one in self.each], axis=0)

    def beside(self, other: Seeds) -> Seeds:
        """Both as one, seed by seed."""
        return Seeds(tuple(one.beside(two) for one, two in zip(self.each, other.each, strict=True)))


@dataclass(frozen=True, slots=True)
class Difference:
    """The second model's metric less the first's.

    `low` and `high` hold the true difference with 95 % certainty if other images had been drawn; None where
    there are too few to say. `chance` is how probable so large a difference is between models that are equally good, by
    swapping them group by group at random. `seeds` has the difference with each seed, where there were several; then the
    interval holds for other seeds too.
    """

    first: float
    second: float
    low: float | None
    high: float | None
    chance: float | None
    images: int
    groups: int
    seeds: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """The difference."""
        return self.second - self.first

    @property
    def verdict(self) -> Verdict:
        """A gain or a loss where both the interval and the swaps say so; else there is no evidence."""
        if self.low is None or self.high is None or self.chance is None or self.chance > 1 - CONFIDENCE:
            return "no evidence"
        return "gain" if self.low > 0 else "loss" if self.high < 0 else "no evidence"


def compare_judged(
    first: Judged, second: Judged, groups: Sequence[str], *, draws: int = 0, seed: int = 0
) -> Difference | None:
    """The difference of two models that judged the same images in the same order; None where they have no metric there.

    The interval is the difference plus and minus Student's t times the spread of differences over groups of images drawn
    anew with replacement, or the jackknife's where that is larger. Percentiles of these differences, with or without bias
    correction and acceleration, come out shorter and hold the truth less often where there are few groups:
    tests/bench/bench_rounds.py measures all of them.

    Args:
        groups: of each image; those with the same name stay together.
        draws: how often images are drawn anew; 0 for what is usual.

    Raises:
        ValueError: not the same number of images and groups.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6, 12 and 15; Cameron, Gelbach and
    Miller, Bootstrap-based improvements for inference with clustered errors, 2008.
    """
    if not first.count == second.count == len(groups):
        raise ValueError(f"images must be the same, received {first.count}, {second.count} and {len(groups)} groups")
    count = len(groups)
    both = np.ones((1, count))
    one, two = float(first.values(both)[0]) if count else np.nan, float(second.values(both)[0]) if count else np.nan
    if np.isnan(one) or np.isnan(two):
        return None
    _, of_image = np.unique(np.asarray(groups), return_inverse=True)
    many = int(of_image.max()) + 1
    if many < LEAST_GROUPS:
        return Difference(one, two, None, None, None, count, many)
    times = draws or (DRAWS if count <= _MANY_IMAGES else _FEW_DRAWS)
    random = np.random.default_rng(seed)
    spread, freedom = _spread(first, second, of_image, many, times, random), float(many - 1)
    seeds: tuple[float, ...] = ()
    if isinstance(first, Seeds) and isinstance(second, Seeds) and len(first.each) > 1:
        pairs = zip(first.each, second.each, strict=True)
        seeds = tuple(float(after.values(both)[0] - before.values(both)[0]) for before, after in pairs)
        spread, freedom = _with_seeds(spread, freedom, seeds)
    half = student_quantile(0.5 + CONFIDENCE / 2, freedom) * spread
    chance = _swapped(first, second, of_image, many, times, random, two - one)
    return Difference(one, two, two - one - half, two - one + half, chance, count, many, seeds)


def _spread(
    first: Judged, second: Judged, of_image: npt.NDArray[np.intp], many: int, times: int, random: np.random.Generator
) -> float:
    """The standard error of the difference over groups drawn anew; that of the jackknife where there are few and it is larger."""
    weights = random.multinomial(many, np.full(many, 1 / many), size=times)[:, of_image]
    drawn = second.values(weights) - first.values(weights)
    drawn = drawn[~np.isnan(drawn)]
    # A sample's own spread is too small by this factor, which counts where there are few groups.
    spread = float(drawn.std(ddof=1)) * float(np.sqrt(many / (many - 1))) if len(drawn) > 1 else np.inf
    if many > _FEW_GROUPS:
        return spread
    without = (1 - np.eye(many))[:, of_image]
    left = second.values(without) - first.values(without)
    left = left[~np.isnan(left)]
    return max(spread, float(np.sqrt((many - 1) / many * ((left - left.mean()) ** 2).sum()))) if len(left) else spread


def _with_seeds(spread: float, freedom: float, seeds: Sequence[float]) -> tuple[float, float]:
    """The standard error with that of the seeds' mean beside it, and its degrees of freedom.

    Reference: Satterthwaite, An approximate distribution of estimates of variance components, 1946.
    """
    of_seeds = float(np.var(seeds, ddof=1)) / len(seeds)
    total = spread**2 + of_seeds
    if total == 0:
        return 0.0, freedom
    return float(np.sqrt(total)), total**2 / (spread**4 / freedom + of_seeds**2 / (len(seeds) - 1))


def _swapped(
    first: Judged, second: Judged, of_image: npt.NDArray[np.intp], many: int, times: int, random: np.random.Generator,
    value: float,
) -> float:  # fmt: skip
    """How often a difference so large comes of swapping the two models on half of the groups, which changes nothing where both are equal."""
    both = first.beside(second)
    mine = random.integers(0, 2, size=(times, many))[:, of_image]
    there = np.concatenate([mine, 1 - mine], axis=1)
    differences = both.values(1 - there) - both.values(there)
    larger = np.abs(np.nan_to_num(differences)) >= abs(value) - 1e-12
    return float((1 + larger.sum()) / (times + 1))
