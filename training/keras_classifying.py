"""`python -m labelloop.training.keras_classifying FOLDER`: what a classifier says of pictures, in a process of its own.

FOLDER has `wanted.json` and gets `scores.npz`: `scores`, (n, classes), and `read`, (n,), whether each picture could
be read. How many pictures are done is said on stdout, a number a line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import orjson

from .image_pipeline import Part, PictureStore
from .keras_models import keras
from .keras_training import predict
from .trainer_process import end_with

_AT_ONCE = 128
_BATCH = 32


def main() -> None:
    """Do what `wanted.json` says."""
    end_with(int(os.environ.get("LABELLOOP_PARENT", "0")))
    folder = Path(sys.argv[1])
    wanted: dict[str, Any] = orjson.loads((folder / "wanted.json").read_bytes())
    cv2.setNumThreads(1)  # several pictures are worked on at once anyway
    model = keras.models.load_model(wanted["model"], compile=False)
    parts = [Part(Path(path), corners if corners is None else tuple(corners)) for path, corners in wanted["images"]]
    scores = np.zeros((len(parts), int(model.output_shape[-1])))
    read = np.ones(len(parts), bool)
    for start in range(0, len(parts), _AT_ONCE):
        store = PictureStore(parts[start : start + _AT_ONCE], int(wanted["side"]))
        for at, why in store.load():
            sys.stderr.write(f"{store.parts[at].path}: {why}\n")
            read[start + at] = False
        readable = np.flatnonzero(read[start : start + _AT_ONCE])
        scores[start + readable] = predict(model, store, readable, _BATCH)
        sys.stdout.write(f"{min(start + _AT_ONCE, len(parts))}\n")
        sys.stdout.flush()
    np.savez(folder / "scores.npz", scores=scores, read=read)


if __name__ == "__main__":
    main()
