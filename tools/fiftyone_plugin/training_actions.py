"""Training from the browser: an augmentation seen first, a run begun, watched, stopped and gone on with, runs compared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.errors import LabelloopError
from .forms import Choice, Field, Note, Place, Progress, Said, Step, Switch, Text, Values
from .labels import Table
from .values import whole_of

if TYPE_CHECKING:
    from ...datasets.workspace import Workspace
    from ...training.runs import Run

_OWN = "the trainer's own"
_LOOK_SECONDS = 1.0
_ROWS = 20
_SHOWN_IMAGES = 6
_WIDE = 92
"""Letters that fit beside each other into the App's window for what an action says."""


def runs_table(place: Place) -> Table:
    """The last runs of the data set, the newest first."""
    from ..run_reports import run_row

    rows = [run_row(run) for run in reversed(_runs(place)[-_ROWS:])]
    columns = ("run", "kind", "model", "version", "status", "epochs", "result")
    return Table("runs", "Runs", columns, rows)


def preview_form(place: Place, values: Values) -> Sequence[Field]:
    """Which augmentation to look at."""
    from ...datasets.augmentation import PRESETS

    what = f"{_SHOWN_IMAGES} images, each class in turn" if place.everything else "the images that are selected"
    return (
        Note(f"Shows {what} beside what an augmentation makes of them, with their boxes."),
        Choice("augment", "Augmentation", {name: name for name in PRESETS}, "light"),
        Text("file", "Or a YAML file of albumentations", help="an absolute path"),
        Text("seed", "Seed", "0", "another one shows other images and other chances"),
    )


def preview_run(place: Place, values: Values) -> Iterator[Step]:
    """Make the sheet, and show it."""
    from ...datasets.augment_preview import preview, write_sheet
    from ...datasets.augmentation import read_augmentation
    from ...datasets.versions import read_version

    augmentation = read_augmentation(_file(values) or str(values.get("augment") or "light"))
    name = place.window.ledger.folder.name
    dataset = read_version(place.window.ledger, place.window.version)
    if not place.everything:
        wanted = set(place.selected())
        dataset = replace(dataset, samples=tuple(each for each in dataset.samples if each.key in wanted))
    yield Progress("augmenting", 0.2)
    made = preview(
        dataset, augmentation, title=f"{name}, version {place.window.version}",
        images=_SHOWN_IMAGES if place.everything else None, seed=whole_of(values, "seed", 0) or 0,
    )  # fmt: skip
    path = place.workspace.home / "previews" / f"{name}-{Path(augmentation.name).stem}.png"
    write_sheet(made.sheet, path)
    yield Said(f"{augmentation.name} on {len(made.rows)} images", image=path)


def train_form(place: Place, values: Values) -> Sequence[Field]:
    """What to train, and how."""
    from ...datasets.augmentation import PRESETS
    from ...training.classifier_models import ARCHITECTURES
    from ...training.weights import DETECTORS

    kind = str(values.get("kind") or "detector")
    detects = kind == "detector"
    models = DETECTORS if detects else tuple(ARCHITECTURES)
    augments = {**({"": _OWN} if detects else {}), **{name: name for name in PRESETS}}
    fields: list[Field] = [
        Note(
            f"Trains on version {place.window.version}, as a run of its own. What is left empty is made to suit"
            " the data, and the run says why. It goes on when this page is closed."
        ),
        Choice("kind", "Kind", {"detector": "a detector: boxes", "classifier": "a classifier: classes"}, "detector"),
        # Of its own name for each kind, so that what was chosen for one is not taken for the other.
        Choice(
            f"{kind}_model", "Model", {name: name for name in models}, "yolov8n" if detects else "efficientnet-lite0"
        ),
        Text("epochs", "Epochs", "30"),
        Text("imgsz", "Side of the images in pixels", help="empty: what suits"),
        Text("seed", "Seed", "0"),
        Choice(f"{kind}_augment", "Augmentation", augments, "" if detects else "light"),
    ]
    if not detects:
        trainable = {"": "what suits", "head": "the head", "batchnorm": "the head and BatchNorm", "all": "all layers"}
        fields.append(Choice("trainable", "What learns", trainable))
    return fields


