"""What an analysis says about a source: each finding with its kind, place and severity.

The kinds are declared here, in one table, so that a report, the documentation and
a recipe's `accept` list use the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Severity = Literal["stops", "repaired", "look"]

SEVERITY_MEANING: dict[Severity, str] = {
    "stops": "stops an import",
    "repaired": "repaired while reading",
    "look": "worth a look",
}

KINDS: dict[str, tuple[Severity, str]] = {
    # files and pairs
    "unreadable-folder": ("stops", "a folder could not be listed"),
    "unreadable-label-file": ("stops", "a label file is broken or is not what its format says"),
    "orphan-label": ("stops", "labels without their image"),
    "pair-conflict": ("stops", "two label files or two images claim each other"),
    "symlink-outside": ("stops", "a link leads out of the source and is not followed"),
    "symlink-broken": ("stops", "a link leads nowhere"),
    "path-outside": ("stops", "a label file names an image outside the source"),
    "name-not-unicode": ("stops", "a file or folder whose name is not UTF-8; it is not read until it is renamed"),
    "same-key": ("stops", "two files whose names are the same text in Unicode NFC"),
    "case-clash": ("look", "names that differ only in upper and lower case"),
    "symlink-skipped": ("look", "a linked folder inside the source, read at its real place only"),
    "path-repaired": ("repaired", "a label file names an image that is not there; paired by its own name"),
    "orphan-image": ("look", "an image without a label file"),
    "ignored-file": ("look", "files that are neither images nor labels of this format"),
    # images
    "unreadable-image": ("stops", "an image cannot be opened"),
    "truncated-image": ("stops", "an image ends before its picture does"),
    "image-too-large": ("stops", "an image has more pixels than the limit"),
    "wrong-suffix": ("look", "an image whose name says another format than its bytes"),
    "unusual-mode": ("look", "CMYK, 16 bit or a palette: trainers differ in how they read it"),
    "animated-image": ("look", "an image with several frames; the first is meant"),
    "duplicate-image": ("look", "images with the same bytes"),
    "duplicate-disagrees": ("look", "images with the same bytes and different labels"),
    # geometry
    "aspect-differs": ("stops", "the labels are for an image of another shape"),
    "size-unknown": ("stops", "nothing says what image size the labels are for"),
    "bad-box": ("stops", "a box without area, with NaN, or inverted"),
    "box-outside": ("stops", "a box wholly outside its image"),
    "unsupported-shape": ("stops", "a polygon or another shape that is not a box"),
    "scaled": ("repaired", "labels are for a larger or smaller photo than the image that ships"),
    "clipped": ("repaired", "a box reaches over the edge of its image"),
    "boxed-shape": ("repaired", "a polygon read as the box around it, as asked"),
    "turned": ("repaired", "labels were drawn on the raw photo, before its EXIF orientation"),
    "orientation-assumed": (
        "look",
        "the size cannot tell whether labels are for the raw or the upright photo; the recipe's `orientation` says it",
    ),
    "duplicate-box": ("look", "the same box twice on one image"),
    "crowd": ("look", "a box around a crowd, not around one object"),
    "not-kept": ("look", "something in the label files that labelloop has no place for"),
    # classes
    "unknown-label": ("stops", "a label that the recipe or the format's class list does not name"),
    "classes-differ": ("stops", "class lists that contradict each other or themselves"),
    "label-disagrees": ("look", "folder or file name says another class than the label"),
    "class-order-assumed": ("look", "no class order is declared anywhere"),
    "class-empty": ("look", "a declared class without a single label"),
    # the ledger
    "content-changed": ("look", "an image has other bytes than the one of its key in the ledger"),
    "labels-differ": ("look", "labels changed in the source and in the ledger; the ledger's stay"),
    "renamed": ("look", "an image of the ledger that lies under another name now"),
    # splits
    "split-leak": ("look", "one group of images in two splits"),
    "split-differs": ("look", "an image is listed in two splits"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or worth a look: what kind, where, and a sentence."""

    kind: str
    place: str
    message: str

    @property
    def severity(self) -> Severity:
        """What it means for an import."""
        return KINDS[self.kind][0]

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class Findings:
    """Findings in the order in which they were made, without the kinds that were accepted.

    Args:
        accept: kinds that a recipe declares as known and harmless for its source.
            They are counted in `accepted` and otherwise left out. A kind that stops
            an import cannot be accepted.

    Raises:
        ValueError: an accepted kind that does not exist or stops an import.
    """

    def __init__(self, accept: Iterable[str] = ()) -> None:
        self._found: list[Finding] = []
        self._accept = frozenset(accept)
        self.accepted: dict[str, int] = {}
        for kind in sorted(self._accept):
            if kind not in KINDS or KINDS[kind][0] == "stops":
                allowed = ", ".join(name for name, (severity, _) in KINDS.items() if severity != "stops")
                raise ValueError(f"accept must name kinds that do not stop an import ({allowed}), received {kind!r}")

    def add(self, kind: str, place: str, message: str) -> None:
        """Note one finding.

        Raises:
            KeyError: the kind is not in `KINDS`.
        """
        if kind in self._accept:
            self.accepted[kind] = self.accepted.get(kind, 0) + 1
            return
        if kind not in KINDS:
            raise KeyError(f"kind must be declared in KINDS, received {kind!r}")
        self._found.append(Finding(kind, place, message))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind, in order."""
        return [finding for finding in self._found if finding.kind == kind]

    def stopping(self) -> list[Finding]:
        """The findings that stop an import, in order."""
        return [finding for finding in self._found if finding.severity == "stops"]

    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind, in the order of `KINDS`, zeros left out."""
        seen: dict[str, int] = {}
        for finding in self._found:
            seen[finding.kind] = seen.get(finding.kind, 0) + 1
        return {kind: seen[kind] for kind in KINDS if kind in seen}
