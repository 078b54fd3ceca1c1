"""`python -m tests.training.inspection.planted_evidence PATH`: a classifier of whose evidence one knows where it is.

Its class `square` has a score that grows with what is brighter than anything but a planted square, its class `none` one
that everything speaks for alike, and nothing speaks for its class `never`. It takes pixels from 0 to 255, (n, 64, 64, 3).
"""

from __future__ import annotations

import sys

import numpy as np

from labelloop.training.keras_models import keras

SIDE = 64


def main() -> None:
    pixels = keras.Input((SIDE, SIDE, 3))
    seen = keras.layers.Conv2D(3, 4, 4, activation="relu", name="seen")(pixels)
    pooled = keras.layers.GlobalAveragePooling2D()(seen)
    model = keras.Model(pixels, keras.layers.Dense(3, activation="softmax", name="head")(pooled))
    mean = np.zeros((4, 4, 3, 3))
    mean[..., 0] = 1 / 48
    model.get_layer("seen").set_weights([mean, np.array([-190.0, 1.0, 1.0])])
    to_classes = np.array([[9.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
    model.get_layer("head").set_weights([to_classes, np.zeros(3)])
    model.trainable = False  # as a saved model is
    model.save(sys.argv[1])


if __name__ == "__main__":
    main()
