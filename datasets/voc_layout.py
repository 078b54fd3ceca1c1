"""Where a VOC data set keeps its images, its class names and its splits.

Reference: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import basename, dirname, normpath
from xml.etree.ElementTree import Element

from .format import Source
from .images import is_image_name
from .label_files import read_lines
from .pairs import Pairs
from .tree import stem, to_key

IMAGE_FOLDERS = tuple(
    (labels, images)
    for labels in ("Annotations", "annotations", "xmls", "labels")
    for images in ("JPEGImages", "images", "Images")
)
_SET = re.compile(r"(?:(?P<top>.*)/)?ImageSets/Main/(?P<split>[^/]+)\.txt")
_SET_ORDER = {"train": 0, "val": 1, "test": 2, "trainval": 9}


def element_text(element: Element | None) -> str:
    """The element's text without outer white space, "" where there is no element."""
    if element is None or element.text is None:
        return ""
    return element.text if element.get("type") == "text" else element.text.strip()


def image_named(key: str, root: Element, pairs: Pairs, source: Source, folders: frozenset[str]) -> str:
    """The image that an annotation names, relative to its own folder; "" where it says no more than its own stem.

    VOC names a file in the folder of images, labelImg one beside the annotation, once
    without a suffix; every guess is only looked up among the images that were walked.
    """
    path = element_text(root.find("path")).replace("\\", "/")
    named = element_text(root.find("filename")).replace("\\", "/") or basename(path)
    name, folder = to_key(named), key.rpartition("/")[0]
    if not name or name.startswith("/"):
        return named
    up = "../" * (folder.count("/") + 1) if folder else ""
    swapped = list(_swapped(folder))
    own = [folder, *(below for _, below in swapped)]
    candidates = [f"{below}/{name}" for below in own]
    # Other folders are meant where the name has folders of its own (CVAT) or where no image
    # lies where it should; else a lost image would be mistaken for one of the same name.
    if "/" in name or folders.isdisjoint(own):
        hint = to_key(element_text(root.find("folder")).replace("\\", "/")) or basename(dirname(path))
        tops = [*(top for top, _ in swapped), *([f"{dirname(folder)}/{hint}", hint] if hint else [])]
        candidates += [f"{top}/{name}" for top in tops]
    for candidate in candidates:
        found = normpath(candidate.lstrip("/"))
        if found in source.images.images:
            return up + found
    if name == basename(stem(key)):
        return ""
    bare = pairs.twins(f"{folder}/{name}.xml".lstrip("/"))
    return up + bare[0] if len(bare) == 1 else named


def _swapped(folder: str) -> Iterator[tuple[str, str]]:
    """For a folder of annotations, the folders of images that may go with it: the topmost, and the counterpart."""
    parts = folder.split("/")
    for labels, images in IMAGE_FOLDERS:
        for index in range(len(parts) - 1, -1, -1):
            if parts[index] == labels:
                top = "/".join([*parts[:index], images])
                yield top, "/".join([top, *parts[index + 1 :]])


def read_classes(source: Source, seen: set[str]) -> list[str]:
    """The class order of `classes.txt`, one name a line as in `seen` or without outer spaces; empty where there is none."""
    path = source.tree.others.get("classes.txt")
    if path is None:
        return []
    try:
        lines = read_lines(path, source.recipe.encoding)
    except ValueError as error:
        source.findings.add("unreadable-label-file", "classes.txt", str(error))
        return []
    names = [line if line in seen else line.strip() for line in lines if line.strip() or line in seen]
    if len(set(names)) != len(names):
        source.findings.add("classes-differ", "classes.txt", "class names must each stand once")
    return names


def read_splits(source: Source) -> dict[str, str]:
    """The split of each image that a list in `ImageSets/Main` names; class lists (`dog_train.txt`) are none."""
    lists = [match for key in source.tree.others if (match := _SET.fullmatch(key))]
    by_stem = {stem(key): key for key in source.images.images} if lists else {}
    splits: dict[str, str] = {}
    for match in sorted(lists, key=lambda match: (_SET_ORDER.get(match["split"], 3), match.group())):
        key, split = match.group(), match["split"]
        try:
            lines = read_lines(source.tree.others[key], source.recipe.encoding)
        except ValueError as error:
            source.findings.add("unreadable-label-file", key, str(error))
            continue
        if split == "default" or (re.search("_(train|val|trainval|test)$", split) and _is_class_list(lines)):
            continue
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            image = _listed(line, match["top"] or "", by_stem)
            if image is None:
                source.findings.add("orphan-label", f"{key}:{number}", f"image {line.strip()[:120]!r} is not there")
            elif split == "trainval":
                splits.setdefault(image, "train")
            elif splits.setdefault(image, split) != split:
                source.findings.add("split-differs", f"{key}:{number}", f"{image} is in {splits[image]} too")
    return splits


def _is_class_list(lines: list[str]) -> bool:
    return all(line.split()[-1] in ("-1", "0", "1") for line in lines if line.strip()) and any(map(str.strip, lines))


def _listed(line: str, top: str, by_stem: Mapping[str, str]) -> str | None:
    """The image that a line means: its path without suffix, a second column left out."""
    names = [line, line.strip(), line.strip().strip('"'), re.sub(r"\s+(-1|0|1)\s*$", "", line)]
    names += [stem(name) for name in names if is_image_name(name)]
    for name in dict.fromkeys(map(to_key, names)):
        for folder in ("JPEGImages", "images", "Images", "Annotations", "annotations", ""):
            found = by_stem.get(normpath("/".join(part for part in (top, folder, name) if part)))
            if found is not None:
                return found
    return None
