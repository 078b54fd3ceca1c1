"""Reports about the ledger as text for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..datasets.changes import Change, count_changes, count_classes, counts_text
from ..datasets.history import Step, Undone
from ..datasets.importing import ImportReport
from ..datasets.ledger import Commit
from ..datasets.merging import Conflict
from ..datasets.reading import Dataset
from ..datasets.schema import Box, Sample
from .output import printable, table
from .reports import findings_json, findings_text, split_order

if TYPE_CHECKING:
    from ..datasets.window import Edits

_SHOWN = 20


def import_text(report: ImportReport) -> str:
    """What `labelloop import` prints for people."""
    done = [
        f"{count} {word}"
        for count, word in (
            (report.added, "new"),
            (report.updated, "with labels that changed in the source"),
            (report.moved, "found in another place"),
            (report.kept, "kept as the ledger has them"),
            (report.unchanged, "as before"),
            (report.left_out, "left out"),
        )
        if count
    ]
    lines = [text for text in (findings_text(report.findings),) if text]
    lines.append(f"{report.name}: {report.images} images in the source: {', '.join(done)}")
    if report.gone:
        lines.append(f"{report.gone} images of the ledger are in the source no longer; they stay in the ledger.")
    lines.append(commit_line(report.commit))
    return "\n".join(lines)


def import_json(report: ImportReport) -> dict[str, object]:
    """What `labelloop import --json` prints."""
    return {
        "name": report.name,
        "commit": commit_json(report.commit) if report.commit else None,
        "images": report.images,
        "added": report.added,
        "updated": report.updated,
        "moved": report.moved,
        "kept": report.kept,
        "unchanged": report.unchanged,
        "left_out": report.left_out,
        "gone": report.gone,
        "findings": findings_json(report.findings),
    }


def commit_line(commit: Commit | None) -> str:
    """One line that says what was committed."""
    if commit is None:
        return "Nothing to commit: the ledger says that already."
    return f"Version {commit.version}: {counts_text(commit.counts) or 'no label changed'}."


def commit_json(commit: Commit) -> dict[str, object]:
    """A commit as JSON."""
    return {
        "version": commit.version,
        "time": commit.time.isoformat(),
        "author": commit.author,
        "tool": commit.tool,
        "message": commit.message,
        "round": commit.round,
        "classes": list(commit.classes),
        "counts": dict(commit.counts),
        "details": dict(commit.details),
    }


def log_text(commits: Sequence[Commit]) -> str:
    """The history for people, the newest commit first."""
    rows = [
        (each.version, _when(each.time), printable(each.author), each.tool, each.round, printable(told(each)))
        for each in reversed(commits)
    ]
    if not any(row[4] for row in rows):
        return table([(*row[:4], row[5]) for row in rows], ("version", "time", "author", "tool", "what"))
    return table(rows, ("version", "time", "author", "tool", "round", "what"))


def diff_text(changes: Sequence[Change], classes: Iterable[str], before: int, after: int, everything: bool) -> str:
    """The difference of two versions for people: counts, classes, and the first changes."""
    if not changes:
        return f"Versions {before} and {after} say the same."
    lines = [f"From version {before} to {after}: {counts_text(count_changes(changes))}"]
    by_class = count_classes(changes, classes)
    if by_class:
        rows = [
            (each.name, each.added, each.deleted, each.moved, each.renamed_from, each.renamed_to) for each in by_class
        ]
        lines.append(table(rows, ("class", "added", "deleted", "moved", "renamed from", "renamed to")))
    shown = changes if everything else changes[:_SHOWN]
    lines += [f"  {printable(change_text(change))}" for change in shown]
    if len(changes) > len(shown):
        lines.append(f"  ... and {len(changes) - len(shown)} more (--all shows them)")
    return "\n".join(lines)


def diff_json(changes: Sequence[Change], classes: Iterable[str], before: int, after: int) -> dict[str, object]:
    """The difference of two versions as JSON, every change in it."""
    return {
        "from": before,
        "to": after,
        "counts": count_changes(changes),
        "classes": [
            {
                "name": each.name,
                "added": each.added,
                "deleted": each.deleted,
                "moved": each.moved,
                "renamed_from": each.renamed_from,
                "renamed_to": each.renamed_to,
            }
            for each in count_classes(changes, classes)
        ],
        "changes": [change_json(change) for change in changes],
    }


def change_text(change: Change) -> str:
    """One change as a sentence."""
    before, after = change.before, change.after
    where = f"{change.key}: box {change.box}" if change.box else change.key
    if change.kind == "box-moved" and isinstance(before, Box) and isinstance(after, Box):
        return f"{where} ({after.label}) moved from {_corners(before)} to {_corners(after)}, IoU {change.iou:.3f}"
    if change.kind == "box-renamed" and isinstance(before, Box) and isinstance(after, Box):
        return f"{where} renamed from {before.label} to {after.label}"
    if change.kind == "box-added" and isinstance(after, Box):
        return f"{where} ({after.label}) added at {_corners(after)}"
    if change.kind == "box-deleted" and isinstance(before, Box):
        return f"{where} ({before.label}) deleted at {_corners(before)}"
    if change.kind == "box-changed" and isinstance(before, Box) and isinstance(after, Box):
        return f"{where} ({after.label}): {_rest(before)} became {_rest(after)}"
    if change.kind in ("image-added", "image-removed"):
        return f"{where} {change.kind.removeprefix('image-')}"
    return f"{where}: {change.kind} was {_value(before)}, is {_value(after)}"


def change_words(change: Change) -> str:
    """One change as a short sentence for people who have the image before them: without ids and corners."""
    before, after = change.before, change.after
    box = after if isinstance(after, Box) else before
    if not isinstance(box, Box):
        return change_text(change)
    what = {
        "box-moved": f"moved (IoU {change.iou:.2f})" if change.iou is not None else "moved",
        "box-added": "added",
        "box-deleted": "deleted",
        "box-changed": "changed otherwise",
    }.get(change.kind, change.kind)
    if change.kind == "box-renamed" and isinstance(before, Box):
        return f'{change.key}: box "{before.label}" renamed to "{box.label}"'
    return f'{change.key}: box "{box.label}" {what}'


def change_json(change: Change) -> dict[str, object]:
    """One change as JSON."""
    return {
        "kind": change.kind,
        "key": change.key,
        "box": change.box or None,
        "before": _plain(change.before),
        "after": _plain(change.after),
        "iou": change.iou,
    }


def blame_text(steps: Sequence[Step]) -> str:
    """The past of an image for people, the newest commit first."""
    lines: list[str] = []
    for step in steps:
        lines.append(f"version {step.version}, {_when(step.time)}, {printable(step.author)} by {step.tool}:")
        lines += [f"  {printable(change_text(change))}" for change in step.changes]
    return "\n".join(lines)


def blame_json(key: str, steps: Sequence[Step]) -> dict[str, object]:
    """The past of an image as JSON."""
    return {
        "key": key,
        "steps": [
            {
                "version": step.version,
                "time": step.time.isoformat(),
                "author": step.author,
                "tool": step.tool,
                "changes": [change_json(change) for change in step.changes],
            }
            for step in steps
        ],
    }


def undone_text(done: Undone) -> str:
    """What `labelloop revert` prints for people."""
    lines = [f"Undid {', '.join(map(str, done.undone))}. {commit_line(done.commit)}"]
    if done.kept:
        lines.append(f"{len(done.kept)} changes stay, since later ones build upon them:")
        lines += [f"  {printable(str(conflict))}" for conflict in done.kept[:_SHOWN]]
        if len(done.kept) > _SHOWN:
            lines.append(f"  ... and {len(done.kept) - _SHOWN} more")
    return "\n".join(lines)


def undone_json(done: Undone) -> dict[str, object]:
    """What `labelloop revert --json` prints."""
    return {
        "undone": list(done.undone),
        "commit": commit_json(done.commit) if done.commit else None,
        "kept": [conflict_json(conflict) for conflict in done.kept],
    }


def conflict_json(conflict: Conflict) -> dict[str, object]:
    """A conflict as JSON."""
    return {
        "key": conflict.key,
        "box": conflict.box or None,
        "what": conflict.what,
        "base": _plain(conflict.base),
        "ours": _plain(conflict.ours),
        "theirs": _plain(conflict.theirs),
    }


def edits_text(edits: Edits, changes: Sequence[Change], commit: Commit | None, waiting: str, *, dry_run: bool) -> str:
    """What `labelloop commit` prints for people."""
    lines = [f"  {printable(change_text(change))}" for change in changes[:_SHOWN]]
    if len(changes) > _SHOWN:
        lines.append(f"  ... and {len(changes) - _SHOWN} more")
    for title, remarks in (("Not taken:", edits.problems), ("Changed on the way:", edits.notes)):
        if remarks:
            lines += [title, *(f"  {printable(str(remark))}" for remark in remarks[:_SHOWN])]
    if edits.removed:
        lines.append(f"{len(edits.removed)} images were deleted in the window; --remove takes them from the ledger.")
    if edits.strangers:
        lines.append(
            f"{len(edits.strangers)} samples of the window belong to no image of the ledger; import brings images in."
        )
    lines.append(f"Would be committed: {edits.summary()}." if dry_run else commit_line(commit))
    if waiting:
        lines.append(printable(waiting))
    return "\n".join(lines)


def edits_json(edits: Edits, changes: Sequence[Change], commit: Commit | None, waiting: str) -> dict[str, object]:
    """What `labelloop commit --json` prints."""
    return {
        "commit": commit_json(commit) if commit else None,
        "counts": count_changes(changes),
        "changes": [change_json(change) for change in changes],
        "problems": [{"key": each.key, "box": each.box or None, "text": each.text} for each in edits.problems],
        "notes": [{"key": each.key, "box": each.box or None, "text": each.text} for each in edits.notes],
        "removed": list(edits.removed),
        "strangers": list(edits.strangers),
        "waiting": waiting or None,
    }


def status_json(name: str, dataset: Dataset, commit: Commit) -> dict[str, object]:
    """What a data set holds today, as JSON."""
    samples = dataset.samples
    boxes = Counter(box.label for sample in samples for box in sample.boxes)
    labels = Counter(sample.label for sample in samples if sample.label is not None)
    splits = Counter(sample.split or "" for sample in samples)
    return {
        "name": name,
        "version": commit.version,
        "images": len(samples),
        "states": dict(sorted(Counter(sample.state for sample in samples).items())),
        "splits": {name: splits[name] for name in sorted(splits, key=split_order)},
        "boxes": boxes.total(),
        "classes": [{"name": each, "boxes": boxes[each], "image_labels": labels[each]} for each in dataset.classes],
        "commit": commit_json(commit),
    }


def status_text(found: dict[str, Any]) -> str:
    """What `labelloop status NAME` prints for people, from its JSON."""
    commit = found["commit"]
    splits = ", ".join(f"{count} {split or 'in no split'}" for split, count in found["splits"].items())
    states = ", ".join(f"{count} {state}" for state, count in found["states"].items())
    told = commit["message"] or counts_text(commit["counts"])
    rows = [(number, each["name"], each["boxes"], each["image_labels"]) for number, each in enumerate(found["classes"])]
    lines = [
        f"{found['name']}: version {found['version']}, {found['images']} images ({states}), {found['boxes']} boxes",
        f"splits: {splits}",
        f"last commit: {commit['author']} by {commit['tool']}: {told}",
    ]
    if rows:
        lines.append(table(rows, ("id", "class", "boxes", "image labels")))
    return printable_lines(lines)


def printable_lines(lines: Iterable[str]) -> str:
    """The lines, each made printable, put together."""
    return "\n".join("\n".join(map(printable, line.split("\n"))) for line in lines)


def told(commit: Commit) -> str:
    """What is said of a commit and what it changed, in a line."""
    counts = counts_text(commit.counts)
    return f"{commit.message} ({counts})" if commit.message and counts else commit.message or counts


def _when(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _corners(box: Box) -> str:
    return "(" + ", ".join(f"{corner:.6g}" for corner in box.corners) + ")"


def _rest(box: Box) -> str:
    score = f"score {box.score:.3g} " if box.score is not None else ""
    return f"{score}{dict(box.attributes)}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return "nothing" if value is None else str(value)


def _plain(value: object) -> object:
    if isinstance(value, Box):
        return {
            "id": value.id,
            "label": value.label,
            "corners": list(value.corners),
            "score": value.score,
            "attributes": dict(value.attributes),
        }
    if isinstance(value, Sample):
        return {
            "state": value.state,
            "label": value.label,
            "split": value.split,
            "group": value.group,
            "tags": list(value.tags),
            "boxes": [_plain(box) for box in value.boxes],
        }
    if isinstance(value, tuple):
        return list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
