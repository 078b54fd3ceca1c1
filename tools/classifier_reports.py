"""What a classifier's training prints: its plan, a line an epoch, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from ..training.predictions import read_predictions
from ..training.runs import Run
from ..training.trackers import mode_lines, tracking_lines
from ..training.trainer_files import Progress
from .output import printable, table
from .training_progress import training_progress


def plan_text(run: Run) -> str:
    """What is about to be trained, and why so."""
    plan, settings = run.plan, run.plan.settings
    splits = ", ".join(f"{count} {name}" for name, count in plan.images.items())
    lines = [
        f"{run.id}: {plan.model} on {printable(plan.dataset)}, version {plan.version} ({splits})",
        f"  classes    {printable(', '.join(plan.classes))}, from the {'boxes' if settings['from'] == 'boxes' else 'labels of images'}",
        f"  weights    {printable(str(settings['weights_source']))}",
        f"  trainable  {settings['trainable']}; BatchNorm: {settings['batchnorm']}",
        f"  pictures   {settings['imgsz']} px, {settings['resize']}, {_name(settings['augmentation'])} augmentation",
        f"  rescaling  {settings['rescaling']}, by the model itself",
        (
            f"  schedule   at most {settings['epochs']} {'epoch' if settings['epochs'] == 1 else 'epochs'}, batches of {settings['batch']}, Adam with {settings['lr']},"
            f" patience {settings['patience']}, seed {plan.seed}"
        ),
    ]
    left_out = settings["left_out"]
    if isinstance(left_out, dict) and left_out:
        lines.append("  left out   " + ", ".join(f"{count} {printable(why)}" for why, count in left_out.items()))
    lines += [f"  track      {line}" for line in mode_lines(plan)]
    lines += [f"  {name + ':':<10} {printable(why)}" for name, why in plan.reasons.items()]
    return "\n".join(lines)


@contextmanager
def classifier_progress(epochs: int) -> Generator[Callable[[Run, Progress], None]]:
    """A function to call with a classifier's run and how far it is."""
    with training_progress(epochs, classifier_epoch_line) as watch:
        yield watch


def result_text(run: Run, *, slices: bool = False) -> str:
    """What came of a training: the scores of each split, of each class, and what was taken for what.

    Args:
        slices: say the accuracy of each slice of the split besides.
    """
    result = run.result() or {}
    lines = [
        (
            f"{run.id}: best epoch {result['best_epoch']} of {result['epochs']}, {result['seconds']:.0f} s"
            f" on {', '.join(result['computed_on'])} in {result['precision']}"
        )
    ]
    rows = [
        (split, said["images"], _percent(said["overall"]["accuracy"]), _interval(said["overall"]),
         _rounded(said["overall"]["macro_f1"]), _rounded(said["overall"]["ece"]), _rounded(said["overall"].get("auc")))
        for split, said in result["splits"].items()
    ]  # fmt: skip
    lines.append(table(rows, ("split", "images", "accuracy", "95 % interval", "macro F1", "ECE", "AUC")))
    classes = [
        (name, said["images"], _rounded(said["precision"]), _rounded(said["recall"]), _rounded(said["f1"]))
        for name, said in result["per_class"].items()
    ]
    lines.append(table(classes, (f"class ({result['split']})", "images", "precision", "recall", "F1")))
    if slices and result.get("per_slice"):
        parts = [
            (name, said["images"], _percent(said["accuracy"]), _interval(said))
            for name, said in result["per_slice"].items()
        ]
        lines.append(table(parts, (f"slice of {result['split']}", "images", "accuracy", "95 % interval")))
    confused = _confusions(run, str(result["split"]))
    if confused:
        lines.append("Taken for another class most often: " + "; ".join(printable(each) for each in confused))
    if result["unreadable"]:
        lines.append(f"{len(result['unreadable'])} images could not be read and were left out; {run.log} names them")
    lines += [printable(line) for line in tracking_lines(run)]
    lines.append(f"The model: {printable(str(run.weights / 'model.keras'))}")
    return "\n".join(lines)


def _confusions(run: Run, split: str) -> list[str]:
    """The three pairs of classes that were confused most, with their counts."""
    true = {sample.key: sample.label for sample in run.samples()}
    true |= {f"{sample.key}#{box.id}": box.label for sample in run.samples() for box in sample.boxes}
    counts: dict[tuple[str, str], int] = {}
    for key, label in read_predictions(run.folder / "predictions", split).select("key", "label").iter_rows():
        if key in true and true[key] != label:
            pair = (str(true[key]), str(label))
            counts[pair] = counts.get(pair, 0) + 1
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [f"{count} of {a} as {b}" for (a, b), count in ordered[:3]]


def classifier_epoch_line(row: Mapping[str, Any], epochs: int, _left: float | None) -> str:
    """One finished epoch of a classifier on a line."""
    return (
        f"epoch {row['epoch']:>3}/{epochs}   train loss {row['train/loss']:.4f} accuracy {row['train/accuracy']:.3f}"
        f"   val loss {row['val/loss']:.4f} accuracy {row['val/accuracy']:.3f}   {row['seconds']:.1f} s"
    )


def _name(augmentation: Any) -> str:
    name = str(augmentation["name"])
    return "no" if name == "none" else printable(name)


def _interval(overall: Mapping[str, Any]) -> str:
    if overall["accuracy_low"] is None:
        return "-"
    return f"{_percent(overall['accuracy_low'])} to {_percent(overall['accuracy_high'])}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
