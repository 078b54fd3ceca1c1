"""What kind of error each prediction is, which boxes nobody found, and what mending each kind would bring: TIDE.

A prediction is compared with every box of its image. It is

- **correct**: the first of its class, by score, on a box that it overlaps by .5;
- **location**: on a box of its class, but by less than .5 (and by .1 at least);
- **class**: on a box of another class, by .5;
- **duplicate**: on a box of its class that another prediction has;
- **background**: on nothing, by less than .1;
- **both**: on a box of another class, by less than .5.

A box is **missed** where no correct prediction has it, and none of the wrong class or place is on it.

Reference: Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors, ECCV 2020,
https://arxiv.org/abs/2008.08115. hotcoco computes what each kind is worth, as tidecv does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...datasets.schema import Sample
from ..detection_problem import EVERYTHING, Ids, Numbers, Problem, is_judged, judge, to_problem

KINDS = ("correct", "class", "location", "both", "duplicate", "background", "missed")
"""What a prediction or a box can be."""

FOREGROUND, BACKGROUND = 0.5, 0.1
"""From the first IoU on a prediction is right; up to the second one it is on nothing. TIDE's own."""

_PAIRS = 4_000_000
"""So many pairs are compared at a time: 130 MB."""

MOST = 100
"""So many predictions of an image count, those of the highest scores, as COCO has it."""

_NAMES = {
    "Cls": "class", "Loc": "location", "Both": "both", "Dupe": "duplicate", "Bkg": "background", "Miss": "missed",
    "FP": "false_positive", "FN": "false_negative",
}  # fmt: skip

_OF_BOXES = pl.Schema(
    {
        "key": pl.String, "id": pl.String, "label": pl.String,
        "x1": pl.Float64, "y1": pl.Float64, "x2": pl.Float64, "y2": pl.Float64,
    }
)  # fmt: skip

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Errors:
    """Predictions and boxes with their kinds.

    `predictions` has the rows that were judged, in the order of their keys, the best score of an image first:
    the columns of `BOXES` with `kind`, and `iou`, `truth` and `truth_label` of the box that it is compared with (0 and ""
    where there is none). `boxes` has a row for each box of the labels (crowds are no boxes): `key`, `id`, `label`, `x1` to
    `y2`, `kind` (correct, class, location or missed), and `score` and `iou` of the prediction that is on it, null where none is.
    `worth` says for each kind of error, and for `false_positive` and `false_negative`, how much AP50 would gain if none were
    left, in [0, 1]; `ap50` is what it is, and `ap` is mAP50-95. All are of all predictions, whatever their score.
    """

    predictions: pl.DataFrame
    boxes: pl.DataFrame
    worth: Mapping[str, float]
    ap50: float
    ap: float


def find_errors(
    truth: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str], *, confidence: float | None = None
) -> Errors:
    """What a detector gets wrong.

    Args:
        truth: images with their labels; those that nobody has labelled are left out.
        predictions: rows of `BOXES`.
        classes: the class names, in their order.
        confidence: predictions with a lower score get no kind and find no box; None keeps all.
    """
    judged = [sample for sample in truth if is_judged(sample)]
    rows = _best(predictions.filter(pl.col("key").is_in([sample.key for sample in judged])))
    problem = to_problem(judged, rows, classes)
    worth, ap50, ap = _worth(problem)
    if confidence is not None:
        rows = rows.filter(pl.col("score") >= confidence)
        problem = _without(problem, problem.scores < confidence)
    boxes = [box for sample in judged for box in sample.boxes]
    found = _classify(problem)
    claimed = found.claimant
    table = pl.DataFrame(
        {
            "key": [sample.key for sample in judged for _ in sample.boxes],
            **{name: list(map(attrgetter(name), boxes)) for name in ("id", "label", "x1", "y1", "x2", "y2")},
        },
        schema=_OF_BOXES,
    ).with_columns(
        kind=pl.Series(found.box_kinds, dtype=pl.String),
        score=_gathered(pl.Series(problem.scores), claimed),
        iou=_gathered(pl.Series(found.iou), claimed),
    )
    named = rows.with_columns(
        kind=pl.Series(found.kinds, dtype=pl.String),
        iou=pl.Series(found.iou),
        truth=_gathered(table["id"], found.truth).fill_null(""),
        truth_label=_gathered(table["label"], found.truth).fill_null(""),
    )
    return Errors(named.filter(pl.col("kind") != ""), table.filter(pl.Series(problem.crowd == 0)), worth, ap50, ap)


