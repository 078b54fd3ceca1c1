"""`labelloop sample-data`: pictures to try everything on, drawn on the spot."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

import click

from ..command_list import InOrder
from ..ledgers import dataset_options, open_ledger

if TYPE_CHECKING:
    from ..sample_data import SampleDataSummary
    from ..sample_data.writing import Progress

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _Writer(Protocol):
    def __call__(
        self, target: Path, *, count: int, seed: int, mistakes: float, progress: Progress | None
    ) -> SampleDataSummary: ...


@click.group("sample-data", cls=InOrder)
def command() -> None:
    """Draw a data set to try labelloop on, with the traps of real ones.

    \b
    Example:
      labelloop sample-data won photos --mistakes 0.15
    """


def _options(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The same function, taking the argument and the options that both commands share."""
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout."),
        click.option(
            "--mistakes",
            type=click.FloatRange(0, 1),
            default=0.0,
            show_default=True,
            help="Share of the images that get a wrong label; the truth goes to DIR.truth.json.",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another number, other pictures."
        ),
        click.option("--count", type=click.IntRange(min=1), default=300, show_default=True, help="How many images."),
        click.argument("target", metavar="DIR", type=click.Path(path_type=Path)),
    ):
        function = decorate(function)
    return function


@command.command("won")
@_options
def won(target: Path, count: int, seed: int, mistakes: float, as_json: bool) -> None:
    """Notes and coins, one box each, in the layout of the won data set.

    DIR must be new or empty. It gets a folder for each denomination, with jpg and
    LabelMe json side by side. The same numbers draw the same files.

    \b
    Example:
      labelloop sample-data won photos --count 300 --mistakes 0.15
    """
    from ..sample_data import write_won

    _write(write_won, target, count, seed, mistakes, as_json=as_json)


@command.command("cars")
@_options
def cars(target: Path, count: int, seed: int, mistakes: float, as_json: bool) -> None:
    """Car bodywork, damaged or not, in the folders `normal` and `abnormal`.

    DIR must be new or empty. Names are car<number>_<n>.jpg: crops of one car share
    its number. With --mistakes, pictures lie in the wrong folder.

    \b
    Example:
      labelloop sample-data cars bodywork --count 600 --seed 7
    """
    from ..sample_data import write_cars

    _write(write_cars, target, count, seed, mistakes, as_json=as_json)


@command.command("answer")
@dataset_options
@click.option(
    "--truth",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file DIR.truth.json beside sample data that was drawn with --mistakes.",
)
@click.option("--limit", type=click.IntRange(min=0), default=0, help="Answer so many tasks at most; 0 for all.")
def answer(name: str, home: Path | None, as_json: bool, truth: Path, limit: int) -> None:
    """A scripted annotator answers the tasks of the data set NAME at the desk.

    It stands in for people, to try rounds of correction on sample data: it knows the truth,
    mends what is wrong, and submits, under the name scripted-annotator@example.org.

    \b
    Example:
      labelloop sample-data answer won --truth photos.truth.json
    """
    from ..output import progress_bar, say, show_json

    ledger = open_ledger(home, name)
    from ...datasets.workspace import find_workspace
    from ..desks import open_desk
    from ..scripted_annotator import EMAIL, answer_tasks

    with open_desk(find_workspace(home), name) as desk, progress_bar("answering") as progress:
        done = answer_tasks(desk.client, ledger, desk.folder, truth, limit=limit, progress=progress)
    if as_json:
        show_json({"name": name, **dataclasses.asdict(done)})
        return
    say(f"{EMAIL}, a program that knows the truth, answered {done.answered} tasks and changed {done.changed}")
    if done.unknown:
        say(f"{done.unknown} tasks are of images that the truth does not know; they wait")


def _write(write: _Writer, target: Path, count: int, seed: int, mistakes: float, *, as_json: bool) -> None:
    """Write the data set and say what was written."""
    from ..output import printable, progress_bar, say, show_json

    with progress_bar("drawing") as progress:
        summary = write(target, count=count, seed=seed, mistakes=mistakes, progress=progress)
    truth = str(summary.truth) if summary.truth is not None else None
    if as_json:
        show_json({**dataclasses.asdict(summary), "folder": str(summary.folder), "truth": truth})
        return
    say(f"{summary.images} images in {printable(str(summary.folder))}")
    for label, number in summary.boxes.items():
        say(f"  {number:5d}  {label}")
    if truth is not None:
        kinds = ", ".join(f"{number} {kind}" for kind, number in summary.mistakes.items())
        say(f"{sum(summary.mistakes.values())} wrong on purpose: {kinds}")
        say(f"The truth is in {printable(truth)}")
