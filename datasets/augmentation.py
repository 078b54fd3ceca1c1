"""Augmentations: what is done at random to the images that a model learns from, by a preset's name or a YAML file.

The file is albumentations' own serialisation (`albumentations.save(..., data_format="yaml")`),
with two lines of labelloop's own beside it:

    visibility: 0.3           # a box is dropped when less than this part of it is still inside
    trainer: {mosaic: 1.0}    # Ultralytics' own settings on top; what is not named is off

docs/augmentation.md shows each preset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import cast

import yaml

from .errors import LabelloopError
from .label_files import read_text
from .schema import Json

SHIPPED = Path(__file__).parent / "augmentations"

PRESETS: tuple[str, ...] = ("none", "light", "field", "digits", "trainer")

TRAINER_OFF: Mapping[str, Json] = {
    "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0,
    "degrees": 0.0, "translate": 0.0, "scale": 0.0, "shear": 0.0, "perspective": 0.0,
    "flipud": 0.0, "fliplr": 0.0, "bgr": 0.0,
    "mosaic": 0.0, "close_mosaic": 0, "mixup": 0.0, "cutmix": 0.0, "copy_paste": 0.0,
    "auto_augment": None, "erasing": 0.0, "multi_scale": 0.0,
}  # fmt: skip
"""Every setting by which Ultralytics 8.4 changes what is trained on, at the value that switches it off."""

DEFAULT_VISIBILITY = 0.3


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is done to the images that a model learns from.

    `name` is the preset's, or the file's path. `transforms` is what `albumentations.to_dict` gives for
    a Compose without `bbox_params`; empty for none. `trainer` has Ultralytics' own settings that go
    with it, all of TRAINER_OFF's, so that nothing of its defaults happens unseen. `visibility` is the
    part of a box, in [0, 1], that must be left inside the image; a box with less is dropped.
    """

    name: str
    transforms: Mapping[str, Json]
    trainer: Mapping[str, Json]
    visibility: float = DEFAULT_VISIBILITY


def read_augmentation(spec: str) -> Augmentation:
    """The augmentation of a preset's name or of a YAML file.

    Whether albumentations can build it is seen when it is built.

    Raises:
        LabelloopError: no such preset or file, or a file that is no augmentation.
    """
    path = Path(spec)
    if spec in PRESETS:
        path = SHIPPED / f"{spec}.yaml"
    elif not path.is_file():
        raise LabelloopError(f"augmentation must be a YAML file or one of {', '.join(PRESETS)}, received {spec}")
    try:
        return parse_augmentation(read_text(path), spec)
    except ValueError as error:
        raise LabelloopError(f"{path}: {error}") from error


def parse_augmentation(content: str, name: str) -> Augmentation:
    """The augmentation that a YAML text describes.

    Raises:
        ValueError: no mapping, an unknown line, or a value that breaks a rule.
    """
    lines = _mapping(_load(content), "augmentation")
    known = ("__version__", "transform", "trainer", "visibility")
    unknown = [line for line in lines if line not in known]
    if unknown:
        raise ValueError(
            f"augmentation must have only the lines {', '.join(known)}, as albumentations.save writes them,"
            f" received {', '.join(unknown)}"
        )
    transform = _transform(lines.get("transform"))
    limits = transform.pop("bbox_params", None)
    transform.pop("keypoint_params", None)
    visibility = lines.get("visibility", _limit(limits))
    if not _number(visibility) or not 0.0 <= cast(float, visibility) <= 1.0:
        raise ValueError(f"visibility must be a number from 0 to 1, received {visibility!r}")
    given = _mapping(lines.get("trainer"), "trainer")
    for setting, value in given.items():
        _check_setting(setting, value)
    transforms: dict[str, Json] = {}
    if transform:
        transforms = {"__version__": str(lines.get("__version__", "")), "transform": transform}
    return Augmentation(name, transforms, {**TRAINER_OFF, **given}, float(cast(float, visibility)))


def _transform(value: Json) -> dict[str, Json]:
    transform = dict(_mapping(value, "transform"))
    if not transform:
        return {}
    if not isinstance(transform.get("__class_fullname__"), str):
        raise ValueError("transform must name its class as __class_fullname__, as albumentations.save writes it")
    if transform["__class_fullname__"] == "Compose":
        return transform
    return {"__class_fullname__": "Compose", "p": 1.0, "transforms": [transform]}


def _limit(params: Json) -> Json:
    """The visibility that a saved Compose asks for itself; its other limits have no counterpart here."""
    if params is None:
        return DEFAULT_VISIBILITY
    limits = _mapping(params, "bbox_params")
    for name in ("min_area", "min_width", "min_height"):
        if limits.get(name):
            raise ValueError(f"bbox_params must have no {name}, as only min_visibility is kept: remove the line")
    return limits.get("min_visibility") or DEFAULT_VISIBILITY


def _check_setting(setting: str, value: Json) -> None:
    if setting not in TRAINER_OFF:
        raise ValueError(f"trainer must have only {', '.join(TRAINER_OFF)}, received {setting}")
    if setting == "auto_augment":
        fine = value is None or isinstance(value, str)
    elif setting == "scale" and isinstance(value, list):  # its smallest and its largest factor
        fine = len(value) == 2 and all(map(_number, value))
    else:
        fine = _number(value)
    if not fine:
        raise ValueError(f"trainer.{setting} must be a number, received {value!r}")


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _mapping(value: Json, name: str) -> dict[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a mapping, received {value!r}")
    return value


class _Loader(yaml.SafeLoader):
    """Numbers as numbers, and no aliases, by which a short file can grow to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read")
        return super().compose_node(parent, index)


def _load(content: str) -> Json:
    try:
        return cast(Json, yaml.load(content, _Loader))  # noqa: S506  # a safe loader
    except RecursionError as error:
        raise ValueError("file is nested too deep") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ValueError(f"file is no YAML that can be read: {' '.join(str(error).split())}") from error
