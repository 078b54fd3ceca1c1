"""What the panel Labels shows, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ...datasets.ledger import Commit
from ...datasets.window import Edits, Window, find_edits
from ..ledger_reports import told

_VERSIONS = 50
_SPLITS = ("train", "val", "test")

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a panel: a name, a title, the columns in their order, the rows by column, and columns' names where they differ."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[Row]
    labels: tuple[str, ...] = ()


def head_text(window: Window, edits: Edits) -> str:
    """In Markdown: which version is shown, and what was edited since."""
    latest = window.ledger.version()
    lines = [f"##### {window.ledger.folder.name}, version {window.version}"]
    if window.where:
        lines.append(f"Only images with `{window.where}`.")
    if latest != window.version:
        lines.append(f"The ledger is at version {latest}: *Show a version* brings the window there.")
    lines.append(f"Edited and not committed: **{edits.summary()}**" if edits else "Nothing was edited since.")
    return "\n\n".join(lines)


def head_of(window: Window) -> str:
    """As `head_text`, of what is edited now."""
    return head_text(window, find_edits(window, new_classes=True))


def tables_of(window: Window) -> list[Table]:
    """The versions, the balance of the classes and the findings; a column that would say nothing is left out."""
    commits = window.ledger.commits()
    rows = window.ledger.frame(window.version, where=window.where)
    tables = [_versions(commits), _balance(rows, window.ledger.classes(window.version)), _findings(rows)]
    return [table for table in tables if table.rows]


def _versions(commits: Sequence[Commit]) -> Table:
    """The last versions, the newest first, so narrow that there is room for what was done; `labelloop log` says all."""
    names = _short_names({commit.author for commit in commits})
    rows = [
        {
            "version": commit.version,
            "time": commit.time.astimezone().strftime("%Y-%m-%d %H:%M"),
            "author": names[commit.author],
            "what": told(commit),
        }
        for commit in reversed(commits[-_VERSIONS:])
    ]
    return Table("versions", "Versions", ("version", "time", "author", "what"), rows)


def _short_names(authors: Collection[str]) -> dict[str, str]:
    """Authors without the domain of their email, where that tells them apart."""
    short = {author: author.partition("@")[0] for author in authors}
    taken = Counter(short.values())
    return {author: name if taken[name] == 1 else author for author, name in short.items()}


def _balance(rows: pl.DataFrame, classes: Sequence[str]) -> Table:
    """For each class how many boxes and image labels there are, and how many images of each split have it."""
    split = pl.when(pl.col("split").is_in(_SPLITS)).then("split").otherwise(pl.lit("in no split"))
    boxes = rows.select("key", split.alias("split"), pl.col("boxes").list.eval(pl.element().struct.field("label")))
    boxes = boxes.rename({"boxes": "label"}).explode("label").drop_nulls("label")
    whole = rows.select("key", split.alias("split"), "label").drop_nulls("label")
    images = pl.concat([boxes, whole]).unique()
    names = ("boxes", "image labels", *_SPLITS, "in no split")
    counts = {
        "boxes": _counted(boxes),
        "image labels": _counted(whole),
        **{name: _counted(images.filter(split=name)) for name in names[2:]},
    }
    used = tuple(name for name in names if counts[name])
    made = [{"class": each, **{name: counts[name].get(each, 0) for name in used}} for each in classes]
    return Table("balance", "Classes: boxes, and images by split", ("class", *used), made)


def _findings(rows: pl.DataFrame) -> Table:
    kinds = rows.select(kind=pl.col("findings").list.eval(pl.element().str.split(":").list.first()).list.unique())
    counted = kinds.explode("kind").drop_nulls().group_by("kind").len().sort("len", "kind", descending=[True, False])
    made = [{"finding": kind, "images": count} for kind, count in counted.iter_rows()]
    return Table("findings", "Findings at the import", ("finding", "images"), made)


def _counted(labels: pl.DataFrame) -> dict[str, int]:
    return dict(labels.group_by("label").len().iter_rows())
