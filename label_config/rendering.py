"""The labeling config that Label Studio shows, made from a data set's classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from xml.sax.saxutils import quoteattr

from ..datasets.palette import class_colour
from .config import COMMENT, KINDS, UNSURE, Config, Kind, refuse_unsayable

HOTKEYS = "123456789qtasdfgzxcyijln"
"""One key for each of the first classes; the letters that are missing choose Label Studio's own tools."""

_MADE = re.compile(r"\n  <!-- made by labelloop from the data set's classes, ([0-9a-f]{8}) -->")
"""Stands in every config that is rendered, with a digest of the rest: one that a person changed since is that person's own."""

UNSURE_KEY = "0"
_BELOW_IMAGE = "320px"
"""What of a page's height is left for the classes and for what is asked about a chosen box, without scrolling."""
_FEW = 12
"""So many classes are shown side by side; from there on they get a field to search in."""


def render_config(classes: Sequence[str], kind: Kind = "boxes") -> Config:
    """The config for classes in their declared order, with the window's colours.

    Args:
        kind: `boxes` asks for boxes, each with a class, `image-labels` for one class an
            image, `both` for both.

    Raises:
        LabelloopError: a class that Label Studio cannot show; the text says why.
        ValueError: another kind.

    Reference: https://labelstud.io/tags/rectanglelabels
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, received {kind!r}")
    names = tuple(classes)
    refuse_unsayable(names)
    parts: list[str] = []
    if kind != "image-labels":
        parts += _boxes(names)
    if kind != "boxes":
        parts += _choices(names, hotkeys=kind == "image-labels")
    xml = "\n".join(["<View>", *_filter(names, kind), _IMAGE, *parts, "</View>"])
    made = f"<View>\n  <!-- made by labelloop from the data set's classes, {_digest(xml)} -->"
    xml = xml.replace("<View>", made, 1)
    boxes = kind != "image-labels"
    return Config(
        xml,
        label="label" if boxes else "",
        unsure=UNSURE if boxes else "",
        comment=COMMENT if boxes else "",
        choice="" if kind == "boxes" else "class",
        classes=names,
    )


def is_rendered(xml: str) -> bool:
    """Whether a config is as `render_config` made it once, of whatever classes; else it is a person's own."""
    found = _MADE.search(xml)
    return found is not None and found[1] == _digest(_MADE.sub("", xml, count=1).strip())


def _digest(xml: str) -> str:
    return blake2b(xml.encode(), digest_size=4).hexdigest()


_IMAGE = (
    '  <Image name="image" value="$image" zoom="true" zoomControl="true" rotateControl="false"'
    f' brightnessControl="true" contrastControl="true" maxHeight="calc(100vh - {_BELOW_IMAGE})"/>'
)
_COMMENT = (
    f'  <TextArea name="{COMMENT}" toName="image" perRegion="true" editable="true" maxSubmissions="1" rows="1"'
    ' placeholder="comment on this box"/>'
)


def _filter(names: tuple[str, ...], kind: Kind) -> list[str]:
    if len(names) <= _FEW or kind == "image-labels":
        return []
    return ['  <Filter name="filter" toName="label" minlength="0" placeholder="find a class"/>']


def _boxes(names: tuple[str, ...]) -> list[str]:
    labels = [
        f"    <Label value={quoteattr(name)} background={quoteattr(class_colour(index))}{_hotkey(index)}/>"
        for index, name in enumerate(names)
    ]
    return [
        '  <RectangleLabels name="label" toName="image" canRotate="false" showInline="true">',
        *labels,
        "  </RectangleLabels>",
        f'  <Choices name="{UNSURE}" toName="image" perRegion="true" choice="multiple" showInline="true">',
        f'    <Choice value="{UNSURE}" hotkey="{UNSURE_KEY}"/>',
        "  </Choices>",
        _COMMENT,
    ]


def _choices(names: tuple[str, ...], *, hotkeys: bool) -> list[str]:
    choices = [
        f"    <Choice value={quoteattr(name)} background={quoteattr(class_colour(index))}{_hotkey(index) if hotkeys else ''}/>"
        for index, name in enumerate(names)
    ]
    required = ' required="true" requiredMessage="choose a class, or skip"' if hotkeys else ""
    return [
        f'  <Choices name="class" toName="image" choice="single-radio" showInline="true"{required}>',
        *choices,
        "  </Choices>",
    ]


def _hotkey(index: int) -> str:
    return f' hotkey="{HOTKEYS[index]}"' if index < len(HOTKEYS) else ""
