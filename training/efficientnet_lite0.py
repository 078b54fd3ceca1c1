"""EfficientNet-Lite0 in Keras: EfficientNetB0 without squeeze-excite and with ReLU6, made for phones.

Keras has no Lite variants, and the weights of this one do not fit `EfficientNetB0`. Layers
are in the order of the reference implementation, so that its weights can be laid onto them.

Reference: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

from __future__ import annotations

from typing import Any

from .keras_bottlenecks import Block, bottlenecks

SCALE, OFFSET = 1 / 128, -127 / 128
"""The input's rescaling: (x - 127) / 128 for x from 0 to 255."""

_BLOCKS = (
    Block(1, 3, 1, 1, 16),
    Block(2, 3, 2, 6, 24),
    Block(2, 5, 2, 6, 40),
    Block(3, 3, 2, 6, 80),
    Block(3, 5, 1, 6, 112),
    Block(4, 5, 2, 6, 192),
    Block(1, 3, 1, 6, 320),
)


def efficientnet_lite0(x: Any) -> Any:
    """The last feature map, (n, height / 32, width / 32, 1280), of a rescaled input, (n, height, width, 3)."""
    return bottlenecks(x, _BLOCKS, epsilon=1e-3)
