"""What to know of an augmentation before training with it.

That is where it changes what a label means, and where what is shown is not all that the trainer does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import radians, sin
from typing import Any, Literal, cast

from .augment_library import A, parse_transforms
from .augment_pipeline import STRAIGHT, leaves, mirrors_at_border
from .augmentation import Augmentation
from .schema import Json

Kind = Literal["mirrored", "turned", "recoloured", "grown", "bent", "border", "not-shown", "resized", "small"]

_MIRRORS = ("HorizontalFlip", "VerticalFlip", "Transpose", "D4")
_HALF_TURNS = ("RandomRotate90", "D4")
_WORD = re.compile(r"[^\W\d_]+")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SIDES = frozenset(
    [
        "left",
        "right",
        "l",
        "r",
        "lh",
        "rh",
        "port",
        "starboard",
        "왼쪽",
        "오른쪽",
        "좌",
        "우",
        "좌측",
        "우측",
        "왼",
        "오른",
        "왼손",
        "오른손",
        "좌회전",
        "우회전",
    ]
)
_ENDS = frozenset(
    [
        "up",
        "down",
        "upper",
        "lower",
        "top",
        "bottom",
        "upside",
        "above",
        "below",
        "위",
        "아래",
        "상",
        "하",
        "위쪽",
        "아래쪽",
        "상단",
        "하단",
    ]
)
_AXES = frozenset(["horizontal", "vertical", "portrait", "landscape", "가로", "세로"])
_COLOURS = frozenset(
    [
        "red",
        "orange",
        "yellow",
        "green",
        "blue",
        "purple",
        "violet",
        "pink",
        "brown",
        "cyan",
        "magenta",
        "빨강",
        "빨간",
        "빨간색",
        "주황",
        "주황색",
        "노랑",
        "노란",
        "노란색",
        "초록",
        "초록색",
        "녹색",
        "파랑",
        "파란",
        "파란색",
        "보라",
        "보라색",
        "분홍",
        "분홍색",
        "갈색",
    ]
)
_TURNED_DIGITS = re.compile(r"[69]")
_GRAY = ("ToGray", "InvertImg", "ChannelShuffle", "ChannelDropout", "ToSepia", "RGBShift", "Solarize")
_HUE = 0.08
"""Of the whole circle, 29 degrees: orange lies 30 from red and from yellow."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know, as a sentence; `kind` is for programs."""

    kind: Kind
    message: str

    def __str__(self) -> str:
        return self.message


def find_remarks(
    augmentation: Augmentation, classes: Sequence[str], *, boxes: bool = True, mosaic: bool = False
) -> list[Remark]:
    """What to know of an augmentation for these classes, what changes a label's meaning first.

    Args:
        classes: the names.
        boxes: whether boxes are looked at; without, what is about boxes is left out.
        mosaic: whether four images are put together for what is shown, where the trainer does so.

    Raises:
        LabelloopError: albumentations cannot make these transforms.
    """
    transforms = parse_transforms(augmentation.transforms, augmentation.name)
    each = list(leaves(transforms))
    found = [*_mirrored(each, augmentation, classes), *_turned(each, augmentation, classes)]
    found += _recoloured(each, augmentation, classes)
    if boxes:
        found += [*_about_boxes(each, augmentation), *_not_shown(augmentation.trainer, mosaic)]
    return found


def _mirrored(each: Sequence[A.BasicTransform], augmentation: Augmentation, classes: Sequence[str]) -> Iterator[Remark]:
    ways = [name for name in _names(each) if name in _MIRRORS]
    ways += [f"the trainer's {setting}" for setting in ("fliplr", "flipud") if augmentation.trainer[setting]]
    if not ways:
        return
    signs = [name for name in classes if any(map(str.isdigit, name)) or (len(name) == 1 and name.isascii())]
    if signs:
        yield Remark(
            "mirrored",
            f"{_listed(ways)} mirrors, and {_classes(signs)} digits or letters by the name: mirrored they are others or"
            " none, and no camera shows them so; the preset digits never mirrors",
        )
    sides = [name for name in classes if _words(name) & _SIDES]
    if sides:
        yield Remark(
            "mirrored", f"{_listed(ways)} makes left of right, and {_classes(sides)} one of the two: the label stays"
        )


def _turned(each: Sequence[A.BasicTransform], augmentation: Augmentation, classes: Sequence[str]) -> Iterator[Remark]:
    most = _degrees(each, augmentation.trainer)
    if most >= 60:
        meant = [name for name in classes if _words(name) & (_SIDES | _ENDS | _AXES)]
        if meant:
            yield Remark(
                "turned",
                f"images are turned by up to {most:.0f} degrees, and {_classes(meant)} a direction: the label stays",
            )
    if most >= 135:
        swapped = {
            name: name.translate(str.maketrans("69", "96"))[::-1] for name in classes if _TURNED_DIGITS.search(name)
        }
        pairs = [name for name, other in swapped.items() if other in swapped and set(name) <= set("01689")]
        if pairs:
            yield Remark(
                "turned",
                f"images are turned by up to {most:.0f} degrees, and upside down {' and '.join(pairs)} are each other",
            )


