"""What a round bought: what changed, old and new model on old and new labels, and the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

import orjson

from ...datasets.errors import LabelloopError
from ...datasets.ledger import Ledger
from ...datasets.schema import Json
from ...datasets.workspace import Workspace
from ..detecting import own_confidence
from ..predictions import read_predictions
from ..runs import Run, list_runs
from .fisher import Agreement
from .frozen_split import add_scores, count_looks, edits_of_test, judge_edits
from .progress import Status
from .round import TEST, Round, blind_commits, folder_of, list_rounds, now
from .two_by_two import TwoByTwo, compare_two_by_two
from .worth import kinds_of_errors


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a round.

    `table` is None where there is no model that was judged on the test split, and why is in `remarks`. `errors` has for each
    kind of a detector's errors what AP50 would gain by mending all of them, in the old and in the new model, by the
    new labels. `looks` is how often the test split has been looked at, this report with it.
    """

    status: Status
    version: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    table: TwoByTwo | None
    errors: Mapping[str, tuple[float, float | None]]
    agreement: Agreement | None
    looks: int
    remarks: tuple[str, ...]
    made: str

    def verdict(self) -> str:
        """What the round bought, in one sentence."""
        if self.table is None or self.table.model is None:
            return (
                f"No new model was compared: labelloop round report {self.status.round.dataset} --train trains it with the old"
                " one's settings."
            )
        found = self.table.model
        size = f"{self.table.metric} {found.first:.3f} -> {found.second:.3f} ({found.value:+.3f}"
        if found.low is None or found.high is None:
            return f"No evidence: {size}), on {found.groups} groups of images, which are too few for an interval."
        size += f", 95 % interval {found.low:+.3f} to {found.high:+.3f}), on the same {found.images} images and labels"
        if found.verdict == "no evidence":
            return f"No evidence that the model got better or worse: {size}."
        return f"{'Gain' if found.verdict == 'gain' else 'Loss'}: the new model is {'better' if found.value > 0 else 'worse'}: {size}."

    def ruler(self) -> str:
        """How far the ruler moved, in one sentence; empty without a table."""
        found = self.table.ruler if self.table else None
        if self.table is None or found is None:
            return ""
        if not self.table.changed:
            return f"The ruler did not move: no label of the {self.table.images} test images was changed."
        interval = "" if found.low is None else f", 95 % interval {found.low:+.3f} to {found.high:+.3f}"
        return (
            f"The ruler moved: on {self.table.changed} of {self.table.images} test images the labels changed, which alone"
            f" gives the old model {found.value:+.3f}{interval}."
        )


def make_report(
    workspace: Workspace, ledger: Ledger, status: Status, old: Sequence[Run], new: Sequence[Run], *, draws: int = 0
) -> Report:
    """The report of a round, with the scores on the test split kept for ever and this look counted.

    Args:
        old, new: the runs of each seed, in the same order; empty where there is no such model.
        draws: as in `compare_judged`.

    Raises:
        LabelloopError: the runs cannot be compared.
    """
    round, version = status.round, ledger.version()
    remarks: list[str] = []
    table: TwoByTwo | None = None
    errors: dict[str, tuple[float, float | None]] = {}
    agreement: Agreement | None = None
    rounds = list_rounds(workspace, round.dataset)
    blind = {each for one in rounds for each in blind_commits(folder_of(workspace, one))}
    if not old:
        remarks.append(f"No model was judged on the split {TEST} at version {round.version} or before.")
    else:
        before, after = ledger.samples(round.version), ledger.samples(version)
        try:
            table = compare_two_by_two(old, new, before, after, draws=draws)
        except LabelloopError as error:
            if new:
                raise
            remarks.append(str(error))
        else:
            errors = kinds_of_errors(old[0], new[0] if new else None, before, after)
            edits = edits_of_test(ledger, old[0].plan.version, rounds, blind)
            rows = read_predictions(old[0].folder / "predictions", TEST)
            agreement = judge_edits(*edits, old[0], rows, own_confidence(old[0]))
            _keep(workspace, round, table, old, new, version)
    remarks += [*_nothing_learned(round, old, new), *_remarks(status, table)]
    return Report(
        status, version, tuple(run.id for run in old), tuple(run.id for run in new), table, errors, agreement,
        count_looks(workspace, round.dataset), tuple(remarks), now(),
    )  # fmt: skip


def read_verdicts(workspace: Workspace, rounds: Sequence[Round]) -> dict[str, str]:
    """The verdict of each round that has a report, by its id; "no new model" where none was compared."""
    found: dict[str, str] = {}
    for each in rounds:
        try:
            said = orjson.loads((folder_of(workspace, each) / "report.json").read_bytes())
        except (OSError, ValueError):
            continue
        found[each.id] = str(said.get("verdict") or "no new model")
    return found


def report_json(report: Report) -> dict[str, Json]:
    """The report as JSON: the status without the images, the table, and the sentences."""
    status = report.status
    return {
        "name": status.round.dataset, "round": status.round.id, "version_before": status.round.version,
        "version": report.version, "made": report.made,
        "verdict": report.table.model.verdict if report.table and report.table.model else None,
        "sentence": report.verdict(), "ruler": report.ruler(),
        **status_json(status),
        "old": cast(Json, list(report.old)), "new": cast(Json, list(report.new)),
        "table": _plain(report.table), "errors": {kind: list(values) for kind, values in report.errors.items()},
        "test_edits": _agreement(report.agreement),
        "looks": report.looks, "remarks": cast(Json, list(report.remarks)),
    }  # fmt: skip


