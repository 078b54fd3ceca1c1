"""The one door to albumentations: imported without torch, and without asking the internet for a newer one.

Albumentations imports torch for a transform that is of no use here (ToTensorV2). That takes
2.4 of its 3.1 seconds, and torch's triton after TensorFlow in one process is a segmentation fault.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from threading import Lock
from typing import Any, cast

from .errors import LabelloopError
from .schema import Json

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
if "torch" not in sys.modules:
    sys.modules.setdefault(
        "albumentations.pytorch", cast(Any, None)
    )  # which makes its import fail, as if torch were not there

import albumentations as A  # noqa: N812  # after the door is closed

__all__ = ["A", "parse_transforms"]

_one_at_a_time = Lock()
"""Warnings are turned into errors while transforms are made, and Python does that for all threads at once."""


def parse_transforms(serialised: Mapping[str, Json], name: str) -> list[A.BasicTransform | A.BaseCompose]:
    """The transforms of a serialised Compose, in their order; none for an empty mapping.

    An argument that a transform does not know is refused: albumentations itself leaves it
    out with a warning, so that a slip of the pen would be a default that nobody chose.

    Raises:
        LabelloopError: no such transform, or one that cannot be made like this.
    """
    if not serialised:
        return []
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            made: object = A.from_dict(dict(serialised))
        except KeyError as error:
            raise LabelloopError(
                f"{name}: albumentations {A.__version__} has no transform {error}, or it cannot be used here"
            ) from error
        except Exception as error:  # a transform raises whatever it likes, warnings among it
            raise LabelloopError(f"{name}: albumentations {A.__version__} says: {_short(error)}") from error
    if not isinstance(made, A.Compose):
        raise LabelloopError(f"{name}: transform must be a Compose, received {type(made).__name__}")
    if made.p < 1:  # which would be lost by taking the transforms out of it
        return [A.Sequential(made.transforms, p=made.p)]
    return list(made.transforms)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:400]
