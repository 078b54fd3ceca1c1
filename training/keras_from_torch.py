"""A state dict of torch laid onto the layers of a Keras model.

    python -m labelloop.training.keras_from_torch STATE_DICT ARRAYS.npz

reads the former with torch, in a process of its own, since torch's libraries and TensorFlow's do not get along in one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..datasets.errors import LabelloopError

Arrays = Mapping[str, NDArray[Any]]

_COUNTERS = "num_batches_tracked"
"""How many batches a torch BatchNorm has seen; it has no part in what a model says."""


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a torch state dict by name, in their order; read by another process.

    Raises:
        LabelloopError: torch is not installed, or the file is none that it reads.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "arrays.npz")
        words = [sys.executable, "-m", f"{__package__}.keras_from_torch", str(path), str(made)]
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            said = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
            raise LabelloopError(f"{path} could not be read as a state dict of torch: {said}")
        with np.load(made) as arrays:
            names = [str(name) for name in arrays["names"]]
            return {name: arrays[f"array{number}"] for number, name in enumerate(names)}


def lay_onto(layers: Sequence[Any], arrays: Arrays) -> list[str]:
    """The names of the tensors that are left over, after each convolution, BatchNorm and dense layer has got its own.

    Args:
        layers: of Keras, in the order in which the network was written down.
        arrays: tensors in the same order, by whatever names: weight, bias, running_mean, running_var at
            their ends. What is left over comes last: a head that the model does not have.

    Raises:
        LabelloopError: fewer tensors than layers want, or a shape that does not fit.
    """
    waiting = [(name, value) for name, value in arrays.items() if not name.endswith(_COUNTERS)]
    for layer in layers:
        wanted = [tuple(weight.shape) for weight in layer.weights]
        taken, waiting = waiting[: len(wanted)], waiting[len(wanted) :]
        values = [_for_keras(layer, value) for _, value in taken]
        if [value.shape for value in values] != wanted:
            received = ", ".join(f"{name} {tuple(value.shape)}" for name, value in taken) or "nothing"
            raise LabelloopError(
                f"weights do not suit the model: its layer {layer.name} wants shapes {wanted}, received {received}"
            )
        layer.set_weights(values)
    return [name for name, _ in waiting]


def _for_keras(layer: Any, value: NDArray[Any]) -> NDArray[Any]:
    """The tensor with its axes where Keras has them: height, width, from, to."""
    if value.ndim == 4:  # torch: to, from, height, width; of a depthwise convolution, `from` is 1
        return value.transpose(2, 3, 0, 1) if type(layer).__name__ == "DepthwiseConv2D" else value.transpose(2, 3, 1, 0)
    return value.transpose() if value.ndim == 2 else value


def main() -> None:
    """Write the tensors of a state dict as NumPy arrays; exit status 1 with a sentence where it is none."""
    torch: Any = import_module("torch")
    try:
        # `weights_only` runs no code that a file may hold.
        said = cast("dict[str, Any]", torch.load(sys.argv[1], map_location="cpu", weights_only=True))
        values = {f"array{number}": value.numpy() for number, value in enumerate(said.values())}
    except Exception as error:  # torch raises whatever pickle, zip and its own checks raise
        sys.exit(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    np.savez(sys.argv[2], names=np.array(list(said)), **values)


if __name__ == "__main__":
    main()
