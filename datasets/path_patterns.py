"""What folders and file names say of a source's classes and groups: found by counting, with sentences that say why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from .reading import natural
from .recipe import Recipe

AGREEMENT = 0.9
"""Least share of the images that must bear a pattern out."""

_MOST_IN_GROUP = 30
_LEAST_GROUPS = 5


class Labelled(NamedTuple):
    """An image and the labels on it as its files say them."""

    key: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Classes:
    """Class names in order, what labels map to them, and why."""

    classes: tuple[str, ...]
    labels: dict[str, str]
    reasons: tuple[str, ...]


def propose_classes(images: Sequence[Labelled], declared: Sequence[str]) -> Classes:
    """The classes: those that the source declares, else its folders where labels follow them, else its labels.

    Folders are numbers, or several labels share one, or names resemble: else labels stay as they are.
    """
    seen = dict.fromkeys(label for image in images for label in image.labels)
    if declared:
        rest = sorted((label for label in seen if label not in declared), key=natural)
        return Classes((*declared, *rest), {}, (f"classes: in the order that the source declares ({len(declared)})",))
    names = sorted(seen, key=natural)
    for depth in sorted({key.count("/") for key, _ in images} - {0}):
        for level in range(depth):
            found = _folders_as_classes(images, names, level)
            if found is not None:
                return found
    if not names:
        return Classes((), {}, ("classes: no labels were read, so none are proposed",))
    return Classes(tuple(names), {}, (f"classes: the {len(names)} labels themselves, in natural order: check it",))


def propose_agreement(
    images: Sequence[Labelled], classes: Classes, *, folders: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Patterns by which folder and file name agree with the class, and why.

    Args:
        images: the labelled ones.
        classes: what is proposed for them.
        folders: whether folders are looked at; where they are the label, they say nothing.
    """
    names = [name for name in dict.fromkeys([*classes.classes, *classes.labels]) if name]
    if not images or len(classes.classes) < 2 or len(names) > 200:
        return (), ()
    some = _either(names)
    patterns: list[tuple[str, str]] = []
    if folders:
        patterns = [(rf"^(?P<class>{some})/", "top folder"), (rf"(?:^|/)(?P<class>{some})/[^/]+$", "folder")]
    patterns.append((rf"(?:^|/)0*(?P<class>{some})[_.-][^/]*$", "start of the file name"))
    found: list[str] = []
    reasons: list[str] = []
    for pattern, what in patterns:
        if what == "folder" and found:
            continue
        recipe = Recipe(classes=classes.classes, labels=classes.labels, agree=(pattern,))
        said = [(image, recipe.said_by_path(image.key)) for image in images]
        matching = [(image, names[0]) for image, names in said if names]
        agreeing = [name for image, name in matching if all(recipe.class_of(label) == name for label in image.labels)]
        enough = max(5, 0.1 * len(images)) if len(images) > 20 else 0.5 * len(images)
        if len(matching) < enough or len(agreeing) < AGREEMENT * len(matching) or len(set(agreeing)) < 2:
            continue
        captured = {match["class"] for key, _ in images if (match := re.search(pattern, key))}
        # What a folder may be called is left open, so that an unknown folder is found too.
        open_end = r"\d+" if all(name.isdecimal() for name in captured) else "[^/]+"
        found.append(pattern.replace(some, open_end if "folder" in what else _either(captured)))
        wrong = [image.key for image, name in matching if any(recipe.class_of(label) != name for label in image.labels)]
        but = (
            f"; not in {', '.join(wrong[:3])}{', ...' if len(wrong) > 3 else ''}: look at {'it' if len(wrong) == 1 else 'them'}"
            if wrong
            else ""
        )
        reasons.append(
            f"agree: the {what} names the class in {len(agreeing)} of the {len(matching)} images where it names one{but}"
        )
    return tuple(found), tuple(reasons)


