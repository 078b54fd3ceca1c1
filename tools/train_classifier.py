"""`labelloop train classifier`: Keras, from a version of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .ledgers import home_option, json_option, open_ledger

if TYPE_CHECKING:
    from ..datasets.workspace import Workspace
    from ..training.runs import Run


@click.command(name="classifier")
@click.argument("name", required=False, default="")
@click.option(
    "--model",
    default="efficientnet-lite0",
    show_default=True,
    help="small-cnn, efficientnetb0, efficientnet-lite0, mobilenetv2, resnet50, vgg16 or inceptionv3.",
)
@click.option(
    "--trainable", default="", help="Which layers learn: head, batchnorm (and the head), last-N (and the head) or all."
)
@click.option(
    "--from",
    "origin",
    type=click.Choice(["labels", "boxes", "auto"]),
    default="auto",
    show_default=True,
    help="Learn the labels of images, or each box as a picture of its own.",
)
@click.option("--version", type=click.IntRange(0), help="The version; else the last.")
@click.option("--where", default="", help="Only images that meet this SQL condition, such as \"key LIKE 'photos/%'\".")
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True, help="Epochs at most.")
@click.option(
    "--imgsz",
    type=click.IntRange(32),
    help="The side in pixels that pictures are stretched to; else what suits the model.",
)
@click.option("--batch", type=click.IntRange(1), help="Pictures in a batch; else 16, or 32 from 1000 pictures on.")
@click.option(
    "--patience", type=click.IntRange(1), help="Stop after so many epochs without a lower loss on val; else a quarter."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides order, augmentation and new weights."
)
@click.option("--lr", type=float, help="The learning rate; else 0.001, or 0.0001 where all layers learn.")
@click.option(
    "--augment", default="light", show_default=True, help="A preset (labelloop preview shows it) or a YAML file."
)
@click.option("--weights", default="", help="imagenet, none, or a file (.h5, .pth, .keras) to start from.")
@click.option("--deterministic", is_flag=True, help="The same seed gives the same bits; slower on some GPUs.")
@click.option("--allow-leak", is_flag=True, help="Train even where a group of images lies in two splits.")
@click.option(
    "--track", multiple=True, type=click.Choice(["tensorboard", "wandb", "comet", "mlflow"]),
    help="Tell a tracker too, offline where no key is set; may be repeated.",
)  # fmt: skip
@click.option("--resume", metavar="RUN", default="", help="Go on with a run that was stopped; it keeps its settings.")
@home_option
@json_option
def command(
    name: str, model: str, trainable: str, origin: str, version: int | None, where: str, epochs: int, imgsz: int | None,
    batch: int | None, patience: int | None, seed: int, lr: float | None, augment: str, weights: str,
    deterministic: bool, allow_leak: bool, track: tuple[str, ...], resume: str, home: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Train a classifier on the data set NAME; it becomes a run in the workspace.

    The class of an image is its label, or each of its boxes is a picture with a class.
    Weights come from --weights, else from Keras' own download, else from a package that
    setup installed (efficientnet-lite0, mobilenetv2).

    \b
    Example:
      labelloop train classifier cars --trainable batchnorm --epochs 20
      labelloop train classifier --resume cars-4
    """
    from ..datasets.workspace import find_workspace
    from .output import progress_bar

    workspace = find_workspace(home)
    if resume:
        from ..training.runs import find_run

        _train(workspace, find_run(workspace, resume), as_json)
        return
    if not name:
        raise click.UsageError("say which data set to train on, or --resume RUN")
    ledger = open_ledger(home, name)
    from ..training.classifier import begin_classifier
    from ..training.classifier_settings import Request

    request = Request(
        model, trainable, origin, version, where, epochs, imgsz, batch, patience, seed, lr, augment, weights,
        deterministic, allow_leak, track,
    )  # fmt: skip
    with progress_bar("looking at the images") as progress:
        run = begin_classifier(workspace, ledger, request, progress)
    _train(workspace, run, as_json)


def _train(workspace: Workspace, run: Run, as_json: bool) -> None:
    """Train a run to its end, showing how far it is, and say what it came to."""
    from ..training.classifier import train_classifier
    from .classifier_reports import classifier_progress, plan_text, result_text
    from .output import say, show_json
    from .run_reports import run_json
    from .training_progress import stopped_text

    say(plan_text(run))
    epochs = int(str(run.plan.settings.get("epochs", 0)))
    try:
        with classifier_progress(epochs) as watch:
            train_classifier(workspace, run, watch)
    except KeyboardInterrupt:
        say(stopped_text(run, "classifier"))
        raise
    if as_json:
        show_json(run_json(run))
    else:
        say(result_text(run))
