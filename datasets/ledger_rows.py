"""The ledger's table: one row an image, its boxes nested in it; and the way from samples to rows and back.

The schema is the ledger's promise to whoever opens it with polars, DuckDB or Spark;
docs/ledger.md explains each column.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from .json_values import format_json, parse_value
from .schema import NOTHING, Box, Json, Sample, Size

TIME = pl.Datetime("us", "UTC")

BOX = pl.Struct(
    {
        "id": pl.String,
        "label": pl.String,
        "x1": pl.Float64,
        "y1": pl.Float64,
        "x2": pl.Float64,
        "y2": pl.Float64,
        "score": pl.Float64,
        "attributes": pl.String,
        "author": pl.String,
        "tool": pl.String,
        "time": TIME,
    }
)

SCHEMA = pl.Schema(
    {
        "key": pl.String,
        "root": pl.String,
        "file": pl.String,
        "sha256": pl.String,
        "width": pl.Int32,
        "height": pl.Int32,
        "orientation": pl.Int8,
        "state": pl.String,
        "label": pl.String,
        "split": pl.String,
        "group": pl.String,
        "tags": pl.List(pl.String),
        "boxes": pl.List(BOX),
        "extra": pl.String,
        "findings": pl.List(pl.String),
        "said": pl.String,
        "author": pl.String,
        "tool": pl.String,
        "time": TIME,
        "version": pl.Int64,
    }
)

_BOX_FIELDS = tuple(field.name for field in BOX.fields)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who changes something, with what, when, and in which version of the ledger."""

    author: str
    tool: str
    time: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Before:
    """What a row that is replaced hands on: where its file lies, what was found, and who made each box, by its id."""

    root: str
    findings: Sequence[str]
    said: str | None
    boxes: Mapping[str, tuple[Box, str, str, datetime]]


def to_rows(
    samples: Iterable[Sample],
    stamp: Stamp,
    roots: Mapping[str, str] | None = None,
    before: Mapping[str, Before] | None = None,
    findings: Mapping[str, Sequence[str]] | None = None,
    said: Mapping[str, str | None] | None = None,
) -> pl.DataFrame:
    """Samples as rows, stamped: an image that is written was changed, a box only if it differs from before.

    Args:
        roots: the folder that an image's path is taken relative to, by its key; else the one
            that it has now, or its own folder.
        before: what the rows say that the images have now, by key.
        findings: what was found about an image when it was imported, by its key; else as now.
        said: what the source said of an image, where the row does not (see `said.py`), by its
            key; else as now.

    Raises:
        ValueError: attributes that JSON cannot hold.
    """
    before, findings, roots, said = before or {}, findings or {}, roots or {}, said or {}
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA if name != "boxes"}
    boxes: dict[str, list[Any]] = {name: [] for name in ("row", *_BOX_FIELDS)}
    add = {name: column.append for name, column in columns.items()}
    count = 0
    for sample in samples:
        key, old = sample.key, before.get(sample.key)
        root, file = _split(str(sample.path), roots.get(key), old.root if old else None)
        add["key"](key)
        add["root"](root)
        add["file"](file)
        add["sha256"](sample.sha256)
        add["width"](sample.size[0])
        add["height"](sample.size[1])
        add["orientation"](sample.orientation)
        add["state"](sample.state)
        add["label"](sample.label)
        add["split"](sample.split)
        add["group"](sample.group)
        add["tags"](list(sample.tags))
        add["extra"](_dump(sample.extra))
        add["findings"](list(findings.get(key, old.findings if old else ())))
        add["said"](said.get(key, old.said if old else None))
        _add_boxes(boxes, count, sample.boxes, old, stamp)
        count += 1
    columns["author"] = [stamp.author] * count
    columns["tool"] = [stamp.tool] * count
    columns["time"] = [stamp.time] * count
    columns["version"] = [stamp.version] * count
    rows = pl.DataFrame(columns, schema={name: SCHEMA[name] for name in columns}).with_row_index("row")
    flat = pl.DataFrame(boxes, schema={"row": pl.UInt32, **{field.name: field.dtype for field in BOX.fields}})
    nested = flat.select("row", pl.struct(_BOX_FIELDS).alias("boxes")).group_by("row", maintain_order=True).agg("boxes")
    empty = pl.lit([], dtype=pl.List(BOX))
    return (
        rows.join(nested, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("boxes").fill_null(empty))
        .select(SCHEMA.names())
    )


def _add_boxes(
    columns: dict[str, list[Any]], row: int, boxes: tuple[Box, ...], old: Before | None, stamp: Stamp
) -> None:
    for box in boxes:
        was = old.boxes.get(box.id) if old else None
        by = was[1:] if was and was[0] == box else (stamp.author, stamp.tool, stamp.time)
        said = (box.label, box.x1, box.y1, box.x2, box.y2, box.score, _dump(box.attributes))
        for name, value in zip(("row", "id", *_BOX_FIELDS[1:]), (row, box.id, *said, *by), strict=True):
            columns[name].append(value)


def read_before(rows: pl.DataFrame, samples: Iterable[Sample]) -> dict[str, Before]:
    """What rows hand on to those that replace them, by key.

    Args:
        samples: those of the rows, in the same order.
    """
    makers = _flat_boxes(rows).select("author", "tool", "time").iter_rows()
    plain = rows.select("root", "findings", "said").iter_rows()
    return {
        sample.key: Before(
            root, findings, said, {box.id: (box, *maker) for box, maker in zip(sample.boxes, makers, strict=False)}
        )
        for sample, (root, findings, said) in zip(samples, plain, strict=True)
    }


def _flat_boxes(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col("boxes").explode(empty_as_null=False)).to_series().struct.unnest()


def to_samples(rows: pl.DataFrame) -> list[Sample]:
    """The samples that the rows say, in the order of the rows."""
    wanted = _flat_boxes(rows).select("label", "x1", "y1", "x2", "y2", "id", "score", "attributes")
    stream = wanted.iter_rows()
    counts = rows["boxes"].list.len().to_list()
    names = ("key", "root", "file", "width", "height", "orientation", "state", "label", "split", "group", "extra")
    plain = rows.select(*names, "tags", "sha256").iter_rows()
    made: list[Sample] = []
    for count, row in zip(counts, plain, strict=True):
        key, root, file, width, height, orientation, state, label, split, group, extra, tags, sha256 = row
        boxes = tuple(_box(each) for each in islice(stream, count))
        made.append(
            Sample(
                key,
                Path(root, file),
                Size(width, height),
                orientation,
                state,
                boxes,
                label,
                split,
                group,
                _load(extra),
                False,
                tuple(tags),
                sha256,
            )
        )
    return made


def _box(row: tuple[Any, ...]) -> Box:
    label, x1, y1, x2, y2, box_id, score, attributes = row
    return Box(label, x1, y1, x2, y2, box_id, score, _load(attributes))


def _split(path: str, *roots: str | None) -> tuple[str, str]:
    """The first of the folders that the path is under and the path from there, both as they are on disk."""
    for root in roots:
        if root and path.startswith(root.rstrip("/") + "/"):
            return root, path[len(root.rstrip("/")) + 1 :]
    folder, name = os.path.split(os.path.abspath(path))
    return folder, name


def _dump(value: Mapping[str, Json]) -> str | None:
    return format_json(value) if value else None


def _load(text: str | None) -> Mapping[str, Json]:
    return parse_value(text) if text else NOTHING
