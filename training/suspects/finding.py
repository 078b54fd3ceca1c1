"""Suspects of a data set: from the predictions of runs, or of folds, against the labels as they are now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from ...datasets.errors import LabelloopError
from ...datasets.ledger import Ledger
from ...datasets.schema import Box, Json, Sample
from ...datasets.versions import read_version
from ..detection_problem import ON, is_judged
from ..predictions import read_predictions
from ..runs import Run, result_of
from .confident_learning import level, wrong_probabilities
from .context import Contexts, with_factors
from .detector_scoring import LEAST, Candidate, score_labels
from .features import overlap
from .geometry import find_outliers
from .reasons import classifier_reason, detector_reason
from .suspect import Suspect, SuspectList, rank_of, seconds_for


@dataclass(frozen=True, slots=True)
class Judgement:
    """Predictions of one split of one run, and how that run knows these images: out-of-fold, held-out or in-sample."""

    run: Run
    seer: str
    samples: tuple[Sample, ...]
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A suspect before it is ranked."""

    candidate: Candidate
    today: str
    proposed_label: str
    evidence: tuple[str, ...]
    reason: Callable[[str, Sequence[str]], str]


def find_suspects(ledger: Ledger, runs: Sequence[Run], *, folds: int = 0, in_sample: bool = False) -> SuspectList:
    """The suspects of the last version, the best first.

    Each run judges images that it was not trained on (its test and val; of folds, the fold), by the labels as they are
    now. With several runs an image is judged by each, and the mean of their log-odds counts.

    Args:
        folds: the runs are those of so many folds, whose predictions count as one model's.
        in_sample: judge the images that a run was trained on too, where it predicted them; by themselves, and marked so.

    Raises:
        LabelloopError: runs of another data set or not done, or no predictions on any labelled image.
    """
    dataset = read_version(ledger)
    kind = _refuse_unusable(runs, ledger.folder.name)
    now = {sample.key: sample for sample in dataset.samples}
    judgements = [each for run in runs for each in _judgements(run, now, kind, folds=folds, in_sample=in_sample)]
    if not any(each.samples for each in judgements):
        raise LabelloopError(
            f"{', '.join(run.id for run in runs)}: no predictions on labelled images that the run was not trained on;"
            f" labelloop suspects {ledger.folder.name} --folds 3 predicts each image by a model that has not seen it"
        )
    contexts = Contexts(dataset.samples)
    by_seer: dict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for each in judgements:
        # Folds are one model in parts; two runs are two models, and what is in-sample is never mixed with the rest.
        by_seer[("folds" if folds else each.run.id, each.seer)].append(each)
    opinions: list[list[_Doubt]] = []
    for (_, seer), parts in by_seer.items():
        find = _detector_doubts if kind == "detector" else _classifier_doubts
        opinions.append(find(parts, seer, contexts))
    judged = {sample.key for each in judgements for sample in each.samples}
    seen = [{sample.key for each in parts for sample in each.samples} for parts in by_seer.values()]
    doubts = _agreed(opinions, seen)
    suspects = _ranked(doubts, [now[key] for key in sorted(judged)])
    labelled = sum(_is_labelled(sample, kind) for sample in dataset.samples)
    source: dict[str, Json] = {
        "kind": kind,
        "runs": [run.id for run in runs],
        "folds": folds,
        "in_sample": len({sample.key for each in judgements if each.seer == "in-sample" for sample in each.samples}),
        "images": len(judged),
        "images_without_predictions": labelled - len(judged),
    }
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return SuspectList(ledger.folder.name, ledger.version(), made, source, tuple(suspects))


def _refuse_unusable(runs: Sequence[Run], name: str) -> str:
    """What all runs are, detector or classifier.

    Raises:
        LabelloopError: none, of another data set, not done, or of both kinds.
    """
    for run in runs:
        if run.plan.dataset != name:
            raise LabelloopError(f"{run.id} must be a run of {name}, received one of {run.plan.dataset}")
        result_of(run)
        if run.plan.kind == "classifier" and run.plan.settings.get("from") == "boxes":
            raise LabelloopError(
                f"{run.id} has learned boxes cut out of images, and cannot judge labels: a detector judges boxes, and a"
                f" classifier of whole images their labels; labelloop suspects {name} --folds 3 trains such"
            )
    kinds = {run.plan.kind for run in runs}
    if len(kinds) != 1:
        raise LabelloopError(
            f"runs must be all detectors or all classifiers, received {' and '.join(sorted(kinds)) or 'none'}"
        )
    return kinds.pop()


