"""The ledger's rows as the documents that FiftyOne keeps in MongoDB, made in bulk.

FiftyOne writes about 700 samples a second when each goes through its classes; the same
documents, made here and inserted as they are, go fifty times as fast. A test compares
them with those that FiftyOne makes of the same data.
"""

from __future__ import annotations

import gc
import mimetypes
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import Any

import polars as pl
from bson import ObjectId

from .window_attributes import fields_of

Document = dict[str, Any]

GROUND_TRUTH = "ground_truth"
LABEL = "label"
EDITED = (GROUND_TRUTH, LABEL, "tags", "split", "group", "state")
"""The fields of a sample in which a change is an edit."""

SHOWN = ("filepath", "key", "size", "findings", "finding_kinds", "group_size", "version")
"""The fields that only show what the ledger says."""

CHUNK = 5_000
"""So many samples are in memory as documents at a time."""

_SMALL, _MEDIUM = 32.0**2, 96.0**2
"""Areas in square pixels: COCO's limits of small and medium objects."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which fields a window has for labels: boxes, image labels, or both."""

    boxes: bool
    labels: bool


def sample_id(key: str) -> ObjectId:
    """The id of an image's sample: the same for the same key, so that a window built again keeps it."""
    return ObjectId(blake2b(key.encode(), digest_size=12).digest())


def with_group_sizes(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a column `group_size`: how many images are in the image's group, 1 without one."""
    size = pl.len().over("group").cast(pl.Int64)
    return rows.with_columns(group_size=pl.when(pl.col("group").is_null()).then(pl.lit(1, pl.Int64)).otherwise(size))


def documents(rows: pl.DataFrame, shape: Shape) -> Iterator[Document]:
    """One document for each row (with `group_size`), in their order, without what FiftyOne adds to each sample."""
    detections = _detections(rows)
    counts = rows["boxes"].list.len().to_list()
    plain = rows.select(
        "key", "root", "file", "width", "height", "state", "label", "split", "group", "tags", "findings", "group_size",
        "version",
    ).iter_rows()  # fmt: skip
    for count, row in zip(counts, plain, strict=True):
        key, root, file, width, height, state, label, split, group, tags, findings, group_size, version = row
        own = sample_id(key)
        document: Document = {
            "_id": own,
            "filepath": os.path.join(root, file),
            "tags": tags,
            "metadata": {"_cls": "ImageMetadata", "width": width, "height": height},
        }
        boxes = list(islice(detections, count))
        if boxes or (shape.boxes and state != "unlabelled"):
            document[GROUND_TRUTH] = {"_cls": "Detections", "detections": boxes}
        if label is not None:
            document[LABEL] = {"_id": own, "_cls": "Classification", "tags": [], "label": label}
        document["key"] = key
        if split is not None:
            document["split"] = split
        if group is not None:
            document["group"] = group
        document["state"] = state
        document["size"] = f"{width}x{height}"
        document["findings"] = findings
        document["finding_kinds"] = sorted({finding.partition(":")[0] for finding in findings})
        document["group_size"] = group_size
        document["version"] = version
        yield document


def complete(document: Document, dataset: ObjectId, now: datetime) -> Document:
    """The document with what FiftyOne adds when it stores a sample, ready to be inserted."""
    path = document["filepath"]
    metadata = document["metadata"]
    kind, _ = mimetypes.guess_type(path)
    document["metadata"] = {
        "_cls": "ImageMetadata",
        **_size_on_disk(path),
        "mime_type": kind or "application/octet-stream",
        "width": metadata["width"],
        "height": metadata["height"],
    }
    document["_media_type"] = "image"
    # FiftyOne draws this number at random, for views in random order; ours comes from the key and stays.
    document["_rand"] = 0.999 + int.from_bytes(document["_id"].binary[:6], "big") / 2**48 * 0.001
    document["_dataset_id"] = dataset
    document["created_at"] = now
    document["last_modified_at"] = now
    return document


def _size_on_disk(path: str) -> Document:
    try:
        return {"size_bytes": os.stat(path).st_size}
    except OSError:
        return {}


def _detections(rows: pl.DataFrame) -> Iterator[Document]:
    """The boxes of all rows as Detections, row after row."""
    flat = rows.select("width", "height", pl.col("boxes")).explode("boxes", empty_as_null=False).unnest("boxes")
    width, height = pl.col("width").cast(pl.Float64), pl.col("height").cast(pl.Float64)
    across, down = pl.col("x2") - pl.col("x1"), pl.col("y2") - pl.col("y1")
    area = across * down
    wanted = flat.select(
        "id", "label", (pl.col("x1") / width).alias("x"), (pl.col("y1") / height).alias("y"),
        (across / width).alias("w"), (down / height).alias("h"), "score", "attributes", "author", "tool",
        pl.when(area < _SMALL).then(pl.lit("small")).when(area < _MEDIUM).then(pl.lit("medium"))
        .otherwise(pl.lit("large")).alias("size"),
    )  # fmt: skip
    for box_id, label, x, y, w, h, score, attributes, author, tool, size in wanted.iter_rows():
        detection: Document = {
            "_id": ObjectId(box_id),
            "_cls": "Detection",
            "attributes": {},
            "tags": [],
            "label": label,
            "bounding_box": [x, y, w, h],
        }
        if score is not None:
            detection["confidence"] = score
        if attributes is not None:
            detection.update(fields_of(attributes))
        detection["author"] = author
        detection["tool"] = tool
        detection["size"] = size
        yield detection


@contextmanager
def without_collector() -> Generator[None]:
    """The collector of cycles rests: documents have none, and looking for them took half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def take(rows: pl.DataFrame, numbers: Sequence[int]) -> pl.DataFrame:
    """The rows of these numbers, in their order."""
    return rows[pl.Series(numbers, dtype=pl.UInt32)]


def chunks(count: int, size: int = CHUNK) -> Iterator[Sequence[int]]:
    """The numbers below `count`, as ranges of at most `size`."""
    for start in range(0, count, size):
        yield range(start, min(start + size, count))