def _recoloured(
    each: Sequence[A.BasicTransform], augmentation: Augmentation, classes: Sequence[str]
) -> Iterator[Remark]:
    meant = [name for name in classes if _words(name) & _COLOURS]
    hue = cast(float, augmentation.trainer["hsv_h"])
    for transform in each:
        if type(transform).__name__ in _GRAY and transform.p >= 0.05:
            hue = 1.0
        for attribute, circle in (("hue", 1.0), ("hue_shift_limit", 180.0)):
            hue = max(hue, _largest(getattr(transform, attribute, 0.0)) / circle)
    if meant and hue >= _HUE:
        yield Remark("recoloured", f"colours are changed, and {_classes(meant)} one by the name: the label stays")


def _about_boxes(each: Sequence[A.BasicTransform], augmentation: Augmentation) -> Iterator[Remark]:
    turned = min(_degrees([one for one in each if type(one).__name__ not in _HALF_TURNS], augmentation.trainer), 45.0)
    growth = sin(radians(2 * turned))
    if growth >= 0.1:
        yield Remark(
            "grown",
            f"images are turned by up to {turned:.0f} degrees (quarter turns aside): a box around a turned object is"
            f" larger than the object, that of a square by up to {growth:.0%} of its area",
        )
    spatial = [one for one in each if isinstance(one, A.DualTransform)]
    bent = [name for name in _names(spatial) if name not in STRAIGHT]
    bordered = _names([one for one in spatial if mirrors_at_border(one)])
    if bent or bordered:
        yield Remark(
            "bent",
            f"boxes are refitted by albumentations, step by step, because of {_listed([*bent, *bordered])}: they may"
            " grow at each step, and how much of one is still to be seen is measured anew at each",
        )
    if bordered:
        yield Remark(
            "border",
            f"{_listed(bordered)} fills the border with the image's mirror image: parts of objects appear there,"
            " some without a box; border_mode 0 fills it with one colour",
        )


def _not_shown(trainer: Mapping[str, Json], mosaic: bool) -> Iterator[Remark]:
    said: dict[str, Callable[[Any], str]] = {
        "mosaic": lambda part: f"puts four images together in {part:.0%} of the cases",
        "mixup": lambda part: f"lays two images over each other in {part:.0%} of the cases",
        "cutmix": lambda part: f"pastes a part of one image into another in {part:.0%} of the cases",
        "copy_paste": lambda part: f"copies {part:.0%} of the objects between images, where there are outlines",
        "bgr": lambda part: f"swaps red and blue in {part:.0%} of the cases",
        "multi_scale": lambda part: f"changes the size of the images by up to {part:.0%} between batches",
    }
    for setting, sentence in said.items():
        if trainer[setting] and not (setting == "mosaic" and mosaic):
            yield Remark(
                "not-shown", f"the trainer also {sentence(trainer[setting])} ({setting}); no copy here has that"
            )
    if mosaic and trainer["mosaic"] and trainer["close_mosaic"]:
        yield Remark(
            "not-shown",
            f"the trainer stops putting four images together (mosaic) for the last {trainer['close_mosaic']} epochs,"
            " and trains on single images; none is shown here",
        )


def _degrees(each: Sequence[A.BasicTransform], trainer: Mapping[str, Json]) -> float:
    """By how many degrees an image may be turned, at most 180."""
    most = float(cast(float, trainer["degrees"]))
    for transform in each:
        name = type(transform).__name__
        if name in _HALF_TURNS:
            most = 180.0
        elif name in ("Rotate", "SafeRotate"):
            most = max(most, _largest(getattr(transform, "limit", 0.0)))
        elif name in ("Affine", "ShiftScaleRotate"):
            most = max(
                most, _largest(getattr(transform, "rotate_limit", 0.0)), _largest(getattr(transform, "rotate", 0.0))
            )
    return min(most, 180.0)


def _largest(limits: Any) -> float:
    """The largest absolute number in a limit of albumentations': a number, a pair, or None."""
    if isinstance(limits, int | float):
        return abs(float(limits))
    if isinstance(limits, tuple | list):
        return max((_largest(each) for each in cast("Sequence[Any]", limits)), default=0.0)
    return 0.0


def _names(each: Sequence[A.BasicTransform]) -> list[str]:
    return list(dict.fromkeys(type(transform).__name__ for transform in each))


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(_CAPITAL.sub(" ", name))}


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"the class {shown} is" if len(names) == 1 else f"the classes {shown} are"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(dict.fromkeys(names))
