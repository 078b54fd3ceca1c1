"""Reports about the desk as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from ..label_config.conflicts import DeskConflict
from ..label_config.pull import PullReport
from ..label_config.push import PushReport
from ..label_config.settling import Settled
from ..training.rounds.round import TEST
from .ledger_reports import commit_json, commit_line
from .output import printable
from .reports import findings_json, findings_text

_SHOWN = 20


def push_text(name: str, report: PushReport, *, in_browser: bool = False) -> str:
    """What `labelloop push` prints for people.

    Args:
        in_browser: name the panel's buttons instead of the commands.
    """
    done = (
        (report.made, "new tasks"),
        (report.updated, "brought up to date"),
        (report.unchanged, "there already"),
        (report.busy, "being worked on"),
        (report.done, "done already (--again asks once more)"),
        (report.doubles, "doubles of an interrupted push removed"),
    )
    said = ", ".join(f"{count} {what}" for count, what in done if count)
    lines = [f"{name}, version {report.version}: {said or 'nothing to push'}", report.url]
    if report.blind:
        lines.append(blind_text(report.blind, "Take blind answers" if in_browser else f"labelloop round settle {name}"))
    if report.stale:
        lines.append(
            f"The labeling config has changed, and {report.stale} further tasks still start as it was before: labelloop push"
            f" {name} brings them up to date"
        )
    return "\n".join(lines)


def blind_text(count: int, settle: str) -> str:
    """What is said of so many images that were sent without labels and boxes, since they are of a frozen test split.

    Args:
        settle: what takes the answers, a command or a button.
    """
    images = "1 image is" if count == 1 else f"{count} images are"
    return (
        f"{images} of the split {TEST}, by which models are judged, and shown without labels and boxes: after the pull,"
        f" {settle} takes what people say otherwise."
    )


def push_json(report: PushReport) -> dict[str, object]:
    """What `labelloop push --json` prints."""
    return asdict(report)


def pull_text(name: str, report: PullReport, blind: Collection[str] = (), *, in_browser: bool = False) -> str:
    """What `labelloop pull` prints for people.

    Args:
        blind: the ids of conflicts that are blind answers about the split test: they are counted, and not listed.
        in_browser: name the panel's buttons instead of the commands.
    """
    done = (
        (report.edited, "edited"),
        (report.confirmed, "confirmed as they were"),
        (report.known, "known already"),
        (report.skipped, "skipped"),
        (report.drafts, "with work that is not submitted"),
        (report.incomplete, "answered by fewer people than are asked"),
        (report.waiting, "waiting"),
    )
    lines = [text for text in (findings_text(report.findings),) if text]
    lines.append(f"{name}: " + (", ".join(f"{count} {what}" for count, what in done if count) or "nothing at the desk"))
    lines += [f"{printable(commit.author)}: {commit_line(commit)}" for commit in report.commits]
    if report.deleted:
        more = f" and {len(report.deleted) - _SHOWN} more" if len(report.deleted) > _SHOWN else ""
        shown = ", ".join(map(printable, report.deleted[:_SHOWN]))
        lines.append(f"{len(report.deleted)} deleted at the desk, whose labels stay: {shown}{more}")
    if report.agreement:
        mean = sum(report.agreement.values()) / len(report.agreement)
        lines.append(f"{len(report.agreement)} images with several answers; people agree to {mean:.0%} on average.")
    waiting = [each for each in report.open if each.id in blind]
    if waiting:
        settle = "Take blind answers" if in_browser else f"labelloop round settle {name}"
        count = len({each.key for each in waiting})
        lines.append(
            f"On {count} {'image' if count == 1 else 'images'} of the split {TEST} people who did not see the labels say"
            f" otherwise: {settle} makes labels of what they say."
        )
    others = [each for each in report.open if each.id not in blind]
    if others:
        lines.append(conflicts_text(others))
    return "\n".join(lines)


def pull_json(report: PullReport) -> dict[str, object]:
    """What `labelloop pull --json` prints."""
    return {
        "project": report.project,
        "commits": [commit_json(commit) for commit in report.commits],
        "edited": report.edited,
        "confirmed": report.confirmed,
        "known": report.known,
        "conflicting": report.conflicting,
        "conflicts": conflicts_json(report.open),
        "skipped": report.skipped,
        "drafts": report.drafts,
        "incomplete": report.incomplete,
        "waiting": report.waiting,
        "deleted": list(report.deleted),
        "agreement": dict(report.agreement),
        "findings": findings_json(report.findings),
    }


def conflicts_text(conflicts: Sequence[DeskConflict], blind: str = "") -> str:
    """The open conflicts for people.

    Args:
        blind: what is said at the end of those that are blind answers; "" for none.
    """
    if not conflicts:
        return "No conflicts."
    count = "1 conflict" if len(conflicts) == 1 else f"{len(conflicts)} conflicts"
    lines = [f"{count}; the ledger keeps its side until somebody settles it (conflicts --take ID=SIDE):"]
    lines += [f"  {printable(str(conflict))}" for conflict in conflicts[:_SHOWN]]
    if len(conflicts) > _SHOWN:
        lines.append(f"  ... and {len(conflicts) - _SHOWN} more")
    return "\n".join([*lines, blind] if blind else lines)


def blind_conflicts_text(count: int, settle: str) -> str:
    """What is said of so many open conflicts that are blind answers about the split test; "" of none.

    Args:
        settle: what takes them, a command or a button.
    """
    are = "1 of them is a blind answer" if count == 1 else f"{count} of them are blind answers"
    return f"{are} about the split {TEST}: {settle} takes all such at once." if count else ""


def conflicts_json(conflicts: Sequence[DeskConflict]) -> list[dict[str, object]]:
    """The open conflicts as JSON."""
    return [{**asdict(conflict), "between": conflict.between, "sides": list(conflict.sides)} for conflict in conflicts]


def settled_text(done: Settled) -> str:
    """What `labelloop conflicts --take` prints for people."""
    said = f"{done.count} settled."
    lines = " ".join(map(commit_line, done.commits))
    return f"{said} {lines or 'The ledger was right; it stays as it is.'}"


def settled_json(done: Settled) -> dict[str, object]:
    """What `labelloop conflicts --take --json` prints of it."""
    return {"settled": done.count, "commits": [commit_json(commit) for commit in done.commits]}