def _gathered(values: pl.Series, numbers: Ids) -> pl.Series:
    """The values at these places, null for -1."""
    places = pl.Series(np.where(numbers >= 0, numbers, len(values)), dtype=pl.UInt32)
    return values.extend_constant(None, 1).gather(places)


@dataclass(frozen=True, slots=True)
class _Found:
    """By prediction its kind, and the IoU and the number of the box that it is compared with (-1: none); by box its kind and its claimant."""

    kinds: list[str]
    iou: Numbers
    truth: Ids
    box_kinds: list[str]
    claimant: Ids


def _best(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that count, in the order of the keys, each image's best first."""
    ordered = rows.sort("key", "score", descending=[False, True], maintain_order=True)
    return ordered.group_by("key", maintain_order=True).head(MOST).select(rows.columns)


def _worth(problem: Problem) -> tuple[dict[str, float], float, float]:
    """What mending each kind is worth, AP50 and mAP50-95."""
    if not len(problem.images):
        return dict.fromkeys(_NAMES.values(), 0.0), 0.0, 0.0
    judged = judge(problem, (("all", 0.0, EVERYTHING),))
    said: Any = judged.tide_errors(FOREGROUND, BACKGROUND)
    precision: Numbers = np.asarray(judged.eval["precision"])[..., 0, 2]
    known = precision[precision > -1]
    ap = float(known.mean()) if known.size else 0.0
    return {name: float(said["delta_ap"][short]) for short, name in _NAMES.items()}, float(said["ap_base"]), ap


class _Pairs:
    """Every prediction with every box of its image that it touches: their numbers, their IoU, and the part of it that is inside."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._found, self._boxes = _columns(problem.found_boxes), _columns(problem.boxes)
        parts = [self._touching(chunk) for chunk in _chunks(problem)]
        self.prediction, self.box = (np.concatenate([part[at] for part in parts]).astype(np.int64) for at in (0, 1))
        self.iou, self.inside = self._overlap(self.prediction, self.box)

    def best(self, which: Flags) -> tuple[Numbers, Ids]:
        """By prediction the largest IoU with one of these boxes, and its number; 0 and -1 where there is none."""
        iou = np.zeros(len(self._problem.found_images))
        box = np.full(len(iou), -1, np.int64)
        order = np.lexsort((-self.box[which], self.iou[which]))  # the last one stays
        prediction = self.prediction[which][order]
        iou[prediction], box[prediction] = self.iou[which][order], self.box[which][order]
        return iou, box

    def with_box(self, box: Ids) -> Numbers:
        """By prediction the IoU with the box of this number; 0 for -1."""
        iou, _ = self._overlap(np.flatnonzero(box >= 0), box[box >= 0])
        values = np.zeros(len(box))
        values[box >= 0] = iou
        return values

    def matched(self, which: Flags) -> Ids:
        """By prediction the box that it gets, -1 for none: the better score chooses first, the largest IoU that is left."""
        partner = np.full(len(self._problem.found_images), -1, np.int64)
        order = np.lexsort((self.box[which], -self.iou[which], self.prediction[which]))
        taken: set[int] = set()
        prediction, box = self.prediction[which][order].tolist(), self.box[which][order].tolist()
        for at, wanted in zip(prediction, box, strict=True):
            if partner[at] < 0 and wanted not in taken:
                partner[at] = wanted
                taken.add(wanted)
        return partner

    def _touching(self, predictions: Ids) -> tuple[Ids, Ids]:
        """The pairs of these predictions that share a pixel."""
        problem = self._problem
        images = problem.found_images[predictions]
        first = np.searchsorted(problem.images, images, "left")
        many = np.searchsorted(problem.images, images, "right") - first
        left = np.repeat(predictions, many)
        right = np.arange(len(left)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first, many)
        for axis in (0, 1):
            low, high = self._found[axis][left], self._found[axis + 2][left]
            touching = (low < self._boxes[axis + 2][right]) & (self._boxes[axis][right] < high)
            left, right = left[touching], right[touching]
        return left, right

    def _overlap(self, predictions: Ids, boxes: Ids) -> tuple[Numbers, Numbers]:
        """IoU, and the part of the prediction that is inside the box, pair by pair."""
        sides = [
            np.minimum(self._found[axis + 2][predictions], self._boxes[axis + 2][boxes])
            - np.maximum(self._found[axis][predictions], self._boxes[axis][boxes])
            for axis in (0, 1)
        ]
        shared = np.maximum(sides[0], 0.0) * np.maximum(sides[1], 0.0)
        area = self._found[4][predictions]
        return shared / (area + self._boxes[4][boxes] - shared), shared / area


def _columns(boxes: Numbers) -> tuple[Numbers, ...]:
    """x1, y1, x2, y2 and the area of boxes (x, y, width, height), a column each: many times as fast as by row."""
    x, y, width, height = (np.ascontiguousarray(boxes[:, at]) for at in range(4))
    return x, y, x + width, y + height, width * height


def _chunks(problem: Problem) -> list[Ids]:
    """The numbers of the predictions, so many at a time that all pairs of theirs fit into memory."""
    boxes = np.bincount(problem.images, minlength=len(problem.keys) + 1)
    pairs = np.cumsum(boxes[problem.found_images])
    ends = np.searchsorted(pairs, np.arange(_PAIRS, int(pairs[-1]) if len(pairs) else 0, _PAIRS))
    return np.split(np.arange(len(problem.found_images)), ends)


def _without(problem: Problem, which: Flags) -> Problem:
    """The problem without these predictions."""
    return replace(
        problem, found_images=problem.found_images[~which], found_ids=problem.found_ids[~which],
        found_boxes=problem.found_boxes[~which], scores=problem.scores[~which],
    )  # fmt: skip


def _classify(problem: Problem) -> _Found:
    pairs = _Pairs(problem)
    crowd = problem.crowd[pairs.box] == 1
    same = problem.ids[pairs.box] == problem.found_ids[pairs.prediction]
    partner = pairs.matched(same & ~crowd & (pairs.iou >= FOREGROUND))
    right = partner >= 0
    on_same, same_box = pairs.best(same & ~crowd)
    on_other, other_box = pairs.best(~same & ~crowd)
    on_any, any_box = pairs.best(~crowd)
    in_crowd = np.zeros(len(partner), bool)
    in_crowd[pairs.prediction[crowd & same & (pairs.inside > FOREGROUND)]] = True
    # The first that holds is what it is, as TIDE has it.
    tests: list[tuple[str, Flags, Ids]] = [
        ("correct", right, partner),
        ("", in_crowd, any_box),
        ("location", (on_same >= BACKGROUND) & (on_same <= FOREGROUND), same_box),
        ("class", on_other >= FOREGROUND, other_box),
        ("duplicate", on_same >= FOREGROUND, same_box),
        ("background", on_any <= BACKGROUND, any_box),
    ]
    conditions = [holds for _, holds, _ in tests]
    names = np.array([*(name for name, _, _ in tests), "both"], object)
    kinds = names[np.select(conditions, list(range(len(tests))), len(tests))]
    truth = np.select(conditions, [box for _, _, box in tests], any_box)
    return _Found(kinds.tolist(), pairs.with_box(truth), truth, *_claimed(problem, kinds, truth))


def _claimed(problem: Problem, kinds: npt.NDArray[np.object_], truth: Ids) -> tuple[list[str], Ids]:
    """By box its kind, and the prediction that has it, or is wrong about it with the best score."""
    box_kinds = np.full(len(problem.images), "missed", object)
    claimant = np.full(len(problem.images), -1, np.int64)
    for which in (("class", "location"), ("correct",)):  # the right one last: it stays
        mine = np.flatnonzero(np.isin(kinds, which))
        mine = mine[np.argsort(problem.scores[mine], kind="stable")]
        box_kinds[truth[mine]], claimant[truth[mine]] = kinds[mine], mine
    return box_kinds.tolist(), claimant
