"""Reports of the library as text for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..datasets.check import CheckReport
from ..datasets.export import ExportReport
from ..datasets.findings import KINDS, SEVERITY_MEANING, Finding
from ..datasets.reading import Dataset
from ..datasets.schema import Sample
from ..datasets.splits import Splits
from ..datasets.splitting import Near, Splitting
from .output import printable, table

_SHOWN = 10


def findings_text(findings: Iterable[Finding]) -> str:
    """The findings by kind, those that stop an import first: the first ten of each, and how many more."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    lines: list[str] = []
    for severity, meaning in SEVERITY_MEANING.items():
        for kind in (kind for kind, (its, _) in KINDS.items() if its == severity and kind in by_kind):
            found = by_kind[kind]
            lines.append(f"{kind} ({len(found)}, {meaning}): {KINDS[kind][1]}")
            lines += [f"  {printable(str(finding))}" for finding in found[:_SHOWN]]
            if len(found) > _SHOWN:
                lines.append(f"  ... and {len(found) - _SHOWN} more")
    return "\n".join(lines)


def check_text(report: CheckReport) -> str:
    """What `labelloop check` prints for people."""
    parts = [text for text in (findings_text(report.findings),) if text]
    parts.append(_contents(report))
    found = len(report.findings)
    ending = f"{found} finding{'' if found == 1 else 's'} in {report.images} images"
    if found:
        ending += f"; {report.stopping or 'none'} of them stop{'s' if report.stopping in (0, 1) else ''} an import"
    if report.accepted:
        known = ", ".join(f"{count} {kind}" for kind, count in sorted(report.accepted.items()))
        ending += f" (and known by the recipe: {known})"
    return "\n\n".join([*parts, ending])


def check_json(report: CheckReport) -> dict[str, object]:
    """What `labelloop check --json` prints."""
    counts: dict[str, int] = {}
    for finding in report.findings:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
    return {
        "source": str(report.root),
        "format": report.format,
        "images": report.images,
        "left_out": report.left_out,
        "boxes": report.boxes,
        "groups": report.groups,
        "classes": [{"name": each.name, "boxes": each.boxes, "images": each.images} for each in report.classes],
        "states": report.states,
        "splits": report.splits,
        "sizes": report.sizes,
        "stopping": report.stopping,
        "counts": counts,
        "accepted": report.accepted,
        "findings": findings_json(report.findings),
    }


