"""Weights loaded into a model that was built, whatever kind of file they lie in."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from ..datasets.errors import LabelloopError
from .classifier_weights import WeightsFile
from .keras_from_torch import lay_onto, read_state_dict
from .keras_models import HEAD, application, keras, set_normalization


def load_weights(built: Any, model: str, file: WeightsFile) -> tuple[str, ...]:
    """Load weights into all layers of a model but its head; the names of the tensors in the file that it does not have.

    Where a file holds a whole model with as many classes, its head is loaded too.

    Args:
        built: what `keras_models.build_model` made for `model`, with the file's layout.

    Raises:
        LabelloopError: the file cannot be read, or its weights do not suit the model.
    """
    if file.kind == "none":
        return ()
    path = Path(file.path)
    if not path.is_file():
        raise LabelloopError(f"weights are not where they were: {path}")
    try:
        if file.kind == "torch":
            inner = [layer for layer in built.layers if layer.weights and layer.name != HEAD]
            return _only_a_head(path, lay_onto(inner, read_state_dict(path)))
        if file.kind == "model":
            return _from_model(built, keras.models.load_model(path, compile=False))
        return _from_application(built, model, path)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise LabelloopError(f"{path}: weights do not suit {model}: {' '.join(str(error).split())[:500]}") from error


def _from_application(built: Any, model: str, path: Path) -> tuple[str, ...]:
    reference = application(model, int(built.input_shape[1]))
    reference.load_weights(str(path))
    own = [layer for layer in built.layers if layer.weights and layer.name != HEAD]
    theirs = [layer for layer in reference.layers if layer.weights]
    for mine, other in zip(own, theirs, strict=True):
        mine.set_weights(other.get_weights())
    if model == "efficientnetb0":
        set_normalization(built)
    return ()


def _from_model(built: Any, other: Any) -> tuple[str, ...]:
    """The names of the weights that were not taken: those of a head with other classes."""
    theirs = {layer.name: layer for layer in other.layers}
    left: list[str] = []
    for layer in built.layers:
        if not layer.weights:
            continue
        found = theirs[layer.name]
        same = [tuple(weight.shape) for weight in layer.weights] == [tuple(weight.shape) for weight in found.weights]
        if same:
            layer.set_weights(found.get_weights())
        elif layer.name == HEAD:
            left += [weight.path for weight in found.weights]
        else:
            raise LabelloopError(f"weights do not suit the model: its layer {layer.name} has other shapes")
    return tuple(left)


def _only_a_head(path: Path, left: list[str]) -> tuple[str, ...]:
    """What is left of a state dict, where that is one dense layer at most.

    Raises:
        LabelloopError: there is more.
    """
    if len(left) > 2 or any(not name.endswith(("weight", "bias")) for name in left):
        raise LabelloopError(f"{path} has {len(left)} tensors more than the model, from {left[0]} to {left[-1]}")
    return tuple(left)
