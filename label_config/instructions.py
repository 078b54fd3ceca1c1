"""What the people at the desk are told: Label Studio shows it before the first task, and behind its button Instructions."""

from __future__ import annotations

from .config import Config
from .rendering import UNSURE_KEY


def instructions(config: Config) -> str:
    """In HTML: what is asked for, and what each way to leave a task means.

    It says nothing of a single image, and the same in every round: who labels must not be able to
    tell what a model thinks, nor which images are of a test.
    """
    lines: list[str] = []
    if config.label:
        lines += [
            "<b>Every object has one box, close around it, with its class.</b>",
            "A box in the wrong place: click it, then drag it or its corners.",
            "A wrong class: click the box, then press the key that stands beside the right class below the picture.",
            "A box is missing: choose the class first, then draw. One too many: click it, then press Backspace.",
            "Nothing is there to label: delete what boxes there are, and submit.",
            "Some pictures come without boxes although something is there: draw what you see.",
        ]
    if config.unsure:
        lines.append(f"Not sure of a box: click it and press {UNSURE_KEY}, or write why in the field below.")
    if config.choice:
        lines.append("<b>The picture has one class:</b> choose it below the picture.")
    lines += [
        "All is right already: submit as it is. That counts: somebody has looked.",
        "You cannot tell: skip. Then nothing changes.",
    ]
    # Label Studio takes styles out of it, and shows a list without its dots.
    return "".join(f"<p>• {line}</p>" for line in lines)
