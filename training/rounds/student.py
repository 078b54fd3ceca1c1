"""Student's t, whose quantiles the standard library does not have."""

from __future__ import annotations

import math


def student_quantile(probability: float, freedom: float) -> float:
    """The value below which Student's t with so many degrees of freedom lies with this probability.

    Args:
        probability: at least one half.
        freedom: above 0; need not be whole.

    Raises:
        ValueError: anything else.
    """
    if not (0.5 <= probability < 1 and freedom > 0):
        raise ValueError(f"probability must be in [0.5, 1) and freedom above 0, received {probability} and {freedom}")
    low, high = 0.0, 1.0
    while student_below(high, freedom) < probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if student_below(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def student_below(value: float, freedom: float) -> float:
    """How probable a value below this one, at least 0, is."""
    tail = _beta(freedom / (freedom + value * value), freedom / 2, 0.5)
    return 1 - tail / 2


def _beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, by its continued fraction.

    Reference: Press et al., Numerical Recipes, 3rd edition, 6.4.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    found = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * found
