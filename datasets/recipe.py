"""Recipes: how a source is to be read, as a small YAML that people write, keep and share.

    format: labelme
    classes: ['10', '50']                  # the order of the class ids, pinned
    labels: {Ten_front: '10', Ten_back: '10', Fifty_front: '50'}
    group: ['^(\\d+/\\d+_\\d+)_[19]\\.']       # images that belong together
    agree: ['^(?P<class>\\d+)/']             # what the path says is the label's class
    missing: unlabelled                    # an image without a label file

docs/recipes.md says what each line means.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Literal, cast

import yaml

from .errors import LabelloopError
from .findings import Findings
from .label_files import read_text
from .yaml_text import Text, mapping, parse_yaml, scalar, texts

SHIPPED = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """How to read one source; every field has a default that asks for nothing.

    Attributes:
        format: a format's name, or "" to find it out.
        classes: class names in the order of their ids; empty takes the order that the
            format declares.
        labels: label in the files -> class. A label that is a class's own name needs no line.
        group: patterns over the key. The first that matches names the image's group by
            what it captures (by the whole match where it captures nothing).
        agree: patterns over the key with the group `class`; what it captures must be the
            class (or a label mapped to the class) of every box and of the image itself.
        missing: what an image without a label file is.
        polygons: whether polygons and other outlines are read as the box around them.
        orientation: what labels were drawn on where the size cannot tell; `assume` takes the
            upright image and says so each time.
        encoding: of label files; "" takes what each says itself (a byte order mark, the
            declaration of an XML file), else UTF-8.
        voc_origin: 1 where VOC files count pixels from 1, as VOC2012 itself does.
        accept: kinds of findings that are known of this source and harmless.
        fields: where the format `jsons` finds what it needs.

    Raises:
        ValueError: a value that breaks one of these rules.
    """

    format: str = ""
    classes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    group: tuple[str, ...] = ()
    agree: tuple[str, ...] = ()
    missing: Literal["unlabelled", "negative"] = "unlabelled"
    polygons: Literal["refuse", "boxes"] = "refuse"
    orientation: Literal["assume", "upright", "raw"] = "assume"
    encoding: str = ""
    voc_origin: Literal[0, 1] = 0
    accept: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        _choice("missing", self.missing, ("unlabelled", "negative"))
        _choice("polygons", self.polygons, ("refuse", "boxes"))
        _choice("orientation", self.orientation, ("assume", "upright", "raw"))
        _choice("voc_origin", self.voc_origin, (0, 1))
        _check_encoding(self.encoding)
        twice = sorted(name for name, count in Counter(self.classes).items() if count > 1)
        if twice:
            raise ValueError(f"classes must be named once each, received {', '.join(twice)} twice")
        if "" in self.classes:
            raise ValueError("classes must have names, received an empty one")
        if self.classes:
            for label, name in self.labels.items():
                if name not in self.classes:
                    raise ValueError(
                        f"labels must map to one of classes {list(self.classes)}, received {label}: {name}"
                    )
        for name, patterns in (("group", self.group), ("agree", self.agree)):
            for pattern in patterns:
                _compile(name, pattern)
        for pattern in self.agree:
            if "class" not in re.compile(pattern).groupindex:
                raise ValueError(f"agree must capture the class as (?P<class>...), received {pattern!r}")
        Findings(self.accept)

    def class_of(self, label: str) -> str | None:
        """The class that a label in the files means; None where this recipe does not know it."""
        mapped = self.labels.get(label)
        if mapped is not None:
            return mapped
        return label if not self.classes or label in self._known else None

    def group_of(self, key: str) -> str | None:
        """The group of an image by its key, None where no pattern matches."""
        for pattern in self._group_patterns:
            match = pattern.search(key)
            if match:
                return "_".join(part for part in match.groups() if part is not None) or match.group()
        return None

    def said_by_path(self, key: str) -> list[str]:
        """The classes that folder and file name claim, one for each `agree` pattern that matches."""
        said: list[str] = []
        for pattern in self._agree_patterns:
            match = pattern.search(key)
            if match and match["class"] is not None:
                said.append(self.class_of(match["class"]) or match["class"])
        return said

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.classes)

    @cached_property
    def _group_patterns(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern) for pattern in self.group]

    @cached_property
    def _agree_patterns(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern) for pattern in self.agree]


def shipped_names() -> list[str]:
    """The names of the recipes that come with labelloop, in alphabetical order."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_recipe(name: str) -> Recipe:
    """The recipe in a YAML file, or one that comes with labelloop, by its name.

    Raises:
        LabelloopError: no such file or name, or a file that is no recipe.
    """
    path = Path(name)
    if name in shipped_names():
        path = SHIPPED / f"{name}.yaml"
    elif not path.is_file():
        raise LabelloopError(f"recipe must be a YAML file or one of {', '.join(shipped_names())}, received {name}")
    try:
        return parse_recipe(read_text(path))
    except ValueError as error:
        raise LabelloopError(f"{path}: {error}") from error


