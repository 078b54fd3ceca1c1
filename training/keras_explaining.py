"""`python -m labelloop.training.keras_explaining FOLDER`: where a classifier looked, in a process of its own.

FOLDER has `wanted.json` and gets `maps.npz`: `maps`, (n, rows, columns) in [0, 1], and `read`, (n,), whether each
image could be read. TensorFlow and torchvision do not get along in one process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
import tensorflow
from numpy.typing import NDArray

from ..datasets.geometry import Corners
from ..datasets.images import ImageProblem
from .image_pipeline import read_parts
from .keras_models import keras
from .trainer_process import end_with

tf = cast(Any, tensorflow)

_AT_ONCE = 16


def main() -> None:
    """Do what `wanted.json` says; exit status 1 with a sentence where it fails."""
    end_with(int(os.environ.get("LABELLOOP_PARENT", "0")))
    folder = Path(sys.argv[1])
    wanted: dict[str, Any] = orjson.loads((folder / "wanted.json").read_bytes())
    try:
        grad_cam = GradCam(keras.models.load_model(wanted["model"], compile=False))
        maps, read = _explain(grad_cam, wanted["images"], int(wanted["side"]))
    except Exception as error:  # whatever Keras and TensorFlow raise
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
    np.savez(folder / "maps.npz", maps=maps, read=read)


class GradCam:
    """Grad-CAM of a classifier: the last feature map, each channel weighed by how much the class's score hangs on it.

    The score is the one before the softmax: behind it, a class of which the model is certain has no gradient left.

    Args:
        model: of Keras; its last layer is dense, and before it comes a feature map, (n, rows, columns, channels).

    Reference: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks", ICCV, equations 1 and 2.
    """

    def __init__(self, model: Any) -> None:
        head = model.layers[-1]
        head.activation = keras.activations.linear
        mapped = [layer for layer in model.layers if len(getattr(layer.output, "shape", ())) == 4]
        self._both = keras.Model(model.input, [mapped[-1].output, head.output])

    def maps(self, pixels: NDArray[np.float32], classes: Sequence[int]) -> NDArray[np.float32]:
        """Where the score of each image's class comes from, (n, rows, columns); the largest value of a map is 1.

        All of a map is 0 where nothing speaks for the class.

        Args:
            pixels: (n, side, side, 3), RGB, 0 to 255.
            classes: of each image the number of the class to explain; -1 for the one with the highest score.
        """
        given = tf.convert_to_tensor(pixels)
        with tf.GradientTape() as tape:
            tape.watch(given)  # or nothing would be on the tape of a model whose layers are all frozen
            features, scores = self._both(given, training=False)
            best = scores.numpy().argmax(axis=1)
            asked = np.where(np.asarray(classes) < 0, best, classes)
            total = tf.reduce_sum(tf.gather(scores, asked, axis=1, batch_dims=1))
        weights = tape.gradient(total, features).numpy().mean(axis=(1, 2), keepdims=True)
        found = np.maximum((weights * features.numpy()).sum(axis=-1), 0)
        return (found / np.maximum(found.max(axis=(1, 2), keepdims=True), 1e-12)).astype(np.float32)


def _explain(
    grad_cam: GradCam, images: Sequence[tuple[str, Corners | None, int]], side: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    maps: list[NDArray[np.float32]] = []
    read = np.zeros(len(images), bool)
    for start in range(0, len(images), _AT_ONCE):
        chunk = images[start : start + _AT_ONCE]
        pixels = np.zeros((len(chunk), side, side, 3), np.float32)
        for at, (path, corners, _) in enumerate(chunk):
            try:
                pixels[at] = read_parts(Path(path), [corners], side)[0]
                read[start + at] = True
            except ImageProblem as problem:
                sys.stderr.write(f"{path}: {problem}\n")
        maps.append(grad_cam.maps(pixels, [number for _, _, number in chunk]))
    return (np.concatenate(maps) if maps else np.zeros((0, 1, 1), np.float32)), read


if __name__ == "__main__":
    main()
