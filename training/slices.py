"""Parts of a data set that a model is judged on by themselves, so that a mean cannot hide one of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..datasets.schema import Sample

MOST_VALUES = 40
"""A way of slicing that would give more parts than this is left out: nobody reads them, and each holds too little."""

COCO_AREAS = (("small", 0.0, 32.0**2), ("medium", 32.0**2, 96.0**2), ("large", 96.0**2, 1e10))
"""COCO's sizes of objects, in square pixels of the image. Reference: https://cocodataset.org/#detection-eval"""

RELATIVE_AREAS = (("small", 0.0, 0.01), ("medium", 0.01, 0.1), ("large", 0.1, 1.0))
"""Sizes of objects as a part of the image's area: a phone's photo has no small objects by COCO's measure."""


def image_slices(samples: Sequence[Sample]) -> dict[str, list[str]]:
    """The keys of the images in each slice, by the slice's name, in a fixed order.

    `folder=a/b` are the images below a folder, at each depth; `tag=x` those with a tag; `turned=yes` those whose
    file is stored turned (EXIF); `boxes=1`, `boxes=2-5` and `boxes=6+` count what is on an image. What
    does not part the images, or parts them too finely, is left out.
    """
    found: dict[str, list[str]] = {}
    depth = max((sample.key.count("/") for sample in samples), default=0)
    for level in range(1, depth + 1):
        parts = [sample.key.rsplit("/", 1)[0].split("/") for sample in samples]
        names = [
            f"folder={'/'.join(folders[:level])}" if "/" in sample.key and len(folders) >= level else ""
            for sample, folders in zip(samples, parts, strict=True)
        ]
        _add(found, samples, names)
    for tag in sorted({tag for sample in samples for tag in sample.tags}):
        found[f"tag={tag}"] = [sample.key for sample in samples if tag in sample.tags]
    _add(found, samples, [f"turned={'yes' if sample.orientation != 1 else 'no'}" for sample in samples])
    _add(found, samples, [_count(len(sample.boxes)) for sample in samples])
    return found


def _add(found: dict[str, list[str]], samples: Sequence[Sample], names: Sequence[str]) -> None:
    values = sorted(set(names) - {""})
    if len(set(names)) < 2 or len(values) > MOST_VALUES:
        return
    for value in values:
        found[value] = [sample.key for sample, name in zip(samples, names, strict=True) if name == value]


def _count(boxes: int) -> str:
    if boxes == 0:
        return ""
    return f"boxes={'1' if boxes == 1 else '2-5' if boxes <= 5 else '6+'}"
