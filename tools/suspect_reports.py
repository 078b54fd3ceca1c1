"""Suspects as text, as JSON for programs, and as a page with pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..datasets.ledger import Ledger
from ..datasets.reading import Progress
from ..datasets.schema import Sample
from ..training.inspection.pictures import Drawn, picture_of
from ..training.pages import Page, Picture
from ..training.runs import Run
from ..training.suspects.folds import USUAL_MODEL, Cost
from ..training.suspects.suspect import KINDS, Suspect, SuspectList
from .output import printable, table
from .training_progress import duration

LABEL, PROPOSED, OTHER = "#d62728", "#1f77b4", "#8a8a8a"
"""The colours of the label in question, of what the model says, and of the image's other labels."""


def suspects_text(found: SuspectList, limit: int) -> str:
    """What `labelloop suspects` prints for people."""
    lines = [source_text(found)]
    if found.suspects:
        rows = [
            (number, each.kind, f"{each.probability:.2f}", f"{each.rank * 100:6.2f}", each.key, each.reason)
            for number, each in enumerate(found.suspects[:limit], start=1)
        ]
        lines.append(table(rows, ("", "kind", "wrong", "worth", "image", "why")))
        lines.append(
            "wrong: how probable it is; worth: points of AP50 (of accuracy, for labels of images) that a minute should bring"
        )
        if len(found.suspects) > limit:
            lines.append(f"... and {len(found.suspects) - limit} more")
    return "\n".join(lines)


def source_text(found: SuspectList) -> str:
    """What the list rests on, and how much is expected of it, in words."""
    kinds = Counter(each.kind for each in found.suspects)
    said = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind]) or "none"
    expected = sum(each.probability for each in found.suspects)
    runs = found.source.get("runs")
    names = ", ".join(map(str, runs)) if isinstance(runs, list) else ""
    where = f"{found.source.get('folds')} folds" if found.source.get("folds") else names
    text = (
        f"{found.dataset}, version {found.version}: {len(found.suspects)} suspects ({said}) on"
        f" {found.source.get('images')} images judged by {where}; about {expected:.0f} label{'' if round(expected) == 1 else 's'} should really be wrong."
    )
    without = found.source.get("images_without_predictions")
    if without:
        why = (
            "their classes are too rare for so many folds, or the images cannot be read."
            if found.source.get("folds")
            else "the runs were trained on them or did not predict them; --folds judges all."
        )
        text += f"\n{without} labelled images were not judged: {why}"
    if found.source.get("in_sample"):
        text += f"\n{found.source['in_sample']} images were judged by a model that had learned their labels: it hides mistakes."
    return text


def cost_text(cost: Cost, runs: Sequence[Run]) -> str:
    """What the folds will cost, in words."""
    left, rare = sum(run.status() != "done" for run in runs), runs[0].plan.reasons.get("classes", "")
    lines = [f"All {len(runs)} folds are trained already."]
    if left:
        guess = f"a rough guess, for {USUAL_MODEL[runs[0].plan.kind]} on 2 cores"
        pace = f"at the pace of {cost.known_from}" if cost.known_from else guess
        what = f"{cost.images} images for {cost.epochs} epochs, about {duration(cost.seconds)} ({pace})"
        lines = [f"{left} of {len(runs)} folds to train: {what}."]
    return "\n".join([*lines, *([printable(f"{rare[0].upper()}{rare[1:]}.")] if rare else [])])


def cost_json(cost: Cost, runs: Sequence[Run]) -> dict[str, object]:
    """What `--estimate --json` prints."""
    left = sum(run.status() != "done" for run in runs)
    return {
        "folds": len(runs), "to_train": left, "images": cost.images, "epochs": cost.epochs,
        "seconds": round(cost.seconds, 1), "pace_of": cost.known_from,
        "not_judged": runs[0].plan.reasons.get("classes", ""),
    }  # fmt: skip


def write_page(path: Path, found: SuspectList, ledger: Ledger, *, limit: int, progress: Progress | None = None) -> Path:
    """The file with the page: the first suspects with their pictures."""
    shown = found.suspects[:limit]
    samples = {sample.key: sample for sample in ledger.samples(found.version, keys={each.key for each in shown})}
    page = Page(f"Suspects of {found.dataset}", f"version {found.version}, {found.made[:16].replace('T', ' ')} UTC")
    page.note(source_text(found))
    order = "Those come first whose mending is worth most per minute."
    if any(each.kind != "image-label" for each in shown):
        colours = "Red is the label in question, dashed blue what the model says, grey the image's other labels."
        page.text(f"{colours} {order}")
    else:
        page.text(f"Each picture has its label, and what it should rather be. {order}")
    pictures: list[Picture] = []
    for number, each in enumerate(shown, start=1):
        if each.key in samples:
            what = f"{each.label}, rather {each.proposed_label}" if each.kind == "image-label" else each.kind
            title = f"{number}. {printable(what)}, {each.probability:.0%}"
            text = f"{printable(each.key)}: {each.reason}"
            pictures.append(Picture(suspect_picture(each, samples[each.key]), title, text))
        if progress is not None:
            progress(number, len(shown))
    page.pictures(pictures)
    return page.write(path)


def suspect_picture(suspect: Suspect, sample: Sample, side: int = 320) -> bytes:
    """A JPEG of the image with the label in question, what the model says, and the other labels."""
    drawn = [
        Drawn(box, LABEL if box.id == suspect.box else OTHER, dashed=False, text=box.label) for box in sample.boxes
    ]
    if suspect.proposed is not None:
        score = f"{suspect.proposed.score or 0:.2f}".removeprefix("0")
        drawn.append(Drawn(suspect.proposed, PROPOSED, dashed=True, text=f"{suspect.proposed.label} {score}"))
    return picture_of(sample, drawn, side=side)