def train_run(place: Place, values: Values) -> Iterator[Step]:
    """Begin a run, and watch it to its end."""
    yield Progress("looking at the images", 0.0)
    begun = _begin_detector(place, values) if values.get("kind") != "classifier" else _begin_classifier(place, values)
    yield from _watch(place.workspace, begun)


def run_form(place: Place, values: Values) -> Sequence[Field]:
    """Which run, and what to do with it."""
    runs = _runs(place)
    if not runs:
        return (Note("No runs yet: Train makes one."),)
    names = {run.id: f"{run.id} · {run.plan.model} · {run.status()}" for run in reversed(runs)}
    wanted = str(values.get("run") or "")
    chosen = next((run for run in runs if run.id == wanted), runs[-1])
    fields: list[Field] = [Choice("run", "Run", names, chosen.id)]
    status = chosen.status()
    if status == "running":
        fields.append(Switch("stop", "Stop it; it can be gone on with"))
    elif status != "done":
        fields += [Note(chosen.failure(), "warning")] if chosen.failure() else []
        fields.append(Switch("resume", "Go on with it"))
    return fields


def run_run(place: Place, values: Values) -> Iterator[Step]:
    """Show a run, stop it, or go on with it."""
    from ...training.runs import find_run
    from ..run_reports import show_text

    runs = _runs(place)
    if not runs:
        yield Said("No runs yet.")
        return
    run = find_run(place.workspace, str(values.get("run") or runs[-1].id))
    if values.get("stop"):
        yield Said(_stop(run))
    elif values.get("resume"):
        yield from _watch(place.workspace, run)
    else:
        yield Said(run.id, _block(show_text(run)), image=_learning(run))


def compare_form(place: Place, values: Values) -> Sequence[Field]:
    """Which two runs."""
    runs = [run for run in _runs(place) if run.status() == "done"]
    if len(runs) < 2:
        return (Note("Two runs that are done can be compared."),)
    names = {run.id: f"{run.id} · {run.plan.model} · version {run.plan.version}" for run in reversed(runs)}
    # Runs on several versions were often judged by other labels, and then there is nothing to compare.
    several = len({run.plan.version for run in runs}) > 1
    return (
        Choice("first", "From", names, runs[-2].id),
        Choice("second", "To", names, runs[-1].id),
        Text(
            "version",
            "Judge both by the labels of version",
            str(place.window.ledger.version()) if several else "",
            "empty: as they were judged, which must be on the same labels",
        ),
    )


def compare_run(place: Place, values: Values) -> Iterator[Step]:
    """Put two runs beside each other, the largest change first."""
    from ...training.comparison import compare
    from ...training.plots import plot_comparison
    from ...training.runs import find_run
    from ..run_reports import comparison_text

    if not values.get("first") or not values.get("second"):
        yield Said("Two runs that are done can be compared.")
        return
    found = [find_run(place.workspace, str(values[which])) for which in ("first", "second")]
    yield Progress("comparing", 0.3)
    version = whole_of(values, "version", None)
    if version is None:
        comparison = compare(found)
    else:
        ledger = place.window.ledger
        comparison = compare(found, "", ledger.samples(version), f"{ledger.folder.name} version {version}")
    picture = plot_comparison(comparison, found[1].folder / f"compared-with-{found[0].id}.png")
    yield Said(comparison.sentence(), _block(comparison_text(comparison).partition("\n")[2]), image=picture)


def _runs(place: Place) -> list[Run]:
    from ...training.runs import list_runs

    return list_runs(place.workspace, place.window.ledger.folder.name)


def _begin_detector(place: Place, values: Values) -> Run:
    from ...training.detector import Request, begin_detector

    named = {name: whole_of(values, name, None) for name in ("epochs", "imgsz", "seed")}
    request = Request(
        model=str(values.get("detector_model") or "yolov8n"),
        version=place.window.version,
        asked={name: value for name, value in named.items() if value is not None},
        augmentation=str(values.get("detector_augment") or ""),
    )
    return begin_detector(place.workspace, place.window.ledger, request)


