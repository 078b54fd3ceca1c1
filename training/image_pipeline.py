"""Pictures for a classifier: decoded, upright, of one size, and given out in batches in a seeded order.

JPEG files are decoded by OpenCV at a half, a quarter or an eighth of their size where that
leaves enough pixels; all others by Pillow. What is decoded once stays in memory as far as it fits,
so that all epochs but the first only augment.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ..datasets.geometry import Corners
from ..datasets.images import ImageProblem, exif_orientation, open_image, read_header
from ..datasets.passes import each
from ..datasets.upright import to_rgb

Pixels: TypeAlias = NDArray[np.uint8]
"""RGB, 8 bits: (height, width, 3) for a picture, (n, side, side, 3) for several."""

Augment = Callable[[Pixels, Sequence[int]], Pixels]
"""From a picture and the numbers (seed, epoch, index) to another picture; called by several threads at once."""

_REDUCED = (
    (8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
    (1, cv2.IMREAD_COLOR),
)
_TOGETHER = 8
"""Image files that a thread reads before it says so: to ask for each by itself takes as long as to read a small one."""

_UNREADABLE = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, MemoryError, struct.error, cv2.error)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an image file: `corners` in pixels of the upright image, None for all of it."""

    path: Path
    corners: Corners | None = None


def read_parts(path: Path, corners: Sequence[Corners | None], side: int) -> list[Pixels]:
    """Parts of one image, upright, each stretched to (side, side, 3).

    Raises:
        ImageProblem: no image, a broken one, or more pixels than labelloop opens.
    """
    header = read_header(path)
    width, height = header.size
    least = min(
        [min(width, height) if part is None else min(part[2] - part[0], part[3] - part[1]) for part in corners],
        default=side,
    )
    try:
        if header.format == "JPEG" and header.mode in ("RGB", "L"):
            # Twice what is wanted, so that there are pixels left to average.
            flag = next(flag for scale, flag in _REDUCED if least >= 2 * scale * side or scale == 1)
            pixels = turned(_decode_jpeg(path, flag), header.orientation)
        else:
            pixels = _decode_any(path)
        return [_resized(_cut(pixels, part, (width, height)), side) for part in corners]
    except _UNREADABLE as error:
        raise ImageProblem("unreadable-image", f"image cannot be decoded: {error}") from error


