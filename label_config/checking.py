"""A labeling config that a person wrote, read and checked against the classes before anything is sent.

Reference: https://labelstud.io/guide/setup
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from ..datasets.errors import LabelloopError
from ..datasets.fidelity import summary
from ..datasets.xml_files import parse_xml
from .config import COMMENT, UNSURE, Config

_SHAPES = (
    "PolygonLabels", "EllipseLabels", "KeyPointLabels", "BrushLabels", "BitmaskLabels", "VectorLabels", "Rectangle",
    "Polygon", "Ellipse", "KeyPoint", "Brush",
)  # fmt: skip
"""Tags that draw what is no box with a class."""


def read_config(xml: str, classes: Sequence[str]) -> Config:
    """A person's own config, with what its tags are for.

    Raises:
        LabelloopError: it is no XML, or does not ask for these classes in this order as
            labelloop can read them back; the text has a sentence for each problem.
    """
    problems = find_problems(xml, classes)
    if problems:
        raise LabelloopError(summary("the labeling config cannot be used", problems))
    return _described(xml, parse_xml(xml))


def describe_config(xml: str) -> Config:
    """What the tags of a config are for, whatever classes it has.

    Raises:
        LabelloopError: it is no XML, or has no image or nothing to answer.
    """
    try:
        root = parse_xml(xml)
    except ValueError as error:
        raise LabelloopError(f"the labeling config cannot be read: {error}") from error
    if not _tags(root, "Image") or not (_tags(root, "RectangleLabels") or _own_choices(root)):
        raise LabelloopError("the labeling config must have an Image tag and a RectangleLabels or Choices tag")
    return _described(xml, root)


def find_problems(xml: str, classes: Sequence[str]) -> list[str]:
    """What is wrong with a config, one sentence each; empty where it can be used."""
    try:
        root = parse_xml(xml)
    except ValueError as error:
        return [str(error).replace("file is", "it is", 1)]
    return list(_problems(root, tuple(classes)))


def _problems(root: Element, classes: tuple[str, ...]) -> Iterator[str]:
    images = _tags(root, "Image")
    if len(images) != 1:
        yield f"it must have one Image tag, received {len(images)}"
        return
    yield from _image_problems(images[0])
    rectangles, choices = _tags(root, "RectangleLabels"), _own_choices(root)
    if not rectangles and not choices:
        yield "it must have a RectangleLabels tag for boxes or a Choices tag for the class of an image"
    for tags, what in ((rectangles, "RectangleLabels"), (choices, "Choices for the class of an image")):
        if len(tags) > 1:
            yield f"it must have one tag {what}, received {len(tags)}"
    for tag in rectangles:
        if tag.get("canRotate", "true").lower() != "false":
            yield f'RectangleLabels "{tag.get("name", "")}" must have canRotate="false": a box has no angle'
        if tag.get("choice", "single") != "single":
            yield f'RectangleLabels "{tag.get("name", "")}" must have choice="single": a box has one class'
        yield from _differences(tag, "Label", classes)
    for tag in choices:
        if tag.get("choice", "single") not in ("single", "single-radio"):
            yield f'Choices "{tag.get("name", "")}" must have choice="single": an image has one class'
        yield from _differences(tag, "Choice", classes)
    for shape in _SHAPES:
        if _tags(root, shape):
            yield f"it must have no {shape} tag: labelloop keeps boxes"
    yield from _naming(root, images[0].get("name", ""))


def _image_problems(image: Element) -> Iterator[str]:
    value = image.get("value", "")
    name = image.get("name", "")
    if not name:
        yield "the Image tag must have a name"
    if not value.startswith("$") or not value[1:].isidentifier():
        yield f'the Image tag must show one field of the task, as value="$image" does, received value="{value}"'
    if image.get("rotateControl", "").lower() == "true":
        yield 'the Image tag must not have rotateControl="true": boxes on a turned image cannot be read back'


def _naming(root: Element, image: str) -> Iterator[str]:
    seen: set[str] = set()
    for tag in root.iter():
        name = tag.get("name")
        if name is not None and tag.get("toName") is not None:
            if not name:
                yield f"the tag {tag.tag} must have a name"
            if name in seen:
                yield f'a name must be given to one tag, received "{name}" twice'
            seen.add(name)
        target = tag.get("toName")
        if tag.tag in ("RectangleLabels", "Choices", "TextArea") and target != image:
            yield f'{tag.tag} "{name or ""}" must have toName="{image}", received toName="{target or ""}"'


def _differences(tag: Element, inner: str, classes: tuple[str, ...]) -> Iterator[str]:
    """How the values of a tag differ from the classes."""
    where = f'{tag.tag} "{tag.get("name", "")}"'
    values = [each.get("value", "") for each in tag.iter(inner)]
    for each in tag.iter(inner):
        if each.get("alias") is not None:
            yield f'{where} must have no alias, received alias="{each.get("alias")}" for "{each.get("value", "")}"'
    for value in dict.fromkeys(values):
        if values.count(value) > 1:
            yield f'{where} has "{value}" twice'
        if value not in classes:
            yield f'{where} has "{value}", which is no class'
    missing = [name for name in classes if name not in values]
    for name in missing:
        yield f'{where} lacks the class "{name}"'
    if not missing and set(values) == set(classes) and len(values) == len(classes) and tuple(values) != classes:
        yield f"{where} has the classes in another order; declared are {', '.join(classes)}"


def _tags(root: Element, name: str) -> list[Element]:
    return list(root.iter(name))


def _is_per_region(tag: Element) -> bool:
    return tag.get("perRegion", "").lower() == "true"


def _own_choices(root: Element) -> list[Element]:
    return [tag for tag in _tags(root, "Choices") if not _is_per_region(tag)]


def _described(xml: str, root: Element) -> Config:
    image = _tags(root, "Image")[0]
    rectangles, choices = _tags(root, "RectangleLabels"), _own_choices(root)
    per_region = [tag for tag in _tags(root, "Choices") if _is_per_region(tag)]
    unsure = [tag for tag in per_region if UNSURE in [each.get("value") for each in tag.iter("Choice")]]
    comments = [tag for tag in _tags(root, "TextArea") if _is_per_region(tag)]
    named = [tag for tag in comments if tag.get("name") == COMMENT] or comments
    first = (rectangles or choices)[0]
    inner = "Label" if rectangles else "Choice"
    return Config(
        xml,
        image=image.get("name", ""),
        field=image.get("value", "")[1:],
        label=_name(rectangles),
        unsure=_name(unsure),
        comment=_name(named),
        choice=_name(choices),
        classes=tuple(each.get("value", "") for each in first.iter(inner)),
    )


def _name(tags: Sequence[Element]) -> str:
    return tags[0].get("name", "") if tags else ""
