"""`labelloop train detector`: Ultralytics, from a version of a data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .ledgers import home_option, json_option, open_ledger

if TYPE_CHECKING:
    from ..datasets.schema import Json
    from ..datasets.workspace import Workspace
    from ..training.runs import Run

_WHOLE = click.IntRange(1)


@click.command(name="detector")
@click.argument("name", required=False, default="")
@click.option(
    "--model", default="yolov8n", show_default=True, metavar="MODEL|PATH",
    help="yolov5n to x, yolov8n to x, yolo11n to x, yolo26n to x, rtdetr-l, or a file (.pt, .yaml).",
)  # fmt: skip
@click.option(
    "--sizes",
    default="",
    metavar="n,s,m",
    help="Train these sizes of MODEL's family one after the other and compare them.",
)
@click.option(
    "--engine",
    type=click.Choice(["here", "ray"]),
    default="here",
    show_default=True,
    help="Train the sizes here, or on the Ray cluster at RAY_ADDRESS (else a Ray of this machine), side by side.",
)
@click.option("--version", type=click.IntRange(0), help="The version; else the last.")
@click.option("--where", default="", help="Only images that meet this SQL condition, such as \"label != '10'\".")
@click.option("--epochs", type=_WHOLE, help="Epochs at most; else 100.")
@click.option("--imgsz", type=click.IntRange(32), help="The longer side in pixels; else 640, 320 without a GPU.")
@click.option("--batch", type=int, help="Images in a batch; else 16. -1 fits it to the GPU's memory.")
@click.option("--patience", type=click.IntRange(0), help="Stop after so many epochs without a better result on val.")
@click.option("--seed", type=click.IntRange(0), help="Decides order, augmentation and new weights; else 0.")
@click.option("--device", help="cpu, a GPU's number, or several as 0,1; else a GPU where there is one.")
@click.option("--workers", type=click.IntRange(0), help="Processes that load images.")
@click.option(
    "--augment", default="", metavar="PRESET|FILE",
    help="A preset (labelloop preview shows it) or a YAML file; else the trainer's own.",
)  # fmt: skip
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any other setting of Ultralytics' training; wins over all.",
)
@click.option("--score-train", is_flag=True, help="Predict the images trained on too, to compare them with val.")
@click.option("--keep-data", is_flag=True, help="Leave the export that was trained on in the run's folder.")
@click.option("--allow-leak", is_flag=True, help="Train even where a group of images lies in two splits.")
@click.option(
    "--track", multiple=True, type=click.Choice(["tensorboard", "wandb", "comet", "mlflow"]),
    help="Tell a tracker too, offline where no key is set; may be repeated.",
)  # fmt: skip
@click.option("--resume", metavar="RUN", default="", help="Go on with a run that was stopped; it keeps its settings.")
@home_option
@json_option
def detector_command(
    name: str, model: str, sizes: str, engine: str, version: int | None, where: str, epochs: int | None,
    imgsz: int | None, batch: int | None, patience: int | None, seed: int | None, device: str | None,
    workers: int | None, augment: str, pairs: tuple[str, ...], score_train: bool, keep_data: bool, allow_leak: bool,
    track: tuple[str, ...], resume: str, home: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Train a detector on the data set NAME; it becomes a run in the workspace.

    Weights are those of a file, else Ultralytics' own download, else those of an installed
    package. The images are copied into the run's folder, so that nothing stale is read and
    no source is written to. Settings that nobody chose are made to suit the data, and the
    reasons said. Stopped, killed or failed, a run goes on with --resume. On a Ray cluster the
    workspace must lie on storage that all nodes share.

    \b
    Example:
      labelloop train detector won --epochs 30
      labelloop train detector won --model yolo11s --imgsz 640 --augment field --set cos_lr=true
      labelloop train detector won --model yolov8n --sizes n,s,m
      labelloop train detector won --model yolov8n --sizes n,s,m --engine ray
      labelloop train detector won --track tensorboard --track wandb
      labelloop train detector --resume won-4
    """
    from ..datasets.workspace import find_workspace
    from .output import say, show_json

    workspace = find_workspace(home)
    if resume:
        _resume(workspace, resume, as_json)
        return
    if not name:
        raise click.UsageError("say which data set to train on, or --resume RUN")
    ledger = open_ledger(home, name)
    from ..training.detector import Request, begin_detector
    from ..training.detector_settings import parse_settings
    from .run_reports import comparison_json, comparison_text, run_json

    own: dict[str, Json] = {
        "epochs": epochs, "imgsz": imgsz, "batch": batch, "patience": patience, "seed": seed, "device": device,
        "workers": workers,
    }  # fmt: skip
    asked = {**{key: value for key, value in own.items() if value is not None}, **parse_settings(pairs)}
    request = Request(model, version, where, asked, augment, allow_leak, score_train, keep_data, track)
    models = sized(model, sizes)
    if augment:
        _say_remarks(augment, ledger.classes(version))
    if engine == "ray":
        from .train_sizes import train_on_ray

        runs = train_on_ray(workspace, name, request, models)
    else:
        runs = [
            _train(workspace, begin_detector(workspace, ledger, replace(request, model=each)), as_json)
            for each in models
        ]
    if len(runs) < 2:
        if as_json:
            show_json(run_json(runs[0]))
        return
    from ..training.comparison import compare
    from ..training.plots import plot_comparison

    comparison = compare(runs)
    picture = plot_comparison(
        comparison, runs[-1].folder / f"compared-with-{'-'.join(run.id for run in runs[:-1])}.png"
    )
    if as_json:
        show_json({"runs": [run_json(run) for run in runs], "comparison": comparison_json(comparison)})
    else:
        say(f"{comparison_text(comparison)}\nThe plot: {picture}")


