"""Rounds as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from ..label_config.push import PushReport
from ..training.rounds.audit import Left, Rate, lift_sentence, worth_sentence
from ..training.rounds.progress import Status
from ..training.rounds.report import Report, status_json
from ..training.rounds.round import REASONS, TEST, Reason, Round
from ..training.rounds.statistics import Difference
from ..training.rounds.worth import kind_in_words
from .blind_answers import Taken
from .desk_reports import push_json
from .output import printable, table

_SHOWN = 20


def started_text(round: Round, reports: Sequence[PushReport], *, in_browser: bool = False) -> str:
    """What `labelloop round start` prints for people.

    Args:
        in_browser: name the panel's buttons instead of the commands.
    """
    settle, pull, status = (
        ("Take blind answers", "Pull from the desk", "the panel Rounds")
        if in_browser
        else (f"labelloop {word} {round.dataset}" for word in ("round settle", "pull", "round status"))
    )
    counts: dict[Reason, int] = {reason: len(round.of(reason)) for reason in REASONS}
    said = ", ".join(f"{count} {REASONS[reason]}" for reason, count in counts.items() if count)
    blind = sum(each.blind for each in round.images)
    minutes = ceil(sum(each.seconds for each in round.images) / 60)
    work = f"{minutes} minute{'' if minutes == 1 else 's'} of work"
    lines = [
        f"{round.id}, version {round.version}: {len(round.images)} images sent, about {work}: {said}",
        *([f"{len(round.waiting)} more images with suspects were not sent."] if round.waiting else []),
    ]
    if blind:
        lines.append(f"Of the split {TEST}: {blind}, which show no labels; {settle} makes labels of the answers.")
    busy = sum(report.busy for report in reports)
    if busy:
        lines.append(f"{busy} are being worked on at the desk already and were left as they are.")
    lines += [report.url for report in reports[:1]]
    lines.append(f"{pull} takes answers home; {status} says how far it is.")
    return "\n".join(lines)


def started_json(round: Round, reports: Sequence[PushReport]) -> dict[str, object]:
    """What `labelloop round start --json` prints."""
    return {**round_json(round), "pushes": [push_json(report) for report in reports]}


def round_json(round: Round) -> dict[str, object]:
    """A round without its images' probabilities: what was sent, and why."""
    return {
        "name": round.dataset, "round": round.id, "number": round.number, "version": round.version,
        "source": round.source, "run": round.run,
        "started": round.started, "seed": round.seed, "budget": round.budget, "minutes": round.minutes,
        "images": len(round.images),
        "sent": [{"key": each.key, "reason": each.reason, "rank": each.rank, "blind": each.blind} for each in round.images],
        "not_sent": len(round.waiting),
    }  # fmt: skip


def rounds_text(statuses: Sequence[Status], verdicts: Mapping[str, str]) -> str:
    """What `labelloop round list` prints for people.

    Args:
        verdicts: of the rounds that have a report, by id.
    """
    if not statuses:
        return "no round yet"
    rows = [
        [
            each.round.number, each.round.version, each.round.started[:16].replace("T", " "), len(each.round.images),
            len(each.done), len(each.corrected.corrections), verdicts.get(each.round.id, ""),
        ]
        for each in statuses
    ]  # fmt: skip
    return table(rows, ["round", "version", "began (UTC)", "images", "done", "errors", "report"])


def status_text(status: Status) -> str:
    """What `labelloop round status` prints for people."""
    round, corrected = status.round, status.corrected
    lines = [
        (
            f"{round.id}, as of the last pull: {len(status.done)} of {len(round.images)} images done,"
            f" {len(corrected.corrections)} errors found on {len(corrected.wrong)} images"
        )
    ]
    lines += [f"  {printable(line)}" for line in _corrected_lines(status)]
    if status.differ:
        lines.append(
            f"On {len(status.differ)} images answers and labels differ and nobody has settled that: labelloop round settle"
            f" {round.dataset} takes blind answers about {TEST}, labelloop conflicts {round.dataset} lists all."
        )
    if status.precision:
        lines.append(
            "Really wrong: " + ", ".join(f"{share:.0%} of the first {k}" for k, share in status.precision.items())
        )
    lines.append(f"Suspects: {_rate(status.suspects)}. Drawn by chance: {_rate(status.audit)}.")
    lines.append(lift_sentence(status.lift))
    lines += ["What is left:", *(f"  {_left(each)}" for each in status.left)]
    lines.append(worth_sentence(status.worth))
    return "\n".join(lines)


