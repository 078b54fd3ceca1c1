"""The files of a source folder: walked once, named by key, never written to.

A key is the path under the root, POSIX, Unicode NFC. What is on disk may be NFD
(macOS writes Korean so); both forms are kept, so that files open and keys compare.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import is_normalized, normalize

from .errors import LabelloopError
from .findings import Findings
from .images import is_image_name

_JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


@dataclass(frozen=True, slots=True)
class Tree:
    """A walked folder.

    `images` and `others` map keys to the real paths of the files, in the order of the
    keys; `others` are the files whose suffix is no image's. Hidden files and folders,
    and what operating systems leave lying about, are in neither.
    """

    root: Path
    images: dict[str, str] = field(default_factory=dict[str, str])
    others: dict[str, str] = field(default_factory=dict[str, str])

    def with_suffix(self, *suffixes: str) -> list[str]:
        """The keys of the other files that end so, in upper or lower case, in order."""
        return [key for key in self.others if key.lower().endswith(suffixes)]

    def path(self, key: str) -> Path:
        """Where the file of this key is.

        Raises:
            KeyError: no such file.
        """
        return Path(self.images.get(key) or self.others[key])

    def folders(self) -> list[str]:
        """The keys of all folders that hold files, "" for the root, in order."""
        keys: Iterable[str] = (*self.images, *self.others)
        return sorted({key.rpartition("/")[0] for key in keys})


def to_key(path: str) -> str:
    """The path with forward slashes in Unicode NFC."""
    path = path.replace(os.sep, "/")
    return path if path.isascii() or is_normalized("NFC", path) else normalize("NFC", path)


def stem(key: str) -> str:
    """The key without its suffix; a dot in a folder's name is no suffix."""
    dot = key.rfind(".")
    return key[:dot] if dot > key.rfind("/") + 1 else key


def walk(root: Path, findings: Findings) -> Tree:
    """The files under a folder, links out of it refused, names that clash found.

    Raises:
        LabelloopError: the root is not a folder.
    """
    if not root.is_dir():
        raise LabelloopError(f"source must be a folder, received {root}")
    real_root = os.path.realpath(root)
    found: list[tuple[str, str, bool]] = []
    pending = [(str(root), "")]
    while pending:
        folder, prefix = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)  # findings come in this order
        except OSError as error:
            findings.add("unreadable-folder", to_key(prefix), f"folder cannot be listed: {error.strerror}")
            continue
        for entry in entries:
            name = entry.name
            if name[0] == "." or name.lower() in _JUNK:
                continue
            below = prefix + name
            if not name.isascii() and not _is_unicode(name):
                shown = below.encode("utf-8", "backslashreplace").decode()
                findings.add("name-not-unicode", to_key(shown), "name is not UTF-8, so that no label file can hold it")
                continue
            if entry.is_symlink() and not _follow(entry, real_root, to_key(below), findings):
                continue
            if entry.is_dir():
                pending.append((entry.path, below + "/"))
            elif entry.is_file():
                found.append((to_key(below), entry.path, is_image_name(name)))
            else:
                findings.add("ignored-file", to_key(below), "neither a file nor a folder (a pipe, a socket, a device)")
    return _tree(root, found, findings)


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8 come as lone surrogates
        return False
    return True


def _follow(entry: os.DirEntry[str], real_root: str, key: str, findings: Findings) -> bool:
    target = os.path.realpath(entry.path)
    if not os.path.exists(entry.path):
        findings.add("symlink-broken", key, "link leads nowhere")
        return False
    if os.path.commonpath((target, real_root)) != real_root:
        findings.add("symlink-outside", key, "link leads out of the source")
        return False
    if os.path.isdir(target):
        findings.add("symlink-skipped", key, "linked folder is read at its real place only")
        return False
    return True


def _tree(root: Path, found: list[tuple[str, str, bool]], findings: Findings) -> Tree:
    found.sort()
    tree = Tree(root)
    folded: dict[str, str] = {}
    for key, path, is_image in found:
        files = tree.images if is_image else tree.others
        if key in files:
            findings.add("same-key", key, "two files have this name, once in Unicode NFC and once in NFD")
            continue
        files[key] = path
        lower = key.casefold()
        if lower in folded:
            findings.add("case-clash", key, f"name differs from {folded[lower]} only in upper and lower case")
        folded[lower] = key
    return tree
