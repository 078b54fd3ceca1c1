"""Plots of a round's report, as PNG files in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..inspection.plots import WIDTH, drawn
from ..plots import COLOURS
from .statistics import Difference


def plot_differences(named: Sequence[tuple[str, Difference]], metric: str) -> bytes:
    """Each difference as a point with its 95 % interval, and the line where nothing changed."""
    names = [name for name, _ in named]

    def draw(axes: Sequence[Any]) -> None:
        axis = axes[0]
        axis.axvline(0, color="0.6", linewidth=1)
        for row, (_, found) in enumerate(named):
            colour = COLOURS[0] if row < 2 else COLOURS[1]
            if found.low is not None and found.high is not None:
                axis.plot([found.low, found.high], [row, row], color=colour, linewidth=3, alpha=0.5)
            for seed in found.seeds:
                axis.plot([seed], [row], "|", color=colour, markersize=10)
            axis.plot([found.value], [row], "o", color=colour)
            axis.annotate(f"{found.value:+.3f}", (found.value, row), (0, 8), textcoords="offset points", ha="center")
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.4, -0.7)
        axis.margins(x=0.1)
        axis.set_xlabel(f"change of {metric}, with its 95 % interval")
        axis.spines[["top", "right", "left"]].set_visible(False)

    return drawn(draw, "".join([*names, metric]), size=(WIDTH, 1.2 + 0.5 * len(names)))
