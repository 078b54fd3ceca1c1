"""`labelloop suspects`: labels that are probably wrong, best first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..ledgers import author_option, dataset_options, ledger_library, open_ledger

if TYPE_CHECKING:
    from ...datasets.ledger import Ledger
    from ...datasets.workspace import Workspace
    from ...training.runs import Run
    from ...training.suspects.folds import Folds

KINDS = ("missing", "spurious", "class", "location", "image-label")
"""Of training.suspects.suspect, which is not imported until it is needed."""


@click.command(name="suspects")
@dataset_options
@click.option("--run", "named", multiple=True, metavar="RUN", help="Judge by this run; may be repeated. Else the last.")
@click.option("--folds", "count", type=click.IntRange(2, 20), help="Train so many models, so that each image is judged by one that has not seen it.")  # fmt: skip
@click.option(
    "--classifier", is_flag=True, help="The folds' models are classifiers; else detectors where there are boxes."
)
@click.option("--model", default="", metavar="MODEL|PATH", help="The folds' model; else yolov8n or efficientnet-lite0.")
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True, help="The folds' epochs.")
@click.option(
    "--imgsz",
    type=click.IntRange(32),
    help="The folds' longer side in pixels; else 640, 320 without a GPU, and a classifier's own.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides the folds and their trainings."
)
@click.option(
    "--engine", type=click.Choice(["here", "ray"]), default="here", show_default=True, help="Where the folds train."
)
@click.option("--near-duplicates/--no-near-duplicates", "near", default=True, show_default=True, help="Look for images that show one shot, which lie in one fold.")  # fmt: skip
@click.option("--estimate", is_flag=True, help="Say what the folds would cost, and train nothing.")
@click.option("--in-sample", is_flag=True, help="Judge images that a run was trained on too, marked as such.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS),
    help="Show this kind only; may be repeated. All are kept.",
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Show so many; all are kept.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with pictures to this file."
)
@click.option("--window/--no-window", default=True, show_default=True, help="Show them in the data set's window too.")
@author_option
def command(
    name: str, home: Path | None, as_json: bool, named: tuple[str, ...], count: int | None, classifier: bool, model: str,
    epochs: int, imgsz: int | None, seed: int, engine: str, near: bool, estimate: bool, in_sample: bool,
    kinds: tuple[str, ...], limit: int, html: Path | None, window: bool, author: str,
) -> None:  # fmt: skip
    """Find the labels of the data set NAME that are probably wrong, those first whose mending is worth most per minute.

    A run judges the images that it was not trained on. --folds parts the images by groups and
    near-duplicates, trains a model for each part on the others, and judges all images; killed,
    the same command goes on from there. The list is kept in the workspace, for labelloop round.

    \b
    Example:
      labelloop suspects won --run won-3 --html suspects.html
      labelloop suspects won --folds 3 --epochs 20
    """
    from ..output import progress_bar, say, show_json

    if count and named:
        raise click.UsageError("say either --run or --folds")
    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace

    workspace = find_workspace(home)
    with ledger_library():
        from ...training.suspects.finding import find_suspects
        from ...training.suspects.suspect import only_kinds, to_json, write_suspects
        from ..rounds import open_suspects
        from ..suspect_reports import suspects_text, write_page
        from ..window_suspects import suspects_in_window
    if count:
        from ...training.suspects.folds import Folds

        samples = ledger.samples()
        boxes = any(sample.boxes for sample in samples)
        asked = {key: value for key, value in (("epochs", epochs), ("imgsz", imgsz)) if value is not None}
        folds = Folds(count, "classifier" if classifier or not boxes else "detector", model, seed, asked)
        runs = _fold_runs(workspace, ledger, folds, engine, near=near, estimate=estimate, as_json=as_json)
        if estimate:
            return
    else:
        runs = _named_runs(workspace, name, named)
    with progress_bar("judging the labels"):
        found = find_suspects(ledger, runs, folds=count or 0, in_sample=in_sample)
    path = write_suspects(workspace, found)
    left = open_suspects(workspace, ledger, found)
    looked_at = len(found.suspects) - len(left.suspects)
    asked_for = only_kinds(left, kinds)
    if html is not None:
        with progress_bar("drawing") as progress:
            write_page(html, asked_for, ledger, limit=max(limit, 1), progress=progress)
    with progress_bar("showing them in the window"):
        shown = suspects_in_window(workspace, found, author) if window else ""
    if as_json:
        show_json(
            {
                **to_json(asked_for), "looked_at": looked_at, "file": str(path), "page": str(html) if html else None,
                "window": shown,
            }
        )  # fmt: skip
        return
    say(suspects_text(asked_for, limit))
    if looked_at:
        are = "1 more is on an image" if looked_at == 1 else f"{looked_at} more are on images"
        say(f"{are} that people have looked at in a round, and not listed.")
    say(f"All are kept in {path}" + (f"; the page is {html}" if html else ""))
    if shown:
        say(shown)


def _named_runs(workspace: Workspace, name: str, named: tuple[str, ...]) -> list[Run]:
    """The runs of these ids, the last one that is done where none is named."""
    from ...datasets.errors import LabelloopError
    from ...training.runs import find_run, list_runs

    if named:
        return [find_run(workspace, each) for each in dict.fromkeys(named)]
    done = [run for run in list_runs(workspace, name) if run.status() == "done"]
    if not done:
        raise LabelloopError(
            f"{name} has no run that is done: labelloop train makes one, or labelloop suspects {name} --folds 3"
        )
    return done[-1:]


def _fold_runs(
    workspace: Workspace, ledger: Ledger, folds: Folds, engine: str, *, near: bool, estimate: bool, as_json: bool
) -> list[Run]:
    """The folds' runs, trained; with `estimate`, only begun, and their cost said."""
    from ...training.suspects.folds import begin_folds, estimate_cost
    from ..fold_training import watched_folds
    from ..output import LOADING, progress_bar, say, show_json
    from ..suspect_reports import cost_json, cost_text

    embedder = None
    if near:
        from ...datasets.splitting import load_embedder_or_say

        with progress_bar(LOADING):
            embedder = load_embedder_or_say(None, workspace.embeddings)
    with progress_bar("looking for near-duplicates") as progress:
        runs = begin_folds(workspace, ledger, folds, embedder, progress)
    cost = estimate_cost(workspace, runs)
    say(cost_text(cost, runs))
    if estimate:
        if as_json:
            show_json(cost_json(cost, runs))
        return runs
    for run in watched_folds(workspace, runs, engine):
        say(f"fold {run.plan.reasons['fold']} is done")
    return runs
