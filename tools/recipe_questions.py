"""The questions of `labelloop recipe` in a terminal, and how a proposal is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import click

from ..datasets.discovery import Preview, Proposal
from ..datasets.json_fields import parse_fields
from ..datasets.recipe import Recipe
from ..datasets.schema import Sample
from .output import printable, say, table


def proposal_text(proposal: Proposal) -> str:
    """Why the proposal is as it is, a line a reason, and its preview."""
    why = "\n".join(f"  {printable(reason)}" for reason in proposal.reasons)
    return f"Why:\n{why}\n\n{preview_text(proposal.preview)}"


def preview_text(preview: Preview) -> str:
    """What a recipe reads: counts, classes, the first samples, and what stops an import."""
    states = ", ".join(f"{count} {state}" for state, count in preview.images.items()) or "none"
    lines = [f"It reads: images {states}" + (f", {preview.left_out} left out" if preview.left_out else "")]
    if preview.labels:
        rows = [(number, name, count) for number, (name, count) in enumerate(preview.labels.items())]
        lines.append(table(rows, ("id", "class", "labels")))
    if preview.samples:
        lines.append("The first of them:")
        lines += [f"  {printable(_sample_text(sample))}" for sample in preview.samples]
    if preview.findings:
        lines.append("Findings: " + ", ".join(f"{count} {kind}" for kind, count in preview.findings.items()))
    if preview.stopping:
        lines.append(f"{preview.stopping} of them stop an import:")
        lines += [f"  {printable(message)}" for message in preview.messages]
    return "\n".join(lines)


def ask(proposal: Proposal) -> Recipe:
    """The proposed recipe as a person changes it, question by question; Enter keeps what is proposed."""
    recipe = proposal.recipe
    say("\nEnter keeps what stands in [brackets]; a single - empties a line.")
    if recipe.fields:
        recipe = _ask_until(recipe, _ask_fields)
    recipe = _ask_until(recipe, _ask_classes)
    recipe = _ask_until(
        recipe, lambda now: replace(now, group=_ask_patterns("group, a pattern over the path", now.group))
    )
    recipe = _ask_until(
        recipe, lambda now: replace(now, agree=_ask_patterns("agree, a pattern with (?P<class>...)", now.agree))
    )
    missing = _prompt("an image without a label file is", recipe.missing, click.Choice(["unlabelled", "negative"]))
    return replace(recipe, missing="negative" if missing == "negative" else "unlabelled")


def proposal_json(proposal: Proposal, recipe_lines: Mapping[str, object], saved: Path | None) -> dict[str, object]:
    """What `labelloop recipe --json` prints."""
    preview = proposal.preview
    return {
        "recipe": recipe_lines,
        "reasons": proposal.reasons,
        "preview": {
            "images": preview.images,
            "left_out": preview.left_out,
            "classes": [{"name": name, "labels": count} for name, count in preview.labels.items()],
            "counts": preview.findings,
            "stopping": preview.stopping,
            "samples": [
                {
                    "key": sample.key,
                    "size": list(sample.size),
                    "label": sample.label,
                    "group": sample.group,
                    "boxes": [{"label": box.label, "corners": list(box.corners)} for box in sample.boxes],
                }
                for sample in preview.samples
            ],
        },
        "saved": str(saved) if saved else None,
    }


def _sample_text(sample: Sample) -> str:
    boxes = [f"{box.label} ({', '.join(f'{corner:.1f}' for corner in box.corners)})" for box in sample.boxes[:3]]
    more = [f"and {len(sample.boxes) - 3} more boxes"] if len(sample.boxes) > 3 else []
    label = [sample.label] if sample.label is not None else []
    group = [f"group {sample.group}"] if sample.group is not None else []
    parts = [f"{sample.key}  {sample.size}", *label, *boxes, *more, *group]
    return "  ".join(parts)


def _ask_until(recipe: Recipe, question: Callable[[Recipe], Recipe]) -> Recipe:
    """The recipe after a question, which is asked again while its answer breaks a rule."""
    while True:
        try:
            return question(recipe)
        except ValueError as error:
            say(f"  {printable(str(error))}")


def _ask_fields(recipe: Recipe) -> Recipe:
    fields = {name: _prompt(f"fields.{name}", value) for name, value in recipe.fields.items()}
    parse_fields(fields)
    return replace(recipe, fields=fields)


def _ask_classes(recipe: Recipe) -> Recipe:
    given = _prompt("classes in the order of their ids, with commas between", ", ".join(recipe.classes))
    classes = tuple(name.strip() for name in given.split(",") if name.strip())
    return replace(recipe, classes=recipe.classes if given == ", ".join(recipe.classes) else classes)


def _ask_patterns(name: str, proposed: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns that are kept, one question each, and one more that may be added."""
    kept = [_prompt(name, pattern) for pattern in proposed] or [_prompt(name, "")]
    return tuple(pattern for pattern in kept if pattern)


def _prompt(name: str, value: str, kind: click.ParamType[str] | None = None) -> str:
    given = str(click.prompt(name, default=printable(value), type=kind or str, err=True))
    if given == printable(value):
        return value
    return "" if given == "-" else given
