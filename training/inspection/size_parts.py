"""A detector judged on small, medium and large boxes by themselves, as a part of the image's area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ...datasets.schema import Sample
from ..detection_problem import EVERYTHING, Numbers, judge, to_problem
from ..slices import RELATIVE_AREAS
from .errors import Errors

_FIFTY = 0


@dataclass(frozen=True, slots=True)
class OfSize:
    """Boxes of one size: on how many images, how many, their mAP50-95 and AP50, and the former on boxes of all other sizes.

    `right` of `found` predictions of that size are right, `had` of the boxes are found, both at the confidence of the
    errors. None is what cannot be said.
    """

    images: int
    boxes: int
    ap: float | None
    ap50: float | None
    rest: float | None
    right: int
    found: int
    had: int


def find_sizes(
    truth: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str], errors: Errors
) -> dict[str, OfSize]:
    """What the sizes that there are come to, by `size=small` and so on; nothing where all boxes are of one size.

    The rest of the medium ones cannot be judged at once, and is None.
    """
    (small, low, lower), medium, (large, upper, high) = RELATIVE_AREAS
    problem = to_problem(truth, predictions, classes)
    areas = [("all", 0.0, EVERYTHING), (small, low, lower), medium, (large, upper, high)]
    areas += [("not small", lower, high), ("not large", low, upper)]
    precision = np.asarray(judge(problem, areas, relative=True).eval["precision"])[..., 2]
    whole = pl.Series([float(sample.size[0] * sample.size[1]) for sample in truth], dtype=pl.Float64)
    pixels = pl.DataFrame({"key": [sample.key for sample in truth], "pixels": whole})
    boxes, found = (_with_part(table, pixels) for table in (errors.boxes, errors.predictions))
    sizes: dict[str, OfSize] = {}
    for at, (name, least, most) in enumerate(RELATIVE_AREAS, start=1):
        inside = pl.col("part").is_between(least, most, closed="both" if name == small else "right")
        mine, said = boxes.filter(inside), found.filter(inside)
        if 0 < mine.height < boxes.height:
            rest = {small: 4, large: 5}.get(name)
            sizes[f"size={name}"] = OfSize(
                mine["key"].n_unique(), mine.height, _mean(precision[..., at]), _mean(precision[_FIFTY, ..., at]),
                None if rest is None else _mean(precision[..., rest]), int((said["kind"] == "correct").sum()),
                said.height, int((mine["kind"] == "correct").sum()),
            )  # fmt: skip
    return sizes


def _with_part(table: pl.DataFrame, pixels: pl.DataFrame) -> pl.DataFrame:
    """The rows with the part of their image's area that they cover."""
    area = (pl.col("x2") - pl.col("x1")) * (pl.col("y2") - pl.col("y1"))
    return table.join(pixels, on="key", how="left").with_columns(part=area / pl.col("pixels"))


def _mean(values: Numbers) -> float | None:
    """The mean of what COCO does not call undefined (-1)."""
    known = values[values > -1]
    return float(known.mean()) if known.size else None
