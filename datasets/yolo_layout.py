"""Where a YOLO data set keeps its class names, its splits and its label files.

There are as many layouts as tools: `images/train` beside `labels/train`, `train/images`
beside `train/labels`, labels beside the images, lists of images in text files, and a
data.yaml whose paths are another machine's. Every path is only ever looked up among
the files that were walked, so that none can lead out of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import normpath
from typing import NamedTuple

from .format import Source
from .label_files import decode, read_bytes, read_lines, read_text
from .split_names import SPLIT_OF
from .tree import Tree, stem, to_key
from .yaml_text import Text, mapping, parse_yaml, scalar, texts

_NAME_FILES = ("classes.txt", "obj.names", "labels.txt", "predefined_classes.txt")
_LISTS_NAMES = re.compile(r"""\bnames["']?\s*:""")
_LABEL_LINE = re.compile(r"\s*(?:[-+.\deE]+\s+){4}", re.ASCII)
_NOTHING = ("", "~", "null", "Null", "NULL")


class Layout:
    """The layout of one data set: class names, and for each image its label file and split.

    Args:
        source: the walked files.
        names: class names by id; empty where none are declared.
        entries: split -> folders and image lists, as data.yaml names them.
    """

    def __init__(self, source: Source, names: list[str], entries: Mapping[str, tuple[str, ...]]) -> None:
        self.names = names
        self._tree = source.tree
        self._labels = {stem(key): key for key in source.tree.with_suffix(".txt")}
        self._claims: dict[str, list[str]] = {}
        self._folders: dict[str, str] = {}
        self._listed: dict[str, str] = {}
        self._lists: set[str] = set()
        known = {folder for key in source.images.images for folder in _parents(key)} | {""}
        for split, paths in entries.items():
            for path in paths:
                self._add(split, path, known, source)
        self._label_of = {image: self._find_label(image) for image in source.images.images}
        for image, label in self._label_of.items():
            if label is not None:
                self._claims.setdefault(label, []).append(image)

    def label_of(self, image: str) -> str | None:
        """The key of an image's label file, None where there is none.

        Looked for where Ultralytics looks (the last folder `images` replaced by `labels`), then beside the image.
        """
        return self._label_of[image]

    def claims(self, label: str) -> list[str]:
        """The images whose label file this is, in order: two where they differ in their suffix alone."""
        return self._claims[label]

    def split_of(self, image: str) -> str | None:
        """The split of an image: by list, by data.yaml's folders, by a folder's name; None where nothing says."""
        listed = self._listed.get(image)
        if listed is not None:
            return listed
        for folder in (*_parents(image), ""):
            if folder in self._folders:
                return self._folders[folder]
        if self._folders or self._listed:
            return None
        for part in image.split("/")[:2]:
            if part in SPLIT_OF:
                return SPLIT_OF[part]
        return None

    def unclaimed(self) -> Iterator[tuple[str, bool]]:
        """The text files among labels that no image has, in order, and whether each holds labels, or nothing at all."""
        folders = {label.rpartition("/")[0] for label in self._claims}
        for key in self._labels.values():
            folder, _, name = key.rpartition("/")
            if key in self._claims or key in self._lists or name.lower() in _NAME_FILES:
                continue
            if "labels" in folder.split("/") or folder in folders:
                yield key, self._holds_labels(key)

    def _holds_labels(self, key: str) -> bool:
        try:
            content = read_text(self._tree.others[key])
        except ValueError:
            return True
        return not content.strip() or _LABEL_LINE.match(content) is not None

    def _find_label(self, image: str) -> str | None:
        own = stem(image)
        parts = own.split("/")
        for index in range(len(parts) - 2, -1, -1):
            if parts[index] == "images":
                found = self._labels.get("/".join([*parts[:index], "labels", *parts[index + 1 :]]))
                if found is not None:
                    return found
                break
        return self._labels.get(own) or self._labels.get(f"labels/{own}")

    def _add(self, split: str, path: str, known: set[str], source: Source) -> None:
        is_list = path.lower().endswith(".txt")
        found = _find(path, self._tree.others if is_list else known)
        if found is None:
            source.findings.add("path-repaired", "data.yaml", f"{split}: {path} is not there; left out")
        elif is_list:
            self._lists.add(found)
            self._read_list(split, found, source)
        else:
            if (found or ".") != normpath(path):
                source.findings.add("path-repaired", "data.yaml", f"{split}: {path} is read as {found or '.'}")
            if self._folders.setdefault(found, split) != split:
                source.findings.add(
                    "split-differs", "data.yaml", f"{split}: {found or '.'} is the folder of {self._folders[found]} too"
                )

    def _read_list(self, split: str, key: str, source: Source) -> None:
        try:
            lines = read_lines(self._tree.others[key], source.recipe.encoding)
        except ValueError as error:
            source.findings.add("unreadable-label-file", key, str(error))
            return
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            image = _find(to_key(line.strip()), source.images.images)
            if image is None:
                source.findings.add("orphan-label", f"{key}:{number}", f"image {line.strip()[:120]!r} is not there")
            elif self._listed.setdefault(image, split) != split:
                source.findings.add("split-differs", f"{key}:{number}", f"{image} is in {self._listed[image]} too")


