"""Augmented copies within an export: of the images to train on, beside them, and told from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from threading import Event
from typing import TYPE_CHECKING

from .augmentation import Augmentation
from .csv_text import format_csv
from .errors import LabelloopError
from .format import Placed
from .images import ImageProblem
from .losses import Loss, Losses
from .passes import each
from .schema import NOTHING, Box, Sample, Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .augmenting import Augmented, Augmenter
    from .reading import Progress

AUGMENTED = "augmented.csv"
"""In an export: which image is a copy of which, what was done to it, and how many of its boxes were dropped."""

_TRIES = 10
"""Draws for a copy on which a box is left: one without any would say that nothing is there."""


@dataclass(frozen=True, slots=True)
class Baking:
    """What is baked into an export: so many copies, `copies`, of each image to train on, chosen by `seed`."""

    augmentation: Augmentation
    copies: int
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Baked:
    """A copy as it was written; `placed` is None where no box was left on it in `_TRIES` draws."""

    placed: Placed | None
    original: str
    dropped: int


def plan_copies(samples: Sequence[Sample], baking: Baking) -> dict[str, tuple[Sample, int]]:
    """The original and the number, from 1, of each copy, by the copy's key: `a/b.jpg` gives `a/b_aug1.jpg`.

    A key that an image has already is passed over. Images that nobody has labelled get no copies.

    Raises:
        LabelloopError: no image is to be trained on, or no copies are asked for.
    """
    if baking.copies < 1:
        raise LabelloopError(f"copies must be at least 1, received {baking.copies}")
    originals = [sample for sample in samples if sample.split == "train" and sample.state != "unlabelled"]
    if not originals:
        raise LabelloopError(
            "augmented copies are made of images in the split train, and none is in it: `labelloop split` first"
        )
    taken = {sample.key for sample in samples}
    planned: dict[str, tuple[Sample, int]] = {}
    for sample in originals:
        number = 0
        for copy in range(1, baking.copies + 1):
            number += 1
            while (key := _key(sample.key, number)) in taken:
                number += 1
            taken.add(key)
            planned[key] = (sample, copy)
    return planned


def as_copy(key: str, original: Sample) -> Sample:
    """What stands for a copy until it is made: the original under the copy's key, without what is its alone."""
    boxes = tuple(Box(box.label, *box.corners) for box in original.boxes)
    return replace(original, key=key, boxes=boxes, orientation=1, extra=NOTHING, tags=(), sha256="", embedded=False)


def bake(
    placed: Sequence[Placed],
    planned: Mapping[str, tuple[Sample, int]],
    folder: Path,
    baking: Baking,
    *,
    jobs: int = 2,
    progress: Progress | None = None,
) -> tuple[list[Placed], tuple[Loss, ...]]:
    """The images of an export with the copies among them as they became, and what could not be made.

    The copies are written as JPEG at their places in the folder, and `augmented.csv` says what
    each was made of.

    Args:
        placed: all images, in the order of their keys.
        planned: which of them are copies, by `plan_copies`.

    Raises:
        LabelloopError: an image cannot be read, or a transform fails on it.
        OSError: a copy cannot be written.
    """
    from .augmenting import Augmenter

    augmenter = Augmenter(baking.augmentation)
    waiting = [one for one in placed if one.sample.key in planned]
    for parent in sorted({one.image.rpartition("/")[0] for one in waiting}):
        (folder / parent).mkdir(parents=True, exist_ok=True)
    stop = Event()

    def make(one: Placed) -> _Baked | None:
        return None if stop.is_set() else _bake(one, *planned[one.sample.key], folder, augmenter, baking.seed)

    baked: dict[str, _Baked] = {}
    try:
        for one, made in zip(waiting, each(make, waiting, jobs=jobs), strict=True):
            if made is not None:
                baked[one.sample.key] = made
            if progress is not None:
                progress(len(baked), len(waiting))
    finally:
        stop.set()  # threads that are still at it would write into a folder that is being removed
    (folder / AUGMENTED).write_text(_format_augmented(baked.values(), baking), encoding="utf-8")
    became = [baked[one.sample.key].placed if one.sample.key in planned else one for one in placed]
    return [one for one in became if one is not None], _losses(list(baked.values()))


def _format_augmented(baked: Iterable[_Baked], baking: Baking) -> str:
    """The CSV text: image, its key, the key of its original, augmentation, seed, and boxes dropped; a row a copy."""
    name, seed = baking.augmentation.name, str(baking.seed)
    rows = (
        (one.placed.image, one.placed.sample.key, one.original, name, seed, str(one.dropped))
        for one in baked
        if one.placed is not None
    )
    return format_csv((("image", "key", "original", "augmentation", "seed", "dropped"), *rows))


def _losses(baked: Sequence[_Baked]) -> tuple[Loss, ...]:
    losses = Losses()
    for one in baked:
        if one.placed is None:
            losses.add("augmented copies left out, on which no box would be left", one.original)
        elif one.dropped:
            losses.add("boxes of augmented copies, of which too little was left inside", one.original, one.dropped)
    return losses.all()


def _bake(one: Placed, original: Sample, copy: int, folder: Path, augmenter: Augmenter, seed: int) -> _Baked:
    import numpy as np
    from PIL import Image

    from .upright import read_upright

    try:
        picture = read_upright(original.path, max(original.size))
    except ImageProblem as problem:
        raise LabelloopError(f"{original.key}: {problem}") from problem
    # By the key and not by its place among others, so that an image more changes no other's copies.
    own = int.from_bytes(sha256(original.key.encode()).digest()[:8])
    made = _drawn(np.asarray(picture), one.sample.boxes, augmenter, (seed, copy, own))
    if original.boxes and not made.boxes:
        return _Baked(None, original.key, len(made.dropped))
    Image.fromarray(made.image).save(folder / one.image, format="JPEG", quality=95, subsampling=0)
    height, width = made.image.shape[:2]
    sample = replace(one.sample, size=Size(width, height), boxes=made.boxes, path=folder / one.image)
    return _Baked(Placed(sample, one.image), original.key, len(made.dropped))


def _drawn(
    image: NDArray[np.uint8], boxes: Sequence[Box], augmenter: Augmenter, seed: tuple[int, int, int]
) -> Augmented:
    """The augmented image, drawn again while no box is left on it."""
    made = augmenter.apply(image, boxes, seed)
    for number in range(1, _TRIES):
        if made.boxes or not boxes:
            break
        made = augmenter.apply(image, boxes, (*seed, number))
    return made


def _key(key: str, number: int) -> str:
    path = PurePosixPath(key)
    return str(path.with_name(f"{path.stem}_aug{number}.jpg"))
