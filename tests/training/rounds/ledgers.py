"""A ledger with a round on it, and people's corrections as a pull would commit them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from labelloop.datasets.ledger import Ledger
from labelloop.datasets.schema import Box, Sample
from labelloop.datasets.workspace import Workspace
from labelloop.training.rounds.round import Round, Sent, Waiting, write_round

from .simulated import CLASSES, images

BEN, ADA = "ben@example.org", "ada@example.org"


def new_ledger(home: Path, samples: Sequence[Sample] | None = None) -> Ledger:
    """A ledger of 20 images in version 1, the last six of which are in test."""
    ledger = Ledger.create(Workspace(home).ledger("won"), "ann", CLASSES)
    found = samples or [
        replace(sample, split="train" if at < 14 else "test") for at, sample in enumerate(images(20, seed=1, boxes=2))
    ]
    ledger.commit(
        {each.key: each for each in found}, base=0, author="ann", tool="import", message="first", classes=CLASSES
    )
    return ledger


def new_round(home: Path, ledger: Ledger, *sent: Sent, waiting: Sequence[Waiting] = (), **more: object) -> Round:
    """A round that sent these images."""
    values: dict[str, object] = {
        "id": "", "dataset": "won", "number": 0, "version": ledger.version(), "suspects_version": ledger.version(),
        "source": "won-1", "run": "", "seed": 0, "budget": 60, "minutes": 0.0, "start": "labels", "images": sent,
        "waiting": tuple(waiting), "population": 10, "started": "2026-11-24T10:00:00.000+00:00", **more,
    }  # fmt: skip
    return write_round(Workspace(home), Round(**values))  # type: ignore[arg-type]


def suspect(key: str, rank: int, probability: float = 0.8, **more: object) -> Sent:
    return Sent(key, "suspect", rank, probability, 10.0, ("class",), **more)  # type: ignore[arg-type]


def audit(key: str, **more: object) -> Sent:
    return Sent(key, "audit", 0, None, 10.0, **more)  # type: ignore[arg-type]


def one(ledger: Ledger, key: str) -> Sample:
    (found,) = ledger.samples(keys=[key])
    return found


def answer(ledger: Ledger, round_id: str, *samples: Sample, author: str = BEN) -> int:
    """The version after a commit as a pull makes it."""
    ledger.commit(
        {each.key: each for each in samples}, base=ledger.version(), author=author, tool="label-studio",
        message="answers from the desk", round=round_id,
    )  # fmt: skip
    return ledger.version()


def renamed(sample: Sample, label: str) -> Sample:
    return replace(sample, boxes=(replace(sample.boxes[0], label=label), *sample.boxes[1:]))


def moved(sample: Sample, by: float) -> Sample:
    box = sample.boxes[0]
    return replace(sample, boxes=(replace(box, x1=box.x1 + by, x2=box.x2 + by), *sample.boxes[1:]))


def without_first(sample: Sample) -> Sample:
    rest = sample.boxes[1:]
    return replace(sample, boxes=rest, state="labelled" if rest else "negative")


def with_more(sample: Sample, label: str = "10") -> Sample:
    return replace(sample, boxes=(*sample.boxes, Box(label, 500, 380, 600, 470, "f" * 24)), state="labelled")


def confirmed(sample: Sample) -> Sample:
    return replace(sample, tags=tuple(sorted({*sample.tags, "confirmed"})))


def other(label: str) -> str:
    return CLASSES[(CLASSES.index(label) + 1) % len(CLASSES)]