def propose_groups(
    keys: Sequence[str], classes: Sequence[str], *, by_folder: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Patterns that put images of one photo, capture or video together, and why.

    Args:
        keys: of all images.
        classes: class names; a group that is a whole class is none.
        by_folder: whether a folder may be a group.
    """
    tail = r"\.[^./]+$"
    hashed = re.compile(r"\.rf\.[0-9a-f]{8,}\.[^./]+$")
    marked = [key for key in keys if hashed.search(key)]
    roboflow = len(marked) >= 0.1 * len(keys) and len(marked) >= 2
    if roboflow:
        tail = r"(?:_(?:jpe?g|png|bmp|webp))?\.rf\.[0-9a-f]+\.[^./]+$"
    videos = [
        (rf"(?:^|/)([^/]*?\d{{8}}[_-]?\d{{6}})[_-]\d+{tail}", "share a recording time before a frame number"),
        (rf"(?:^|/)([^/]+?)[_-]?[Ff]rame[_-]?\d+{tail}", "share a video's name before a frame number"),
    ]
    left = list(keys)
    found: list[str] = []
    reasons: list[str] = []

    def take(pattern: str, why: str, enough: Callable[[Mapping[str, int]], bool]) -> None:
        nonlocal left
        recipe = Recipe(group=(pattern,))
        groups = Counter(group for key in left if (group := recipe.group_of(key)) is not None)
        if len(groups) >= 2 and max(groups.values()) >= 2 and enough(groups):
            found.append(pattern)
            reasons.append(f"group: {sum(groups.values())} images {why}: {_sizes(groups)}")
            left = [key for key in left if recipe.group_of(key) is None]

    for pattern, why in videos:
        take(pattern, why, lambda groups: sum(groups.values()) >= 0.02 * len(keys) and median(groups.values()) >= 2)
    for pattern, why in _counters(left, tail, classes):
        take(pattern, why, _are_captures)
    if roboflow:
        take(
            rf"(?:^|/)([^/]+?){tail}",
            "are versions of one photo, told apart by `.rf.` and a hash",
            lambda _: True,
        )
    if by_folder and left:
        take(r"^(.+)/[^/]+$", "share a folder that is no class", _are_captures)
    if not found:
        reasons.append("group: file names tell no groups; `split` still keeps near-duplicates together")
    return tuple(found), tuple(reasons)


def _either(names: Iterable[str]) -> str:
    """A pattern for one of the names, the longer ones first."""
    return "|".join(map(re.escape, sorted(names, key=lambda name: (-len(name), natural(name)))))


def _folders_as_classes(images: Sequence[Labelled], names: list[str], level: int) -> Classes | None:
    table: dict[str, Counter[str]] = {name: Counter() for name in names}
    for key, labels in images:
        parts = key.split("/")[:-1]
        for label in labels:
            table[label][parts[level] if level < len(parts) else ""] += 1
    majority = {name: max(sorted(table[name]), key=table[name].__getitem__) for name in names}
    folders = sorted(set(majority.values()), key=natural)
    total = sum(sum(counts.values()) for counts in table.values())
    if len(folders) < 2 or "" in folders or total < 2 * len(folders):
        return None
    agreeing = {name: table[name][folder] for name, folder in majority.items()}
    # A rare label with one exception is far below 90 % by itself.
    if sum(agreeing.values()) < AGREEMENT * total or any(
        3 * agreeing[name] < 2 * sum(table[name].values()) for name in names
    ):
        return None
    if set(folders) == set(names):
        return Classes(
            tuple(folders), {}, ("classes: the folders, which are the labels too, in natural order: check it",)
        )
    numbers = all(folder.isdecimal() for folder in folders)
    alike = all(_resemble(name, folder) for name, folder in majority.items())
    if not numbers and not alike and len(folders) == len(names):
        return None
    labels = {name: folder for folder in folders for name in names if majority[name] == folder and name != folder}
    order = "the numbers' order" if numbers else "natural order"
    held = f"each of the {len(names)} labels is found in one of the {len(folders)} folders"
    reasons = [f"classes: {held}, so the folders are the classes, in {order}"]
    if not numbers and not alike:
        reasons.append(
            "classes: folder names do not resemble the labels; to keep the labels apart, list them as classes instead"
        )
    for name in names:
        rest = {folder: count for folder, count in sorted(table[name].items()) if folder != majority[name]}
        if rest:
            key = next(
                key for key, held in images if name in held and key.split("/")[level : level + 1] != [majority[name]]
            )
            places = ", ".join(f"{count} in {folder or 'no folder'}" for folder, count in rest.items())
            reasons.append(f"labels: {name} is mostly in {majority[name]}, but {places}, such as {key}")
    return Classes(tuple(folders), labels, tuple(reasons))


def _resemble(label: str, folder: str) -> bool:
    one, other = (re.sub(r"[\W_]", "", text).casefold() for text in (label, folder))
    return bool(one and other) and (one in other or other in one)


def _counters(keys: Sequence[str], tail: str, classes: Sequence[str]) -> list[tuple[str, str]]:
    """Patterns for names that differ in a last number only, for each form of names (digits aside) that has groups."""
    cut = re.compile(tail)
    numbered = re.compile(r"^(.*?)([_.-])(\d{1,6})$")
    forms: dict[str, dict[str, list[str]]] = {}
    for key in keys:
        match = numbered.match(cut.sub("", key.rpartition("/")[2]))
        if match:
            form = re.sub(r"\d+", "#", match[1]) + match[2]
            forms.setdefault(form, {}).setdefault(match[1], []).append(match[3])
    ends: dict[tuple[str, str], list[str]] = {}
    for form, groups in sorted(forms.items()):
        of_class = sum(name.lstrip("0") in classes or name in classes for name in groups)
        if _are_captures({name: len(each) for name, each in groups.items()}) and of_class < 0.5 * len(groups):
            ends.setdefault((form[-1], _ending({number for each in groups.values() for number in each})), []).append(
                form
            )
    found: list[tuple[str, str]] = []
    for (mark, end), names in ends.items():
        # A bare number starts anew in each folder; a name that says more is the same photo in any.
        bare = all(name == f"#{mark}" for name in names)
        heads = "|".join(r"\d+".join(map(re.escape, name[:-1].split("#"))) for name in names)
        head = heads if len(names) <= 8 else "[^/]+?"
        before = rf"^((?:.*/)?(?:{head}))" if bare else rf"(?:^|/)({head})"
        what = "number" if end == r"\d+" else "digit"
        found.append((f"{before}{re.escape(mark)}{end}{tail}", f"differ only in the last {what}"))
    return found


def _ending(numbers: set[str]) -> str:
    """A pattern for last numbers: a few digits with gaps between are named (sides 1 and 9), a count is any number."""
    digits = sorted(numbers)
    if (
        len(digits) <= 4
        and all(len(digit) == 1 for digit in digits)
        and int(digits[-1]) - int(digits[0]) >= len(digits)
    ):
        return f"[{''.join(digits)}]"
    return r"\d+"


def _are_captures(groups: Mapping[str, int]) -> bool:
    """Whether groups are many and small, as photos of one thing are, not a count through a whole class."""
    sizes = groups.values()
    return len(groups) >= _LEAST_GROUPS and median(sizes) >= 2 and max(sizes) <= _MOST_IN_GROUP


def _sizes(groups: Mapping[str, int]) -> str:
    sizes = Counter(groups.values())
    shown = ", ".join(f"{count} of {size}" for size, count in sorted(sizes.items())[:6])
    return f"{len(groups)} groups ({shown}{', ...' if len(sizes) > 6 else ''})"
