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
    places = {sample.key: number for number, sample in enumerate(meant)}
    wrong: dict[int, list[str]] = {}
    added: list[str] = []
    moved = 0.0
    # One at a time: two copies of 100,000 images would be the largest thing in memory.
    for other in said:
        number = places.pop(other.key, None)
        if number is None:
            added.append(f"{other.key}: image was not meant to be there")
            continue
        differences: list[str] = []
        moved = max(moved, _compare_samples(meant[number], other, differences))
        if differences:
            wrong[number] = differences
    wrong |= {number: [f"{key}: image is missing"] for key, number in places.items()}
    problems = [str(finding) for finding in findings.stopping()]
    problems += [difference for number in sorted(wrong) for difference in wrong[number]] + added
    if problems:
        raise FidelityError(summary("export does not say what was meant, and was not put in place", problems))
    return moved


def summary(sentence: str, problems: Sequence[str]) -> str:
    """The sentence, the first ten problems, a line each (a file's name may hold a newline), and how many more there are."""
    lines = [f"{sentence}: {len(problems)} problem{'s' if len(problems) != 1 else ''}"]
    lines += ["  " + problem.replace("\n", r"\n") for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"  ... and {len(problems) - _SHOWN} more")
    return "\n".join(lines)


def _compare_samples(meant: Sample, said: Sample, wrong: list[str]) -> float:
    moved = _compare_boxes(meant, said, wrong)
    if (said.state, said.size, said.label) != (meant.state, meant.size, meant.label):
        wrong.append(
            f"{meant.key}: must be {meant.state}, {meant.size} px, label {meant.label!r};"
            f" read back as {said.state}, {said.size} px, label {said.label!r}"
        )
    if (said.split or None, said.group or None) != (meant.split or None, meant.group or None):
        wrong.append(
            f"{meant.key}: must be in split {meant.split} and group {meant.group};"
            f" read back as {said.split} and {said.group}"
        )
    return moved


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
