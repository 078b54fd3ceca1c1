"""What `labelloop robustness` prints: where each run begins to fail, and what answers it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING

from ..training.inspection.robustness_measures import MEASURES
from .output import printable, progress_bar, say, table

if TYPE_CHECKING:
    from pathlib import Path

    from ..datasets.schema import Json
    from ..training.inspection.robustness_advice import Advice
    from ..training.inspection.robustness_results import Robustness


def robustness_text(results: Sequence[Robustness], advice: Sequence[Sequence[Advice]], page: Path) -> str:
    """For each run a line a kind of change, then what to do, then where the page is."""
    lines: list[str] = []
    for result, pieces in zip(results, advice, strict=True):
        figures, before = MEASURES[result.kind].figures, result.untouched.scores
        at = "" if result.confidence is None else f" at confidence {result.confidence:g}"
        lines.append(
            f"{result.run} on {result.images} of {result.there} {result.things} of {result.split}, as they are: "
            + ", ".join(f"{each.title} {_said(before[each.overall])}" for each in figures)
            + at
        )
        main = figures[0]
        rows: list[list[object]] = []
        for piece in pieces:
            points = result.families[piece.family]
            worst = min(points, key=lambda point: point.scores[main.overall] or 0.0)
            mean = sum(point.scores[main.overall] or 0.0 for point in points) / len(points)
            fails = "-" if piece.level is None else f"{piece.level:g}"
            rows.append([piece.family, f"{mean:.3f}", f"{_said(worst.scores[main.overall])} at {worst.level:g}", fails])
        lines += [table(rows, ["change", f"mean {main.title}", "lowest", "fails from"]), ""]
        lines += [printable(f"  {piece.family}: {piece.sentence}") for piece in pieces if piece.level is not None]
    return "\n".join([*lines, f"The page: {printable(str(page))}"])


def robustness_json(result: Robustness, advice: Sequence[Advice]) -> dict[str, Json]:
    """A run's result, without what it was saved for, and its advice."""
    said = asdict(result)
    said.pop("asked")
    for one in said["broken"]:
        one["found"] = [
            {key: box[key] for key in ("label", "x1", "y1", "x2", "y2", "score")} for box in one["found"]
        ]  # fmt: skip
    return {**said, "advice": [asdict(each) for each in advice]}


@contextmanager
def steps_progress(label: str) -> Generator[Callable[[int, int], None]]:
    """A function to call with (done, total): a bar where somebody watches, else a line at each tenth with an estimate."""
    with progress_bar(label) as bar:
        yield bar or _Tenths(label)


class _Tenths:
    def __init__(self, label: str) -> None:
        self.label = label
        self.began = monotonic()
        self.said = 0

    def __call__(self, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth > self.said and done < total and not sys.stderr.isatty():
            self.said = tenth
            left = (monotonic() - self.began) / done * (total - done)
            say(f"  {self.label}: {done} of {total} steps, about {left:.0f} s left")


def _said(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
