"""Plots of what a run gets wrong, as PNG files in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..plots import COLOURS, figure
from .calibration import Calibration

WIDTH = 7.5
"""Inches of a plot that stands alone: not much wider than a page's text, so that it can be read on a phone."""

_MOST_NUMBERED, _LONGEST = 30, 20


def drawn(draw: Callable[[Sequence[Any]], None], text: str, *, across: int = 1, size: tuple[float, float]) -> bytes:
    """The PNG of what a function draws on so many axes beside each other.

    Args:
        text: all names that will be written, to choose a font by.
        size: of all of it, in inches.
    """
    with tempfile.TemporaryDirectory(prefix="labelloop-") as name:
        path = Path(name) / "plot.png"
        with figure(1, across, size, path, text) as axes:
            draw(axes)
        return path.read_bytes()


def plot_bars(names: Sequence[str], values: Sequence[float], title: str, unit: str) -> bytes:
    """Lying bars, the first at the top, each with its value."""

    def draw(axes: Sequence[Any]) -> None:
        axis = axes[0]
        axis.barh(range(len(names)), values, color=COLOURS[0], height=0.62)
        axis.set_yticks(range(len(names)), names)
        axis.invert_yaxis()
        most = max([*values, 0.0])
        for row, value in enumerate(values):
            axis.text(value + most * 0.01, row, f"{value:.3f}", va="center", fontsize=9)
        axis.set_xlim(0, most * 1.14 or 1.0)
        axis.set_xlabel(unit)
        axis.set_title(title)
        axis.spines[["top", "right"]].set_visible(False)

    return drawn(draw, "".join([*names, title, unit]), size=(WIDTH, 1.1 + 0.34 * max(len(names), 1)))


def plot_lines(
    panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[float], Sequence[float]]]]],
    unit: str,
    *,
    places: Sequence[float] = (),
    even: bool = False,
    faint_from: int = 99,
) -> bytes:
    """Lines over one horizontal axis, in [0, 1] vertically, in a panel for each title.

    Args:
        panels: titles, each with lines of a name, x and y.
        unit: of the horizontal axis.
        places: where the axis is to be marked; empty for wherever it suits.
        even: set the places evenly apart, whatever they are: for levels that grow by factors.
        faint_from: lines from this number on are thin, being there to compare with.
    """

    def draw(axes: Sequence[Any]) -> None:
        order = {place: number for number, place in enumerate(places)}
        for axis, (title, lines) in zip(axes, panels, strict=True):
            for number, (name, x, y) in enumerate(lines):
                at = [order[each] for each in x] if even else x
                thin = number >= faint_from
                axis.plot(
                    at, y, label=name, color=COLOURS[number % len(COLOURS)], marker="." if thin else "o", markersize=4,
                    linewidth=1.0 if thin else 2.4, alpha=0.8 if thin else 1.0, zorder=2 if thin else 3,
                    linestyle=("-", "--", ":")[number // len(COLOURS) % 3],
                )  # fmt: skip
            if places:
                axis.set_xticks(list(order.values()) if even else places, [f"{place:g}" for place in places])
            axis.set_ylim(-0.02, 1.02)
            axis.set_title(title)
            axis.set_xlabel(unit)
            axis.grid(alpha=0.3)
        most = max(range(len(panels)), key=lambda at: len(panels[at][1]))
        if len(panels[most][1]) > 1:
            handles = axes[most].get_legend_handles_labels()
            axes[0].figure.legend(*handles, loc="outside lower center", ncols=min(6, len(handles[1])), fontsize=8)

    names = "".join([unit, *(title + "".join(line[0] for line in lines) for title, lines in panels)])
    return drawn(draw, names, across=len(panels), size=(5.0 * len(panels), 3.8))


def plot_confusion(counts: Sequence[Sequence[int]], rows: Sequence[str], columns: Sequence[str]) -> bytes:
    """A confusion matrix: each count, shaded by its part of the row; the title of rows is label, of columns prediction."""

    def draw(axes: Sequence[Any]) -> None:
        axis = axes[0]
        shares = [[count / max(sum(row), 1) for count in row] for row in counts]
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        small = 9 if len(columns) <= 14 else 6
        if len(columns) <= _MOST_NUMBERED:
            for at, row in enumerate(counts):
                for place, count in enumerate(row):
                    if count:
                        ink = "white" if shares[at][place] > 0.55 else "black"
                        axis.text(place, at, str(count), ha="center", va="center", fontsize=small, color=ink)
        axis.set_xticks(range(len(columns)), [_cut(name) for name in columns], rotation=90, fontsize=small)
        axis.set_yticks(range(len(rows)), [_cut(name) for name in rows], fontsize=small)
        axis.set_xlabel("predicted")
        axis.set_ylabel("label")

    side = min(1.8 + 0.45 * max(len(columns), 4), 12.0)
    return drawn(draw, "".join([*rows, *columns]), size=(max(side, 4.5), max(side - 0.6, 3.6)))


def plot_reliability(calibration: Calibration) -> bytes:
    """How often predictions are right, by their score, and above it how many there are; a perfect model is on the diagonal."""

    def draw(axes: Sequence[Any]) -> None:
        axis = axes[0]
        axis.plot([0, 1], [0, 1], color="0.5", linestyle=":", label="right as often as they say")
        bins = calibration.bins
        most = max((each.count for each in bins), default=1)
        axis.bar(
            [(each.low + each.high) / 2 for each in bins], [each.count / most for each in bins],
            width=[each.high - each.low for each in bins], color="0.88", zorder=1, label=f"how many (highest: {most:,})",
        )  # fmt: skip
        axis.plot(
            [each.score for each in bins], [each.right for each in bins], color=COLOURS[0], marker="o", zorder=3,
            label="right",
        )  # fmt: skip
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1.02)
        axis.set_xlabel("mean score")
        axis.set_ylabel("part that is right")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, loc="upper left")

    return drawn(draw, "", size=(5.6, 4.2))


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
