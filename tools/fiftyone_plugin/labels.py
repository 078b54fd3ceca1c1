"""What the panel Labels shows, as plain values."""

from __future__ import annotations

from collections import Counter

from ...datasets.window import Window, find_edits
from ..ledger_reports import told

COLUMNS = ("version", "time", "author", "tool", "what")
FINDINGS = ("finding", "images")
BALANCE = ("class", "boxes", "image labels", "train", "val", "test", "other")
_VERSIONS = 50
_SPLITS = ("train", "val", "test")


def labels_data(window: Window) -> dict[str, object]:
    """The head in Markdown, and the rows of the three tables: versions, balance of the classes, findings."""
    ledger = window.ledger
    commits = ledger.commits()
    samples = ledger.samples(window.version)
    rows = ledger.frame(window.version).select("findings")["findings"].to_list()
    edits = find_edits(window, new_classes=True)
    latest = commits[-1].version
    head = [f"#### {ledger.folder.name}, version {window.version}"]
    if latest != window.version:
        head.append(f"The ledger is at version {latest} already.")
    head.append(f"Edited and not committed: **{edits.summary()}**" if edits else "Nothing is edited since.")
    boxes = Counter(box.label for sample in samples for box in sample.boxes)
    whole = Counter(sample.label for sample in samples if sample.label is not None)
    images: Counter[tuple[str, str]] = Counter()
    for sample in samples:
        split = sample.split if sample.split in _SPLITS else "other"
        for label in {box.label for box in sample.boxes} | ({sample.label} if sample.label is not None else set[str]()):
            images[label, split] += 1
    kinds = Counter(kind for each in rows for kind in {text.partition(":")[0] for text in each})
    return {
        "head": "\n\n".join(head),
        "versions": [
            {
                "version": commit.version,
                "time": commit.time.astimezone().strftime("%Y-%m-%d %H:%M"),
                "author": commit.author,
                "tool": commit.tool,
                "what": told(commit),
            }
            for commit in reversed(commits[-_VERSIONS:])
        ],
        "balance": [
            {
                "class": name,
                "boxes": boxes[name],
                "image labels": whole[name],
                **{split: images[name, split] for split in (*_SPLITS, "other")},
            }
            for name in commits[-1].classes
        ],
        "findings": [{"finding": kind, "images": count} for kind, count in kinds.most_common()],
    }
