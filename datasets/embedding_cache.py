"""Vectors of images that were embedded before, since people split the same images often."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

_SHARD = 4096
"""Vectors in one file: a run that is stopped loses at most this many."""


@dataclass(slots=True)
class VectorCache:
    """Vectors by the SHA-256 of the image's file, in files that are written once and never changed.

    Any number of processes may use one folder and nothing is locked: each file is complete when it gets its name, and two writers of
    the same vectors choose the same name.
    """

    folder: Path
    vectors: dict[str, Vectors]
    new: dict[str, Vectors]

    @classmethod
    def open(cls, folder: Path) -> VectorCache:
        """The vectors in a folder, which is made where it is absent."""
        folder.mkdir(parents=True, exist_ok=True)
        vectors: dict[str, Vectors] = {}
        for shard in sorted(folder.glob("*.npz")):
            try:
                with shard.open("rb") as file, np.load(file, allow_pickle=False) as data:
                    vectors.update(zip(map(str, data["digests"]), data["vectors"], strict=True))
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                continue  # half a file after a full disk: what was in it is computed again
        return cls(folder, vectors, {})

    def add(self, digest: str, vector: Vectors) -> None:
        """Keep one more vector; it is on disk after the next `flush`."""
        self.new[digest] = vector
        if len(self.new) >= _SHARD:
            self.flush()

    def flush(self) -> None:
        """Write what was added into one new file."""
        if not self.new:
            return
        digests = sorted(self.new)
        name = hashlib.sha256("".join(digests).encode()).hexdigest()[:32]
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as file:
            np.savez(file, digests=np.array(digests), vectors=np.stack([self.new[digest] for digest in digests]))
        os.replace(file.name, self.folder / f"{name}.npz")
        self.new = {}
