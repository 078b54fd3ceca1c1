"""Reports about runs as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..datasets.schema import Json
from ..training.comparison import Change, Comparison
from ..training.curves import Curve, read_curve
from ..training.results import MAIN
from ..training.runs import Run
from ..training.trackers import mode_lines, tracking_lines
from . import classifier_reports
from .output import printable, table
from .training_progress import duration, epoch_line

_SHOWN = 10
_SLICES = 15


def runs_text(runs: Sequence[Run]) -> str:
    """The runs, a line each."""
    if not runs:
        return "No runs yet: labelloop train makes one."
    rows = [run_row(run) for run in runs]
    return table([tuple(row.values()) for row in rows], tuple(rows[0]))


def run_row(run: Run) -> dict[str, object]:
    """A run in a line, by column."""
    result = run.result() or {}
    main = MAIN[run.plan.kind][0]
    value = result.get("overall", {}).get(main)
    return {
        "run": run.id,
        "kind": run.plan.kind,
        "model": run.plan.model,
        "version": run.plan.version,
        "status": run.status(),
        "epochs": len(run.epochs()),
        "began (UTC)": _when(run.plan.started),
        "result": f"{main} {_number(value)} on {result['split']}" if result.get("split") else "",
    }


def run_brief(run: Run) -> dict[str, object]:
    """What `labelloop runs --json` says of a run."""
    result = run.result() or {}
    return {
        "run": run.id,
        "folder": str(run.folder),
        "kind": run.plan.kind,
        "dataset": run.plan.dataset,
        "version": run.plan.version,
        "model": run.plan.model,
        "status": run.status(),
        "failure": run.failure(),
        "started": run.plan.started,
        "finished": result.get("finished"),
        "epochs": len(run.epochs()),
        "split": result.get("split"),
        "overall": result.get("overall"),
    }


def run_json(run: Run) -> dict[str, object]:
    """What `labelloop runs show --json` prints."""
    return {
        **run_brief(run),
        "plan": asdict(run.plan),
        "rows": run.epochs(),
        "curve": asdict(read_curve(run.epochs(), run.plan.kind)),
        "result": run.result(),
    }


def plan_text(run: Run) -> str:
    """What is about to be trained, and which settings labelloop chose and why."""
    plan = run.plan
    splits = ", ".join(f"{count} {printable(name) or 'in no split'}" for name, count in plan.images.items())
    lines = [
        f"{run.id}: {printable(plan.model)} on {printable(plan.dataset)}, version {plan.version} ({splits})",
        f"  weights {printable(str(plan.settings.get('weights', '')))}",
        f"  augmentation {printable(_augmentation(plan.settings.get('augmentation')))}",
    ]
    left_out = plan.settings.get("left_out")
    if isinstance(left_out, dict) and left_out:
        lines.append("  left out: " + ", ".join(f"{count} {printable(why)}" for why, count in left_out.items()))
    lines += [f"  track {line}" for line in mode_lines(plan)]
    lines += [
        f"  {name} {plan.settings.get(name)}: {printable(reason)}"
        if name in plan.settings
        else f"  {name}: {printable(reason)}"
        for name, reason in plan.reasons.items()
    ]
    return "\n".join(lines)


def show_text(run: Run) -> str:
    """What `labelloop runs show` prints for people."""
    plan = run.plan
    gpus = plan.hardware.get("gpus") or []
    trainer = ("keras", "tensorflow") if plan.kind == "classifier" else ("ultralytics-opencv-headless", "torch")
    packages = (*trainer, "labelloop")
    classifier = plan.kind == "classifier"
    lines = [
        classifier_reports.plan_text(run) if classifier else plan_text(run),
        f"  seed {plan.seed}, begun {_when(plan.started)} UTC on {plan.hardware.get('processor')}, "
        f"{plan.hardware.get('cores')} cores"
        + (f", {', '.join(map(str, gpus))}" if isinstance(gpus, list) and gpus else ""),
        "  " + ", ".join(f"{name} {plan.packages[name]}" for name in packages if name in plan.packages),
        f"  {run.folder}",
    ]
    epochs = run.epochs()
    total = int(str(plan.settings.get("epochs", len(epochs))))
    if epochs:
        lines.append(f"  last: {epoch_line(epochs[-1], total)}")
        lines.append(f"  {curve_text(read_curve(epochs, plan.kind), MAIN[plan.kind][0])}")
    if run.result() is None:
        reason = f": {printable(run.failure())}" if run.failure() else ""
        lines.append(f"{run.id} is {run.status()}{reason}")
        return "\n".join(lines)
    return "\n".join([*lines, classifier_reports.result_text(run, slices=True) if classifier else result_text(run)])


def result_text(run: Run) -> str:
    """What a run came to: its scores, by class and by slice, and what the trainer lost."""
    result = run.result() or {}
    lines = [f"{run.id} is done: {result.get('epochs')} epochs in {duration(float(result.get('seconds', 0)))}"]
    for split, scores in result.get("splits", {}).items():
        lines.append(f"On {printable(split)}, {scores['images']} images: {_metrics(scores['overall'])}")
        own = result.get("ultralytics", {}).get(split)
        if own:
            lines.append(f"  Ultralytics' own metrics, of the same boxes: {_metrics(own['overall'])}")
    lines.append(_metric_table(result.get("per_class", {}), f"class on {result['split']}"))
    slices = result.get("per_slice", {})
    if slices:
        lines.append(_metric_table(slices, f"slice of {result['split']}"))
    lines += _lost_lines(result.get("reconciled", {}))
    lines += [printable(line) for line in tracking_lines(run)]
    return "\n".join(lines)


def curve_text(curve: Curve, metric: str) -> str:
    """What the epochs say, in one line."""
    if curve.best is None:
        return "the epochs say nothing of val"
    said = f"best epoch {curve.best}"
    if curve.metric is not None:
        said += f" (val {metric} {curve.metric:.3f})"
    if curve.gap is not None:
        said += f"; loss there {curve.train_loss:.3f} on train and {curve.val_loss:.3f} on val, {curve.gap:+.3f}"
    if curve.overfitting is not None:
        return f"{said}; overfitting from epoch {curve.overfitting} on"
    return f"{said}; no overfitting seen"


def comparison_text(comparison: Comparison) -> str:
    """What `labelloop runs compare` prints for people."""
    header = ("metric", *comparison.runs)
    lines = [
        comparison.sentence(),
        f"Judged on {comparison.split}: {comparison.images} images, labels of {comparison.labels}.",
        table([(name, *map(_number, values)) for name, values in comparison.overall.items()], header),
    ]
    for interval in comparison.intervals:
        inside = interval.low <= 0 <= interval.high
        lines.append(
            f"{interval.run} less {comparison.runs[0]}: {comparison.main} {interval.difference:+.3f}, with 95 % certainty "
            f"between {interval.low:+.3f} and {interval.high:+.3f} on other images like these"
            + (": that can be chance." if inside else ".")
        )
    classes = MAIN[comparison.kind][1]
    lines.append(_change_table(comparison.classes, ("class", "count"), comparison.runs, classes))
    if comparison.slices:
        lines.append(_change_table(comparison.slices[:_SLICES], ("slice", "count"), comparison.runs, comparison.main))
        if len(comparison.slices) > _SLICES:
            lines.append(f"  ... and {len(comparison.slices) - _SLICES} slices that changed less")
    lines += [
        f"{run}: {curve_text(curve, comparison.main)}"
        for run, curve in zip(comparison.runs, comparison.curves, strict=True)
    ]
    return "\n".join(lines)


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """What `labelloop runs compare --json` prints."""
    return {"sentence": comparison.sentence(), "main": comparison.main, **asdict(comparison)}


def _change_table(changes: Sequence[Change], first: tuple[str, str], runs: Sequence[str], metric: str) -> str:
    rows = [
        (each.name, each.count, *map(_number, each.values), "" if each.change is None else f"{each.change:+.3f}")
        for each in changes
    ]
    return table(rows, (f"{first[0]} ({metric})", first[1], *runs, "change"))


def _metric_table(scores: Mapping[str, Mapping[str, Any]], title: str) -> str:
    names = list(dict.fromkeys(name for metrics in scores.values() for name in metrics))
    rows = [(each, *(_number(metrics.get(name)) for name in names)) for each, metrics in scores.items()]
    return table(rows, (title, *names))


def _lost_lines(reconciled: Mapping[str, Any]) -> list[str]:
    if not reconciled:
        return []
    said = [
        f"{split} {found['images_used']} of {found['images_sent']} images and {found['boxes_used']} of"
        f" {found['boxes_sent']} boxes"
        for split, found in reconciled.items()
    ]
    lines = [f"The trainer used: {'; '.join(said)}"]
    lost = [each for found in reconciled.values() for each in found["lost"]]
    lines += [
        f"  {printable(each['key'])}: {each['what']}"
        + (f", {each['boxes']} boxes lost" if each["boxes"] else "")
        + f": {printable(each['reason'])}"
        for each in lost[:_SHOWN]
    ]
    if len(lost) > _SHOWN:
        lines.append(f"  ... and {len(lost) - _SHOWN} more; result.json lists all")
    return lines


def _metrics(overall: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in overall.items() if value is not None)


def _augmentation(said: Json) -> str:
    return str(said["name"]) if isinstance(said, dict) and "name" in said else "none"


def _number(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _when(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")
