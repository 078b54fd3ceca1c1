"""The verdict on two models: false gains are rare, and the interval holds a gain that is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from labelloop.datasets.schema import Sample
from labelloop.training.predictions import from_boxes
from labelloop.training.rounds.average_precision import Detections, to_detections
from labelloop.training.rounds.statistics import Answers, Difference, Seeds, compare_judged
from labelloop.training.rounds.student import student_below, student_quantile

from .simulated import CLASSES, detector, images


def judged(truth: Sequence[Sample], seed: int, found: float) -> Detections:
    return to_detections(truth, from_boxes(detector(truth, seed=seed, found=found)), CLASSES)


@pytest.mark.parametrize(("freedom", "expected"), [(1, 12.7062047), (5, 2.5705818), (29, 2.0452296), (1000, 1.9623390)])
def test_the_quantiles_of_student(freedom: int, expected: float):
    assert student_quantile(0.975, freedom) == pytest.approx(expected, abs=1e-6)
    assert student_below(expected, freedom) == pytest.approx(0.975, abs=1e-8)


def test_quantiles_below_one_half_are_refused():
    with pytest.raises(ValueError, match=r"received 0\.2"):
        student_quantile(0.2, 5)


def test_the_spread_of_an_accuracy_is_the_paired_one():
    random = np.random.default_rng(3)
    one, two = (random.integers(0, 2, 400).astype(float) for _ in range(2))
    found = compare_judged(Answers(one), Answers(two), [str(at) for at in range(400)])
    assert found is not None
    error = float((two - one).std(ddof=1)) / np.sqrt(400)
    assert found.low is not None
    assert found.value - found.low == pytest.approx(1.966 * error, rel=0.08)


def test_a_model_against_itself_is_no_evidence():
    truth = images(30, seed=1)
    model = judged(truth, 1, 0.8)
    found = compare_judged(model, model, [sample.key for sample in truth])
    assert found is not None
    assert (found.value, found.low, found.high, found.verdict) == (0, 0, 0, "no evidence")


def test_too_few_groups_give_no_interval():
    truth = images(30, seed=1, shots=10)
    found = compare_judged(judged(truth, 1, 0.2), judged(truth, 2, 0.95), [sample.group or "" for sample in truth])
    assert found is not None
    assert (found.low, found.groups, found.verdict) == (None, 3, "no evidence")


def test_without_a_box_there_is_no_difference():
    assert compare_judged(Answers(np.zeros(0)), Answers(np.zeros(0)), []) is None


def test_other_images_are_refused():
    with pytest.raises(ValueError, match="received 2, 3 and 2"):
        compare_judged(Answers(np.zeros(2)), Answers(np.zeros(3)), ["a", "b"])


def test_a_verdict_needs_the_interval_and_the_swaps():
    assert Difference(0.5, 0.6, 0.02, 0.18, 0.01, 50, 50).verdict == "gain"
    assert Difference(0.6, 0.5, -0.18, -0.02, 0.01, 50, 50).verdict == "loss"
    assert Difference(0.5, 0.6, 0.02, 0.18, 0.2, 50, 50).verdict == "no evidence"
    assert Difference(0.5, 0.6, -0.02, 0.18, 0.04, 50, 50).verdict == "no evidence"


def test_shots_of_one_object_make_the_interval_longer():
    """Ten images of each shot where a model is always right or always wrong: ten times fewer witnesses than images."""
    random = np.random.default_rng(0)
    right = np.repeat(random.integers(0, 2, 30), 10).astype(float)
    other = np.repeat(random.integers(0, 2, 30), 10).astype(float)
    apart = compare_judged(Answers(right), Answers(other), [str(at) for at in range(300)])
    together = compare_judged(Answers(right), Answers(other), [str(at // 10) for at in range(300)])
    assert apart is not None
    assert apart.low is not None
    assert together is not None
    assert together.low is not None
    assert together.value - together.low > 2.5 * (apart.value - apart.low)


def test_seeds_that_differ_make_the_interval_longer():
    names = [str(at) for at in range(100)]
    right = (np.arange(100) % 10 < 6).astype(float)
    better = [(np.arange(100) % 10 < 7 + step).astype(float) for step in (0, 1, 2)]
    one = compare_judged(Seeds((Answers(right),)), Seeds((Answers(better[1]),)), names)
    several = compare_judged(Seeds((Answers(right),) * 3), Seeds(tuple(map(Answers, better))), names)
    assert one is not None
    assert several is not None
    assert several.value == pytest.approx(0.2)
    assert several.seeds == pytest.approx((0.1, 0.2, 0.3))
    assert one.low is not None
    assert several.low is not None
    assert several.value - several.low > 2 * (one.value - one.low)


def test_a_seed_at_least_is_needed():
    with pytest.raises(ValueError, match="received none"):
        Seeds(())


@pytest.mark.parametrize(("count", "shots"), [(30, 1), (60, 3)])
def test_equal_models_raise_a_false_gain_in_at_most_one_of_twenty_rounds(count: int, shots: int):
    """100 rounds; 5 % of them are 5, and by chance 10 or more come in 3 of 100 such tests: the bench counts thousands."""
    gains = covered = 0
    for number in range(100):
        truth = images(count, seed=number, shots=shots)
        groups = [sample.group or sample.key for sample in truth]
        found = compare_judged(
            judged(truth, 10_000 + 2 * number, 0.8), judged(truth, 10_001 + 2 * number, 0.8), groups, draws=120
        )
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        gains += found.verdict == "gain"
        covered += found.low <= 0 <= found.high
    assert gains <= 5
    assert covered >= 90


def test_the_interval_holds_a_known_gain():
    crowd = images(2500, seed=77)
    true = np.mean(
        [
            judged(crowd, 2 * seed, 0.85).values(np.ones(2500))[0]
            - judged(crowd, 2 * seed + 1, 0.65).values(np.ones(2500))[0]
            for seed in range(2)
        ]
    )
    held = gains = 0
    for number in range(80):
        truth = images(60, seed=number)
        found = compare_judged(
            judged(truth, 20_000 + 2 * number, 0.65), judged(truth, 20_001 + 2 * number, 0.85),
            [sample.key for sample in truth], draws=120,
        )  # fmt: skip
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
        gains += found.verdict == "gain"
    assert held >= 72
    assert gains >= 25
