"""Networks of inverted bottlenecks in Keras: expand, filter each channel by itself, project.

Reference: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import keras as _keras

layers = cast(Any, _keras.layers)

_MOBILENETV2 = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


class Block(NamedTuple):
    """Bottlenecks in a row; the first has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


def torch_mobilenetv2(x: Any) -> Any:
    """The last feature map of MobileNetV2 as torchvision builds it: one pixel of padding on each side.

    Keras' own pads the right and the bottom alone, and adds another epsilon to the variance, so
    weights that were trained with the one see everything moved by half a pixel in the other.
    """
    blocks = [Block(repeats, 3, stride, expansion, channels) for expansion, channels, repeats, stride in _MOBILENETV2]
    return bottlenecks(x, blocks, epsilon=1e-5, symmetric=True)


def bottlenecks(x: Any, blocks: Sequence[Block], *, epsilon: float, symmetric: bool = False) -> Any:
    """The last feature map, (n, height / 32, width / 32, 1280), of a rescaled input, (n, height, width, 3).

    Args:
        epsilon: what BatchNorm adds to the variance.
        symmetric: pad as much on the left and top as on the right and bottom where the stride is 2; else as
            TensorFlow's `same` does.
    """
    x = _convolved(x, 32, 3, 2, "stem", epsilon, symmetric)
    number = 0
    for block in blocks:
        for repeat in range(block.repeats):
            name, before = f"block{number}", x
            stride = block.stride if repeat == 0 else 1
            if block.expansion > 1:
                x = _convolved(x, block.expansion * x.shape[-1], 1, 1, f"{name}_expand", epsilon, symmetric)
            padded, padding = _padded(x, block.kernel, stride, f"{name}_depthwise", symmetric)
            depthwise = layers.DepthwiseConv2D(
                block.kernel, stride, padding=padding, use_bias=False, name=f"{name}_depthwise"
            )
            x = layers.BatchNormalization(epsilon=epsilon, name=f"{name}_depthwise_bn")(depthwise(padded))
            x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
            x = layers.Conv2D(block.channels, 1, use_bias=False, name=f"{name}_project")(x)
            x = layers.BatchNormalization(epsilon=epsilon, name=f"{name}_project_bn")(x)
            if stride == 1 and before.shape[-1] == block.channels:
                x = layers.Add(name=f"{name}_add")([before, x])
            number += 1
    return _convolved(x, 1280, 1, 1, "top", epsilon, symmetric)


def _convolved(x: Any, channels: int, kernel: int, stride: int, name: str, epsilon: float, symmetric: bool) -> Any:
    x, padding = _padded(x, kernel, stride, name, symmetric)
    x = layers.Conv2D(channels, kernel, stride, padding=padding, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(epsilon=epsilon, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _padded(x: Any, kernel: int, stride: int, name: str, symmetric: bool) -> tuple[Any, str]:
    if stride == 1 or not symmetric:
        return x, "same"
    return layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x), "valid"