class PictureStore:
    """The pictures of a training, all of one size; as many as `memory` bytes hold are kept once they were read."""

    def __init__(self, parts: Sequence[Part], side: int, *, memory: int | None = None, threads: int = 0) -> None:
        self.parts = tuple(parts)
        self.side = side
        self.threads = threads or len(os.sched_getaffinity(0))
        room = (free_memory() // 2 if memory is None else memory) // (side * side * 3)
        self._kept = np.empty((min(len(parts), room), side, side, 3), np.uint8)

    def load(self, progress: Callable[[int, int], None] | None = None) -> list[tuple[int, str]]:
        """Read every picture once; (index, what is wrong) of those that cannot be read, by index.

        An image with several parts is decoded once for all of them.
        """
        together: dict[Path, list[int]] = {}
        for index, part in enumerate(self.parts):
            together.setdefault(part.path, []).append(index)
        files = list(together.values())
        chunks = [files[start : start + _TOGETHER] for start in range(0, len(files), _TOGETHER)]
        problems: list[tuple[int, str]] = []
        done = 0
        for chunk, found in zip(chunks, each(self._load_all, chunks, jobs=self.threads), strict=True):
            problems += found
            done += sum(map(len, chunk))
            if progress is not None:
                progress(done, len(self.parts))
        return sorted(problems)

    def picture(self, index: int) -> Pixels:
        """One picture, (side, side, 3), not to be written to: a view of what is kept, or read from its file again.

        Raises:
            ImageProblem: it is not kept and cannot be read.
        """
        if index < len(self._kept):
            kept = self._kept[index]
            kept.flags.writeable = False
            return kept
        part = self.parts[index]
        return read_parts(part.path, [part.corners], self.side)[0]

    @property
    def kept(self) -> int:
        """How many pictures stay in memory: the first so many."""
        return len(self._kept)

    def _load_all(self, files: list[list[int]]) -> list[tuple[int, str]]:
        problems: list[tuple[int, str]] = []
        for indices in files:
            parts = [self.parts[index] for index in indices]
            try:
                found = read_parts(parts[0].path, [part.corners for part in parts], self.side)
            except ImageProblem as problem:
                problems += [(index, str(problem)) for index in indices]
                continue
            for index, pixels in zip(indices, found, strict=True):
                if index < len(self._kept):
                    self._kept[index] = pixels
        return problems


def batches(
    store: PictureStore,
    order: Sequence[int],
    size: int,
    *,
    augment: Augment | None = None,
    seed: int = 0,
    epoch: int = 0,
    ahead: int = 4,
) -> Iterator[tuple[Pixels, NDArray[np.intp]]]:
    """Pictures in this order, in batches of shape (n, side, side, 3), each with the indices of its pictures.

    What a picture looks like depends on (seed, epoch, its index) and on nothing else, whichever thread makes it.

    Args:
        size: of a batch at most. Batches are even, so that none is left with a single picture,
            of which BatchNorm would learn nothing good.
        ahead: so many batches beside those being worked on may wait to be taken.
    """
    if not len(order):
        return
    chunks = np.array_split(np.asarray(order, np.intp), -(-len(order) // size))

    def assemble(chunk: NDArray[np.intp]) -> Pixels:
        pixels = np.empty((len(chunk), store.side, store.side, 3), np.uint8)
        for row, index in enumerate(chunk.tolist()):
            picture = store.picture(index)
            if augment is not None:
                picture = _resized(augment(picture, (seed, epoch, index)), store.side)
            pixels[row] = picture
        return pixels

    waiting: deque[tuple[Future[Pixels], NDArray[np.intp]]] = deque()
    pool = ThreadPoolExecutor(store.threads, "pictures")
    try:
        for chunk in chunks:
            waiting.append((pool.submit(assemble, chunk), chunk))
            if len(waiting) >= store.threads + ahead:
                future, indices = waiting.popleft()
                yield future.result(), indices
        while waiting:
            future, indices = waiting.popleft()
            yield future.result(), indices
    finally:
        pool.shutdown(cancel_futures=True)


def shuffled(count: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """The numbers 0 to count - 1 in an order that depends on seed and epoch alone."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """The picture as it is displayed, from the stored one and its EXIF orientation 1..8; a view.

    Reference: Exif 2.3, tag 0x0112.
    """
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)  # 5 to 8 are 1 to 4 with rows and columns swapped
    vertical = orientation in (3, 4, 7, 8)
    horizontal = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if vertical else 1, :: -1 if horizontal else 1]


def free_memory() -> int:
    """Bytes that this process may take without swapping, as Linux says; 2 GiB where it does not."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 2 << 30


def _decode_jpeg(path: Path, flag: int) -> Pixels:
    # Through a buffer: OpenCV opens files by its own rules, which not every name survives.
    found: Any = cv2.imdecode(np.fromfile(path, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is None:
        raise ValueError("OpenCV finds no JPEG in it")
    return cast(Pixels, cv2.cvtColor(found, cv2.COLOR_BGR2RGB))


def _decode_any(path: Path) -> Pixels:
    with open_image(path) as image:
        # Pillow turns TIFF upright itself when it decodes, and no other format.
        orientation = exif_orientation(image) if image.format != "TIFF" else 1
        return turned(np.asarray(to_rgb(image)), orientation)


def _cut(pixels: Pixels, part: Corners | None, size: tuple[int, int]) -> Pixels:
    """The part of an upright picture that may have been decoded smaller than its size says."""
    if part is None:
        return pixels
    height, width = pixels.shape[:2]
    x, y = width / size[0], height / size[1]
    left, top = min(int(part[0] * x), width - 1), min(int(part[1] * y), height - 1)
    right, bottom = max(left + 1, round(part[2] * x)), max(top + 1, round(part[3] * y))
    return pixels[top:bottom, left:right]


def _resized(pixels: Pixels, side: int) -> Pixels:
    height, width = pixels.shape[:2]
    if (height, width) == (side, side):
        return np.ascontiguousarray(pixels)
    # Areas are averaged where a picture shrinks. Where a side grows, that would make blocks of pixels; and where it
    # shrinks by a little, a straight line through its neighbours says nearly the same in a third of the time.
    way = cv2.INTER_AREA if min(height, width) >= side and max(height, width) > 1.25 * side else cv2.INTER_LINEAR
    return cast(Pixels, cv2.resize(np.ascontiguousarray(pixels), (side, side), interpolation=way))