def _judgements(run: Run, now: Mapping[str, Sample], kind: str, *, folds: int, in_sample: bool) -> list[Judgement]:
    found: list[Judgement] = []
    for split in run.plan.images:
        path = run.folder / "predictions" / f"{split}.parquet"
        if not split or not path.exists() or (folds and split != "test"):
            continue
        seer = "in-sample" if split == "train" else "out-of-fold" if folds else "held-out"
        if seer == "in-sample" and not in_sample:
            continue
        then = [sample for sample in run.samples() if sample.split == split]
        # A picture that was exchanged since is not the one that was predicted.
        same = [now[each.key] for each in then if each.key in now and now[each.key].sha256 == each.sha256]
        kept = tuple(sample for sample in same if _is_labelled(sample, kind))
        rows = read_predictions(run.folder / "predictions", split)
        if kind == "classifier":  # of a detector, no row says that nothing is found
            predicted = set(rows["key"].to_list())
            kept = tuple(sample for sample in kept if sample.key in predicted)
        found.append(Judgement(run, seer, kept, rows))
    return found


def _is_labelled(sample: Sample, kind: str) -> bool:
    return is_judged(sample) if kind == "detector" else sample.label is not None


def _detector_doubts(parts: Sequence[Judgement], seer: str, contexts: Contexts) -> list[_Doubt]:
    samples = [sample for each in parts for sample in each.samples]
    classes = sorted(
        {label for each in parts for label in each.run.plan.classes} | {b.label for s in samples for b in s.boxes}
    )
    doubts: list[_Doubt] = []
    by_key = {sample.key: sample for sample in samples}
    candidates = score_labels(samples, pl.concat([each.rows for each in parts]), classes)
    outliers = find_outliers(samples, classes)
    named = {(each.key, each.box.id) for each in candidates if each.box}
    # A label that no model doubts may still be another one than its folder's: it is asked about too.
    rest = [
        Candidate(s.key, "class", box, None, LEAST) for s in samples for box in s.boxes if (s.key, box.id) not in named
    ]
    for each in [*candidates, *rest]:
        label = each.box.label if each.box else ""
        against = [said for said in contexts.said(each.key, label) if label and said.factor != 1.0]
        probability = with_factors(each.probability, [said.factor for said in against])
        speaking = [said for said in against if said.factor > 2]
        model_says = (each.key, each.box.id if each.box else "") in named or each.box is None
        if probability < LEAST or not (model_says or speaking):
            continue
        proposed = each.proposed.label if each.proposed and each.kind != "spurious" else ""
        kind = (
            "class"
            if speaking and each.kind == "spurious" and speaking[0].label != label and not model_says
            else each.kind
        )
        each = replace(each, kind=kind, probability=probability)
        shape = outliers.get((each.key, each.box.id), "") if each.box else ""
        evidence = (
            *((seer,) if model_says else ()),
            *(said.evidence for said in speaking),
            *(["geometry"] if shape else []),
        )
        reasons = [*(said.reason for said in speaking), *([shape] if shape else [])]
        doubts.append(
            _Doubt(
                each, label, proposed or (speaking[0].label if speaking else ""), evidence,
                _detector_sentence(each, model_says, reasons, _has_twin(by_key[each.key], each.box)),
            )
        )  # fmt: skip
    return doubts


def _has_twin(sample: Sample, box: Box | None) -> bool:
    """Whether another label lies on the same place."""
    others = [other.corners for other in sample.boxes if box is not None and other.id != box.id]
    return (
        box is not None and bool(others) and bool((overlap(np.array([box.corners]), np.array(others))[0] >= ON).any())
    )


def _detector_sentence(
    each: Candidate, model_says: bool, more: Sequence[str], twin: bool
) -> Callable[[str, Sequence[str]], str]:
    def sentence(seer: str, further: Sequence[str]) -> str:
        if not model_says and each.box:
            return "; ".join([f"labelled {each.box.label}", *more, *further])
        return detector_reason(each.kind, each.box, each.proposed, seer, [*more, *further], twin=twin)

    return sentence


def _classifier_doubts(parts: Sequence[Judgement], seer: str, contexts: Contexts) -> list[_Doubt]:
    doubts: list[_Doubt] = []
    samples = {sample.key: sample for each in parts for sample in each.samples}
    classes = parts[0].run.plan.classes
    if any(each.run.plan.classes != classes for each in parts):
        raise LabelloopError("folds must have learned the same classes: too few images of a class; ask for fewer folds")
    by_run: dict[str, list[tuple[str, list[float]]]] = {}
    for each in parts:
        said = each.rows.select("key", "scores").iter_rows()
        mine = [row for row in said if row[0] in samples and samples[row[0]].label in classes]
        by_run.setdefault(each.run.id, []).extend(mine)
    rows = [row for mine in by_run.values() for row in mine]
    labels = np.array([classes.index(samples[key].label or "") for key, _ in rows], np.int64)
    scores = np.array([said for _, said in rows], np.float64).reshape(-1, len(classes))
    levelled, start = scores.copy(), 0
    for mine in by_run.values():  # each fold's model leans to other classes
        these = slice(start, start := start + len(mine))
        levelled[these] = level(labels[these], scores[these])
    wrong, other = wrong_probabilities(labels, levelled)
    for at, (key, _) in enumerate(rows):
        label, proposed = classes[int(labels[at])], classes[int(other[at])]
        against = contexts.said(key, label)
        speaking = [said for said in against if said.factor > 2]
        probability = with_factors(float(wrong[at]), [said.factor for said in against])
        score, own = float(scores[at, other[at]]), float(scores[at, labels[at]])
        model_says = bool(levelled[at, other[at]] > levelled[at, labels[at]])
        if probability < LEAST or not (model_says or speaking):
            continue
        doubts.append(
            _Doubt(
                Candidate(key, "image-label", None, None, probability), label, proposed if model_says else speaking[0].label,
                (*((seer,) if model_says else ()), *(said.evidence for said in speaking)),
                _classifier_sentence(label, proposed, score, own, model_says, [said.reason for said in speaking]),
            )
        )  # fmt: skip
    return doubts


