"""`labelloop runs`: the trainings of a workspace, one in full, several beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..command_list import InOrder
from ..ledgers import home_option, json_option, ledger_library, open_ledger

if TYPE_CHECKING:
    from ...datasets.schema import Sample
    from ...training.runs import Run


class RunVerbs(InOrder):
    """A group in which `list` may be left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As every group does, with `list` put before what is none of its commands."""
        asks = any(arg in self.get_help_option_names(ctx) for arg in args[:1])
        if not asks and (not args or args[0] not in self.commands):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("runs", cls=RunVerbs)
def command() -> None:
    """See the runs of the workspace: all, one in full, or several beside each other.

    `list` may be left out: `labelloop runs` and `labelloop runs won`.

    \b
    Example:
      labelloop runs list won
      labelloop runs show won-3
      labelloop runs compare won-1 won-3
    """


@command.command("list")
@click.argument("name", required=False)
@home_option
@json_option
def list_command(name: str | None, home: Path | None, as_json: bool) -> None:
    """List the runs of the workspace, or those of the data set NAME.

    \b
    Example:
      labelloop runs list won
    """
    from ...datasets.workspace import find_workspace
    from ..output import say, show_json

    with ledger_library():
        from ...training.runs import list_runs
        from ..run_reports import run_brief, runs_text

    if name:
        open_ledger(home, name)  # which says what there is, where there is none of that name
    runs = list_runs(find_workspace(home), name)
    if as_json:
        show_json({"runs": [run_brief(run) for run in runs]})
    else:
        say(runs_text(runs))


@command.command("show")
@click.argument("run")
@click.option("--plot/--no-plot", default=True, show_default=True, help="Draw how it learned, as a PNG.")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The PNG; else learning.png in the run's folder.",
)
@home_option
@json_option
def show_command(run: str, plot: bool, target: Path | None, home: Path | None, as_json: bool) -> None:
    """Show the RUN in full: what it came from, how it learned, its scores by class and by slice.

    \b
    Example:
      labelloop runs show won-3
      labelloop runs show won-3 --to learning.png
    """
    from ...datasets.workspace import find_workspace
    from ..output import say, show_json

    with ledger_library():
        from ...training.curves import read_curve
        from ...training.plots import plot_learning
        from ...training.runs import find_run
        from ..run_reports import run_json, show_text

    found = find_run(find_workspace(home), run)
    rows = found.epochs()
    picture: Path | None = None
    if plot and rows:
        curve = read_curve(rows, found.plan.kind)
        picture = plot_learning(rows, curve, f"{found.id}: {found.plan.model}", target or found.folder / "learning.png")
    if as_json:
        show_json({**run_json(found), "plot": str(picture) if picture else None})
    else:
        say(show_text(found) + (f"\nThe plot: {picture}" if picture else ""))


@command.command("compare")
@click.argument("runs", nargs=-1, required=True)
@click.option("--split", default="", help="Judge them on this split; else on test, or val where there is none.")
@click.option(
    "--on", "version", type=click.IntRange(0), metavar="VERSION",
    help="Judge all anew by this version's labels, on images that all predicted and none was trained on.",
)  # fmt: skip
@click.option("--plot/--no-plot", default=True, show_default=True, help="Draw them class by class, as a PNG.")
@click.option(
    "--to", "target", type=click.Path(path_type=Path, dir_okay=False), help="The PNG; else in the last run's folder."
)
@home_option
@json_option
def compare_command(
    runs: tuple[str, ...], split: str, version: int | None, plot: bool, target: Path | None, home: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Put RUNS beside each other: overall, by class and by slice, the largest change first.

    They must have been judged on the same labels, or else --on judges them anew by one
    version's. The mean of many classes hides the ruin of one: the first line names it.

    \b
    Example:
      labelloop runs compare won-1 won-3
      labelloop runs compare won-1 won-3 --on 5
    """
    from ...datasets.workspace import find_workspace
    from ..output import say, show_json

    with ledger_library():
        from ...training.comparison import compare
        from ...training.plots import plot_comparison
        from ...training.runs import find_run
        from ..run_reports import comparison_json, comparison_text

    workspace = find_workspace(home)
    found = [find_run(workspace, each) for each in runs]
    if version is None:
        comparison = compare(found, split)
    else:
        name = found[0].plan.dataset
        comparison = compare(found, split, _labels(home, found, version), f"{name} version {version}")
    picture: Path | None = None
    if plot:
        others = "-".join(each.id for each in found[:-1])
        picture = plot_comparison(comparison, target or found[-1].folder / f"compared-with-{others}.png")
    if as_json:
        show_json({**comparison_json(comparison), "plot": str(picture) if picture else None})
    else:
        say(comparison_text(comparison) + (f"\nThe plot: {picture}" if picture else ""))


def _labels(home: Path | None, runs: list[Run], version: int) -> list[Sample]:
    """The images of a version of the data set that all runs are of.

    Raises:
        UsageError: they are of several.
    """
    names = sorted({run.plan.dataset for run in runs})
    if len(names) > 1:
        raise click.UsageError(f"--on needs runs of one data set, received runs of {', '.join(names)}")
    return list(open_ledger(home, names[0]).samples(version))
