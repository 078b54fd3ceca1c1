"""Which image a label file is for, in the formats that keep one label file for each image.

A label file says which image it means, by a name that is often dead (another machine's
folder) or hostile (`..`, absolute); it also stands beside an image of its own stem. The
two must not contradict each other, and no image may be claimed twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath
from re import ASCII, compile, match

from .format import RawSample, Source
from .tree import stem, to_key

_PLAIN = compile(r"[\w-][\w .()-]*", ASCII).fullmatch
"""Names that mean a file beside the label file whatever else holds: no folder, no drive, nothing to normalise."""


class Pairs:
    """The images of a source by stem, and which of them label files have claimed so far.

    Args:
        source: images and label files.
        image_folders: for label files in a folder of their own, what to put in its place
            to find their images, as (label folder, image folder) names.
    """

    def __init__(self, source: Source, image_folders: tuple[tuple[str, str], ...] = ()) -> None:
        self._source = source
        self._image_folders = image_folders
        self._by_stem: dict[str, list[str]] = {}
        for key in source.images.images:
            self._by_stem.setdefault(stem(key), []).append(key)
        self._claimed: dict[str, str] = {}

    def twins(self, key: str) -> list[str]:
        """The images that have the stem of this label file, beside it or in the folder of images."""
        own = self._by_stem.get(stem(key), [])
        if own or not self._image_folders:
            return own
        folder, _, name = stem(key).rpartition("/")
        parts = folder.split("/")
        for labels, images in self._image_folders:
            for index in range(len(parts) - 1, -1, -1):
                if parts[index] == labels:
                    own = self._by_stem.get("/".join([*parts[:index], images, *parts[index + 1 :], name]), [])
                    if own:
                        return own
        return []

    def find(self, key: str, named: str = "", embedded: str = "") -> str | None:
        """The key of the image that a label file is for; None, with a finding, where there is none.

        Args:
            key: the label file's.
            named: the image that it names, relative to its own folder, or "".
            embedded: the key to answer where the image is inside the label file, else "".
        """
        found = self._find(key, named, embedded)
        if found is None:
            return None
        if found in self._claimed:
            self._source.findings.add(
                "pair-conflict", key, f"labels are for {found}, which {self._claimed[found]} claims already"
            )
            return None
        self._claimed[found] = key
        return found

    def give_up(self, key: str) -> None:
        """Count the images beside a broken label file as spoken for, not as unlabelled."""
        for twin in self.twins(key):
            self._claimed.setdefault(twin, key)

    def without_labels(self) -> Iterator[RawSample]:
        """The images that no label file claimed, in order, each with a finding."""
        for key in self._source.images.images:
            if key not in self._claimed:
                yield self._source.without_labels(key, "image has no label file")

    def _find(self, key: str, named: str, embedded: str) -> str | None:
        twins = self.twins(key)
        outside = False
        if named:
            candidate, outside = self._inside(key, named)
            if candidate in self._source.images.images:
                if twins and candidate not in twins:
                    self._source.findings.add(
                        "pair-conflict", key, f"labels name {candidate} and stand beside {twins[0]}: which is meant?"
                    )
                    for image in (candidate, *twins):
                        self._claimed.setdefault(image, key)
                    return None
                return candidate
        if len(twins) > 1:
            self._source.findings.add(
                "pair-conflict", key, f"labels stand beside {' and '.join(twins)}: which is meant?"
            )
            for twin in twins:
                self._claimed.setdefault(twin, key)
            return None
        why = "leads out of the source and is not followed" if outside else "is not there"
        if twins:
            if named:
                self._source.findings.add(
                    "path-repaired", key, f"image {shorten(named)} {why}; paired by its own name with {twins[0]}"
                )
            return twins[0]
        if embedded:
            return embedded
        kind = "path-outside" if outside else "orphan-label"
        self._source.findings.add(kind, key, f"image {shorten(named)} {why}" if named else "labels without an image")
        return None

    def _inside(self, key: str, named: str) -> tuple[str, bool]:
        """The key that a name means from a label file's folder, and whether it leads out of the source."""
        folder = key.rpartition("/")[0]
        if _PLAIN(named):
            return (f"{folder}/{named}" if folder else named), False
        path = to_key(named.replace("\\", "/"))
        if path.startswith("/") or match(r"[A-Za-z]:", path) or "\0" in path:
            return "", True
        joined = normpath(f"{folder}/{path}" if folder else path)
        return joined, joined == ".." or joined.startswith("../")


def shorten(name: str) -> str:
    """The name in quotes, cut where it is too long for a message."""
    return repr(name if len(name) <= 120 else f"{name[:117]}...")
