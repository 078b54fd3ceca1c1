"""Audit images: exact intervals, lift, what is left, and when to stop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelloop.training.rounds.audit import left, lift, precision_at, rate, worth_going_on


@pytest.mark.parametrize(
    ("wrong", "looked", "low", "high"),
    # R: binom.test(k, n)$conf.int
    [
        (0, 10, 0.0, 0.3084971),
        (3, 10, 0.06673951, 0.6524529),
        (10, 10, 0.6915029, 1.0),
        (15, 100, 0.08645439, 0.2353075),
    ],
)
def test_the_interval_is_that_of_clopper_and_pearson(wrong: int, looked: int, low: float, high: float):
    found = rate(wrong, looked)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_interval_holds_the_share(one: int, two: int):
    wrong, looked = min(one, two), max(one, two)
    found = rate(wrong, looked)
    assert 0 <= found.low <= found.high <= 1
    assert found.share is None or found.low <= found.share <= found.high


def test_of_nothing_nothing_is_known():
    assert rate(0, 0).share is None
    assert (rate(0, 0).low, rate(0, 0).high) == (0.0, 1.0)


def test_more_wrong_than_looked_at_is_refused():
    with pytest.raises(ValueError, match="received 3 of 2"):
        rate(3, 2)


def test_precision_is_of_the_first_ranks():
    assert precision_at([True] * 8 + [False] * 12, (10, 20, 50)) == {10: 0.8, 20: 0.4}
    assert precision_at([]) == {}


def test_lift_of_suspects_over_chance():
    found = lift(rate(30, 50), rate(2, 20))
    assert found is not None
    assert found.value == pytest.approx(6)
    assert found.low < 6 < (found.high or 0)
    without = lift(rate(30, 50), rate(0, 6))
    assert without is not None
    assert (without.value, without.high) == (None, None)
    assert without.low > 0.4
    assert lift(rate(3, 5), rate(0, 0)) is None


def test_the_interval_of_what_is_left_covers_the_truth():
    """An audit of 30 among 400 images of which 40 are wrong: the interval must hold what is left in 95 of 100 cases."""
    random = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        found = int(random.hypergeometric(40, 360, 30))
        said = left("rest", 400, 30, found)
        held += said.low <= 40 - found <= said.high
    assert held / 300 >= 0.95


def test_what_is_left_of_a_part_nobody_looked_at_is_unknown():
    said = left("rest", 100, 0, 0)
    assert (said.guess, said.low, said.high) == (None, 0, 100)


def test_it_is_worth_going_on_while_suspects_beat_chance():
    wrong, promised = [True] * 15 + [False] * 5, [0.8] * 20
    audit = rate(1, 10)
    good = worth_going_on(wrong, [10] * 20, promised, [0.7] * 20, [10] * 20, audit, 10)
    assert good.going_on
    poor = worth_going_on([False] * 20, [10] * 20, promised, [0.3] * 20, [10] * 20, audit, 10)
    assert poor.going_on is False
    assert "by chance" in poor.reason
    asked = worth_going_on(wrong, [10] * 20, promised, [0.7] * 20, [10] * 20, audit, 10, least=9.0)
    assert asked.going_on is False
    assert "9 asked for" in asked.reason


def test_without_answers_nobody_can_say():
    assert worth_going_on([], [], [], [0.5], [10], rate(0, 0), 10).going_on is None
    assert worth_going_on([True], [9], [0.5], [], [], rate(0, 0), 10).going_on is False