def status_json(status: Status) -> dict[str, Json]:
    """How far a round is, as JSON."""
    corrected = status.corrected
    return {
        "images": len(status.round.images), "done": len(status.done), "differ": cast(Json, sorted(status.differ)),
        "by_reason": {name: list(counts) for name, counts in status.by_reason.items()},
        "errors_found": len(corrected.corrections), "wrong_images": len(corrected.wrong),
        "newly_labelled": len(corrected.labelled), "nudged": corrected.nudged,
        "kinds": cast(Json, corrected.counted("kind")), "classes": cast(Json, corrected.counted("label")),
        "people": cast(Json, corrected.counted("author")),
        "precision": {str(place): value for place, value in status.precision.items()},
        "suspects": cast(Json, asdict(status.suspects)), "audit": cast(Json, asdict(status.audit)),
        "lift": cast(Json, asdict(status.lift)) if status.lift else None,
        "left": [cast(Json, asdict(each)) for each in status.left],
        "worth": cast(Json, asdict(status.worth)),
    }  # fmt: skip


def old_runs(workspace: Workspace, round: Round, named: str = "") -> list[Run]:
    """The run that a round is measured against: the named one, else the round's own, else the last one before it; empty for none.

    Raises:
        LabelloopError: the named one is not done.
    """
    done = [run for run in list_runs(workspace, round.dataset) if run.status() == "done" and _has_test(run)]
    wanted = named or round.run
    for run in done:
        if run.id == wanted:
            return [run]
    if named:
        raise _unfit(named, round, done)
    earlier = [run for run in done if run.plan.version <= round.version]
    return earlier[-1:]


def _unfit(named: str, round: Round, fit: Sequence[Run]) -> LabelloopError:
    known = ", ".join(run.id for run in fit) or "none"
    return LabelloopError(
        f"{named} must be a run of {round.dataset} that is done and was judged on {TEST}; there are: {known}"
    )


def new_runs(workspace: Workspace, ledger: Ledger, round: Round, old: Sequence[Run], named: str = "") -> list[Run]:
    """The run that was trained on what the round corrected: the named one, else the last of the old one's kind; empty for none.

    Raises:
        LabelloopError: the named one is not done.
    """
    done = [run for run in list_runs(workspace, round.dataset) if run.status() == "done" and _has_test(run)]
    if named:
        found = [run for run in done if run.id == named]
        if not found:
            raise _unfit(named, round, done)
        return found
    fitting = [
        run
        for run in done
        if run.plan.version > round.version
        and old
        and (run.plan.kind, run.plan.model, run.plan.seed) == (old[0].plan.kind, old[0].plan.model, old[0].plan.seed)
    ]
    return fitting[-1:]


def _has_test(run: Run) -> bool:
    return (run.folder / "predictions" / f"{TEST}.parquet").exists()


def _keep(
    workspace: Workspace, round: Round, table: TwoByTwo, old: Sequence[Run], new: Sequence[Run], version: int
) -> None:
    look = now()
    rows: list[dict[str, Json]] = []
    for name, value in table.values.items():
        runs = old if name.startswith("old model") else new
        if runs:
            labels = round.version if name.endswith("old labels") else version
            rows.append(
                {
                    "look": look, "round": round.id, "runs": [run.id for run in runs], "labels": labels,
                    "images": table.images, "metric": table.metric, "value": value,
                }
            )  # fmt: skip
    add_scores(workspace, round.dataset, rows)


def _nothing_learned(round: Round, old: Sequence[Run], new: Sequence[Run]) -> list[str]:
    """What to say where the new runs learned from the very labels that the old ones did; empty where they did not."""
    pairs = list(zip(old, new, strict=False))
    if not pairs or any(before.plan.labels.get("train") != after.plan.labels.get("train") for before, after in pairs):
        return []
    said = (
        f"{new[0].id} learned from the same labels as {old[0].id}: none of the split train was corrected, so there was"
        f" nothing new to learn. labelloop suspects {round.dataset} --folds 3 looks for wrong labels in train too."
    )
    return [said]


def _remarks(status: Status, table: TwoByTwo | None) -> list[str]:
    found: list[str] = []
    waits = len(status.round.images) - len(status.done)
    if waits:
        found.append(f"{waits} of {len(status.round.images)} images have no answer yet: this is the state until now.")
    if status.differ:
        found.append(
            f"On {len(status.differ)} images people and labels differ and nobody has settled that: labelloop round settle"
            f" {status.round.dataset} takes the blind answers about {TEST}, labelloop conflicts lists all."
        )
    if table and table.model and not table.model.seeds:
        found.append(
            "One seed: the interval is of the images, and another seed of the training may lie outside it (--seeds)."
        )
    return found


def _agreement(found: Agreement | None) -> Json:
    if found is None:
        return None
    return {**cast("dict[str, Json]", asdict(found)), "alarm": found.alarm, "sentence": found.sentence()}


def _plain(table: TwoByTwo | None) -> Json:
    if table is None:
        return None
    said = cast("dict[str, Json]", asdict(table))
    for name in ("model", "model_by_old", "ruler", "ruler_for_new"):
        found = getattr(table, name)
        if found is not None:
            said[name] = {**cast("dict[str, Json]", said[name]), "value": found.value, "verdict": found.verdict}
    return said