def settled_blind_text(name: str, round: Round | None, done: Taken) -> str:
    """What `labelloop round settle` prints for people.

    Args:
        round: the one that was asked for; None for all of the data set `name`.
    """
    labels = "1 label" if done.taken == 1 else f"{done.taken} labels"
    line = f"{round.id if round else name}: {labels} of the split {TEST} corrected by what people said who did not see them"
    line += f"; {done.as_good_as_same} stay, since they differ by a hair" if done.as_good_as_same else ""
    left = "1 image is" if len(done.left) == 1 else f"{len(done.left)} images are"
    return f"{line}\n{left} left to decide: labelloop conflicts {name}" if done.left else line


def status_report_json(status: Status) -> dict[str, object]:
    """What `labelloop round status --json` prints."""
    return {**round_json(status.round), **status_json(status)}


def report_text(report: Report, page: str) -> str:
    """What `labelloop round report` prints for people."""
    lines = [report.verdict()]
    if report.ruler():
        lines.append(report.ruler())
    if report.table is not None:
        values = report.table.values
        rows = [
            [f"{model} model", *(_number(values.get(f"{model} model, {labels} labels")) for labels in ("old", "new"))]
            for model in ("old", "new")
            if values.get(f"{model} model, new labels") is not None
        ]
        lines += ["", table(rows, [report.table.metric, "old labels", "new labels"])]
        differences = [
            ("the model, by the new labels", report.table.model),
            ("the model, by the old labels", report.table.model_by_old),
            ("the labels, under the old model", report.table.ruler),
            ("the labels, under the new model", report.table.ruler_for_new),
        ]
        told = [[name, *_difference(found)] for name, found in differences if found is not None]
        lines += ["", table(told, ["what changes", "difference", "95 % interval", "by chance"])]
        classes = [
            [each.label, each.count, _number(each.old), _number(each.new)] for each in report.table.classes[:_SHOWN]
        ]
        if report.new:
            lines += ["", table(classes, ["class", "on test", "old", "new"])]
    if report.errors:
        rows = [[kind_in_words(kind), _number(old), _number(new)] for kind, (old, new) in report.errors.items()]
        lines += ["", table(rows, ["AP50 that mending would gain", "old", "new"])]
    lines += ["", status_text(report.status), ""]
    if report.agreement is not None:
        lines.append(f"{report.agreement.sentence()}.")
    lines.append(f"The test split has been looked at {report.looks} times.")
    lines += [*report.remarks, f"The page: {page}"]
    return "\n".join(lines)


def _corrected_lines(status: Status) -> list[str]:
    found: list[str] = []
    for what, title in (("kind", "by kind"), ("label", "by class"), ("author", "by person")):
        counts = status.corrected.counted(what)
        if counts:
            found.append(f"{title}: " + ", ".join(f"{name} {count}" for name, count in list(counts.items())[:_SHOWN]))
    if status.corrected.labelled:
        found.append(f"{len(status.corrected.labelled)} images labelled for the first time")
    return found


def _rate(found: Rate) -> str:
    if found.share is None:
        return "none looked at"
    return (
        f"{found.wrong} of {found.looked} wrong ({found.share:.0%}, 95 % interval {found.low:.0%} to {found.high:.0%})"
    )


def _left(each: Left) -> str:
    if each.guess is None:
        return f"{each.part}: of {each.images} images none was drawn by chance; unknown"
    if each.promised:
        return f"{each.part}: about {each.guess:.0f} of {each.images} wrong, as promised and come true so far"
    return f"{each.part}: about {each.guess:.0f} of {each.images} wrong ({each.low} to {each.high}; {each.looked} drawn by chance)"


def _difference(found: Difference) -> list[str]:
    interval = "too few groups" if found.low is None or found.high is None else f"{found.low:+.3f} to {found.high:+.3f}"
    return [f"{found.value:+.3f}", interval, "" if found.chance is None else f"{found.chance:.3f}"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
