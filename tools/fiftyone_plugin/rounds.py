"""What the panel Rounds shows, as plain values: the suspects in their order, the last round, and what it bought."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ...datasets.schema import Json
from .forms import Place
from .labels import Table
from .markdown import cell, file_address

if TYPE_CHECKING:
    from ...training.rounds.progress import Status
    from ...training.suspects.suspect import SuspectList

QUEUE, ROUNDS_TABLE, TWO_BY_TWO, PARTS = "queue", "rounds", "two_by_two", "parts"
"""The names of the tables."""

_QUEUE = 50
_DIFFERENCES = {
    "model": "model, by new labels",
    "model_by_old": "model, by old labels",
    "ruler": "labels, under old model",
    "ruler_for_new": "labels, under new model",
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference with its 95 % interval, whose ends are None where there are too few images for one."""

    name: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Rounds:
    """The panel's head in Markdown, its tables, the images of each row of the queue, and the differences to draw."""

    head: str
    tables: Sequence[Table] = ()
    queue: Sequence[str] = ()
    intervals: Sequence[Interval] = field(default_factory=tuple[Interval, ...])


def rounds_of(place: Place) -> Rounds:
    """What there is to show of a data set: suspects, the last round and its report."""
    from ...training.rounds.round import list_rounds
    from ...training.suspects.suspect import read_suspects
    from ..rounds import open_suspects, status_of

    ledger = place.window.ledger
    name = ledger.folder.name
    found = read_suspects(place.workspace, name)
    rounds = list_rounds(place.workspace, name)
    status = status_of(place.workspace, ledger, rounds[-1]) if rounds else None
    report = _report(place, status) if status else None
    lines = [f"##### {name}: suspects and rounds", _suspects_line(found, ledger.version())]
    tables: list[Table] = []
    if status:
        lines += _status_lines(status)
    if status and report:
        lines += [
            f"**{cell(str(report['sentence']))}**",
            cell(str(report.get("ruler") or "")),
            _page_link(place, status),
        ]
        tables += _report_tables(report)
    images = open_suspects(place.workspace, ledger, found).images() if found else []
    if status:
        tables.append(_parts(status))
    if images:
        sent = {each.key for each in status.round.images if each.key not in status.done} if status else set[str]()
        tables.append(_queue(images[:_QUEUE], len(images), sent))
    shown = [table for table in tables if table.rows]
    return Rounds("\n\n".join(filter(None, lines)), shown, [each.key for each in images[:_QUEUE]], _intervals(report))


