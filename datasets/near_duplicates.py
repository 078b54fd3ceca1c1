"""Images that show the same shot, and the groups that a split must keep on one side.

Three steps. Embeddings name for each image the few others that may be copies of it;
laying the pictures over each other decides; connected pairs make a group. Embeddings
alone cannot decide: at the threshold that finds cropped copies, different photos of
one kind of thing pass as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from .alignment import Alignment, find_alignments
from .embeddings import Embedder, Progress, Vectors
from .groups import find_groups
from .images import ImageProblem
from .passes import each
from .sketches import SKETCH, make_sketch
from .upright import read_upright

_SKETCHES_IN_MEMORY = 10_000
"""From here on the sketches (30 kB each) lie in a temporary file that the system may page out."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When two images are candidates, and when they are near-duplicates.

    The `neighbors` nearest images are candidates, if their cosine is at least `cosine`.

    A candidate that matches frame on frame must agree by `framed` in the worst tenth of
    its windows. One that matches by points must agree by `worst`; or, where `matched` of
    the points are found in both, by `agreement` on average: then something small moved
    before the same scene. Fewer points than `points`, or a share of them under
    `scattered`, need `sure` in the worst windows, and less than half of `points` is
    nothing. `shared` is the least part of one of the two pictures in the overlap.

    Chosen on 60 photos of clothes and 50 of cars with their copies, and by eye on
    photos of banknotes, where one note lies before several backgrounds: copies that
    were turned, cropped or darkened have a worst tenth of .87 and more (5 % quantile),
    the same note in another shot .1 to .6. The benchmark reports on other photos.
    """

    neighbors: int = 30
    cosine: float = 0.6
    framed: float = 0.75
    worst: float = 0.65
    sure: float = 0.9
    matched: float = 0.5
    scattered: float = 0.25
    agreement: float = 0.8
    points: int = 8
    shared: float = 0.3

    def __post_init__(self) -> None:
        if self.neighbors < 1:
            raise ValueError(f"neighbors must be at least 1, received {self.neighbors}")

    def accept(self, found: Alignment) -> bool:
        """Whether two pictures that lie over each other like this are one shot."""
        if max(found.shared_first, found.shared_second) < self.shared:
            return False
        if found.points == 0:
            return found.worst >= self.framed
        if found.points < self.points or found.matched < self.scattered:
            return 2 * found.points >= self.points and found.worst >= self.sure
        return found.worst >= self.worst or (found.matched >= self.matched and found.agreement >= self.agreement)


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two images that show one shot, `first` < `second` as indices of the paths.

    `similarity` is the mean agreement of the windows that lie on each other, up to 1;
    `reason` is for people, such as `mirrored, 64 % of the picture shared`.
    """

    first: int
    second: int
    similarity: float
    reason: str


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """What `find_near_duplicates` returns.

    `pairs` are ordered by (first, second); `groups` are the images that pairs connect,
    two or more, each in order and ordered by its first; `problems` are (index, what is
    wrong) for images that could not be read and so are in no pair.
    """

    pairs: tuple[NearPair, ...]
    groups: tuple[tuple[int, ...], ...]
    problems: tuple[tuple[int, str], ...]


def find_near_duplicates(
    paths: Sequence[Path],
    *,
    embedder: Embedder,
    progress: Progress | None = None,
    thresholds: Thresholds | None = None,
    digests: Sequence[str] | None = None,
) -> NearDuplicates:
    """The near-duplicates among images: copies that were flipped, cropped, turned, darkened, recompressed, or shot again.

    An image of one color is a near-duplicate of nothing. A group may hold two images
    that are no pair: frames of a video form a chain from the first to the last.

    Args:
        progress: called with (done, total), where an image counts once when it is
            embedded and once when its pairs have been looked at.
        digests: the SHA-256 of each file in hex, for the embedder's cache.
    """
    limits = thresholds or Thresholds()
    steps = 2 * len(paths)
    table = embedder.embed(
        paths, None if progress is None else (lambda done, _total: progress(done, steps)), digests=digests
    )
    unreadable = dict(table.problems)
    readable = [index for index in range(len(paths)) if index not in unreadable]
    rows = _find_candidates(table.vectors[readable], limits)
    candidates = np.array(readable, np.intp)[rows] if len(rows) else rows
    pairs: list[NearPair] = []
    with tempfile.TemporaryDirectory(prefix="labelloop-") as folder:
        sketches, broken = _read_sketches(paths, np.unique(candidates), Path(folder))
        unreadable.update(broken)
        for found, last in _verify(sketches, candidates, limits):
            pairs.extend(found)
            if progress is not None:
                progress(len(paths) + last, steps)
        del sketches
    if progress is not None and paths:
        progress(steps, steps)
    groups = find_groups((pair.first, pair.second) for pair in pairs)
    return NearDuplicates(tuple(pairs), groups, tuple(sorted(unreadable.items())))


