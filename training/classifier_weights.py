"""Weights for a classifier to start from: a file of the user's, Keras' own download, or the file of a package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, Literal, cast

from ..datasets.errors import LabelloopError
from .classifier_models import Layout, architecture
from .weights import DOWNLOAD_SECONDS, EFFICIENTNET_LITE0, MOBILENETV2, PackageFile, is_reachable, package_file

Kind = Literal["none", "keras", "torch", "model"]

_HOST = "storage.googleapis.com"
_PACKAGED: Mapping[str, PackageFile] = {"efficientnet-lite0": EFFICIENTNET_LITE0, "mobilenetv2": MOBILENETV2}


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """Weights that were found, and not loaded yet.

    `kind` is none, or what the file at `path` holds: weights of a model of `keras.applications` without its head
    (keras), a state dict of torch (torch), or a whole model that labelloop trained (model). `source` says
    where it came from, for people. `layout` is that of the model that the weights suit.
    """

    kind: Kind
    path: str = ""
    sha256: str = ""
    source: str = "random"
    layout: Layout = "keras"


def find_weights(model: str, wanted: str, cache: Path) -> WeightsFile:
    """The weights that a training is to start from.

    Args:
        wanted: imagenet, none, or a file: `.h5` (of keras.applications, without the head), `.pth` or `.pt` (a state
            dict of torch, of EfficientNet-Lite0 or MobileNetV2) or `.keras` (of an earlier run).
        cache: the folder that downloads go to, and are found in again.

    Raises:
        LabelloopError: no such file, one of another kind or model, or weights that can neither be
            downloaded nor be found in a package; the text says what to do.
    """
    known = architecture(model)
    if wanted == "none":
        return WeightsFile("none")
    if wanted != "imagenet":
        return _user_file(model, Path(wanted).expanduser())
    if not known.pretrained:
        raise LabelloopError(f"{model} has no weights trained on ImageNet: choose --weights none")
    why = "Keras has none"
    if known.application:
        kept = cache / f"{model}-imagenet.weights.h5"
        why = "" if kept.is_file() else _download(model, kept)
        if not why:
            return WeightsFile("keras", str(kept), _sha256(kept), "Keras' own download")
    if model in _PACKAGED:
        package = _PACKAGED[model]
        try:
            path = package_file(package)
        except LabelloopError as error:
            why = f"{why}, and in no package: {error}"
        else:
            source = f"the package {package.package}=={package.version}"
            return WeightsFile("torch", str(path), package.sha256, source, _torch_layout(model))
    raise LabelloopError(
        f"weights of {model}, trained on ImageNet, could not be found: {why}. Name a file with --weights FILE, begin from"
        " scratch with --weights none, or choose a model whose weights come in a package: efficientnet-lite0, mobilenetv2"
    )


def _user_file(model: str, path: Path) -> WeightsFile:
    if not path.is_file():
        raise LabelloopError(f"weights must be imagenet, none or a file that exists, received {path}")
    found, digest = os.path.abspath(path), _sha256(path)
    if path.suffix == ".keras":
        return WeightsFile("model", found, digest, found, _model_layout(model, path))
    if path.suffix in (".h5", ".hdf5"):
        if not architecture(model).application:
            raise LabelloopError(f"{path} holds weights of keras.applications, which has no {model}")
        return WeightsFile("keras", found, digest, found)
    if path.suffix in (".pth", ".pt"):
        if model not in _PACKAGED:
            raise LabelloopError(
                f"weights of torch can be laid onto {' and '.join(_PACKAGED)} alone, received {path} for {model}"
            )
        return WeightsFile("torch", found, digest, found, _torch_layout(model))
    raise LabelloopError(f"weights must be a file .h5, .pth, .pt or .keras, received {path}")


def _torch_layout(model: str) -> Layout:
    # EfficientNet-Lite0 is built as TensorFlow pads, and its torch weights were converted from there.
    return "torch" if model == "mobilenetv2" else "keras"


def _model_layout(model: str, path: Path) -> Layout:
    """The layout of a model in a `.keras` file, by its name.

    Raises:
        LabelloopError: it is no such file, or of another model.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            said = cast("dict[str, Any]", json.loads(archive.read("config.json")))
        name = str(said["config"]["name"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise LabelloopError(f"{path} is no model that Keras saved: {error}") from error
    plain = model.replace("-", "_")
    if name not in (plain, f"{plain}_torch"):
        raise LabelloopError(f"weights must be of the model {model}, received {path} of {name.replace('_', '-')}")
    return "keras" if name == plain else "torch"


def _download(model: str, target: Path) -> str:
    """Why Keras' own download did not work; empty where the weights are at the target now."""
    if not _kept_by_keras(model) and not is_reachable(_HOST):
        return f"{_HOST} cannot be reached"
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"{__package__}.keras_download", model, str(target)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=DOWNLOAD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {DOWNLOAD_SECONDS} seconds"
    if done.returncode == 0 and target.is_file():
        return ""
    said = done.stderr.strip().splitlines()
    return said[-1] if said else f"exit status {done.returncode}"


def _kept_by_keras(model: str) -> bool:
    """Whether Keras has such a file already, from an earlier download by whatever program."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    plain = {"mobilenetv2": "mobilenet_v2", "inceptionv3": "inception_v3"}.get(model, model)
    return any(home.glob(f"models/{plain}*no*top*.h5"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
