"""YAML in which everything is text: `0010`, `no` and `1e3` are class names, not numbers and booleans.

Class lists are what labelloop reads YAML for, and YAML 1.1's guessing has turned
`no` into False and `010` into 8 in many of them. Aliases are refused, since a short
file can grow to gigabytes by them; a key that stands twice is refused too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import TypeAlias, cast

import yaml

MAX_CHARACTERS = 2_000_000
"""Longer texts are refused: PyYAML takes seconds for each megabyte, and 20,000 class names have half of one."""

Text: TypeAlias = "str | list[Text] | dict[str, Text]"


class _TextLoader(yaml.BaseLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted(str(name) for name, count in Counter(names).items() if count > 1)
        if twice:
            raise yaml.YAMLError(f"key stands twice: {', '.join(twice)}")
        return super().construct_mapping(node, deep)


def parse_yaml(content: str) -> Text:
    """The value of a YAML text: text, lists and mappings of text; "" for an empty one.

    Raises:
        ValueError: no YAML, an alias, a key that stands twice, nested too deep, or too long.
    """
    if len(content) > MAX_CHARACTERS:
        raise ValueError(f"file must have at most {MAX_CHARACTERS / 1e6:g} million characters to be read as YAML")
    try:
        return cast(Text, yaml.load(content, _TextLoader) or "")  # noqa: S506  # builds text only
    except RecursionError as error:
        raise ValueError("file is nested too deep") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ValueError(f"file is no YAML that can be read: {' '.join(str(error).split())}") from error


def texts(value: Text, name: str) -> tuple[str, ...]:
    """The value as a list of text; a single text is a list of one, nothing an empty one.

    Raises:
        ValueError: it is a mapping, or holds something that is no text.
    """
    if isinstance(value, str):
        return (value,) if value else ()
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list, received a mapping")
    return tuple(scalar(each, name) for each in value)


def mapping(value: Text, name: str) -> dict[str, Text]:
    """The value as a mapping; nothing is an empty one.

    Raises:
        ValueError: it is text or a list.
    """
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a mapping, received {'a list' if isinstance(value, list) else repr(value)}")
    return value


def scalar(value: Text, name: str) -> str:
    """The value as text.

    Raises:
        ValueError: it is a list or a mapping.
    """
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, received a {'list' if isinstance(value, list) else 'mapping'}")
    return value
