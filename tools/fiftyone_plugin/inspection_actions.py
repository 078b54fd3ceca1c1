"""What a run gets wrong, from the browser: shown in the window, with its report beside the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...datasets.errors import LabelloopError
from .forms import Choice, Field, Note, Place, Progress, Said, Step, Switch, Values
from .names import ERRORS

if TYPE_CHECKING:
    from ...training.runs import Run


_LOOKED = 200


def inspect_form(place: Place, values: Values) -> Sequence[Field]:
    """Which run, and by which split."""
    runs = done_runs(place)
    if not runs:
        return (Note("No run is done yet: Train makes one."),)
    names = {run.id: f"{run.id} · {run.plan.model} · version {run.plan.version}" for run in reversed(runs)}
    chosen = next((run for run in runs if run.id == values.get("run")), runs[-1])
    splits = _splits(chosen)
    looks = chosen.plan.kind == "classifier" and chosen.plan.settings.get("from") != "boxes"
    fields: list[Field] = [
        Note("Each prediction and each label gets its kind of error, with views and counts; labels stay as they are."),
        Choice("run", "Run", names, chosen.id),
        Choice("split", "Split", {name: name for name in splits}, splits[0] if splits else ""),
    ]
    if looks:
        what = f"Show where it looked, on {_LOOKED} images at most, those it gets wrong first"
        fields.append(Switch("looked", what, True, "Grad-CAM; it takes half a minute or more"))
    return fields


def inspect_run(place: Place, values: Values) -> Iterator[Step]:
    """Show what a run gets wrong."""
    from ...training.runs import find_run
    from ..window_runs import hide_gone_runs, show_inspected

    runs = done_runs(place)
    if not runs:
        yield Said("No run is done yet.")
        return
    run = find_run(place.workspace, str(values.get("run") or runs[-1].id))
    splits = _splits(run)
    split = str(values.get("split") or "")
    split = split if split in splits else (splits[0] if splits else "")
    if not split:
        raise LabelloopError(f"{run.id} has no predictions on test or val: it was trained on a version without a split")
    yield Progress(f"judging {run.id}", 0.1)
    hide_gone_runs(place.workspace, place.window)
    shown = show_inspected(place.window, run, split, looked=_LOOKED if values.get("looked") else 0)
    views = "1 saved view" if len(shown.views) == 1 else f"{len(shown.views)} saved views"
    said = f"{run.id} on {split} is shown: {views}, the panel Errors, and Model Evaluation."
    yield Said(said, "\n".join(f"- {view}" for view in shown.views), changed=True, panel=ERRORS)


def done_runs(place: Place) -> list[Run]:
    """The runs of the data set that are done, the oldest first."""
    from ...training.runs import list_runs

    return [run for run in list_runs(place.workspace, place.window.ledger.folder.name) if run.status() == "done"]


def _splits(run: Run) -> list[str]:
    """The splits that a run predicted, test first."""
    found = sorted(
        path.stem for path in (run.folder / "predictions").glob("*.parquet") if not path.name.startswith(".")
    )
    return [
        *(name for name in ("test", "val") if name in found),
        *(name for name in found if name not in ("test", "val")),
    ]
