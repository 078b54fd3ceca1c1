"""What a round's images say of those that nobody looked at: precision of the suspects, lift over chance, what is left.

Suspects are chosen, so what is found among them says nothing of the rest. Audit images are
drawn by chance from the rest, so what is found among them does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, as a share with the interval that holds the true one with 95 % certainty; None of none."""

    wrong: int
    looked: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Lift:
    """How many times as often a suspect is wrong as an image drawn by chance, and the interval; None where it has no end.

    `value` is None where no audit image was wrong: then only `low` says something.
    """

    value: float | None
    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Left:
    """How many images are still wrong in a part of the data set, of `images`, of which `looked` were looked at by chance.

    `guess` is None where none was; with `promised` it is not from the audit but from how probable the suspects were said
    to be, scaled by how often that came true in this round.
    """

    part: str
    images: int
    looked: int
    wrong: int
    guess: float | None
    low: int
    high: int
    promised: bool = False


@dataclass(frozen=True, slots=True)
class Worth:
    """Whether it is worth going on: wrong images that a minute finds among the next suspects, and by chance; None is not known."""

    going_on: bool | None
    next_per_minute: float | None
    chance_per_minute: float | None
    reason: str


def rate(wrong: int, looked: int, confidence: float = CONFIDENCE) -> Rate:
    """The share with its exact interval, which covers the true share in at least 95 % of cases, whatever it is.

    Raises:
        ValueError: more are wrong than were looked at.

    Reference: Clopper and Pearson, The use of confidence or fiducial limits, Biometrika 1934.
    """
    if not 0 <= wrong <= looked:
        raise ValueError(f"wrong must be between 0 and looked, received {wrong} of {looked}")
    tail = (1 - confidence) / 2
    low = 0.0 if wrong == 0 else _solve(lambda p: 1 - _at_most(wrong - 1, looked, p), tail)
    high = 1.0 if wrong == looked else _solve(lambda p: 1 - _at_most(wrong, looked, p), 1 - tail)
    return Rate(wrong, looked, wrong / looked if looked else None, low, high)


def precision_at(wrong: Sequence[bool], places: Sequence[int] = (10, 20, 50, 100)) -> dict[int, float]:
    """The share that was wrong among the first k, for each k that there are, and for all of them.

    Args:
        wrong: of each suspect that was looked at, the best rank first.
    """
    kept = sorted({*(place for place in places if place < len(wrong)), len(wrong)} - {0})
    return {place: sum(wrong[:place]) / place for place in kept}


def lift(suspects: Rate, audit: Rate) -> Lift | None:
    """How many times as often suspects are wrong as audit images; None where one of them has not been looked at.

    The interval takes the two exact intervals at 97.5 % each, so it is rather too long.
    """
    if suspects.share is None or audit.share is None:
        return None
    each = 1 - (1 - CONFIDENCE) / 2
    one, two = rate(suspects.wrong, suspects.looked, each), rate(audit.wrong, audit.looked, each)
    value = suspects.share / audit.share if audit.wrong else None
    return Lift(value, one.low / two.high, one.high / two.low if two.low > 0 else None)


def left(part: str, images: int, looked: int, wrong: int) -> Left:
    """How many images of a part are still wrong, when `looked` of them were drawn by chance and mended.

    Args:
        images: of the part, with those that were looked at.
    """
    of_all = rate(wrong, looked)
    rest = images - looked
    guess = None if of_all.share is None else rest * of_all.share
    return Left(part, images, looked, wrong, guess, math.floor(rest * of_all.low), math.ceil(rest * of_all.high))


def worth_going_on(
    wrong: Sequence[bool],
    seconds: Sequence[float],
    promised: Sequence[float],
    next_promised: Sequence[float],
    next_seconds: Sequence[float],
    audit: Rate,
    audit_seconds: float,
    least: float = 0.0,
) -> Worth:
    """Whether the next suspects are still worth a person's minutes.

    What was promised of the next ones is scaled by what the promises of this round came true, and
    compared with what images drawn by chance give per minute: where suspects are no better than that, the list is
    used up; and with `least`, wrong images a minute, where a person says what is enough.

    Args:
        wrong, seconds, promised: of each suspect that was looked at: whether it was wrong, how long it
            takes, and how probably it was said to be wrong.
        next_promised, next_seconds: of the suspects that would come next.
        audit_seconds: how long an audit image takes.
        least: so many wrong images a minute at least.
    """
    chance = None if audit.share is None or audit_seconds <= 0 else audit.share * 60 / audit_seconds
    if not next_promised:
        return Worth(
            False, 0.0, chance, "no suspects are left: look for new ones, with a model trained on what was mended"
        )
    if not wrong:
        return Worth(None, None, chance, "nothing has been looked at yet")
    minutes = max(sum(next_seconds) / 60, 1e-9)
    expected = expected_wrong(wrong, promised, next_promised) / minutes
    bar = max(chance or 0.0, least)
    said = f"the next {len(next_promised)} suspects should give {expected:.1f} wrong images a minute"
    if least and expected < least:
        return Worth(False, expected, chance, f"{said}, less than the {least:g} asked for")
    if chance is None:
        return Worth(True, expected, None, f"{said}; no audit image is back yet to compare with")
    if expected <= bar:
        return Worth(False, expected, chance, f"{said}, no more than images drawn by chance ({chance:.1f})")
    return Worth(True, expected, chance, f"{said}, images drawn by chance {chance:.1f}")


def lift_sentence(lift: Lift | None) -> str:
    """The lift of the suspects over chance, in words."""
    if lift is None:
        return "How much better suspects are than chance is not known before some of both are back."
    if lift.value is None and lift.low < 1:
        return "No audit image was wrong, but so few were looked at that suspects may yet be no better than chance."
    if lift.value is None:
        return f"No audit image was wrong; suspects are wrong at least {lift.low:.1f} times as often as images drawn by chance."
    high = "without an upper end" if lift.high is None else f"to {lift.high:.1f}"
    return f"Suspects are wrong {lift.value:.1f} times as often as images drawn by chance (95 % interval {lift.low:.1f} {high})."


def worth_sentence(worth: Worth) -> str:
    """Whether it is worth going on, in words, with the reason."""
    if worth.going_on is None:
        return f"Whether it is worth going on is not known: {worth.reason}."
    return f"{'Worth going on' if worth.going_on else 'Not worth going on'}: {worth.reason}."


def expected_wrong(wrong: Sequence[bool], promised: Sequence[float], others: Sequence[float]) -> float:
    """How many of other suspects should be wrong, when so much of what was promised of these came true."""
    # Half an error and one promise more keep one early miss from ending everything.
    came_true = (sum(wrong) + 0.5) / (sum(promised) + 1.0)
    return sum(min(1.0, came_true * each) for each in others)


def _at_most(count: int, trials: int, chance: float) -> float:
    """How probable at most `count` hits in so many trials are."""
    if chance <= 0:
        return 1.0
    if chance >= 1:
        return 1.0 if count >= trials else 0.0
    log, other = math.log(chance), math.log1p(-chance)
    terms = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log + (trials - k) * other
        for k in range(count + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    """The chance at which a rising function of it is as wanted."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2
