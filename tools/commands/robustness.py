"""`labelloop robustness`: how much images may change before a run fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..ledgers import home_option, json_option, ledger_library

if TYPE_CHECKING:
    from ...training.inspection.robustness_results import Robustness

_CHANGES = ("turned", "blurred", "darkened", "recompressed", "scaled")


@click.command("robustness")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--split", default="test", show_default=True, help="The images to try it on.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="Take so many images, always the same ones; 0 takes all.",
)
@click.option(
    "--only", "only", multiple=True, type=click.Choice(_CHANGES), help="Try this kind of change; else all. Repeatable."
)
@click.option(
    "--html",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page; else robustness/SPLIT.html in the last run's folder.",
)
@home_option
@json_option
def command(
    runs: tuple[str, ...],
    split: str,
    limit: int,
    only: tuple[str, ...],
    target: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """See how much images may change before a RUN fails, a detector's or a classifier's.

    Images of the split (for a classifier of boxes, the boxes cut out) are turned every
    15 degrees, blurred, darkened, recompressed and scaled, and the run's recall and AP50
    (a classifier's accuracy) measured on each. The page has curves by class, the pictures
    that fail first, and the augmentation that answers it. Several RUNs stand beside each
    other, on the images that they share and by the labels of the last. What was tried is
    kept in the run's folder and not tried again.

    \b
    Example:
      labelloop robustness won-3
      labelloop robustness won-3 won-4 --only turned --limit 40
      labelloop robustness cars-2 --limit 0
    """
    from ...datasets.workspace import find_workspace
    from ..output import say, show_json
    from ..robustness_reports import robustness_json, robustness_text, steps_progress

    with ledger_library():
        from ...training.inspection.robustness import refuse_mixed, try_robustness
        from ...training.inspection.robustness_advice import advise
        from ...training.inspection.robustness_page import page_path, write_robustness_page
        from ...training.runs import find_run

    workspace = find_workspace(home)
    found = [find_run(workspace, name) for name in runs]
    refuse_mixed(found)
    results: list[Robustness] = []
    for run in found:
        with steps_progress(run.id) as progress:
            tried = try_robustness(
                run, split=split, limit=limit, families=only or _CHANGES, beside=found, progress=progress
            )  # fmt: skip
        results.append(tried)
    advice = [advise(result, run.plan) for result, run in zip(results, found, strict=True)]
    page = write_robustness_page(results, found, target or page_path(results, found))
    if as_json:
        said = [robustness_json(result, pieces) for result, pieces in zip(results, advice, strict=True)]
        show_json({"runs": said, "page": str(page)})
    else:
        say(robustness_text(results, advice, page))
