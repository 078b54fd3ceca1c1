"""How far a round is, from the ledger alone: what was looked at, what was wrong, what is left, and whether to go on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ...datasets.ledger import Ledger
from .audit import Left, Lift, Rate, Worth, expected_wrong, left, lift, precision_at, rate, worth_going_on
from .corrections import Corrected, read_corrections
from .round import REASONS, Reason, Round, Sent

NOT_SENT = "everything that was not sent"


@dataclass(frozen=True, slots=True)
class Status:
    """How far a round is.

    `done` are the images that somebody has answered, `differ` those whose answers were not taken since they contradict
    the labels and nobody has settled that yet. `precision` is by rank, of the suspects that were looked at;
    `suspects` and `audit` are the shares that were wrong. `left` has the parts of the data set: first all that was not sent, then
    what of it had suspects, and what had none.
    """

    round: Round
    done: frozenset[str]
    differ: frozenset[str]
    corrected: Corrected
    precision: dict[int, float]
    suspects: Rate
    audit: Rate
    lift: Lift | None
    left: tuple[Left, ...]
    worth: Worth

    @property
    def finished(self) -> bool:
        """Whether every image was answered and nothing is left to settle."""
        return len(self.done) == len(self.round.images) and not self.differ

    @property
    def by_reason(self) -> dict[Reason, tuple[int, int]]:
        """By the reason for which they were sent, how many images are done, and how many there are."""
        return {
            reason: (sum(each.key in self.done for each in sent), len(sent))
            for reason in REASONS
            if (sent := self.round.of(reason))
        }


def round_versions(ledger: Ledger, round: Round, blind: Collection[int] = ()) -> list[int]:
    """The versions whose commits belong to a round, in order.

    Args:
        blind: those that took its blind answers.
    """
    found = {
        version
        for version in range(round.version + 1, ledger.version() + 1)
        if ledger.commit_of(version).round == round.id and ledger.commit_of(version).counts
    }
    return sorted(found | set(blind))


def judge_round(
    ledger: Ledger,
    round: Round,
    *,
    answered: Collection[str] = (),
    differ: Collection[str] = (),
    blind: Collection[int] = (),
    least: float = 0.0,
) -> Status:
    """How far a round is.

    Args:
        answered: images whose answers were taken without a change of the ledger, as the desk remembers them.
        differ: images with answers that contradict the labels, which nobody has settled.
        blind: the versions that took blind answers.
        least: wrong images a minute from which on it is worth going on; 0 compares with chance alone.
    """
    keys = {each.key for each in round.images}
    corrected = read_corrections(ledger, round_versions(ledger, round, blind), keys)
    waits = frozenset(differ) & keys
    done = (corrected.changed | frozenset(answered)) & keys
    judged = done - waits  # of an image about which people and labels differ nobody knows yet whether it was wrong
    suspects, audit = _looked_at(round.of("suspect"), judged), _looked_at(round.of("audit"), judged)
    wrong = [each.key in corrected.wrong for each in suspects]
    of_suspects, of_audit = _rate(suspects, corrected), _rate(audit, corrected)
    return Status(
        round, frozenset(done), waits, corrected, precision_at(wrong), of_suspects, of_audit, lift(of_suspects, of_audit),
        _left(round, judged, corrected),
        worth_going_on(
            wrong, [each.seconds for each in suspects], [each.probability or 0.0 for each in suspects],
            *_next(round, judged), of_audit, _mean_seconds(round), least,
        ),
    )  # fmt: skip


def _looked_at(sent: Collection[Sent], judged: Collection[str]) -> list[Sent]:
    return [each for each in sent if each.key in judged]


def _rate(looked: Collection[Sent], corrected: Corrected) -> Rate:
    return rate(sum(each.key in corrected.wrong for each in looked), len(looked))


def _left(round: Round, judged: Collection[str], corrected: Corrected) -> tuple[Left, ...]:
    """What is left: audit images are drawn from all that was not sent for another reason, whether or not it had suspects.

    So they are a sample of the whole, and those of them that lie in a part are a sample of that part.
    """
    audit, suspects = (_looked_at(round.of(reason), judged) for reason in ("audit", "suspect"))
    waiting = {each.key: each.probability for each in round.waiting}
    found = [
        _part(name, images, [each for each in audit if (each.key in waiting) in inside], corrected)
        for name, images, inside in (
            (NOT_SENT, round.population, (True, False)),
            ("suspects that were not sent", len(waiting), (True,)),
            ("images without a suspect", round.population - len(waiting), (False,)),
        )
        if images > 0
    ]  # fmt: skip
    open_ = {each.key: each.probability or 0.0 for each in round.of("suspect") if each.key not in judged}
    if open_:
        found.append(left("suspects at the desk", len(open_), 0, 0))
    promises = {"suspects that were not sent": waiting, "suspects at the desk": open_}
    wrong, promised = [each.key in corrected.wrong for each in suspects], [each.probability or 0.0 for each in suspects]
    return tuple(
        replace(each, guess=expected_wrong(wrong, promised, list(promises[each.part].values())), promised=True)
        if each.guess is None and each.part in promises and suspects
        else each
        for each in found
    )


def _part(name: str, images: int, looked: Collection[Sent], corrected: Corrected) -> Left:
    return left(name, images, len(looked), sum(each.key in corrected.wrong for each in looked))


def _next(round: Round, judged: Collection[str]) -> tuple[list[float], list[float]]:
    """Probabilities and seconds of what comes next: suspects that were sent and wait, then as many as a round has."""
    sent = [(each.probability or 0.0, each.seconds) for each in round.of("suspect") if each.key not in judged]
    more = [(each.probability, each.seconds) for each in round.waiting]
    following = (sent or more)[: max(len(round.of("suspect")), 1)]
    return [probability for probability, _ in following], [seconds for _, seconds in following]


def _mean_seconds(round: Round) -> float:
    return sum(each.seconds for each in round.images) / len(round.images) if round.images else 0.0
