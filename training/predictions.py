"""What a run says of images, kept as one Parquet file a split in the ledger's own terms."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from ..datasets.errors import LabelloopError
from ..datasets.schema import Box

BOXES = pl.Schema(
    {
        "key": pl.String,
        "label": pl.String,
        "x1": pl.Float64,
        "y1": pl.Float64,
        "x2": pl.Float64,
        "y2": pl.Float64,
        "score": pl.Float64,
    }
)
"""A detector's: one row a box, corners in pixels of the upright image, score in [0, 1]; images without one have no row."""

LABELS = pl.Schema({"key": pl.String, "label": pl.String, "score": pl.Float64, "scores": pl.List(pl.Float64)})
"""A classifier's: one row an image, with the likeliest class, its score, and the score of every class in their order."""


def write_predictions(folder: Path, split: str, rows: pl.DataFrame) -> Path:
    """The file `SPLIT.parquet` in the folder, written beside its place and renamed over it.

    Raises:
        ValueError: columns other than those of `BOXES` or `LABELS`.
    """
    if rows.schema not in (BOXES, LABELS):
        raise ValueError(f"predictions must have the columns of BOXES or LABELS, received {dict(rows.schema)}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{split}.parquet"
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    rows.sort("key", maintain_order=True).write_parquet(beside)
    os.replace(beside, path)
    return path


def read_predictions(folder: Path, split: str) -> pl.DataFrame:
    """The rows of a split, in the order of the keys; as `BOXES` for a detector, as `LABELS` for a classifier.

    Raises:
        LabelloopError: nothing was predicted for that split.
    """
    path = folder / f"{split}.parquet"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.parquet"))) or "none"
        raise LabelloopError(f"{folder.parent.name} has no predictions for the split {split}; there are: {known}")
    return pl.read_parquet(path)


def from_boxes(found: Mapping[str, Sequence[Box]]) -> pl.DataFrame:
    """Boxes by key as rows of `BOXES`, each image's best first.

    Raises:
        ValueError: a box without a score.
    """
    rows = [
        (key, box.label, *box.corners, _score(box))
        for key in sorted(found)
        for box in sorted(found[key], key=_score, reverse=True)
    ]
    return pl.DataFrame(rows, schema=BOXES, orient="row")


def to_boxes(rows: pl.DataFrame) -> dict[str, tuple[Box, ...]]:
    """Rows of `BOXES` as boxes by key, in the order of the rows; keys without a row are not in it."""
    found: dict[str, list[Box]] = {}
    for key, label, x1, y1, x2, y2, score in rows.select(BOXES.names()).iter_rows():
        found.setdefault(key, []).append(Box(label, x1, y1, x2, y2, score=score))
    return {key: tuple(boxes) for key, boxes in found.items()}


def _score(box: Box) -> float:
    if box.score is None:
        raise ValueError(f"a predicted box must have a score, received {box}")
    return box.score
