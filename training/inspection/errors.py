"""What kind of error each prediction is, which boxes nobody found, and what mending each kind would gain: TIDE.

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
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...datasets.schema import Sample
from ..box_pairs import Flags, Pairs
from ..detection_problem import EVERYTHING, NEAR, ON, Ids, Numbers, Problem, is_judged, judge, to_problem

KINDS = ("correct", "class", "location", "both", "duplicate", "background", "missed")
"""What a prediction or a box can be."""

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


@dataclass(frozen=True, slots=True)
class Errors:
    """Predictions and boxes with their kinds.

    `predictions` has the rows that were judged, in the order of their keys, the best score of an image first:
    the columns of `BOXES` with `kind`, and `iou`, `truth` and `truth_label` of the box that it is compared with (0 and ""
    where there is none). `boxes` has a row for each box of the labels (crowds are no boxes): `key`, `id`, `label`, `x1` to
    `y2`, `kind` (correct, class, location or missed), and `score` and `iou` of the prediction that is on it, null where none is;
    `hidden` says of one that is not found that something right has it below the confidence.
    """

    predictions: pl.DataFrame
    boxes: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Gains:
    """What mending each kind of error would gain, by all predictions, whatever their score.

    `worth` says for each kind, and for `false_positive` and `false_negative`, how much AP50 would gain if none were left, in
    [0, 1]; `ap50` is what it is, and `ap` is mAP50-95.
    """

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
    judged, rows = _counted(truth, predictions)
    problem = to_problem(judged, rows, classes)
    boxes = [box for sample in judged for box in sample.boxes]
    # What a prediction is hangs on surer ones only, so that those below the confidence change nothing above it.
    found = _classify(
        problem, np.ones(len(problem.scores), bool) if confidence is None else problem.scores >= confidence
    )
    table = pl.DataFrame(
        {
            "key": [sample.key for sample in judged for _ in sample.boxes],
            **{name: list(map(attrgetter(name), boxes)) for name in ("id", "label", "x1", "y1", "x2", "y2")},
        },
        schema=_OF_BOXES,
    ).with_columns(
        kind=pl.Series(found.box_kinds, dtype=pl.String),
        score=_gathered(pl.Series(problem.scores), found.claimant),
        iou=_gathered(pl.Series(found.iou), found.claimant),
        hidden=pl.Series(found.hidden),
    )
    named = rows.with_columns(
        kind=pl.Series(found.kinds, dtype=pl.String),
        iou=pl.Series(found.iou),
        truth=_gathered(table["id"], found.truth).fill_null(""),
        truth_label=_gathered(table["label"], found.truth).fill_null(""),
    )
    return Errors(named.filter(pl.col("kind") != ""), table.filter(pl.Series(problem.crowd == 0)))


def find_gains(truth: Sequence[Sample], predictions: pl.DataFrame, classes: Sequence[str]) -> Gains:
    """What mending each kind of error would gain; 0 where there is no box. Arguments as `find_errors`."""
    problem = to_problem(*_counted(truth, predictions), classes)
    if not len(problem.images):
        return Gains(dict.fromkeys(_NAMES.values(), 0.0), 0.0, 0.0)
    judged = judge(problem, (("all", 0.0, EVERYTHING),))
    said: Any = judged.tide_errors(ON, NEAR)
    precision: Numbers = np.asarray(judged.eval["precision"])[..., 0, 2]
    known = precision[precision > -1]
    ap = float(known.mean()) if known.size else 0.0
    return Gains({name: float(said["delta_ap"][short]) for short, name in _NAMES.items()}, float(said["ap_base"]), ap)


def _gathered(values: pl.Series, numbers: Ids) -> pl.Series:
    """The values at these places, null for -1."""
    places = pl.Series(np.where(numbers >= 0, numbers, len(values)), dtype=pl.UInt32)
    return values.extend_constant(None, 1).gather(places)


def _counted(truth: Sequence[Sample], predictions: pl.DataFrame) -> tuple[list[Sample], pl.DataFrame]:
    """The images that are judged, and the predictions that count, in the order of the keys, each image's best first."""
    judged = [sample for sample in truth if is_judged(sample)]
    there = predictions.filter(pl.col("key").is_in([sample.key for sample in judged]))
    ordered = there.sort("key", "score", descending=[False, True], maintain_order=True)
    return judged, ordered.group_by("key", maintain_order=True).head(MOST).select(there.columns)


@dataclass(frozen=True, slots=True)
class _Found:
    """By prediction its kind, and the IoU and the number of the box that it is compared with (-1: none).

    The kind is "" for one that does not count. By box its kind, its claimant, and whether it is hidden.
    """

    kinds: list[str]
    iou: Numbers
    truth: Ids
    box_kinds: list[str]
    claimant: Ids
    hidden: Flags


def _classify(problem: Problem, counts: Flags) -> _Found:
    """What each prediction and each box is.

    Args:
        counts: by prediction, whether it is sure enough; those of an image are in the order of their scores.
    """
    pairs = Pairs(problem)
    crowd = problem.crowd[pairs.box] == 1
    same = problem.ids[pairs.box] == problem.found_ids[pairs.prediction]
    partner = pairs.matched(same & ~crowd & (pairs.iou >= ON))
    right = partner >= 0
    on_same, same_box = pairs.best(same & ~crowd)
    on_other, other_box = pairs.best(~same & ~crowd)
    on_any, any_box = pairs.best(~crowd)
    in_crowd = np.zeros(len(partner), bool)
    in_crowd[pairs.prediction[crowd & same & (pairs.inside > ON)]] = True
    # The first that holds is what it is, as TIDE has it.
    tests: list[tuple[str, Flags, Ids]] = [
        ("", ~counts, any_box),
        ("correct", right, partner),
        ("", in_crowd, any_box),
        ("location", (on_same >= NEAR) & (on_same <= ON), same_box),
        ("class", on_other >= ON, other_box),
        ("duplicate", on_same >= ON, same_box),
        ("background", on_any <= NEAR, any_box),
    ]
    conditions = [holds for _, holds, _ in tests]
    names = np.array([*(name for name, _, _ in tests), "both"], object)
    kinds = names[np.select(conditions, list(range(len(tests))), len(tests))]
    truth = np.select(conditions, [box for _, _, box in tests], any_box)
    hidden = np.zeros(len(problem.images), bool)
    hidden[partner[right & ~counts]] = True
    return _Found(kinds.tolist(), pairs.with_box(truth), truth, *_claimed(problem, kinds, truth), hidden)


def _claimed(problem: Problem, kinds: npt.NDArray[np.object_], truth: Ids) -> tuple[list[str], Ids]:
    """By box its kind, and the prediction that has it, or is wrong about it with the best score."""
    box_kinds = np.full(len(problem.images), "missed", object)
    claimant = np.full(len(problem.images), -1, np.int64)
    for which in (("class", "location"), ("correct",)):  # the right one last: it stays
        mine = np.flatnonzero(np.isin(kinds, which))
        mine = mine[np.argsort(problem.scores[mine], kind="stable")]
        box_kinds[truth[mine]], claimant[truth[mine]] = kinds[mine], mine
    return box_kinds.tolist(), claimant