def _begin_classifier(place: Place, values: Values) -> Run:
    from ...training.classifier import begin_classifier
    from ...training.classifier_settings import Request

    request = Request(
        model=str(values.get("classifier_model") or "efficientnet-lite0"),
        trainable=str(values.get("trainable") or ""),
        version=place.window.version,
        epochs=whole_of(values, "epochs", None) or 30,
        imgsz=whole_of(values, "imgsz", None),
        seed=whole_of(values, "seed", None) or 0,
        augment=str(values.get("classifier_augment") or "light"),
    )
    return begin_classifier(place.workspace, place.window.ledger, request)


def _watch(workspace: Workspace, run: Run) -> Iterator[Step]:
    """Train the run in a process of its own, and say how far it is until its end."""
    from ..run_reports import result_text

    said = run.folder / "command.txt"
    with said.open("ab") as file:
        # In a session of its own, so that neither a closed page nor the window's end takes the training along.
        process = subprocess.Popen(
            [sys.executable, "-m", "labelloop.tools", "train", run.plan.kind, "--resume", run.id,
             "--home", str(workspace.home)],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    while process.poll() is None:
        yield Progress(*how_far(run))
        time.sleep(_LOOK_SECONDS)
    if run.result() is not None:
        yield Said(f"{run.id} is done.", _block(result_text(run)), image=_learning(run))
    elif run.failure():
        raise LabelloopError(run.failure())
    else:
        yield Said(f"{run.id} was stopped after {len(run.epochs())} epochs; Show a run, Go on with it does so.")


def how_far(run: Run) -> tuple[str, float]:
    """What a run that is being trained is at, and how far that is, in [0, 1]."""
    from ...training.trainer_files import read_progress

    total = max(int(str(run.plan.settings.get("epochs", 1))), 1)
    done = len(run.epochs())
    now = read_progress(run.folder)
    if now is None or now.phase == "start":
        return f"{run.id}: starting the trainer", done / total
    if now.phase != "train":
        return f"{run.id}: {now.phase}ing {now.split}".replace("scoreing", "scoring").rstrip(), 0.99
    part = (now.epoch - 1 + now.done / max(now.total, 1)) / total
    return f"{run.id}: epoch {now.epoch} of {total}", min(part, 0.99)


def _stop(run: Run) -> str:
    """Stop the command that trains a run, as Ctrl-C does."""
    holder = run.holder()
    if not holder:
        return f"{run.id} is {run.status()}: nothing trains it."
    try:
        os.kill(holder, signal.SIGTERM)
    except (ProcessLookupError, PermissionError) as error:
        raise LabelloopError(f"cannot stop process {holder}, which trains {run.id}: {error.strerror}") from error
    return f"{run.id} is being stopped after {len(run.epochs())} epochs; it can be gone on with."


def _learning(run: Run) -> Path | None:
    """The picture of how a run learned; None where it has no epoch yet."""
    from ...training.curves import read_curve
    from ...training.plots import plot_learning

    rows = run.epochs()
    if not rows:
        return None
    curve = read_curve(rows, run.plan.kind)
    return plot_learning(rows, curve, f"{run.id}: {run.plan.model}", run.folder / "learning.png")


def _block(text: str) -> str:
    """Text in Markdown with its columns kept, long sentences on several lines."""
    lines: list[str] = []
    for line in text.replace("```", "'''").splitlines():
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        wide = len(line) > _WIDE and ", " in line
        lines += textwrap.wrap(line, _WIDE, subsequent_indent=indent, break_long_words=False) if wide else [line]
    return "\n".join(["```", *lines, "```"])


def _file(values: Values) -> str:
    path = str(values.get("file") or "").strip()
    if path and not os.path.isabs(path):
        raise LabelloopError(f"the file must be an absolute path, received {path}")
    return path