def findings_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Every finding with its kind, severity, place and message."""
    return [
        {"kind": each.kind, "severity": each.severity, "place": each.place, "message": each.message}
        for each in findings
    ]


def export_text(report: ExportReport) -> str:
    """What a command that exports prints for people."""
    lines = [
        f"{printable(str(report.target))}: {report.images} images with {report.boxes} boxes as {report.format}"
        + (f" ({_counts(report.splits)})" if set(report.splits) != {""} else "")
    ]
    lines.append(
        f"Read back and compared box by box: the largest movement of a corner is {report.moved:.1e} of the image's side."
        if report.boxes
        else "Read back and compared: every image is there, with what was said of it."
    )
    if report.losses:
        lines.append("Not in it:")
        lines += [f"  {printable(str(loss))}" for loss in report.losses]
    return "\n".join(lines)


def export_json(report: ExportReport) -> dict[str, object]:
    """What a command that exports prints with `--json`."""
    return {
        "target": str(report.target),
        "format": report.format,
        "images": report.images,
        "boxes": report.boxes,
        "splits": report.splits,
        "moved": report.moved,
        "losses": [{"what": loss.what, "count": loss.count, "first": loss.first} for loss in report.losses],
    }


def _contents(report: CheckReport) -> str:
    lines = [
        f"{report.format}: {report.images} images ({_counts(report.states)}"
        + (f", {report.left_out} left out" if report.left_out else "")
        + f"), {report.boxes} boxes"
        + (f", {report.groups} groups" if report.groups else "")
    ]
    if set(report.splits) - {""}:
        lines.append(f"splits: {_counts(report.splits)}")
    sizes = list(report.sizes.items())
    if sizes:
        shown = ", ".join(f"{size} ({count})" for size, count in sizes[:5])
        lines.append(f"sizes: {shown}" + (f" and {len(sizes) - 5} more" if len(sizes) > 5 else ""))
    if report.classes:
        rows = [(number, each.name, each.boxes, each.images) for number, each in enumerate(report.classes)]
        lines.append(table(rows, ("id", "class", "boxes", "images")))
    return "\n".join(lines)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {printable(name) or 'in no split'}" for name, count in counts.items())


def split_text(dataset: Dataset, found: Splitting, where: str) -> str:
    """What `labelloop split` prints for people."""
    names, rows = _split_table(dataset, found.splits)
    groups = len(set(found.splits.group_of.values()))
    lines = [
        f"{printable(where)}: {len(found.splits.split_of)} images in {groups} groups",
        table(rows, ("class", *names)),
    ]
    if found.near:
        lines.append(f"{len(found.near)} pairs of images show one shot and stay together, for example:")
        lines += [f"  {printable(f'{pair.first} and {pair.second}: {pair.reason}')}" for pair in found.near[:3]]
    differ = find_contradictions(dataset, found)
    if differ:
        are = "1 of them has" if len(differ) == 1 else f"{len(differ)} of them have"
        lines.append(f"{are} different labels on the same frame, so that one is probably wrong:")
        lines += [
            f"  {printable(f'{pair.first} ({first}) and {pair.second} ({second})')}"
            for pair, first, second in differ[:_SHOWN]
        ]
        if len(differ) > _SHOWN:
            lines.append(f"  ... and {len(differ) - _SHOWN} more")
    if found.splits.missing:
        absent = ", ".join(printable(f"{label} in {split}") for label, split in found.splits.missing)
        lines.append(f"Too few groups to have every class everywhere; missing: {absent}")
    return "\n".join(lines)


def find_contradictions(dataset: Dataset, found: Splitting) -> list[tuple[Near, str, str]]:
    """The pairs of labelled images that show the same frame and do not say the same of it, and what each says."""
    if not found.near:
        return []
    from ..datasets.alignment import SAME_FRAME  # with OpenCV, which is loaded already where there are pairs

    said = {
        sample.key: ", ".join(sorted(_labels_of(sample))) for sample in dataset.samples if sample.state == "labelled"
    }
    return [
        (pair, said[pair.first], said[pair.second])
        for pair in found.near
        if pair.reason == SAME_FRAME
        and {pair.first, pair.second} <= said.keys()
        and said[pair.first] != said[pair.second]
    ]


def split_json(dataset: Dataset, found: Splitting) -> dict[str, object]:
    """What `labelloop split --json` prints."""
    names, rows = _split_table(dataset, found.splits)
    return {
        "splits": {name: sum(split == name for split in found.splits.split_of.values()) for name in names},
        "groups": len(set(found.splits.group_of.values())),
        "images_by_class": {str(row[0]): dict(zip(names, row[1:], strict=True)) for row in rows[1:]},
        "near_duplicates": [
            {"first": pair.first, "second": pair.second, "similarity": pair.similarity, "reason": pair.reason}
            for pair in found.near
        ],
        "contradictions": [
            {"first": pair.first, "second": pair.second} for pair, *_ in find_contradictions(dataset, found)
        ],
        "unassigned": list(found.splits.unassigned),
        "missing": [{"class": label, "split": split} for label, split in found.splits.missing],
    }


def split_order(name: str) -> tuple[int, str]:
    """What to sort the names of splits by: train, val, test, then all others by name."""
    usual = ("train", "val", "test")
    return usual.index(name) if name in usual else len(usual), name


def _split_table(dataset: Dataset, splits: Splits) -> tuple[list[str], list[list[object]]]:
    """The splits in order, and a row of image counts for all images and for each class."""
    names = sorted({split for split in splits.split_of.values() if split}, key=split_order)
    counts: dict[str, Counter[str]] = {"all images": Counter(split or "" for split in splits.split_of.values())}
    for name in dataset.classes:
        counts[name] = Counter()
    for sample in dataset.samples:
        for label in _labels_of(sample):
            counts[label][splits.split_of[sample.key] or ""] += 1
    return names, [[label, *(count[name] for name in names)] for label, count in counts.items()]


def _labels_of(sample: Sample) -> set[str]:
    return {box.label for box in sample.boxes} | ({sample.label} if sample.label is not None else set[str]())
