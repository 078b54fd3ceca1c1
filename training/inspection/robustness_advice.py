"""Which augmentation answers what a run does not bear: of labelloop's own, the first that goes as far as it must."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ...datasets.augmentation import Augmentation, read_augmentation
from ...datasets.schema import Json
from ..plans import Plan
from .robustness_conditions import BLURRED_AT, FAMILIES, Family
from .robustness_measures import MEASURES, Measure, Measures
from .robustness_results import Point, Robustness

FALLS = 0.1
"""A change is not borne where a figure that decides falls by more than this part of what it is on untouched images."""

_CHOICES = ("digits", "field")
"""Tried in this order: neither mirrors, which would answer none of these changes and ruins what must be read."""
_RARE = 0.05
"""What happens to fewer images teaches next to nothing: the trainer's own blur has p=0.01."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What of one kind of change is not borne, from the mildest level on, and what to do; `command` is "" for nothing.

    `falls` is AP50 (of a classifier, accuracy) before and then; `weakest` is the class whose recall falls most, and from what to what.
    """

    family: str
    level: float | None
    falls: tuple[float, float]
    weakest: tuple[str, float, float] | None
    augmentation: str
    command: str
    finding: str
    answer: str

    @property
    def sentence(self) -> str:
        """What is found, and what to do."""
        return f"{self.finding} {self.answer}".rstrip()


def advise(result: Robustness, plan: Plan) -> tuple[Advice, ...]:
    """A piece of advice for each kind of change that was tried."""
    return tuple(_advise(result, plan, FAMILIES[name], points) for name, points in result.families.items())


def reaches(augmentation: Augmentation, family: Family, level: float, imgsz: int) -> bool:
    """Whether an augmentation makes such a change, as far as that, on images to be trained on.

    Args:
        imgsz: the longer side of the trainer's images in pixels, in which a blur counts.
    """
    trainer = augmentation.trainer
    leaves = [each for each in _transforms(augmentation.transforms) if _number(each.get("p"), 0.5) >= _RARE]
    if family.name == "turned":
        return _turns(leaves, trainer, level)
    if family.name == "scaled":
        return _scales(leaves, trainer, level)
    if family.name == "blurred":
        sigma = level * imgsz / BLURRED_AT
        # A box of n pixels, along which motion blurs, spreads as a sigma of n / root(12) does.
        sigmas = [_end(each.get("sigma_limit"), 1) for each in leaves if _name(each) == "GaussianBlur"]
        sigmas += [_end(each.get("blur_limit"), 1) / 12**0.5 for each in leaves if _name(each) == "MotionBlur"]
        return any(each >= sigma for each in sigmas)
    if family.name == "darkened":
        factors = [1 + _end(each.get("brightness_limit"), 0) for each in leaves if "Brightness" in _name(each)]
        jitters = [each.get("brightness", 0.2) for each in leaves if _name(each) == "ColorJitter"]
        factors += [_end(each, 0) if isinstance(each, list | tuple) else 1 - _number(each, 0.0) for each in jitters]
        return any(each <= level for each in (*factors, 1 - _number(trainer.get("hsv_v"), 0.0)))
    return any(_end(each.get("quality_range"), 0) <= level for each in leaves if _name(each) == "ImageCompression")


def _advise(result: Robustness, plan: Plan, family: Family, points: Sequence[Point]) -> Advice:
    measures = MEASURES[result.kind]
    main, recall = measures.main, measures.recall(family.name)
    before = result.untouched.scores[main.overall] or 0.0
    at = {point.level: point for point in points}
    falling = [level for level in family.mildest_first() if _falls(measures, family, result.untouched, at[level])]
    if not before or not falling:
        said = f"It bears all that was tried of this: {_range(family)}." if before else measures.nothing
        return Advice(family.name, None, (before, before), None, "", "", said, "")
    first = falling[0]
    after = at[first].scores[main.overall] or 0.0
    weakest = _weakest(measures, recall, result.untouched, at[first])
    recalls = [point.scores[recall.overall] or 0.0 for point in (result.untouched, at[first])]
    did = family.describe(first)
    lost = (
        f"{did[0].upper()}{did[1:]}, {main.title} goes from {before:.2f} to {after:.2f} and {recall.title} from"
        f" {recalls[0]:.2f} to {recalls[1]:.2f}"
    )
    if weakest:
        count = result.untouched.classes[weakest[0]][measures.count]
        of = f"{count} {measures.many if count != 1 else measures.one}"
        lost += f"; {recall.title} of {weakest[0]} ({of}) falls most, from {weakest[1]:.2f} to {weakest[2]:.2f}"
    return Advice(family.name, first, (before, after), weakest, *_answer(plan, family, falling, f"{lost}."))


def _answer(plan: Plan, family: Family, falling: Sequence[float], finding: str) -> tuple[str, str, str, str]:
    """The augmentation that goes as far as the mildest level that fails, the command, the finding, and what to do in words."""
    first, imgsz = falling[0], int(str(plan.settings.get("imgsz", 640)))
    own = Augmentation(**cast("dict[str, Any]", plan.settings["augmentation"]))
    origin = " --from boxes" if plan.kind == "classifier" and plan.settings.get("from") == "boxes" else ""
    train = f"labelloop train {plan.kind} {plan.dataset} --model {plan.model}{origin} --augment "
    line = _line(family, falling, imgsz)
    if reaches(own, family, first, imgsz):
        answer = (
            f"It has learned with {own.name}, which goes that far already: more images of this kind, or more epochs."
        )
        return own.name, "", finding, answer
    name = next((each for each in _CHOICES if reaches(read_augmentation(each), family, first, imgsz)), "")
    if not name:
        answer = f"No preset goes that far; a file of your own does, with the line {line}: {train}FILE"
        return "", f"{train}FILE", finding, answer
    answer = f"The augmentation {name} goes that far: {train}{name}"
    left = [f"{level:g}" for level in falling if not reaches(read_augmentation(name), family, level, imgsz)]
    if left:
        answer += f" (it does not reach {_listed(left)}; a file of your own does, with the line {line})"
    return name, f"{train}{name}", finding, answer


def _falls(measures: Measures, family: Family, before: Point, after: Point) -> bool:
    """Whether one of the figures that decide falls; scores can sink below the confidence that is used while their order stays right."""
    return any(
        (after.scores[each.overall] or 0.0) < (1 - FALLS) * (before.scores[each.overall] or 0.0)
        for each in measures.deciding(family.name)
    )


def _turns(leaves: Sequence[Mapping[str, Any]], trainer: Mapping[str, Json], level: float) -> bool:
    far = _number(trainer.get("degrees"), 0.0)
    quarters = False
    for each in leaves:
        if _name(each) in ("Affine", "Rotate", "SafeRotate", "ShiftScaleRotate"):
            far = max(far, *(abs(_end(each.get(key), 1)) for key in ("rotate", "limit", "rotate_limit")))
        quarters = quarters or _name(each) in ("RandomRotate90", "D4")
    nearest = min(level % 90, 90 - level % 90) if quarters else min(level, 360 - level)
    return nearest <= far


def _scales(leaves: Sequence[Mapping[str, Any]], trainer: Mapping[str, Json], level: float) -> bool:
    said = trainer.get("scale")
    low, high = (float(str(said[0])), float(str(said[1]))) if isinstance(said, list) else _around(_number(said, 0.0))
    for each in leaves:
        if _name(each) in ("Affine", "RandomScale") and each.get("scale") is not None:
            low, high = min(low, _end(each["scale"], 0)), max(high, _end(each["scale"], 1))
    return low <= level <= high


def _around(gain: float) -> tuple[float, float]:
    return 1 - gain, 1 + gain


def _weakest(measures: Measures, recall: Measure, before: Point, after: Point) -> tuple[str, float, float] | None:
    """The class whose recall falls most, where there is more than one class."""
    name_of = recall.of_class
    known = [(name, metrics[name_of] or 0.0) for name, metrics in before.classes.items() if metrics[measures.count]]
    if len(known) < 2:
        return None
    falls = [(name, value, after.classes[name][name_of] or 0.0) for name, value in known]
    found = max(falls, key=lambda each: each[1] - each[2])
    return found if found[1] > found[2] else None


def _line(family: Family, falling: Sequence[float], imgsz: int) -> str:
    """The line of an augmentation file that goes as far as all that is not borne."""
    if family.name == "turned":
        return "{__class_fullname__: Affine, p: 0.8, rotate: [-180.0, 180.0], border_mode: 0, fill: 114}"
    low, high = min(falling), max(falling)
    if family.name == "scaled":
        return (
            f"{{__class_fullname__: Affine, p: 0.8, scale: [{min(low, 1):g}, {max(high, 1):g}], keep_ratio: true,"
            " border_mode: 0, fill: 114}"
        )
    if family.name == "blurred":
        return f"{{__class_fullname__: GaussianBlur, p: 0.4, sigma_limit: [0.5, {high * imgsz / BLURRED_AT:g}], blur_limit: 0}}"
    if family.name == "darkened":
        return (
            f"{{__class_fullname__: ColorJitter, p: 0.5, brightness: [{low:g}, 1.1], contrast: [1.0, 1.0],"
            " saturation: [1.0, 1.0], hue: [0.0, 0.0]}"
        )
    return f"{{__class_fullname__: ImageCompression, p: 0.4, compression_type: jpeg, quality_range: [{low:g}, 90]}}"


def _range(family: Family) -> str:
    levels = [*family.levels, family.untouched]
    return f"{min(levels):g} to {max(levels):g} ({family.unit})"


def _listed(levels: Sequence[str]) -> str:
    return ", ".join(levels) if len(levels) <= 6 else f"{', '.join(levels[:5])} and {len(levels) - 5} more"


def _transforms(serialised: Mapping[str, Json]) -> Iterator[Mapping[str, Any]]:
    """The single transforms of a serialised Compose, those inside OneOf and its like too."""
    inner = serialised.get("transforms", serialised.get("transform"))
    if isinstance(inner, dict):
        yield from _transforms(inner)
    elif isinstance(inner, list):
        for each in inner:
            if isinstance(each, dict):
                yield from _transforms(each)
    elif "__class_fullname__" in serialised:
        yield serialised


def _name(transform: Mapping[str, Any]) -> str:
    return str(transform.get("__class_fullname__", "")).rpartition(".")[2]


def _end(limits: Any, which: int) -> float:
    """The lower (0) or upper (1) end of what may be a pair, one number or, for Affine, a mapping of pairs."""
    if isinstance(limits, Mapping):
        ends = [_end(each, which) for each in cast("Mapping[str, Any]", limits).values()]
        return (max(ends) if which else min(ends)) if ends else 0.0
    if isinstance(limits, list | tuple) and len(cast("Sequence[Any]", limits)) == 2:
        return _number(cast("Sequence[Any]", limits)[which], 0.0)
    number = _number(limits, 0.0)
    return number if which else -number


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
