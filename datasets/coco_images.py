"""Which image a name in a list of images means: COCO's `file_name` is relative to nobody knows what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import normpath

from .findings import Findings
from .tree import to_key


class ImageFinder:
    """The images of a source by every end of their path, and which have been asked for.

    Args:
        images: keys of all images, in order.
        findings: where names that mean nothing, too much or something outside are noted.
    """

    def __init__(self, images: Mapping[str, str], findings: Findings) -> None:
        self._images = images
        self._findings = findings
        self._by_name: dict[str, list[str]] | None = None
        self._listed: dict[str, str] = {}

    def find(self, name: str, label_key: str, place: str) -> str | None:
        """The key of the image that a name means; None, with a finding, where there is none or no single one.

        Tried in turn: beside the label file (for one in `annotations/`, in the folder `images` beside
        that), in the folder `images` beside its folder, the name as a key, and last the only image
        whose path ends so.
        """
        path = to_key(name)
        if "\\" in path and not self._named(path.rpartition("/")[2]):
            path = path.replace("\\", "/")  # from Windows, where no file's name has one
        if path.startswith("/") or ".." in path.split("/") or "\0" in path or path[1:2] == ":":
            self._findings.add(
                "path-outside", place, f"image {name[:120]!r} leads out of the source and is not followed"
            )
            return None
        path = normpath(path)
        folder = label_key.rpartition("/")[0]
        above = folder.rpartition("/")[0]
        beside = (f"{above}/images/" if above else "images/") if folder.endswith("annotations") else ""
        for prefix in dict.fromkeys(
            (beside, f"{folder}/" if folder else "", f"{above}/images/" if above else "images/", "")
        ):
            if f"{prefix}{path}" in self._images:
                return self._claim(f"{prefix}{path}", place)
        ends = [key for key in self._named(path.rpartition("/")[2]) if key.endswith(f"/{path}")]
        if len(ends) == 1:
            return self._claim(ends[0], place)
        if ends:
            self._findings.add("pair-conflict", place, f"image {name[:120]!r} may be {ends[0]} or {ends[1]}")
        else:
            self._findings.add("orphan-label", place, f"image {name[:120]!r} is not there")
        return None

    def unlisted(self) -> Iterator[str]:
        """The keys of the images that nobody asked for, in order."""
        return (key for key in self._images if key not in self._listed)

    def _claim(self, key: str, place: str) -> str | None:
        if key in self._listed:
            self._findings.add("pair-conflict", place, f"image {key} is listed at {self._listed[key]} already")
            return None
        self._listed[key] = place
        return key

    def _named(self, name: str) -> list[str]:
        if self._by_name is None:
            self._by_name = {}
            for key in self._images:
                self._by_name.setdefault(key.rpartition("/")[2], []).append(key)
        return self._by_name.get(name, [])
