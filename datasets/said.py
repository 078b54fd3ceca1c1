"""What a source said of an image when it was last imported, where the ledger's row says something else.

An import merges three ways, and the past of the merge is what the source said before. The
row that an import wrote says that itself, unless the ledger had changes of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from .json_values import format_json, parse_value
from .schema import NOTHING, Box, Json, Sample


def format_said(sample: Sample) -> str:
    """The labels of a sample as JSON on one line."""
    return format_json(
        {
            "state": sample.state,
            "label": sample.label,
            "split": sample.split,
            "group": sample.group,
            "extra": dict(sample.extra),
            "boxes": [_format_box(box) for box in sample.boxes],
        }
    )


def parse_said(text: str, now: Sample) -> Sample:
    """The sample that has these labels, and everything else as it is now."""
    said = cast("dict[str, Any]", parse_value(text))
    boxes = tuple(
        Box(label, x1, y1, x2, y2, box_id, score, attributes or NOTHING)
        for box_id, label, (x1, y1, x2, y2), score, attributes in said["boxes"]
    )
    return replace(
        now,
        state=said["state"],
        label=said["label"],
        split=said["split"],
        group=said["group"],
        extra=said["extra"] or NOTHING,
        boxes=boxes,
    )


def _format_box(box: Box) -> list[Json]:
    return [box.id, box.label, list(box.corners), box.score, dict(box.attributes)]
