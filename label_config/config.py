"""What a labeling config is made of: which tag says what, as tasks and answers need to know it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from ..datasets.errors import LabelloopError

Kind = Literal["boxes", "image-labels", "both"]
"""What people are asked for: boxes with a class, one class for the whole image, or both."""

KINDS: tuple[str, ...] = get_args(Kind)

UNSURE = "unsure"
COMMENT = "comment"
"""The attributes of a box that a person ticks and writes at the desk."""


@dataclass(frozen=True, slots=True)
class Config:
    """The names of the tags of a labeling config, "" for a tag that it has not, and its classes in order.

    `image` is the Image tag, `field` the key of a task's data that it shows. `label` is the
    RectangleLabels tag, `unsure` and `comment` are per region, `choice` is the image's own class.
    """

    xml: str
    image: str = "image"
    field: str = "image"
    label: str = ""
    unsure: str = ""
    comment: str = ""
    choice: str = ""
    classes: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """What it asks people for."""
        if self.label and self.choice:
            return "both"
        return "boxes" if self.label else "image-labels"

    @property
    def tags(self) -> str:
        """The names of its tags on one line: regions made for other ones would not be shown."""
        return "/".join((self.image, self.field, self.label, self.unsure, self.comment, self.choice))

    def shown(self, tags: str) -> frozenset[str]:
        """Which of `label`, `unsure`, `comment` and `choice` people see as they were pushed for these tags.

        A region of a task is shown in the tag of the name that it was made for. Where that is
        another one by now, people see the field empty, and leaving it so says nothing.
        """
        names = {"label": self.label, "unsure": self.unsure, "comment": self.comment, "choice": self.choice}
        then = dict(zip(("image", "field", *names), tags.split("/"), strict=False))
        if tags == self.tags:  # whatever is in the names
            then = {"image": self.image, **names}
        return frozenset(
            name for name, tag in names.items() if tag and then == {**then, "image": self.image, name: tag}
        )


def refuse_unsayable(classes: tuple[str, ...]) -> None:
    """Return when Label Studio can show every class name as it is.

    Raises:
        LabelloopError: no classes, one twice, one that XML cannot hold, or one that
            Label Studio would take for a field of the task.
    """
    if not classes:
        raise LabelloopError("a labeling config must have at least one class, received none")
    for name in classes:
        if classes.count(name) > 1:
            raise LabelloopError(f"a class must be declared once, received {name!r} twice")
        if not name.strip() or not all(_is_xml(letter) for letter in name):
            raise LabelloopError(f"a class at the desk must be a name that XML can hold, received {name!r}")
        if name != name.strip():
            raise LabelloopError(f"a class at the desk must not begin or end with a space, received {name!r}")
        if any(one == "$" and _is_field(other) for one, other in pairwise(name)):
            raise LabelloopError(
                f"Label Studio reads '$' and a letter or digit as a field of the task, so the class {name!r} cannot be"
                " shown there"
            )


def _is_xml(letter: str) -> bool:
    code = ord(letter)
    return 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _is_field(letter: str) -> bool:
    return letter in "_[].{}" or (letter.isascii() and letter.isalnum())
