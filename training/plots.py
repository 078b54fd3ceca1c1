"""Pictures of runs: how one learned, and how several compare, class by class. The one door to matplotlib."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from ..datasets.errors import LabelloopError
from ..datasets.picture_fonts import find_font_file
from .comparison import Change, Comparison
from .curves import Curve
from .results import MAIN

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Colours that people who are colour-blind tell apart. Reference: Okabe and Ito, https://jfly.uni-koeln.de/color/"""

_MOST_ROWS = 40


def plot_learning(rows: Sequence[Mapping[str, Any]], curve: Curve, title: str, to: Path) -> Path:
    """A PNG with the losses and the metrics of a run's epochs, its best epoch and where overfitting began."""
    with figure(1, 2, (11, 4.2), to, title) as axes:
        losses, metrics = axes
        for number, (name, label) in enumerate((("train/loss", "train"), ("val/loss", "val"))):
            _line(losses, rows, name, label, COLOURS[number])
        losses.set_title("loss")
        if losses.lines:
            losses.set_yscale("log")  # the first epochs are often ten times the last
            losses.yaxis.set_major_formatter("{x:g}")
            losses.yaxis.set_minor_formatter("{x:g}")
            losses.tick_params(axis="y", which="minor", labelsize=7)
        named = [name for name in _metrics(rows) if "loss" not in name and not name.endswith("lr")]
        for number, name in enumerate(named):
            _line(metrics, rows, name, name, COLOURS[number % len(COLOURS)])
        metrics.set_ylim(-0.02, 1.02)
        metrics.set_title("metrics")
        for axis in axes:
            axis.set_xlabel("epoch")
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.grid(alpha=0.3)
            if curve.best is not None:
                axis.axvline(curve.best, color="0.4", linestyle=":", label=f"best: {curve.best}")
            if curve.overfitting is not None:
                axis.axvspan(curve.overfitting, len(rows), color="#d55e00", alpha=0.1, label="overfitting")
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=8)
        axes[0].figure.suptitle(title)
    return to


def plot_comparison(comparison: Comparison, to: Path) -> Path:
    """A PNG with a row for each class, and one for each slice: where each run stands, the largest change at the top."""
    shown = [("by class", comparison.classes[:_MOST_ROWS]), ("by slice", comparison.slices[:_MOST_ROWS])]
    shown = [(title, changes) for title, changes in shown if changes] or [("by class", ())]
    height = 1.6 + 0.3 * max(len(changes) for _, changes in shown)
    names = "".join(change.name for _, changes in shown for change in changes)
    with figure(1, len(shown), (5.5 * len(shown), height), to, names) as axes:
        for axis, (title, changes) in zip(axes, shown, strict=True):
            _dumbbells(axis, changes, comparison.runs)
            axis.set_title(title)
            axis.set_xlabel(MAIN[comparison.kind][1] if title == "by class" else comparison.main)
        whole = axes[0].figure
        whole.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(comparison.runs))
        whole.suptitle(f"{' and '.join(comparison.runs[:4])} on {comparison.split} ({comparison.images} images)")
    return to


def _dumbbells(axis: Any, changes: Sequence[Change], runs: Sequence[str]) -> None:
    for row, change in enumerate(changes):
        known = [value for value in change.values if value is not None]
        if known:
            axis.plot([min(known), max(known)], [row, row], color="0.75", linewidth=3, zorder=1)
    for number, run in enumerate(runs):
        points = [(each.values[number], row) for row, each in enumerate(changes) if each.values[number] is not None]
        axis.scatter(
            [value for value, _ in points], [row for _, row in points],
            color=COLOURS[number % len(COLOURS)], label=run, zorder=2 + number, s=36,
        )  # fmt: skip
    axis.set_yticks(range(len(changes)), [f"{each.name} ({each.count})" for each in changes])
    axis.set_ylim(len(changes) - 0.5, -0.5)
    axis.set_xlim(-0.02, 1.02)
    axis.grid(alpha=0.3, axis="x")


def _line(axis: Any, rows: Sequence[Mapping[str, Any]], name: str, label: str, colour: str) -> None:
    points = [(row["epoch"], row[name]) for row in rows if isinstance(row.get(name), int | float)]
    if points:
        axis.plot([x for x, _ in points], [y for _, y in points], label=label, color=colour, marker=".")


def _metrics(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if name.startswith(("train/", "val/"))]


@contextmanager
def figure(down: int, across: int, size: tuple[float, float], to: Path, text: str) -> Generator[Any]:
    """Axes to draw on, saved at the end as a PNG; `text` has the letters that names in it need."""
    try:
        matplotlib: Any = import_module("matplotlib")
        from matplotlib import font_manager
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise LabelloopError(f"plots need {error.name}, which is not installed: pip install matplotlib") from error
    fonts = ["DejaVu Sans"]
    # Found here and not in matplotlib's own list, which it writes once and which knows no font installed later.
    if not text.isascii() and (path := find_font_file(text)):
        cast("Any", font_manager.fontManager).addfont(path)
        fonts.append(font_manager.FontProperties(fname=path).get_name())  # for the letters that the first has not
    settings: dict[Any, Any] = {"font.family": fonts, "axes.unicode_minus": False}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # a box is drawn in its place
        # Not pyplot, which keeps every figure and asks for a screen.
        drawn: Any = Figure(figsize=size, dpi=110, layout="constrained")
        axes = drawn.subplots(down, across, squeeze=False)[0]
        yield axes
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            drawn.savefig(to, format="png")
        except OSError as error:
            raise LabelloopError(f"the plot cannot be written to {to}: {error.strerror or error}") from error
