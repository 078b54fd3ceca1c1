"""Why a label is a suspect, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from ...datasets.schema import Box
from .features import overlap

SEERS = {
    "out-of-fold": "the model that has not seen this photo",
    "held-out": "the model that was not trained on this photo",
    "in-sample": "the model, although it was trained on this photo with this label,",
}
"""The model, by how it knows the photo."""


def detector_reason(
    kind: str, box: Box | None, proposed: Box | None, seer: str, more: Sequence[str], *, twin: bool = False
) -> str:
    """The sentence for a box that is labelled, or (None) is not; `twin` says that another label lies on the same place."""
    who = SEERS[seer]
    if box is None:
        said = f"nothing is labelled where {who} says {_says(proposed)}"
    elif proposed is None and twin:
        said = f"labelled {box.label} where another label lies already, and {who} sees one object at most"
    elif proposed is None:
        said = f"labelled {box.label}, but {who} sees nothing there"
    elif kind == "location":
        iou = _iou(box, proposed)
        said = (
            f"labelled {box.label}, but {who} has {_says(proposed)} in another place: the two overlap by {_short(iou)}"
        )
    elif proposed.label == box.label:
        said = f"labelled {box.label}, which {who} is not sure of ({_says(proposed)})"
    else:
        said = f"labelled {box.label}, but {who} says {_says(proposed)} where the label is"
    return "; ".join([said, *more])


def classifier_reason(
    label: str, proposed: str, score: float, own: float, seer: str, more: Sequence[str], *, leans: bool = False
) -> str:
    """The sentence for the label of an image.

    Args:
        score, own: what the model gives the proposed class, and the label's.
        leans: although `own` is the higher of the two the model speaks against the label, as it says that class too often.
    """
    proposes, agrees = f"{proposed} with {_short(score)}", f"{label} with {_short(own)}"
    if score > own:
        said = f"labelled {label}, but {SEERS[seer]} says {proposes} and {agrees}"
    else:
        said = f"labelled {label}; {SEERS[seer]} says {agrees} and {proposes}"
        said += f", and of all images it says {label} of more than are labelled so" if leans else ""
    return "; ".join([said, *more])


def _says(box: Box | None) -> str:
    return "nothing" if box is None else f"{box.label} with {_short(box.score or 0.0)}"


def _short(value: float) -> str:
    """`.97` for .971: what is a part of one needs no zero before its point."""
    return f"{value:.2f}".removeprefix("0")


def _iou(one: Box, two: Box) -> float:
    from numpy import array

    return float(overlap(array([one.corners]), array([two.corners]))[0][0, 0])
