"""Which image an entry of a VIA file means: VIA knows images by file name and size in bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from posixpath import normpath

from .format import Source
from .pairs import shorten
from .schema import Json
from .tree import to_key


class Images:
    """The images of a source, looked up by what VIA knows of them; each may be claimed once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._by_name: dict[str, list[str]] = {}
        for key in source.images.images:
            self._by_name.setdefault(key.rpartition("/")[2], []).append(key)
        self._claimed: dict[str, str] = {}

    def find(self, folder: str, name: str, size: Json, place: str) -> str | None:
        """The key of the image that an entry means; None, with a finding, where there is none.

        Looked for from the json's folder, from the root, and by a file name that only
        one image has, or only one of this size.

        Args:
            folder: the json's, "" for the root.
            name: the file name that the entry says, with or without folders.
            size: the image's size in bytes as VIA saw it, -1 where it did not.
            place: of the entry, for findings.
        """
        found = self._find(folder, name, size, place)
        if found is None:
            return None
        if found in self._claimed:
            message = f"regions are for {found}, which {self._claimed[found]} claims already"
            self._source.findings.add("pair-conflict", place, message)
            return None
        self._claimed[found] = place
        return found

    def left(self) -> Iterator[str]:
        """The images that no entry has claimed, in order."""
        return (key for key in self._source.images.images if key not in self._claimed)

    def _find(self, folder: str, name: str, size: Json, place: str) -> str | None:
        findings = self._source.findings
        path, known = to_key(name), self._source.images.images
        if "\\" in path and path.rpartition("/")[2] not in self._by_name:
            path = path.replace("\\", "/")  # from Windows, where no file's name has one
        joined, own = normpath(f"{folder}/{path}" if folder else path), normpath(path or ".")
        if re.match(r"/|[A-Za-z]:|\w+://|data:", path) or "\0" in path or joined.startswith("../"):
            findings.add("path-outside", place, f"image {shorten(name)} leads out of the source and is not followed")
            return None
        if joined in known:
            return joined
        if own in known:
            return own
        same = self._by_name.get(own.rpartition("/")[2], [])
        if len(same) > 1:
            fitting = [key for key in same if os.path.getsize(known[key]) == size]
            if len(fitting) != 1:
                which = " and ".join(same[:3])
                findings.add("pair-conflict", place, f"image {shorten(name)} may be {which}: which is meant?")
                for key in same:
                    self._claimed.setdefault(key, place)
                return None
            same = fitting
        if not same:
            findings.add("orphan-label", place, f"image {shorten(name)} is not there")
            return None
        if "/" in path:
            findings.add(
                "path-repaired", place, f"image {shorten(name)} is not there; paired by its file name with {same[0]}"
            )
        return same[0]
