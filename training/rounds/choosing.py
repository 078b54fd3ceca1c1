"""Which images a round sends: the best suspects, some that the model is unsure of, and a tenth drawn by chance."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...datasets.schema import Box
from .round import Reason, Sent, Waiting

AUDIT_SHARE = 0.1
UNSURE_SHARE = 0.2
"""So large a part of the budget goes to unlabelled images at most, while there are suspects."""
USUAL_SECONDS = 12.0
"""So long does an image take of which nobody says how long."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that may be sent: how probably something on it is wrong, and how long a person needs for it."""

    key: str
    probability: float | None
    seconds: float
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is sent, and which images with suspects are not sent as such; an audit image may be among them."""

    sent: tuple[Sent, ...]
    waiting: tuple[Waiting, ...]


def choose(
    suspects: Sequence[Candidate],
    unsure: Sequence[Candidate],
    population: Collection[str],
    *,
    budget: int = 60,
    minutes: float = 0.0,
    seed: int = 0,
    blind: Collection[str] = (),
    turns: Mapping[str, int] | None = None,
) -> Chosen:
    """The images of a round, those drawn by chance among them.

    Args:
        suspects, unsure: the best first.
        population: labelled images that audit images may be drawn from; those that are sent as suspects are left out.
        budget: how many images at most, the audit images counted.
        minutes: so many minutes of a person's time instead; 0 for the budget.
        blind: images that are to be shown without labels.
        turns: the number of the last answered task of images that had one.

    Raises:
        ValueError: a budget below 1.
    """
    if budget < 1 or minutes < 0:
        raise ValueError(f"budget must be at least 1 and minutes at least 0, received {budget} and {minutes:g}")
    share = 1 - AUDIT_SHARE
    known = [*suspects, *unsure]
    typical = sum(each.seconds for each in known) / len(known) if known else USUAL_SECONDS
    room = _Room(minutes * 60 * share if minutes else budget - max(1, round(budget * AUDIT_SHARE)), timed=minutes > 0)
    for_unsure = _Room(room.left * (UNSURE_SHARE if suspects else 1.0), timed=room.timed)
    asked = for_unsure.take(unsure)
    room.spend(asked)
    best = room.take(suspects)
    if len(best) == len(suspects):  # room that suspects leave goes to what is unlabelled
        asked += room.take(unsure[len(asked) :])
    taken = {each.key for each in (*best, *asked)}
    rest = sorted(set(population) - taken)
    count = max(1, round((len(best) + len(asked)) * AUDIT_SHARE / share))
    drawn = random.Random(seed).sample(rest, min(count, len(rest)))
    audit = [Candidate(key, None, typical) for key in sorted(drawn)]
    why: tuple[tuple[Reason, list[Candidate]], ...] = (("suspect", best), ("unsure", asked), ("audit", audit))
    sent = [
        Sent(
            each.key, reason, rank if reason != "audit" else 0, each.probability, each.seconds, each.kinds,
            each.key in blind, (turns or {}).get(each.key, 0),
        )
        for reason, several in why
        for rank, each in enumerate(several, start=1)
    ]  # fmt: skip
    waiting = [Waiting(each.key, each.probability or 0.0, each.seconds) for each in suspects[len(best) :]]
    return Chosen(tuple(sorted(sent, key=lambda each: each.key)), tuple(waiting))


def unsureness(found: Iterable[Box]) -> float:
    """How unsure a detector is of an image, 0 to 1: 1 for a score of one half.

    An image on which nothing at all is found counts one half: it may be empty, or of a kind that the detector does not know.
    """
    return max((2 * min(box.score or 0.0, 1 - (box.score or 0.0)) for box in found), default=0.5)


def label_unsureness(scores: Sequence[float]) -> float:
    """How unsure a classifier is of an image, 0 to 1: 1 where its two likeliest classes are equally likely.

    Reference: Settles, Active Learning Literature Survey, 2009, 3.1: margin sampling.
    """
    first, second = sorted((*scores, 0.0, 0.0), reverse=True)[:2]
    return 1.0 - (first - second)


class _Room:
    """What is left of a budget: images, or seconds."""

    def __init__(self, left: float, *, timed: bool) -> None:
        self.left, self.timed = left, timed

    def take(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The first ones for which there is room."""
        taken: list[Candidate] = []
        for each in candidates:
            cost = each.seconds if self.timed else 1.0
            if cost > self.left:
                break
            self.left -= cost
            taken.append(each)
        return taken

    def spend(self, candidates: Sequence[Candidate]) -> None:
        """Take away what these cost."""
        self.left -= sum(each.seconds if self.timed else 1.0 for each in candidates)
