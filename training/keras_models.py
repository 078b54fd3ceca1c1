"""Classifiers in Keras: a backbone that rescales its own input, global average pooling, one dense layer.

Every model takes pixels from 0 to 255 in RGB. What its weights were trained to see is made of
them by its first layers, so that nobody can forget it or do it twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import keras as _keras
import numpy as np

from .classifier_models import Layout, architecture, last_layers
from .efficientnet_lite0 import OFFSET, SCALE, efficientnet_lite0
from .keras_bottlenecks import torch_mobilenetv2

keras = cast(Any, _keras)

HEAD = "head"
"""The name of the dense layer behind the backbone."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels from 0 to 1, RGB: what torchvision's weights and EfficientNet's see."""

_CAFFE_MEAN = (103.939, 116.779, 123.68)


@dataclass(frozen=True, slots=True)
class Norms:
    """How many BatchNorm layers take the statistics of each batch while training, and how many those that they have."""

    batch: int
    inference: int


def build_model(
    model: str, side: int, classes: int, *, layout: Layout = "keras", dropout: float = 0.2, momentum: float = 0.9
) -> Any:
    """A model with random weights: pixels from 0 to 255, (n, side, side, 3), to the scores of the classes, (n, classes).

    Args:
        layout: `torch` is for MobileNetV2 with weights that were trained by torchvision's.
        momentum: of BatchNorm's moving statistics. Keras' own 0.99 (0.999 in MobileNetV2) needs thousands of
            batches to move them, which a small training does not have: it would be judged with ImageNet's.
    """
    pixels = keras.Input((side, side, 3), name="pixels")
    x = _features(pixels, model, side, layout)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    # In 32 bits whatever the rest computes in: a softmax over 16 bits loses small scores.
    scores = keras.layers.Dense(classes, activation="softmax", dtype="float32", name=HEAD)(x)
    name = model.replace("-", "_") + ("_torch" if layout == "torch" else "")
    built = keras.Model(pixels, scores, name=name)
    for layer in norm_layers(built):
        layer.momentum = momentum
    if model == "efficientnetb0":
        set_normalization(built)
    return built


def choose_trainable(model: Any, trainable: str) -> Norms:
    """Let only the chosen layers learn; says what BatchNorm will do.

    A BatchNorm layer that learns takes each batch's statistics and moves its own; one that does
    not takes its own, in training as in use. Keras ties the two together by `layer.trainable`.
    """
    last = last_layers(trainable)
    inner = [layer for layer in model.layers if layer.name != HEAD]
    weighted = [layer for layer in inner if layer.weights and not isinstance(layer, keras.layers.Normalization)]
    chosen: set[int] = set(map(id, weighted[-last:])) if last else set()
    for layer in inner:
        if last:
            layer.trainable = id(layer) in chosen
        else:
            is_norm = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = trainable == "all" or (trainable == "batchnorm" and is_norm)
    norms = norm_layers(model)
    batch = sum(bool(layer.trainable) for layer in norms)
    return Norms(batch, len(norms) - batch)


def norm_layers(model: Any) -> list[Any]:
    """The BatchNorm layers, in their order."""
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def application(model: str, side: int, weights: str | None = None, tensor: Any = None) -> Any:
    """The model of `keras.applications` without its head; on a tensor where one is given."""
    made = getattr(keras.applications, architecture(model).application)
    on = {"input_shape": (side, side, 3)} if tensor is None else {"input_tensor": tensor}
    return made(include_top=False, weights=weights, **on)


def set_normalization(model: Any) -> None:
    """Have EfficientNet's normalization see ImageNet's mean and deviation.

    Keras' file of weights has the deviations where variances belong, and Keras mends that by one
    more layer behind, but only for `weights="imagenet"`: the same file, named by its path, gives a wrong model.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.set_weights([np.array(MEAN), np.square(DEVIATION), np.array(0)])
            layer.finalize_state()


def _features(pixels: Any, model: str, side: int, layout: Layout) -> Any:
    """The backbone's last feature map."""
    if model == "small-cnn":
        return _small_cnn(keras.layers.Rescaling(1 / 255, name="rescaling")(pixels))
    if model == "efficientnet-lite0":
        return efficientnet_lite0(keras.layers.Rescaling(SCALE, OFFSET, name="rescaling")(pixels))
    if model == "mobilenetv2" and layout == "torch":
        scale = [1 / (255 * deviation) for deviation in DEVIATION]
        offset = [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)]
        return torch_mobilenetv2(keras.layers.Rescaling(scale, offset, name="rescaling")(pixels))
    if model == "efficientnetb0":  # rescales by itself, also without weights
        return application(model, side, tensor=pixels).output
    if model in ("resnet50", "vgg16"):
        x = keras.ops.flip(pixels, axis=-1)
        offset = [-mean for mean in _CAFFE_MEAN]
        x = keras.layers.Rescaling(1.0, offset, name="rescaling")(x)
    else:
        x = keras.layers.Rescaling(1 / 127.5, -1.0, name="rescaling")(pixels)
    return application(model, side, tensor=x).output


def _small_cnn(x: Any) -> Any:
    """Four blocks of two 3x3 convolutions, 0.29 million weights: for pictures that look like nothing in ImageNet."""
    for number, channels in enumerate((32, 64, 96, 128)):
        for repeat in range(2):
            name = f"block{number}_{repeat}"
            stride = 2 if repeat == 0 else 1
            x = keras.layers.Conv2D(channels, 3, stride, padding="same", use_bias=False, name=name)(x)
            x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return x
