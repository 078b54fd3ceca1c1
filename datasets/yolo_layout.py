"""Where a YOLO data set keeps its class names, its splits and its label files.

There are as many layouts as tools: `images/train` beside `labels/train`, `train/images`
beside `train/labels`, labels beside the images, lists of images in text files, and a
data.yaml whose paths are another machine's. Every path is only ever looked up among
the files that were walked, so that none can lead out of the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import normpath

from .format import Source
from .label_files import read_text
from .tree import Tree, stem, to_key
from .yaml_text import Text, mapping, parse_yaml, scalar, texts

_SPLIT_OF = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_NAME_FILES = ("classes.txt", "obj.names", "labels.txt", "predefined_classes.txt")


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
        self._used: set[str] = set()
        self._folders: list[tuple[str, str]] = []
        self._listed: dict[str, str] = {}
        for split, paths in entries.items():
            for path in paths:
                self._add(split, path, source)

    def label_of(self, image: str) -> str | None:
        """The key of an image's label file, None where there is none.

        Looked for where Ultralytics looks (the last folder `images` replaced by `labels`), then beside the image.
        """
        own = stem(image)
        parts = own.split("/")
        found = None
        for index in range(len(parts) - 2, -1, -1):
            if parts[index] == "images":
                found = self._labels.get("/".join([*parts[:index], "labels", *parts[index + 1 :]]))
                break
        if found is None:
            found = self._labels.get(own)
        if found is None:
            found = self._labels.get(f"labels/{own}")
        if found is not None:
            self._used.add(found)
        return found

    def split_of(self, image: str) -> str | None:
        """The split of an image: by list, by data.yaml's folders, by a folder's name; None where nothing says."""
        listed = self._listed.get(image)
        if listed is not None:
            return listed
        for folder, split in self._folders:
            if not folder or image.startswith(f"{folder}/"):
                return split
        if self._folders or self._listed:
            return None
        for part in image.split("/")[:2]:
            if part in _SPLIT_OF:
                return _SPLIT_OF[part]
        return None

    def orphans(self) -> Iterator[str]:
        """The label files that no image has asked for, in order."""
        for key in self._labels.values():
            folders = key.split("/")
            if key not in self._used and "labels" in folders[:-1] and folders[-1].lower() not in _NAME_FILES:
                yield key

    def _add(self, split: str, path: str, source: Source) -> None:
        if path.lower().endswith(".txt"):
            found = _find(path, self._tree.others)
            if found is None:
                source.findings.add("path-repaired", "data.yaml", f"{split}: {path} is not there; left out")
                return
            self._read_list(split, found, source)
            return
        folders = {folder for key in source.images.images for folder in _parents(key)} | {""}
        found = _find(path, folders)
        if found is None:
            source.findings.add("path-repaired", "data.yaml", f"{split}: {path} is not there; left out")
            return
        if found != normpath(path):
            source.findings.add("path-repaired", "data.yaml", f"{split}: {path} is read as {found or '.'}")
        self._folders.append((found, split))
        self._folders.sort(key=lambda entry: -len(entry[0]))

    def _read_list(self, split: str, key: str, source: Source) -> None:
        try:
            lines = read_text(self._tree.others[key]).splitlines()
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


def find_data_yaml(tree: Tree) -> str:
    """The key of the YAML file in the root that lists class names, "" where there is none."""
    for key in tree.with_suffix(".yaml", ".yml"):
        if "/" not in key:
            try:
                if "names" in mapping(parse_yaml(read_text(tree.path(key))), key):
                    return key
            except ValueError:
                continue
    return ""


def read_layout(source: Source) -> Layout:
    """The layout that data.yaml describes, or a file of class names, or nothing but the folders."""
    key = find_data_yaml(source.tree)
    if key:
        content = mapping(parse_yaml(read_text(source.tree.path(key))), key)
        names = _names(content.get("names", ""), content.get("nc", ""), key, source)
        entries: dict[str, tuple[str, ...]] = {}
        for split in ("train", "val", "test"):
            try:
                entries[split] = texts(content.get(split, ""), split)
            except ValueError as error:
                source.findings.add("unreadable-label-file", key, str(error))
        return Layout(source, names, _with_root(entries, content.get("path", "")))
    for key in source.tree.others:
        if key.rpartition("/")[2].lower() in _NAME_FILES:
            try:
                lines = read_text(source.tree.path(key), source.recipe.encoding).splitlines()
            except ValueError as error:
                source.findings.add("unreadable-label-file", key, str(error))
                continue
            while lines and not lines[-1].strip():
                lines.pop()
            return Layout(source, _checked([line.strip() for line in lines], key, source), {})
    return Layout(source, [], {})


def _names(value: Text, count: Text, key: str, source: Source) -> list[str]:
    try:
        if isinstance(value, dict):
            ids = {int(number): scalar(name, "names") for number, name in value.items()}
            if sorted(ids) != list(range(len(ids))):
                raise ValueError(f"names must number the classes from 0 without gaps, received {sorted(ids)[:20]}")
            names = [ids[number] for number in range(len(ids))]
        else:
            names = list(texts(value, "names"))
    except ValueError as error:
        source.findings.add("classes-differ", key, str(error))
        return []
    if isinstance(count, str) and count and count != str(len(names)):
        source.findings.add("classes-differ", key, f"nc is {count[:40]}, and there are {len(names)} names")
    return _checked(names, key, source)


def _checked(names: list[str], key: str, source: Source) -> list[str]:
    if len(set(names)) != len(names) or "" in names:
        source.findings.add("classes-differ", key, "class names must be there and each once")
    return names


def _with_root(entries: dict[str, tuple[str, ...]], root: Text) -> dict[str, tuple[str, ...]]:
    if not isinstance(root, str) or root in ("", "."):
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