def interval_plot(intervals: Sequence[Interval]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Plotly's data and layout: each difference as a point with its interval, and a line at 0."""
    drawn = list(reversed(intervals))
    ends = [(each.low, each.high) if each.low is not None and each.high is not None else None for each in drawn]
    data = {
        "type": "scatter", "mode": "markers", "marker": {"size": 10, "color": "#e69f00"},
        "x": [each.value for each in drawn], "y": [each.name for each in drawn],
        "error_x": {
            "type": "data", "symmetric": False, "color": "#e69f00",
            "array": [end[1] - each.value if end else 0 for each, end in zip(drawn, ends, strict=True)],
            "arrayminus": [each.value - end[0] if end else 0 for each, end in zip(drawn, ends, strict=True)],
        },
        "hovertemplate": "%{y}: %{x:+.3f}<extra></extra>",
    }  # fmt: skip
    layout = {
        "height": 60 + 40 * len(drawn), "margin": {"l": 170, "r": 10, "t": 10, "b": 30}, "showlegend": False,
        "xaxis": {"zeroline": True, "zerolinewidth": 2, "zerolinecolor": "#999999", "tickformat": "+.2f"},
        "yaxis": {"automargin": True},
    }  # fmt: skip
    return [data], layout


def _suspects_line(found: SuspectList | None, version: int) -> str:
    if found is None:
        return "Nobody has looked for suspects yet: *Find suspects* does."
    runs, folds = cast("Sequence[str]", found.source.get("runs") or ()), found.source.get("folds")
    source = f"out of {folds} folds" if folds else f"by {', '.join(runs)}"
    line = (
        f"{len(found.suspects)} labels are suspects, on {len(found.images())} images, {cell(source)}, at version"
        f" {found.version}."
    )
    learned = int(cast("int", found.source.get("in_sample") or 0))
    if learned:
        line += f" Of {learned} images the model had learned the labels, so it finds less wrong there than there is."
    return line if found.version == version else f"{line} The ledger is at version {version} since."


def _status_lines(status: Status) -> list[str]:
    from ...training.rounds.audit import lift_sentence, worth_sentence

    round, corrected = status.round, status.corrected
    done = (
        f"**{round.id}**: {len(status.done)} of {len(round.images)} images done, {len(corrected.corrections)} errors on"
        f" {len(corrected.wrong)} of them, as of the last pull."
    )
    lines = [done]
    if status.differ:
        lines.append(
            f"On {len(status.differ)} images answers and labels differ: *Take blind answers* makes those about test labels."
        )
    if status.done:
        lines += [cell(lift_sentence(status.lift)), cell(worth_sentence(status.worth))]
    return lines


def _parts(status: Status) -> Table:
    from ...training.rounds.round import REASONS

    share = {"suspect": status.suspects, "audit": status.audit}
    rows = [
        {
            "sent": REASONS[cast("Any", reason)],
            "done": f"{done} of {sent}",
            "wrong": f"{share[reason].wrong} of {share[reason].looked}" if reason in share else "",
        }
        for reason, (done, sent) in status.by_reason.items()
    ]
    return Table(PARTS, f"{status.round.id}: what was sent", ("sent", "done", "wrong"), rows)


def _queue(images: Sequence[Any], count: int, at_desk: Collection[str]) -> Table:
    """The suspects that are left, the best first; the last column is the one whose text may be broken into lines."""
    rows = [
        {
            "place": number,
            "image": each.key,
            "wrong": f"{each.probability:.0%}",
            "seconds": round(each.seconds),
            "what": ("at the desk: " if each.key in at_desk else "")
            + "; ".join(dict.fromkeys(one.reason for one in each.suspects)),
        }
        for number, each in enumerate(images, start=1)
    ]
    columns = ("place", "image", "wrong", "seconds", "what")
    some = f"the first {len(images)} of {count} images with suspects" if count > len(images) else "Suspects"
    return Table(
        QUEUE, f"{some[0].upper()}{some[1:]}, the best first: click one to see it", columns, rows, ("", *columns[1:])
    )


def _report(place: Place, status: Status) -> Mapping[str, Json] | None:
    """The report of a round as it was written; None where there is none."""
    import orjson

    from ...training.rounds.round import folder_of

    path = folder_of(place.workspace, status.round) / "report.json"
    try:
        return cast("Mapping[str, Json]", orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def _page_link(place: Place, status: Status) -> str:
    """In Markdown: a link to the page of a round's report, "" where it is gone."""
    from ...training.rounds.round import folder_of

    page = folder_of(place.workspace, status.round) / "report.html"
    return f"[The whole report]({file_address(page)})" if page.is_file() else ""


def _report_tables(report: Mapping[str, Json]) -> list[Table]:
    table = cast("Mapping[str, Any]", report.get("table") or {})
    values = cast("Mapping[str, float | None]", table.get("values") or {})
    rows = [
        {
            "model": f"{model} model",
            **{labels: _number(values.get(f"{model} model, {labels} labels")) for labels in ("old", "new")},
        }
        for model in ("old", "new")
        if values.get(f"{model} model, new labels") is not None
    ]
    labels = (str(table.get("metric", "")), "old labels", "new labels")
    return [Table(TWO_BY_TWO, "The model or the ruler?", ("model", "old", "new"), rows, labels)]


def _intervals(report: Mapping[str, Json] | None) -> list[Interval]:
    table = cast("Mapping[str, Any]", (report or {}).get("table") or {})
    return [
        Interval(name, found["value"], found.get("low"), found.get("high"))
        for key, name in _DIFFERENCES.items()
        if (found := table.get(key))
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
