"""Whether what was written says the same as what was meant: every box compared, read back from disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .errors import LabelloopError
from .findings import Findings
from .schema import Box, Sample, meaningful

TOLERANCE = 1e-6
"""How far a corner may move, as a part of the image's side."""

_SHOWN = 10


class FidelityError(LabelloopError):
    """An export that, read back, does not say what was meant. It is not put in place."""


def compare(meant: Sequence[Sample], said: Iterable[Sample], findings: Findings) -> float:
    """The largest movement of a corner, as a part of the image's side: 0 for a perfect copy.

    Args:
        meant: what was to be written.
        said: what reading the export gives.
        findings: of that reading.

    Raises:
        FidelityError: images or boxes are missing, added or changed, a corner moved further
            than `TOLERANCE`, or the reading has findings that would stop an import.
    """
    wrong = [str(finding) for finding in findings.stopping()]
    found = {sample.key: sample for sample in said}
    moved = 0.0
    for sample in meant:
        other = found.pop(sample.key, None)
        if other is None:
            wrong.append(f"{sample.key}: image is missing")
            continue
        if other.boxes != sample.boxes:
            difference = _compare_boxes(sample, other, wrong)
            moved = max(moved, difference)
        if (other.state, other.size, other.label) != (sample.state, sample.size, sample.label):
            wrong.append(
                f"{sample.key}: must be {sample.state}, {sample.size} px, label {sample.label!r};"
                f" read back as {other.state}, {other.size} px, label {other.label!r}"
            )
        if (other.split or None, other.group or None) != (sample.split or None, sample.group or None):
            wrong.append(
                f"{sample.key}: must be in split {sample.split} and group {sample.group};"
                f" read back as {other.split} and {other.group}"
            )
    wrong.extend(f"{key}: image was not meant to be there" for key in found)
    if wrong:
        raise FidelityError(summary("export does not say what was meant, and was not put in place", wrong))
    return moved


def summary(sentence: str, problems: Sequence[str]) -> str:
    """The sentence, the first ten problems, a line each, and how many more there are."""
    lines = [f"{sentence}: {len(problems)} problem{'s' if len(problems) != 1 else ''}"]
    lines += [f"  {problem}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"  ... and {len(problems) - _SHOWN} more")
    return "\n".join(lines)


def _compare_boxes(meant: Sample, said: Sample, wrong: list[str]) -> float:
    if len(meant.boxes) != len(said.boxes):
        wrong.append(f"{meant.key}: must have {len(meant.boxes)} boxes, read back {len(said.boxes)}")
        return 0.0
    width, height = meant.size
    most = 0.0
    for number, (box, other) in enumerate(zip(meant.boxes, said.boxes, strict=True)):
        moved = max(
            abs(box.x1 - other.x1) / width, abs(box.x2 - other.x2) / width,
            abs(box.y1 - other.y1) / height, abs(box.y2 - other.y2) / height,
        )  # fmt: skip
        most = max(most, moved)
        if moved > TOLERANCE * (1 + 1e-9) or not _same_words(box, other):
            wrong.append(f"{meant.key}: box {number} must be {_shown(box)}, read back as {_shown(other)}")
    return most


def _same_words(box: Box, other: Box) -> bool:
    if (box.label, box.id, box.score) != (other.label, other.id, other.score):
        return False
    return box.attributes == other.attributes or meaningful(box.attributes) == meaningful(other.attributes)


def _shown(box: Box) -> str:
    extras: Mapping[str, object] = {"id": box.id, "score": box.score, **meaningful(box.attributes)}
    said = ", ".join(f"{key}={value}" for key, value in extras.items() if value not in ("", None))
    return f"{box.label} {box.corners}{' ' + said if said else ''}"