def parse_recipe(content: str) -> Recipe:
    """The recipe that a YAML text describes.

    Raises:
        ValueError: no YAML mapping, an unknown line, or a value of the wrong kind.
    """
    given = mapping(parse_yaml(content), "recipe")
    known = [each.name for each in fields(Recipe)]
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ValueError(f"recipe must have only the lines {', '.join(known)}, received {', '.join(unknown)}")
    values = {key: _READ[key](value, key) for key, value in given.items()}
    return Recipe(**values)  # pyright: ignore[reportArgumentType]  # each value is checked by its reader and by Recipe


def format_recipe(recipe: Recipe, comment: str = "") -> str:
    """The YAML text of a recipe, without the lines that say the default.

    `parse_recipe` of it is equal to the recipe. The comment goes above, a `#` before each line.
    """
    lines = recipe_lines(recipe)
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    body = yaml.safe_dump(lines, allow_unicode=True, sort_keys=False, width=110) if lines else "{}\n"
    if not body.replace("\n", "").isprintable():  # a mark that turns the text around would be taken as it is
        body = yaml.safe_dump(lines, allow_unicode=False, sort_keys=False, width=110)
    return head + body


def recipe_lines(recipe: Recipe) -> dict[str, object]:
    """The lines of a recipe that do not say the default, as plain lists, mappings and text."""
    lines: dict[str, object] = {}
    default = Recipe()
    for each in fields(Recipe):
        value = cast(object, getattr(recipe, each.name))
        if value != getattr(default, each.name):
            if isinstance(value, Mapping):
                value = dict(cast("Mapping[str, object]", value))
            elif isinstance(value, tuple):
                value = list(cast("tuple[str, ...]", value))
            lines[each.name] = value
    return lines


def write_recipe(path: Path, recipe: Recipe, comment: str = "", *, replace: bool = False) -> None:
    """Write a recipe into a new file; one that exists is replaced, in one step, only where that is asked for.

    Raises:
        LabelloopError: the file exists, or cannot be written.
    """
    beside = path.with_name(f".{path.name}.new") if replace else path
    try:
        with open(beside, "w" if replace else "x", encoding="utf-8") as file:
            file.write(format_recipe(recipe, comment))
        if replace:
            beside.replace(path)
    except FileExistsError as error:
        raise LabelloopError(f"{path} exists already and is not replaced; name another file") from error
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise LabelloopError(f"{path}: recipe cannot be written: {error.strerror}") from error


def _choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}, received {value!r}")


def _check_encoding(name: str) -> None:
    try:
        "".encode(name or "utf-8")
    except (LookupError, ValueError) as error:
        raise ValueError(
            f"encoding must be one that Python knows, such as utf-8 or cp949, received {name!r}"
        ) from error


def _compile(name: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{name} must hold regular expressions, received {pattern!r}: {error}") from error


def _text_map(value: Text, name: str) -> dict[str, str]:
    return {key: scalar(each, f"{name}.{key}") for key, each in mapping(value, name).items()}


def _origin(value: Text, name: str) -> int:
    return int(value) if value in ("0", "1") else -1


_READ: dict[str, Callable[[Text, str], object]] = {
    "format": scalar,
    "classes": texts,
    "labels": _text_map,
    "group": texts,
    "agree": texts,
    "missing": scalar,
    "polygons": scalar,
    "orientation": scalar,
    "encoding": scalar,
    "voc_origin": _origin,
    "accept": texts,
    "fields": _text_map,
}
