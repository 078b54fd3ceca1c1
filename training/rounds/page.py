"""The report of a round as one page to read, in the order in which one asks."""

from __future__ import annotations

from pathlib import Path

from ...datasets.workspace import Workspace
from ..pages import Page
from .audit import Left, Rate, lift_sentence, worth_sentence
from .plots import plot_differences
from .report import Report, report_json
from .round import REASONS, folder_of, write_json
from .statistics import Difference
from .two_by_two import TwoByTwo
from .worth import kind_in_words


def write_report(workspace: Workspace, report: Report) -> tuple[Path, Path]:
    """The files `report.json` and `report.html` in the round's folder."""
    folder = folder_of(workspace, report.status.round)
    write_json(folder / "report.json", report_json(report))
    page = folder / "report.html"
    report_page(report).write(page)
    return folder / "report.json", page


def report_page(report: Report) -> Page:
    """The page: the verdict, the table of models and labels, what changed, what the audit says, and what was looked at."""
    round = report.status.round
    page = Page(
        f"Round {round.number} of {round.dataset}",
        f"version {round.version} to {report.version}, {report.made[:16].replace('T', ' ')} UTC",
    )
    page.note(report.verdict())
    if report.ruler():
        page.note(report.ruler())
    for remark in report.remarks:
        page.text(remark)
    if report.table is not None:
        _add_table(page, report, report.table)
    _add_corrections(page, report)
    _add_audit(page, report)
    page.heading("The test split")
    page.text(
        f"It has been looked at {report.looks} times, this report counted. Each look that decides what is done next"
        " makes its scores a little too good."
    )
    if report.agreement is not None:
        (page.note if report.agreement.alarm else page.text)(report.agreement.sentence())
    return page


def _add_table(page: Page, report: Report, table: TwoByTwo) -> None:
    page.heading("The model or the ruler?")
    page.text(
        "Down a column the labels are the same and the model changes: that is what the model gained. Along a row the model"
        " is the same and the labels change: that is how far the ruler moved."
    )
    values = table.values
    page.table(
        ["", "old labels", "new labels"],
        [
            [f"{model} model", values.get(f"{model} model, old labels"), values.get(f"{model} model, new labels")]
            for model in ("old", "new")
            if values.get(f"{model} model, new labels") is not None
        ],
        f"{table.metric} on {table.images} images of the test split; old: {', '.join(report.old)};"
        f" new: {', '.join(report.new) or 'none'}",
    )
    rows = (
        ("the model, by the new labels", table.model),
        ("the model, by the old labels", table.model_by_old),
        ("the labels, under the old model", table.ruler),
        ("the labels, under the new model", table.ruler_for_new),
    )
    known = [(name, found) for name, found in rows if found is not None]
    if known:
        said = ", ".join(f"{name} {found.value:+.3f}" for name, found in known)
        page.figure(
            plot_differences(known, table.metric), said, "The second line stands on labels that were mended since."
        )
    page.table(
        ["what changes", "difference", "from", "to", "by chance", "says"],
        [_difference_row(name, found) for name, found in known],
        "from and to: the 95 % interval, over groups of images drawn anew; by chance: how often so large a difference"
        " comes of swapping the two at random",
    )
    if table.model and table.model.seeds:
        page.text("With each seed: " + ", ".join(f"{value:+.3f}" for value in table.model.seeds))
    page.table(
        ["class", "test boxes" if table.metric.startswith("mAP") else "test images", "old", "new", "change"],
        [
            [
                each.label,
                each.count,
                each.old,
                each.new,
                None if each.old is None or each.new is None else each.new - each.old,
            ]
            for each in table.classes
        ],
        "by class, by the new labels",
    )
    if report.errors:
        page.table(
            ["error kind", "old", "new"],
            [[kind_in_words(kind), old, new] for kind, (old, new) in report.errors.items()],
            "what AP50 would gain if all errors of a kind were mended, by the new labels",
        )


def _difference_row(name: str, found: Difference) -> list[str | float | int | None]:
    verdict = found.verdict if name.startswith("the model") else ""
    return [name, found.value, found.low, found.high, found.chance, verdict]


def _add_corrections(page: Page, report: Report) -> None:
    status = report.status
    corrected = status.corrected
    page.heading("What changed")
    nudged = f"; {corrected.nudged} boxes were moved by less than counts as an error" if corrected.nudged else ""
    page.text(
        f"{len(status.done)} of {len(status.round.images)} images were looked at; {len(corrected.corrections)} errors on"
        f" {len(corrected.wrong)} of them were mended. {len(corrected.labelled)} images were labelled for the first time{nudged}."
    )
    for what, title in (("kind", "error"), ("label", "class"), ("author", "person")):
        counts = corrected.counted(what)
        if counts:
            page.table([title, "mended"], [[name, count] for name, count in counts.items()])
    page.table(
        ["sent because", "done", "of"],
        [[REASONS[reason], done, sent] for reason, (done, sent) in status.by_reason.items()],
    )


def _add_audit(page: Page, report: Report) -> None:
    status = report.status
    page.heading("What the audit says")
    if status.precision:
        page.table(["first suspects", "really wrong"], [[place, share] for place, share in status.precision.items()])
    page.table(
        ["images", "wrong", "looked at", "share", "from", "to"],
        [_rate_row("suspects", status.suspects), _rate_row("drawn by chance", status.audit)],
        "from and to: the exact 95 % interval",
    )
    page.text(lift_sentence(status.lift))
    page.table(
        ["what is left", "images", "looked at", "still wrong", "from", "to"],
        [_left_row(each) for each in status.left],
    )
    page.text(worth_sentence(status.worth))


def _rate_row(name: str, found: Rate) -> list[str | float | int | None]:
    return [name, found.wrong, found.looked, found.share, found.low, found.high]


def _left_row(each: Left) -> list[str | float | int | None]:
    name = f"{each.part} (as promised)" if each.promised else each.part
    guess = None if each.guess is None else round(each.guess, 1)
    return [name, each.images, each.looked, guess, each.low, each.high]
