"""Groups of images that must stay together: by the recipe, by equal bytes, by likeness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


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
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    def join(one: str, other: str) -> None:
        first, second = sorted((root(one), root(other)))
        parent[second] = first

    ordered = sorted(keys)
    nodes = {key: f"g:{named[key]}" if named.get(key) is not None else f"k:{key}" for key in ordered}
    for node in nodes.values():
        parent.setdefault(node, node)
    for one, other in links:
        if one in nodes and other in nodes:
            join(nodes[one], nodes[other])
    return {key: root(node)[2:] for key, node in nodes.items()}