def _classifier_sentence(
    label: str, proposed: str, score: float, own: float, model_says: bool, more: Sequence[str]
) -> Callable[[str, Sequence[str]], str]:
    def sentence(seer: str, further: Sequence[str]) -> str:
        return classifier_reason(label, proposed, score, own, seer, [*more, *further], leans=model_says)

    return sentence


def _agreed(opinions: Sequence[Sequence[_Doubt]], seen: Sequence[set[str]]) -> list[_Doubt]:
    """One doubt for each label or place: of several models the mean of the log-odds, and the words of the surest."""
    if len(opinions) == 1:
        return list(opinions[0])
    grouped: dict[str, list[tuple[_Doubt, int]]] = {}
    for number, doubts in enumerate(opinions):
        for doubt in doubts:
            candidate = doubt.candidate
            name = f"{candidate.key}\n{candidate.box.id if candidate.box else ''}\n{_place(grouped, candidate)}"
            grouped.setdefault(name, []).append((doubt, number))
    merged: list[_Doubt] = []
    for several in grouped.values():
        key = several[0][0].candidate.key
        models = sum(key in keys for keys in seen)
        best = max((doubt for doubt, _ in several), key=lambda doubt: doubt.candidate.probability)
        by_model = {number: doubt.candidate.probability for doubt, number in several}
        odds = [*map(_odds, by_model.values()), *[_odds(LEAST / 2)] * max(models - len(by_model), 0)]
        probability = float(1 / (1 + np.exp(-np.mean(odds))))
        apart = models > 1 and max(odds) - min(odds) > 2
        evidence = (*best.evidence, "runs disagree") if apart else best.evidence
        merged.append(replace(best, candidate=replace(best.candidate, probability=probability), evidence=evidence))
    return merged


def _place(grouped: Mapping[str, Sequence[tuple[_Doubt, int]]], candidate: Candidate) -> str:
    """What tells this place without a label from others on its image: the corners of the first that lay there."""
    if candidate.box is not None or candidate.proposed is None:
        return ""
    for several in grouped.values():
        other = several[0][0].candidate
        if other.key == candidate.key and other.box is None and other.proposed is not None:
            iou, _ = overlap(np.array([other.proposed.corners]), np.array([candidate.proposed.corners]))
            if iou[0, 0] >= ON:
                return str(other.proposed.corners)
    return str(candidate.proposed.corners)


def _odds(probability: float) -> float:
    kept = min(max(probability, 1e-4), 1 - 1e-4)
    return float(np.log(kept / (1 - kept)))


def _ranked(doubts: Sequence[_Doubt], judged: Sequence[Sample]) -> list[Suspect]:
    """The suspects, the best first.

    Mending one of a class's n labels moves its recall by 1/n, and the mean AP of C classes by 1/(nC), to first order; a
    wrong class counts for both classes.
    """
    counts = Counter(box.label for sample in judged for box in sample.boxes)
    counts.update(sample.label for sample in judged if sample.label is not None)
    classes = max(len(counts), 1)
    found: list[Suspect] = []
    for doubt in doubts:
        each = doubt.candidate
        touched = {doubt.today, doubt.proposed_label} - {""}
        worth = min(sum(1.0 / (classes * max(counts[label], 1)) for label in touched), 1.0)
        seconds = seconds_for(each.kind)
        disagree = ["other runs are less sure"] if "runs disagree" in doubt.evidence else []
        seer = next((name for name in doubt.evidence if name in ("out-of-fold", "held-out", "in-sample")), "held-out")
        box: Box | None = each.box
        found.append(
            Suspect(
                each.key, each.kind, box.id if box else "", doubt.today, each.proposed if each.kind != "spurious" else None,
                doubt.proposed_label, min(max(each.probability, 0.0), 1.0), worth, seconds,
                rank_of(each.probability, worth, seconds), doubt.reason(seer, disagree), doubt.evidence,
            )
        )  # fmt: skip
    return sorted(found, key=lambda suspect: (-suspect.rank, suspect.key, suspect.kind, suspect.box))
