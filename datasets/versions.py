"""A version of a ledger as a data set that can be exported, split or trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .errors import LabelloopError
from .fidelity import summary
from .hashing import hash_files
from .ledger import Ledger
from .reading import Dataset, Progress
from .schema import Sample


def read_version(ledger: Ledger, version: int | None = None, *, where: str = "") -> Dataset:
    """The samples and classes of a version, the last one where none is named.

    Raises:
        LabelloopError: no such version, an expression that is none, or one that no image meets.
    """
    chosen = ledger.version() if version is None else version
    samples = ledger.samples(chosen, where=where)
    if not samples:
        what = f"no image of version {chosen} meets {where!r}" if where else f"version {chosen} has no images"
        raise LabelloopError(f"{ledger.folder.name}: {what}")
    return Dataset(tuple(samples), ledger.classes(chosen))


def refuse_changed_images(samples: Sequence[Sample], memory: Path, progress: Progress | None = None) -> None:
    """Return when every image is where the ledger says and has the bytes that it had.

    Args:
        memory: the SQLite file that remembers hashes; files that nobody touched are not read again.

    Raises:
        LabelloopError: images are gone or changed; the text names the first ten.
    """
    digests = hash_files([str(sample.path) for sample in samples], memory, progress=progress)
    problems = [
        f"{sample.key}: " + ("image has other bytes than at its import" if digest else f"no image at {sample.path}")
        for sample, digest in zip(samples, digests, strict=True)
        if digest != sample.sha256
    ]
    if problems:
        raise LabelloopError(
            summary("images are not what the ledger knows (importing the source again finds moved ones)", problems)
        )
