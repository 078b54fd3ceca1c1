"""`python -m tests.training.torch_features FOLDER`: what torch says with the weights of `weights.json`, as arrays.

Written down from the papers with torch's own operations: nothing of labelloop's models is in it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

SIDE = 96
PIXELS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.float32)


class Lite0:
    """EfficientNet-Lite0 with the names of its state dict, padded as TensorFlow pads."""

    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def conv(self, x: torch.Tensor, name: str, stride: int = 1, groups: int = 1) -> torch.Tensor:
        weight = self.state[f"{name}.weight"]
        kernel, side = weight.shape[-1], x.shape[-1]
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        x = functional.pad(x, [total // 2, total - total // 2] * 2)
        return functional.conv2d(x, weight, stride=stride, groups=groups)

    def norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        mean, var, weight, bias = (
            self.state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, var, weight, bias, eps=1e-3)

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        x = (pixels - 127) / 128
        x = functional.relu6(self.norm(self.conv(x, "_conv_stem", 2), "_bn0"))
        for number, stride in enumerate(self.strides):
            name, before = f"_blocks.{number}.", x
            if number:
                x = functional.relu6(self.norm(self.conv(x, f"{name}_expand_conv"), f"{name}_bn0"))
            x = self.conv(x, f"{name}_depthwise_conv", stride, groups=x.shape[1])
            x = functional.relu6(self.norm(x, f"{name}_bn1"))
            x = self.norm(self.conv(x, f"{name}_project_conv"), f"{name}_bn2")
            if x.shape == before.shape:
                x = x + before
        return functional.relu6(self.norm(self.conv(x, "_conv_head"), "_bn1")).mean((2, 3))


def mobilenet(state: dict[str, Any], pixels: torch.Tensor) -> torch.Tensor:
    """Torchvision's own MobileNetV2, behind torchvision's own normalization."""
    import torchvision
    from torchvision.transforms import functional as transforms

    net = torchvision.models.mobilenet_v2(weights=None).features.eval()
    net.load_state_dict(dict(zip(net.state_dict(), state.values(), strict=True)))
    return net(transforms.normalize(pixels / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])).mean((2, 3))


def main() -> None:
    folder = Path(sys.argv[1])
    pixels = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)
    for name, file in json.loads((folder / "weights.json").read_text()).items():
        state = torch.load(file["path"], map_location="cpu", weights_only=True)
        with torch.inference_mode():
            found = Lite0(state)(pixels) if name == "efficientnet-lite0" else mobilenet(state, pixels)
        np.save(folder / f"{name}.npy", found.numpy().astype(np.float64))


if __name__ == "__main__":
    main()
