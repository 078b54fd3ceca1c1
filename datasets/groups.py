"""Groups of images that must stay together: by the recipe, by equal bytes, by likeness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T", int, str)


def merge_groups(
    keys: Iterable[str], named: Mapping[str, str | None], links: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """The group of each image: those of one name together, and those that links connect, however far.

    A group is called by the name that comes first among its members' names in alphabetical
    order; images without a name are called by their key. So the names do not depend on the
    order in which images or links are given.

    Args:
        keys: all images.
        named: the group that each image has by its recipe, None for none.
        links: pairs of keys that belong together.
    """
    nodes = {key: f"g:{named[key]}" if named.get(key) is not None else f"k:{key}" for key in sorted(keys)}
    joined = find_groups((nodes[one], nodes[other]) for one, other in links if one in nodes and other in nodes)
    first = {node: group[0] for group in joined for node in group}
    return {key: first.get(node, node)[2:] for key, node in nodes.items()}


def find_groups(pairs: Iterable[tuple[T, T]]) -> tuple[tuple[T, ...], ...]:
    """What the pairs connect, however far: groups, each in order, ordered by their first."""
    parents: dict[T, T] = {}

    def root(one: T) -> T:
        while (parent := parents.setdefault(one, one)) != one:
            parents[one] = parents[parent]
            one = parent
        return one

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    groups: dict[T, list[T]] = {}
    for one in sorted(parents):
        groups.setdefault(root(one), []).append(one)
    return tuple(tuple(group) for group in groups.values())
