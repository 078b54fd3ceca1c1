"""Whether edits of test labels agree with the model more often than blind ones do: then the ruler bends to what it measures."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

ALARM = 0.01
"""From this probability down it is no accident that edits made in sight of the model agree with it more often."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Edits of test labels that agree with the current model, among those made blind and among all others.

    `chance` is how probable so large a difference, or a larger one, is where both agree equally often: Fisher's exact
    test, one-sided; None where there is nothing to compare with.
    """

    blind: int
    blind_agree: int
    other: int
    other_agree: int
    chance: float | None

    @property
    def alarm(self) -> bool:
        """Whether the difference is no accident any more."""
        return self.chance is not None and self.chance <= ALARM

    def sentence(self) -> str:
        """What it says, in words."""
        if not self.other:
            edits = f"; {self.blind} were made blind" if self.blind else ""
            return f"No label of the test split was changed by anybody who may have seen what the model says{edits}"
        seen = f"{self.other_agree} of {self.other} test labels that were not changed blind agree with the model"
        if self.chance is None:
            return f"{seen}; none was changed blind to compare with"
        also = f"{seen}, {self.blind_agree} of {self.blind} that were changed blind"
        if self.alarm:
            return f"ALARM: {also} (p = {self.chance:.4f}): the test labels bend to the model, so its scores flatter it"
        return f"{also} (p = {self.chance:.2f})"


def compare_agreement(blind: int, blind_agree: int, other: int, other_agree: int) -> Agreement:
    """The counts with Fisher's exact probability.

    Raises:
        ValueError: more agree than there are.

    Reference: Fisher, The logic of inductive inference, 1935.
    """
    for agree, all_ in ((blind_agree, blind), (other_agree, other)):
        if not 0 <= agree <= all_:
            raise ValueError(f"those that agree must be among all, received {agree} of {all_}")
    chance = fisher_greater(other_agree, other, blind_agree, blind) if blind and other else None
    return Agreement(blind, blind_agree, other, other_agree, chance)


def fisher_greater(hits: int, count: int, other_hits: int, other_count: int) -> float:
    """How probable `hits` or more among `count` are, where both groups have the same rate and all hits are given."""
    total, all_hits = count + other_count, hits + other_hits
    ways = comb(total, all_hits)
    most = min(count, all_hits)
    return sum(comb(count, k) * comb(other_count, all_hits - k) for k in range(hits, most + 1)) / ways
