"""What a labelled image is, in labelloop's one way of saying it.

Geometry, stated once: a box is its corners (x1, y1, x2, y2) in pixels of the image
as displayed (EXIF orientation applied), float64, origin at the top-left corner of
the top-left pixel. The whole of a 640x480 image is (0, 0, 640, 480).

Classes are names; integers exist only inside a format or a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
State = Literal["labelled", "negative", "unlabelled"]

NOTHING: Mapping[str, Json] = {}
"""The attributes of a box that has none: one empty mapping for all, by its type not to be written to."""


class Size(NamedTuple):
    """Width and height in pixels, always in this order."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Box:
    """One object: its class and its corners in pixels of the upright image.

    `id` is 24 hex characters once the box lives in a ledger, and empty before.
    `score` is a model's confidence in [0, 1]; None for a label that is no prediction.
    `attributes` holds whatever else its source said of the box, under the source's keys.

    Raises:
        ValueError: the label is empty, a corner is not finite, the box has no area,
            or the score is outside [0, 1].
    """

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    id: str = ""
    score: float | None = None
    attributes: Mapping[str, Json] = field(default_factory=lambda: NOTHING)

    def __post_init__(self) -> None:
        if not self.label:
            raise ValueError("box must have a label, received an empty one")
        if not (self.x1 < self.x2 and self.y1 < self.y2 and isfinite(self.x2 - self.x1 + self.y2 - self.y1)):
            raise ValueError(why_not_a_box(self.corners))
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must be between 0 and 1, received {self.score}")

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """(x1, y1, x2, y2) in pixels."""
        return (self.x1, self.y1, self.x2, self.y2)


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with what is known of it.

    `key` is its path under the dataset's root, POSIX, Unicode NFC; `path` is where its
    bytes are. `size` is that of the upright image; `orientation` is the EXIF value 1..8
    that made it upright. `state` tells a looked-at negative (no boxes, on purpose) from
    an image that nobody has labelled yet. `label` is the image's own class, if it has one.
    With `embedded`, `path` is the label file that carries the image inside it.
    `tags` are a person's own marks, in alphabetical order. `sha256` is that of the image
    file, 64 hex characters once the image lives in a ledger, and empty before.

    Raises:
        ValueError: labels on an image whose state says that there are none, or a
            size that is not positive.
    """

    key: str
    path: Path
    size: Size
    orientation: int = 1
    state: State = "labelled"
    boxes: tuple[Box, ...] = ()
    label: str | None = None
    split: str | None = None
    group: str | None = None
    extra: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    embedded: bool = False
    tags: tuple[str, ...] = ()
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.size[0] < 1 or self.size[1] < 1:
            raise ValueError(f"size must be positive, received {self.size[0]}x{self.size[1]}")
        labelled = bool(self.boxes) or self.label is not None
        if labelled != (self.state == "labelled"):
            raise ValueError(
                f"a {self.state} image must have {'a label or a box' if not labelled else 'no label and no box'},"
                f" received {len(self.boxes)} boxes and the label {self.label!r}"
            )


def why_not_a_box(corners: tuple[float, float, float, float]) -> str:
    """The rule that these corners (x1, y1, x2, y2) break, with the values received."""
    x1, y1, x2, y2 = corners
    if not all(map(isfinite, corners)):
        return f"box must have finite corners, received {corners}"
    if not x1 < x2:
        return f"box must have x1 < x2, received {corners}"
    if not y1 < y2:
        return f"box must have y1 < y2, received {corners}"
    return f"box must have corners whose differences are finite, received {corners}"


def meaningful(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """The attributes that say something: without null, empty text, empty list and empty mapping.

    LabelMe writes `group_id: null` and `flags: {}` on every shape; nobody loses anything
    where a target cannot hold those.
    """
    return {key: value for key, value in attributes.items() if value not in (None, "", [], {})}