def _find_candidates(vectors: Vectors, limits: Thresholds) -> npt.NDArray[np.intp]:
    """Pairs of rows that may be near-duplicates, shape (n, 2), first < second, in order.

    The ranking is by cosine after the mean was taken away: what all images of a data
    set have in common would otherwise decide. No more than a strip of the table of all
    cosines is in memory at a time.
    """
    count = len(vectors)
    if count < 2:
        return np.zeros((0, 2), np.intp)
    centered = vectors - vectors.mean(axis=0)
    centered /= np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-6)
    neighbors = min(limits.neighbors, count - 1)
    strip = max(1, min(1024, 2**25 // count))
    codes: list[npt.NDArray[np.int64]] = []
    for start in range(0, count, strip):
        rows = np.arange(start, min(start + strip, count))
        likeness = centered[rows] @ centered.T
        likeness[rows - start, rows] = -2
        nearest = np.argpartition(-likeness, neighbors - 1, axis=1)[:, :neighbors]
        ones, twos = np.repeat(rows, neighbors), nearest.reshape(-1)
        near = np.einsum("ij,ij->i", vectors[ones], vectors[twos]) >= limits.cosine
        ones, twos = ones[near], twos[near]
        codes.append(np.minimum(ones, twos).astype(np.int64) * count + np.maximum(ones, twos))
    unique = np.unique(np.concatenate(codes))
    return np.stack([unique // count, unique % count], axis=1).astype(np.intp)


def _read_sketches(
    paths: Sequence[Path], wanted: npt.NDArray[np.intp], folder: Path
) -> tuple[npt.NDArray[np.void], dict[int, str]]:
    """Sketches by index, zeros where none is wanted, and what is wrong with files that broke meanwhile."""
    sketches: npt.NDArray[np.void]
    if len(paths) > _SKETCHES_IN_MEMORY:
        sketches = np.memmap(folder / "sketches", SKETCH, "w+", shape=(len(paths),))
    else:
        sketches = np.zeros(len(paths), SKETCH)
    broken: dict[int, str] = {}
    results = each(_read_sketch, [paths[index] for index in cast("list[int]", wanted.tolist())], jobs=-1)
    for index, result in zip(wanted.tolist(), results, strict=True):
        if isinstance(result, str):
            broken[index] = result
        else:
            sketches[index] = result[0]
    return sketches, broken


def _read_sketch(path: Path) -> npt.NDArray[np.void] | str:
    try:
        return make_sketch(read_upright(path, 256))
    except ImageProblem as problem:
        return str(problem)


def _verify(
    sketches: npt.NDArray[np.void], candidates: npt.NDArray[np.intp], limits: Thresholds
) -> Iterator[tuple[list[NearPair], int]]:
    """The candidates that are near-duplicates, some hundred at a time, each with the last index that was looked at."""
    chunks = [candidates[start : start + 256] for start in range(0, len(candidates), 256)]
    # Threads would wait for each other here: half of the time is Python's own. Processes
    # are twice as fast on 2 cores, and share the sketches, but take a second to start.
    verify = partial(_verify_chunk, sketches, limits)
    yield from each(verify, chunks, jobs=-1 if len(chunks) > 16 else 1, processes=True)


def _verify_chunk(sketches: Any, limits: Thresholds, chunk: npt.NDArray[np.intp]) -> tuple[list[NearPair], int]:
    pairs: list[NearPair] = []
    for first, second in chunk.tolist():
        accepted = filter(limits.accept, find_alignments(sketches[first], sketches[second]))
        found = max(accepted, key=lambda alignment: alignment.worst, default=None)
        if found is not None:
            pairs.append(NearPair(first, second, round(found.agreement, 3), found.describe()))
    return pairs, int(chunk[-1, 0])
