"""The frozen test split: every look at it is counted and kept, and edits that bend it to the model are found."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import polars as pl

from ...datasets.boxes import iou
from ...datasets.ledger import Ledger
from ...datasets.schema import Box, Json, Sample
from ...datasets.workspace import Workspace
from ..detection_problem import ON
from ..predictions import BOXES, to_boxes
from ..runs import Run, list_runs
from .corrections import Correction, changed_images, find_corrections
from .fisher import Agreement, compare_agreement
from .round import BLIND, TEST, Round, add_lines, list_rounds, read_lines

SCORES = "scores.jsonl"
_CHOSEN = "settled"
"""What commits have in their details that took sides of conflicts one by one: whoever did that saw both sides."""


def add_scores(workspace: Workspace, dataset: str, rows: Sequence[Mapping[str, Json]]) -> None:
    """Keep scores on the test split for ever: a line each, none of which is ever rewritten."""
    add_lines(workspace.rounds(dataset) / SCORES, rows)


def read_scores_kept(workspace: Workspace, dataset: str) -> list[dict[str, Json]]:
    """All scores on the test split that reports have kept, the oldest first."""
    return read_lines(workspace.rounds(dataset) / SCORES)


def count_looks(workspace: Workspace, dataset: str) -> int:
    """How often somebody has looked at the test split: each training that was judged on it, and each report."""
    trainings = sum(TEST in (run.result() or {}).get("splits", {}) for run in list_runs(workspace, dataset))
    return trainings + len({str(row.get("look")) for row in read_scores_kept(workspace, dataset)})


def is_frozen(workspace: Workspace, dataset: str) -> bool:
    """Whether labels of the test split are to be corrected blind alone: some model has said already what it thinks of them.

    That is so once a run was judged on the split, labels of the data set were compared with what a model says, or a round was sent.
    """
    judged = any(TEST in (run.result() or {}).get("splits", {}) for run in list_runs(workspace, dataset))
    return judged or (workspace.suspects(dataset) / "suspects.json").exists() or bool(list_rounds(workspace, dataset))


def edits_of_test(
    ledger: Ledger, since: int, rounds: Sequence[Round], blind: Collection[int]
) -> tuple[list[Correction], list[Correction]]:
    """What was corrected on images of the test split after a version: blind, and otherwise.

    Args:
        rounds: an image that one of them showed without labels was corrected blind by its commits, unless somebody chose what of
            the answers to take.
        blind: the versions that took blind answers; commits that say so themselves need not be among them.
    """
    hidden = {each.id: {sent.key for sent in each.images if sent.blind} for each in rounds}
    blind_edits: list[Correction] = []
    others: list[Correction] = []
    for version in range(since + 1, ledger.version() + 1):
        commit = ledger.commit_of(version)
        if not commit.counts:
            continue
        for before, after in changed_images(ledger, version):
            if before is None or after is None or before.split != TEST or before.state == "unlabelled":
                continue
            found, _ = find_corrections(before, after, commit.author, version)
            of_round = after.key in hidden.get(commit.round, ()) and _CHOSEN not in commit.details
            was_blind = version in blind or BLIND in commit.details or of_round
            (blind_edits if was_blind else others).extend(found)
    return blind_edits, others


def judge_edits(
    blind: Sequence[Correction], others: Sequence[Correction], run: Run, rows: pl.DataFrame, confidence: float
) -> Agreement:
    """How often edits agree with what a run says of the images, blind ones and others; those on other images do not count.

    Args:
        rows: what it predicted on test.
        confidence: a detector's boxes from this score on count.
    """
    known = {sample.key for sample in run.samples() if sample.split == TEST}
    agree = _agreeing_boxes(rows, confidence) if rows.schema == BOXES else _agreeing_labels(rows)
    counted = [[agree(each) for each in edits if each.key in known] for edits in (blind, others)]
    return compare_agreement(len(counted[0]), sum(counted[0]), len(counted[1]), sum(counted[1]))


def _agreeing_boxes(rows: pl.DataFrame, confidence: float) -> Callable[[Correction], bool]:
    found: Mapping[str, tuple[Box, ...]] = to_boxes(rows.filter(pl.col("score") >= confidence))

    def agrees(edit: Correction) -> bool:
        before, after = edit.boxes
        seen = found.get(edit.key, ())
        if after is None:
            return before is not None and not any(iou(box.corners, before.corners) >= ON for box in seen)
        near = [box for box in seen if iou(box.corners, after.corners) >= ON]
        if edit.kind == "location" and before is not None:
            return any(iou(box.corners, after.corners) > iou(box.corners, before.corners) for box in near)
        return any(box.label == after.label for box in near)

    return agrees


def _agreeing_labels(rows: pl.DataFrame) -> Callable[[Correction], bool]:
    said = dict(zip(rows["key"].to_list(), rows["label"].to_list(), strict=True))
    return lambda edit: said.get(edit.key) == edit.after


def shared_test(runs: Sequence[Run], old: Sequence[Sample], new: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The images of the test split that all runs predicted and none was trained on, with their old and their new labels.

    Both lists have the same images in the same order; images that nobody had labelled at one of the two
    versions are left out.
    """
    keys: set[tuple[str, str]] | None = None
    trained: set[str] = set()
    for run in runs:
        samples = run.samples()
        mine = {(sample.key, sample.sha256) for sample in samples if sample.split == TEST}
        keys = mine if keys is None else keys & mine
        trained |= {sample.key for sample in samples if sample.split != TEST}
    now = {sample.key: sample for sample in new if sample.state != "unlabelled"}
    pairs = [
        (replace(sample, split=TEST), replace(now[sample.key], split=TEST))
        for sample in old
        if (sample.key, sample.sha256) in (keys or ())
        and sample.key not in trained
        and sample.state != "unlabelled"
        and sample.key in now
        and now[sample.key].sha256 == sample.sha256
    ]
    return [before for before, _ in pairs], [after for _, after in pairs]
