"""The sidebar's group "quality" of a window: brightness, contrast and sharpness of each image, to find the bad photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne

from .quality import MEASURES, known_quality, measure_quality
from .reading import Progress
from .window import Window
from .window_documents import sample_id
from .window_fiftyone import answered, fiftyone
from .window_look import set_look

_TEXTS = {
    "brightness": "The mean of the grey values, from 0 (black) to 1 (white)",
    "contrast": "The spread of the grey values, from 0 to 0.5",
    "sharpness": "The spread of the picture's second differences: low is blurred, or a plain surface",
}


@answered()
def show_quality(window: Window, memory: Path, *, up_to: int = 0, progress: Progress | None = None) -> int:
    """Show the quality of the images of a window, as far as it is known; returns of how many it is not.

    Args:
        memory: the folder in which what was measured is remembered.
        up_to: measure what is not known where that is at most so many images.
    """
    frame = window.ledger.frame(window.version, where=window.where).select("key", "root", "file", "sha256")
    digests: list[str] = frame["sha256"].to_list()
    known = known_quality(digests, memory)
    unknown = {digest: Path(root, file) for _, root, file, digest in frame.iter_rows() if digest not in known}
    if unknown and len(unknown) <= up_to:
        measure_quality(unknown, memory, progress)
        known = known_quality(digests, memory)
    wanted = {str(sample_id(key)): known.get(digest) for key, digest in zip(frame["key"], digests, strict=True)}
    if any(wanted.values()):
        _write(window, wanted)
    return sum(value is None for value in wanted.values())


def _write(window: Window, wanted: dict[str, tuple[float, ...] | None]) -> None:
    """Write what differs from what the window has."""
    dataset: Any = window.dataset()
    if not dataset.has_field(MEASURES[0]):
        fo = fiftyone()
        for name in MEASURES:
            dataset.add_sample_field(name, fo.FloatField, description=_TEXTS[name], read_only=True)
        set_look(dataset, window.ledger.classes(window.version), window.shape())
    ids, *columns = dataset.values(["id", *MEASURES])
    orders: list[UpdateOne] = []
    for own, *values in zip(ids, *columns, strict=True):
        right = wanted.get(own) or (None,) * len(MEASURES)
        if tuple(values) != right:
            orders.append(UpdateOne({"_id": ObjectId(own)}, {"$set": dict(zip(MEASURES, right, strict=True))}))
    if orders:
        # The time of the last change stays, by which the App tells whether others edited a sample.
        window.collection().bulk_write(orders, ordered=False)
