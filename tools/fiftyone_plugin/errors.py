"""What the panel Errors shows of a run, as plain values: the kinds of error, and which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..window_errors import NOTHING, RunErrors
from .labels import Table

KINDS, MATRIX, PAIRS = "kinds", "matrix", "pairs"
"""The names of the tables."""

_MOST = 14
"""A matrix of more classes than this does not fit; then its largest cells are listed instead."""
_PAIRS = 30
_BAR = 12
"""So many letters is the longest bar."""


@dataclass(frozen=True, slots=True)
class Clicked:
    """What a click in a table asks for: the images of a kind, or of a cell of the matrix; "" for none of the two."""

    kind: str = ""
    truth: str = ""
    predicted: str = ""


def head_of_errors(errors: RunErrors) -> str:
    """In Markdown: which run this is, and what can be clicked."""
    wrong = sum(each.boxes for each in errors.kinds)
    many = wrong != 1
    what = "predictions and missed labels" if errors.kind == "detector" else "images"
    one = "prediction or missed label" if errors.kind == "detector" else "image"
    said = f"##### {errors.run}: what it gets wrong on {errors.split}"
    if not errors.kinds:
        return f"{said}\n\nNothing."
    return f"{said}\n\n{wrong} {what if many else one} {'are' if many else 'is'} wrong. Click a row or a cell to see its images."


def tables_of_errors(errors: RunErrors) -> list[Table]:
    """The kinds, and the matrix or, where that would be too wide, its largest cells."""
    return [table for table in (_kinds(errors), _confusions(errors)) if table.rows]


def clicked(errors: RunErrors, table: str, row: int, column: int) -> Clicked:
    """What a click on a cell means, rows and columns counted from 0; the head of a table has row -1."""
    found = {each.name: each for each in tables_of_errors(errors)}
    if table not in found or not 0 <= row < len(found[table].rows):
        return Clicked()
    if table == KINDS:
        return Clicked(kind=errors.kinds[row].kind)
    if table == PAIRS:
        truth, predicted, _ = errors.confusions()[row]
        return Clicked(truth=truth, predicted=predicted)
    names = (*errors.classes, NOTHING)
    if not 1 <= column <= len(names):
        return Clicked()
    return Clicked(truth=names[row], predicted=names[column - 1])


def _kinds(errors: RunErrors) -> Table:
    known = any(each.worth is not None for each in errors.kinds)
    most = max((_length(each.worth, each.boxes, known) for each in errors.kinds), default=1.0) or 1.0
    rows = [
        {
            "kind": each.kind,
            "boxes": each.boxes,
            "images": each.images,
            "worth": "" if each.worth is None else f"{each.worth:.3f}",
            "bar": _bar(_length(each.worth, each.boxes, known) / most),
        }
        for each in errors.kinds
    ]
    columns = {"kind": "kind", "boxes": "boxes", "images": "images", "worth": "AP50 lost", "bar": " "}
    used = [name for name in columns if known or name != "worth"]
    return Table(KINDS, "Kinds of error", tuple(used), rows, tuple(columns[name] for name in used))


def _bar(part: float) -> str:
    """A bar in letters; what is there at all has one at least."""
    return "█" * max(1, round(_BAR * part)) if part > 0 else ""


def _length(worth: float | None, boxes: int, known: bool) -> float:
    return (worth or 0.0) if known else float(boxes)


def _confusions(errors: RunErrors) -> Table:
    names = (*errors.classes, NOTHING)
    if len(errors.classes) > _MOST:
        pairs = errors.confusions()[:_PAIRS]
        rows = [{"label": truth, "predicted": predicted, "boxes": count} for truth, predicted, count in pairs]
        return Table(PAIRS, "Taken for another class", ("label", "predicted", "boxes"), rows)
    keys = [f"c{number}" for number in range(len(names))]  # a name with a dot FiftyOne would take for a path
    made = [
        {"label": name, **{key: count or "" for key, count in zip(keys, counts, strict=True)}}
        for name, counts in zip(names, errors.matrix, strict=True)
    ]
    return Table(MATRIX, "Labels, and what was predicted", ("label", *keys), made, ("label ↓ predicted →", *names))


def runs_choice(runs: Sequence[str], chosen: str) -> str:
    """The run to show: the chosen one while it is there, else the last."""
    return chosen if chosen in runs else (runs[-1] if runs else "")
