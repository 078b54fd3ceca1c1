"""How bright and sharp the images of a split are, measured where that is not remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...datasets.quality import known_quality, measure_quality
from ...datasets.reading import Progress
from ...datasets.schema import Sample


def qualities_of(
    samples: Sequence[Sample], memory: Path | None, progress: Progress | None = None
) -> Mapping[str, tuple[float, ...]]:
    """Brightness, contrast and sharpness by SHA-256; images that are gone are left out.

    Args:
        memory: the folder that remembers them (`Workspace.quality`); None for nothing at all.
    """
    if memory is None:
        return {}
    digests = [sample.sha256 for sample in samples]
    known = known_quality(digests, memory)
    wanted = {sample.sha256: sample.path for sample in samples if sample.sha256 not in known and sample.path.is_file()}
    if not wanted:
        return known
    measure_quality(wanted, memory, progress)
    return known_quality(digests, memory)
