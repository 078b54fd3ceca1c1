"""How often a round's verdict is wrong, and how often its intervals hold the truth: thousands of simulated rounds.

    python -m tests.bench.bench_rounds [ROUNDS]

Detectors of known quality judge simulated images, alone and in groups of shots; classifiers answer with a
known accuracy. Beside the interval that labelloop gives stand those that it does not give: percentiles of the
differences, percentiles corrected for bias and acceleration (BCa), and the jackknife with Student's t.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from labelloop.datasets.schema import Sample
from labelloop.training.predictions import from_boxes
from labelloop.training.rounds.average_precision import Detections, to_detections
from labelloop.training.rounds.statistics import Answers, Judged, compare_judged
from labelloop.training.rounds.student import student_quantile
from tests.training.rounds.simulated import CLASSES, detector, images

DRAWS = 400
_CROWD = 6000
Ends = tuple[float, float]


def main() -> None:
    """Print a line for each kind of round."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print(
        f"{rounds} rounds each; share of intervals that hold the true difference, and of rounds that are called a gain"
    )
    names = ("labelloop", "percentile", "BCa", "jackknife t")
    print(f"{'round':44} {'true':>7} {'gains':>7} {'losses':>7} " + " ".join(f"{name:>11}" for name in names))
    for count, shots in ((30, 1), (60, 1), (100, 1), (60, 3), (100, 5)):
        for first, second in ((0.8, 0.8), (0.95, 0.95), (0.7, 0.85)):
            _detectors(count, shots, first, second, rounds)
    for count, shots in ((30, 1), (100, 1), (100, 5)):
        for first, second in ((0.9, 0.9), (0.75, 0.9)):
            _classifiers(count, shots, first, second, rounds)


def _detectors(count: int, shots: int, first: float, second: float, rounds: int) -> None:
    true = _true_difference(shots, first, second) if first != second else 0.0
    told = _Told(true)
    for number in range(rounds):
        truth = images(count, seed=number, boxes=2, shots=shots)
        one, two = (_judged(truth, 100_000 + 2 * number + at, found) for at, found in enumerate((first, second)))
        told.add(one, two, [sample.group or sample.key for sample in truth])
    told.show(f"detector, {count} images in {count // shots} groups, {first} to {second}")


def _classifiers(count: int, shots: int, first: float, second: float, rounds: int) -> None:
    told = _Told(second - first)
    for number in range(rounds):
        random = np.random.default_rng([number, count])
        hard = np.repeat(random.uniform(0, 1, count // shots), shots)  # both are likelier wrong where it is hard
        one, two = (_answers(random, hard, share, shots) for share in (first, second))
        told.add(one, two, [str(at // shots) for at in range(count)])
    told.show(f"classifier, {count} images in {count // shots} groups, {first} to {second}")


class _Told:
    """What simulated rounds came to."""

    def __init__(self, true: float) -> None:
        self.true = true
        self.rounds = self.gains = self.losses = 0
        self.held = [0, 0, 0, 0]

    def add(self, one: Judged, two: Judged, groups: Sequence[str]) -> None:
        found = compare_judged(one, two, groups, draws=DRAWS, seed=self.rounds)
        if found is None or found.low is None or found.high is None:
            return
        self.rounds += 1
        self.gains += found.verdict == "gain"
        self.losses += found.verdict == "loss"
        for at, (low, high) in enumerate([(found.low, found.high), *_others(one, two, groups, self.rounds)]):
            self.held[at] += low - 1e-12 <= self.true <= high + 1e-12

    def show(self, name: str) -> None:
        shares = " ".join(f"{held / self.rounds:11.3f}" for held in self.held)
        gains, losses = self.gains / self.rounds, self.losses / self.rounds
        print(f"{name:44} {self.true:7.3f} {gains:7.3f} {losses:7.3f} {shares}", flush=True)


def _others(one: Judged, two: Judged, groups: Sequence[str], seed: int) -> list[Ends]:
    """The intervals that labelloop does not give.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 11, 13 and 14.
    """
    _, of_image = np.unique(np.asarray(groups), return_inverse=True)
    many = int(of_image.max()) + 1
    random = np.random.default_rng(seed)
    weights = np.concatenate(
        [np.ones((1, many)), random.multinomial(many, np.full(many, 1 / many), size=DRAWS), 1 - np.eye(many)]
    )[:, of_image]
    values = two.values(weights) - one.values(weights)
    value, drawn, without = float(values[0]), values[1 : 1 + DRAWS], values[1 + DRAWS :]
    normal = NormalDist()
    below = (float((drawn < value).sum() + 0.5 * (drawn == value).sum()) + 0.5) / (DRAWS + 1)
    bias = normal.inv_cdf(min(max(below, 1e-4), 1 - 1e-4))
    off = without.mean() - without
    speed = float((off**3).sum() / (6 * max(float((off**2).sum()), 1e-30) ** 1.5))
    z = normal.inv_cdf(0.975)
    places = [normal.cdf(bias + (bias + end) / (1 - speed * (bias + end))) for end in (-z, z)]
    error = float(np.sqrt((many - 1) / many * (off**2).sum()))
    half = student_quantile(0.975, many - 1) * error
    return [_ends(drawn, [0.025, 0.975]), _ends(drawn, places), (value - half, value + half)]


def _ends(drawn: npt.NDArray[np.float64], places: Sequence[float]) -> Ends:
    low, high = np.quantile(drawn, places)
    return float(low), float(high)


def _judged(truth: Sequence[Sample], seed: int, found: float) -> Detections:
    return to_detections(truth, from_boxes(detector(truth, seed=seed, found=found)), CLASSES)


def _true_difference(shots: int, first: float, second: float) -> float:
    """The mean difference on a crowd of images, over a dozen draws."""
    crowd, ones = images(_CROWD, seed=999, boxes=2, shots=shots), np.ones(_CROWD)
    pairs = [
        _judged(crowd, 160 + seed, second).values(ones)[0] - _judged(crowd, 50 + seed, first).values(ones)[0]
        for seed in range(12)
    ]
    return float(np.mean(pairs))


def _answers(random: np.random.Generator, hard: npt.NDArray[np.float64], share: float, shots: int) -> Answers:
    """Answers that are right with this probability on average, less often where it is hard; shots of one group alike in part."""
    chance = np.clip(share + (0.5 - hard) * 2 * (1 - share), 0, 1)
    own = random.uniform(size=len(hard))
    shared = np.repeat(random.uniform(size=len(hard) // shots), shots)
    luck = np.where(random.uniform(size=len(hard)) < 0.5, own, shared) if shots > 1 else own
    return Answers((luck < chance).astype(np.float64))


if __name__ == "__main__":
    main()
