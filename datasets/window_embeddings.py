"""The Embeddings panel of the window: the vectors by which the split finds near-duplicates, flattened by PCA."""

from __future__ import annotations

from pathlib import Path

from .errors import LabelloopError
from .reading import Progress
from .splitting import load_embedder_or_say
from .window import Window
from .window_fiftyone import fiftyone

BRAIN_KEY = "embeddings"


def show_embeddings(window: Window, cache: Path, progress: Progress | None = None, model: str | None = None) -> int:
    """Compute what the Embeddings panel shows, for the images of a window; returns how many there are in it.

    Args:
        cache: where vectors are remembered; those that a split computed are not computed again.
        model: as `load_embedder`.

    Raises:
        LabelloopError: there is no model to be had, or fewer than three images.
    """
    import numpy as np
    from fiftyone import brain  # pyright: ignore[reportMissingTypeStubs]

    dataset = window.dataset()
    ids, paths = dataset.values(["id", "filepath"])
    table = load_embedder_or_say(model, cache).embed([Path(path) for path in paths], progress)
    broken = {index for index, _ in table.problems}
    kept = [index for index in range(len(ids)) if index not in broken]
    if len(kept) < 3:
        raise LabelloopError(f"the Embeddings panel needs three images at least, received {len(kept)}")
    if BRAIN_KEY in dataset.list_brain_runs():
        dataset.delete_brain_run(BRAIN_KEY)
    view = dataset.select([ids[index] for index in kept], ordered=True)
    fiftyone()
    brain.compute_visualization(  # pyright: ignore[reportUnknownMemberType]
        view, embeddings=np.asarray(table.vectors[kept]), method="pca", num_dims=2, brain_key=BRAIN_KEY, verbose=False
    )
    return len(kept)