def sized(model: str, sizes: str) -> list[str]:
    """The models of these sizes of a model's family, such as yolov8n, yolov8s; the model itself where no size is named.

    Raises:
        UsageError: the model is none that has sizes, or there is no such size.
    """
    if not sizes:
        return [model]
    from ..training.weights import DETECTORS

    stem, dot, suffix = model.partition(".yaml")
    family, names = stem[:-1], [size.strip() for size in sizes.split(",") if size.strip()]
    known = [
        name.removeprefix(family) for name in DETECTORS if name.startswith(family) and len(name) == len(family) + 1
    ]
    wrong = [size for size in names if size not in known]
    if stem not in DETECTORS or suffix or wrong:
        raise click.UsageError(
            f"--sizes must be of {', '.join(known)} for {model}, received {sizes}"
            if stem in DETECTORS
            else f"--sizes needs a --model of a known family, such as yolov8n, received {model}"
        )
    return [f"{family}{size}{dot}" for size in names]


def _resume(workspace: Workspace, name: str, as_json: bool) -> None:
    from ..training.runs import find_run
    from .output import show_json
    from .run_reports import run_json

    run = _train(workspace, find_run(workspace, name), as_json)
    if as_json:
        show_json(run_json(run))


def _train(workspace: Workspace, run: Run, as_json: bool) -> Run:
    """Train a run to its end, showing how far it is, and say what it came to."""
    from ..training.detector import train_detector
    from .output import say
    from .run_reports import plan_text, result_text
    from .training_progress import detector_progress, stopped_text

    say(plan_text(run))
    epochs = int(str(run.plan.settings.get("epochs", 0)))
    try:
        with detector_progress(epochs) as watch:
            train_detector(workspace, run, watch)
    except KeyboardInterrupt:
        say(stopped_text(run, "detector"))
        raise
    if not as_json:
        say(result_text(run))
    return run


def _say_remarks(augment: str, classes: tuple[str, ...]) -> None:
    from ..datasets.augment_remarks import find_remarks
    from ..datasets.augmentation import read_augmentation
    from .output import say

    for remark in find_remarks(read_augmentation(augment), classes):
        say(f"{augment}: {remark}")
