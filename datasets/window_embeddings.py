"""The Embeddings panel of the window: the vectors by which the split finds near-duplicates, flattened by PCA."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import LabelloopError
from .reading import Progress
from .splitting import load_embedder_or_say
from .window import Window
from .window_documents import sample_id
from .window_fiftyone import answered, fiftyone

if TYPE_CHECKING:
    from .embedding_cache import Vectors

BRAIN_KEY = "embeddings"
_NOTE = "labelloop embeddings"
_LEAST = 3
_MISSING = 0.01
"""Vectors of so many of the images may be missing, since the files are broken."""


@answered()
def show_embeddings(
    window: Window, cache: Path, *, compute: bool = False, progress: Progress | None = None, model: str | None = None
) -> int:
    """Give the Embeddings panel what it shows, for the images of a window; returns how many there are in it.

    Args:
        cache: the folder in which vectors are remembered, those of a split among them.
        compute: compute what is not remembered; else nothing happens without it, and 0 is returned.
        model: as `load_embedder`.

    Raises:
        LabelloopError: there is no model to be had, or fewer than three images.
    """
    frame = window.ledger.frame(window.version, where=window.where).select("key", "root", "file", "sha256")
    digests: list[str] = frame["sha256"].to_list()
    dataset: Any = window.dataset()
    runs = dataset.list_brain_runs()
    note = blake2b("".join([window.where, *frame["key"], *digests]).encode(), digest_size=16).hexdigest()
    if BRAIN_KEY in runs and dict[str, Any](dataset.info or {}).get(_NOTE) == note:
        return len(digests)
    found = _remembered(cache, digests)
    if found is None:
        if not compute:
            return 0
        if len(digests) < _LEAST:
            raise LabelloopError(f"the Embeddings panel needs {_LEAST} images at least, received {len(digests)}")
        paths = [Path(root, file) for _, root, file, _ in frame.iter_rows()]
        table = load_embedder_or_say(model, cache).embed(paths, progress, digests=digests)
        broken = {index for index, _ in table.problems}
        found = {index: vector for index, vector in enumerate(table.vectors) if index not in broken}
    if len(found) < _LEAST:
        return 0
    ids = [str(sample_id(key)) for key in frame["key"]]
    if BRAIN_KEY in runs:
        dataset.delete_brain_run(BRAIN_KEY)
    _flatten(window, [ids[index] for index in found], list(found.values()))
    dataset.info = {**dict(dataset.info or {}), _NOTE: note}
    dataset.save()
    return len(found)


def _remembered(cache: Path, digests: Sequence[str]) -> dict[int, Vectors] | None:
    """The vectors that one network made of these files, by their place; None where no network knows nearly all."""
    from .embedding_cache import VectorCache

    for folder in sorted(cache.iterdir()) if cache.is_dir() else ():
        known = VectorCache.open(folder).vectors
        found = {index: known[digest] for index, digest in enumerate(digests) if digest in known}
        if len(found) >= max(_LEAST, len(digests) * (1 - _MISSING)):
            return found
    return None


def _flatten(window: Window, ids: Sequence[str], vectors: Sequence[Vectors]) -> None:
    import numpy as np

    fiftyone()
    from fiftyone import brain  # pyright: ignore[reportMissingTypeStubs]

    view = window.dataset().select(ids, ordered=True)
    brain.compute_visualization(  # pyright: ignore[reportUnknownMemberType]
        view, embeddings=np.stack(vectors), method="pca", num_dims=2, brain_key=BRAIN_KEY, verbose=False
    )
