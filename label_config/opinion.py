"""An answer by somebody who did not see the labels, compared with them.

Such an answer is asked for to measure labels, so it changes none: boxes that are the same
object with the same class agree, and every difference is a conflict for a person to settle.
"""

from __future__ import annotations

from ..datasets.merging import DELETED, Conflict, Merged
from ..datasets.schema import Sample
from .agreement import same_corners, with_shared_ids


def compare_opinion(ours: Sample, said: Sample, *, boxes: bool = True) -> Merged:
    """Our sample as it is, with a conflict for each thing that somebody says otherwise.

    Args:
        said: the image with that person's boxes, whatever their ids.
        boxes: whether boxes were asked for; else there is only the image's class.
    """
    key = ours.key
    theirs = {box.id: box for box in with_shared_ids(said.boxes, ours.boxes)} if boxes else {}
    conflicts: list[Conflict] = []
    for box in ours.boxes if boxes else ():
        other = theirs.pop(box.id, None)
        if other is None:
            conflicts.append(Conflict(key, box.id, "box", box, box, DELETED))
            continue
        if other.label != box.label:
            conflicts.append(Conflict(key, box.id, "label", box.label, box.label, other.label))
        if not same_corners([box, other]):
            conflicts.append(Conflict(key, box.id, "corners", box.corners, box.corners, other.corners))
    conflicts += [Conflict(key, box.id, "box", None, DELETED, box) for box in theirs.values()]
    if said.label != ours.label and said.label is not None:
        conflicts.append(Conflict(key, "", "label", ours.label, ours.label, said.label))
    return Merged(ours, tuple(conflicts))
