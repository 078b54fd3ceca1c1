"""What a run came to: one shape for detectors and classifiers, so that runs can be listed and compared.

`result.json` of every run holds the scores of the judged split at its top (test where there is
one, else val), and those of each split under `splits`:

```text
{"split": "test", "images": 45, "overall": {"mAP50-95": 0.71, ...},
 "per_class": {"10": {"AP50-95": 0.6, ...}, ...}, "per_slice": {"folder=10": {"mAP50-95": 0.6, ...}, ...},
 "splits": {"val": {"images": ..., "overall": ..., "per_class": ..., "per_slice": ...}, "test": {...}},
 "seconds": 203.5, ...}
```

A line of `epochs.jsonl` holds `epoch` and `seconds`, losses as `train/loss` and `val/loss` (with
their parts beside them, `train/box_loss`), the metrics on val as `val/NAME` with NAME as in
`overall`, and those on train, where they are known, as `train/NAME`.

Metrics are numbers; one that is undefined (recall of a class without a box) is null, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from ..datasets.errors import LabelloopError
from ..datasets.schema import Json
from .plans import Kind

Metrics = Mapping[str, float | int | None]

MAIN: Mapping[Kind, tuple[str, str]] = {"detector": ("mAP50-95", "AP50-95"), "classifier": ("accuracy", "f1")}
"""By a run's kind, the metric that decides: its name in `overall` and `per_slice`, and in `per_class`."""

ORDER = ("test", "val")
"""The splits that a run is judged on, the better judge first."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the predictions on one split are worth.

    `images` counts those that were judged; `per_class` is in the declared order of the classes, and each
    class has `boxes` (detector) or `images` (classifier), the number that its metrics stand on;
    `per_slice` likewise has `images`, under names such as `folder=10` and `part=small`. `unlabelled` counts the
    images that were left out, since nobody has labelled them.
    """

    images: int
    overall: Metrics
    per_class: Mapping[str, Metrics] = field(default_factory=dict[str, Metrics])
    per_slice: Mapping[str, Metrics] = field(default_factory=dict[str, Metrics])
    unlabelled: int = 0


def judged_split(splits: Sequence[str]) -> str:
    """The split whose scores are the run's: test, else val, else the first; "" where there is none."""
    return next((name for name in ORDER if name in splits), splits[0] if splits else "")


def format_result(splits: Mapping[str, Scores], **besides: Json) -> dict[str, Json]:
    """What `Run.finish` is to write.

    Args:
        splits: the scores of each split that was predicted; may be empty, where there was nothing to judge on.
        besides: whatever else the run has to say, such as `seconds`.
    """
    judged = judged_split(list(splits))
    top = _to_json(splits[judged]) if judged else _to_json(Scores(0, {}))
    return {
        "split": judged,
        **top,
        "splits": {name: cast(Json, _to_json(scores)) for name, scores in splits.items()},
        **besides,
    }


def read_scores(result: Mapping[str, Any], split: str = "") -> Scores:
    """The scores of a split, "" for the one that the run is judged on.

    Raises:
        LabelloopError: the run has no scores of that split; the text names those that it has.
    """
    if split and split not in result.get("splits", {}):
        known = ", ".join(result.get("splits", {})) or "none"
        raise LabelloopError(f"run has no scores of the split {split}; there are: {known}")
    said = result["splits"][split] if split else result
    return Scores(
        int(said.get("images", 0)), said.get("overall", {}), said.get("per_class", {}), said.get("per_slice", {}),
        int(said.get("unlabelled", 0)),
    )  # fmt: skip


def _to_json(scores: Scores) -> dict[str, Json]:
    def plain(table: Mapping[str, Metrics]) -> Json:
        return {name: dict(metrics) for name, metrics in table.items()}

    return {
        "images": scores.images,
        "overall": dict(scores.overall),
        "per_class": plain(scores.per_class),
        "per_slice": plain(scores.per_slice),
        "unlabelled": scores.unlabelled,
    }
