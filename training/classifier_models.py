"""The classifiers that can be trained, and which of their layers may learn; nothing here imports Keras."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..datasets.errors import LabelloopError

Layout = Literal["keras", "torch"]
"""Whose padding, BatchNorm epsilon and rescaling a model has; weights of the one do not suit the other exactly."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What is known of a model before it is built.

    `side` is the side in pixels that it is trained with where nobody says otherwise, `least` the
    smallest that it takes. `application` is its name in `keras.applications`, empty where it is
    labelloop's own. `pretrained` says whether weights trained on ImageNet exist, `norm` whether it has
    BatchNorm layers. `rescaling` says in words what its first layers do with pixels from 0 to 255.
    """

    side: int
    least: int
    application: str
    pretrained: bool
    norm: bool
    rescaling: str


_MINUS_1_TO_1 = "x / 127.5 - 1"
_CAFFE = "BGR, minus 103.939, 116.779, 123.68"
_TORCH = "(x / 255 - mean) / deviation, of ImageNet"

ARCHITECTURES: Mapping[str, Architecture] = {
    "small-cnn": Architecture(128, 32, "", False, True, "x / 255"),
    "efficientnetb0": Architecture(224, 32, "EfficientNetB0", True, True, _TORCH),
    "efficientnet-lite0": Architecture(224, 32, "", True, True, "(x - 127) / 128"),
    "mobilenetv2": Architecture(224, 32, "MobileNetV2", True, True, _MINUS_1_TO_1),
    "resnet50": Architecture(224, 32, "ResNet50", True, True, _CAFFE),
    "vgg16": Architecture(224, 32, "VGG16", True, False, _CAFFE),
    "inceptionv3": Architecture(224, 75, "InceptionV3", True, True, _MINUS_1_TO_1),
}


def architecture(model: str) -> Architecture:
    """What is known of a model.

    Raises:
        LabelloopError: there is none of that name.
    """
    if model not in ARCHITECTURES:
        raise LabelloopError(f"model must be one of {', '.join(ARCHITECTURES)}, received {model}")
    return ARCHITECTURES[model]


def rescaling(model: str, layout: Layout) -> str:
    """What the model's first layers do with pixels from 0 to 255, in words."""
    return _TORCH if layout == "torch" else architecture(model).rescaling


def check_trainable(trainable: str, model: str) -> str:
    """The choice of layers that may learn, as it is.

    Raises:
        LabelloopError: it is none of head, batchnorm, last-N and all, or the model has no BatchNorm.
    """
    if trainable not in ("head", "batchnorm", "all") and not last_layers(trainable):
        raise LabelloopError(
            f"trainable must be head, batchnorm, last-N (such as last-20) or all, received {trainable}"
        )
    if trainable == "batchnorm" and not architecture(model).norm:
        raise LabelloopError(f"{model} has no BatchNorm layers to train: choose head, last-N or all")
    return trainable


def last_layers(trainable: str) -> int:
    """The N of `last-N`, 0 where it is something else."""
    match = re.fullmatch(r"last-([1-9][0-9]{0,3})", trainable)
    return int(match[1]) if match else 0