class DataYaml(NamedTuple):
    """A YAML file that lists class names: its key, what it says, and why it cannot be read ("" where it can)."""

    key: str
    content: Mapping[str, Text]
    problem: str


def find_data_yamls(tree: Tree, encoding: str = "") -> list[DataYaml]:
    """The YAML files in the root that list class names: those that can be read first, and of these `data.yaml`."""
    found: list[DataYaml] = []
    for key in tree.with_suffix(".yaml", ".yml"):
        if "/" in key:
            continue
        content, problem = "", ""
        parsed: Mapping[str, Text] = {}
        try:
            data = read_bytes(tree.path(key))
            content = data.decode("latin-1")
            content = decode(data, encoding)
            if _LISTS_NAMES.search(content):
                parsed = mapping(parse_yaml(content), key)
        except ValueError as error:
            problem = str(error)
        if "names" in parsed or (problem and (not content or _LISTS_NAMES.search(content))):
            found.append(DataYaml(key, parsed, problem))
    return sorted(found, key=lambda each: (bool(each.problem), stem(each.key) not in ("data", "dataset"), each.key))


def read_layout(source: Source) -> Layout:
    """The layout that data.yaml describes, or a file of class names, or nothing but the folders."""
    found = find_data_yamls(source.tree, source.recipe.encoding)
    for other in found:
        if other.problem:
            source.findings.add("unreadable-label-file", other.key, other.problem)
        elif _listed_names(other.content) != _listed_names(found[0].content):
            source.findings.add("classes-differ", other.key, f"names differ from those of {found[0].key}")
    if found and not found[0].problem:
        key, content, _ = found[0]
        names = _names(content["names"], content.get("nc", ""), key, source)
        entries: dict[str, tuple[str, ...]] = {}
        for split in ("train", "val", "test"):
            try:
                entries[split] = tuple(path for path in texts(content.get(split, ""), split) if path not in _NOTHING)
            except ValueError as error:
                source.findings.add("unreadable-label-file", key, str(error))
        return Layout(source, names, _with_root(entries, content.get("path", "")))
    for key in source.tree.others:
        if key.rpartition("/")[2].lower() in _NAME_FILES:
            try:
                lines = read_lines(source.tree.path(key), source.recipe.encoding)
            except ValueError as error:
                source.findings.add("unreadable-label-file", key, str(error))
                continue
            while lines and not lines[-1].strip():
                lines.pop()
            return Layout(source, _checked([line.strip() for line in lines], key, source), {})
    return Layout(source, [], {})


def _listed_names(content: Mapping[str, Text]) -> Text:
    names = content["names"]
    return list(names.values()) if isinstance(names, dict) else names


def _names(value: Text, count: Text, key: str, source: Source) -> list[str]:
    try:
        if isinstance(value, dict):
            ids = {_class_id(number): scalar(name, "names") for number, name in value.items()}
            if sorted(ids) != list(range(len(ids))):
                raise ValueError(f"names must number the classes from 0 without gaps, received {sorted(ids)[:20]}")
            names = [ids[number] for number in range(len(ids))]
        elif isinstance(value, str) and value not in _NOTHING:
            raise ValueError(f"names must be a list or a mapping, received {value[:40]!r}")
        else:
            names = list(texts(value, "names")) if isinstance(value, list) else []
    except ValueError as error:
        source.findings.add("classes-differ", key, str(error))
        return []
    if count not in (*_NOTHING, str(len(names))):
        shown = count[:40] if isinstance(count, str) else "no number"
        source.findings.add("classes-differ", key, f"nc is {shown}, and there are {len(names)} names")
    return _checked(names, key, source)


def _class_id(shown: str) -> int:
    if not (shown.isascii() and shown.isdigit() and len(shown) < 10):
        raise ValueError(f"names must be numbered by whole numbers from 0, received {shown[:40]!r}")
    return int(shown)


def _checked(names: list[str], key: str, source: Source) -> list[str]:
    if len(set(names)) != len(names) or "" in names:
        source.findings.add("classes-differ", key, "class names must be there and each once")
    return names


def _with_root(entries: dict[str, tuple[str, ...]], root: Text) -> dict[str, tuple[str, ...]]:
    if not isinstance(root, str) or root in (*_NOTHING, "."):
        return entries
    return {split: tuple(f"{root}/{path}" for path in paths) for split, paths in entries.items()}


def _find(path: str, known: Mapping[str, str] | set[str]) -> str | None:
    """The longest end of a path that is among the known keys, None where no end is."""
    parts = [part for part in normpath(to_key(path.replace("\\", "/"))).split("/") if part not in ("", "..", ".")]
    for start in range(len(parts)):
        candidate = "/".join(parts[start:])
        if candidate in known:
            return candidate
    return "" if not parts and "" in known else None


def _parents(key: str) -> Iterator[str]:
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key
