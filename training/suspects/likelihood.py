"""How probable it is that a label is wrong, learned from mistakes that were planted into the data itself.

A model learns to tell planted mistakes from labels as they are. Most of those are right, some are not, and nobody
knows which: positive and unlabelled data. Of a planted kind k it gives the ratio of densities r_k(x) = p(x | k) / p(x | today),
which isotonic regression then sets right against the rows themselves; with the share of today's labels that are of kind k, a
label is wrong with the probability share_k * r_k(x). The share is at most what today's labels hold in every region where
planted mistakes lie, so it is the least of these quotients.

That is an upper end only. A class that the detector confuses looks like a wrong class, a label that it misses like a label
where nothing is, and nothing in the predictions tells them apart. A surely predicted object without a label is another
matter: for missing ones the upper end is taken as it is. For the others, which are taken to be about as frequent as each
other, see `_estimated`.

Reference: Elkan and Noto, Learning classifiers from only positive and unlabeled data, KDD 2008; Scott, A rate of
convergence for mixture proportion estimation, AISTATS 2015; Zadrozny and Elkan, Transforming classifier scores into
accurate multiclass probability estimates, KDD 2002 (isotonic regression).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from .features import Ids, Numbers
from .planting import Rows

_PARTS = 5
_MOST_ROWS = 6000
_LEAST_SHARE, _MOST_SHARE = 0.001, 0.2
_REGIONS = (0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
"""Where a share is read off: the parts of planted mistakes that lie there."""
_OWN_CLASS, _OWN_PLACE = 0.4, 0.7
"""How far the own upper end of wrong classes and places counts against the least of all kinds': 0 not at all, 1 alone.

Detectors confuse classes more often than they misplace what they find.
"""
_RAW = 0.2
"""How far the models' own log-odds count against those of isotonic regression, which knows no order within a step."""
_FURTHER = 2
"""So many right labels more than there are stand at the upper end: one that looks worst is not therefore surely wrong."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """Of each row of today (kind 0), in their order, the ratio of each planted kind's density to that of today's.

    `values` is (n, kinds); `counts`, (kinds,), says how many of today's rows are of each kind at most.
    """

    values: Numbers
    counts: Numbers


def find_ratios(rows: Rows, signs: Sequence[Sequence[int]], seed: int = 0) -> Ratios:
    """The ratios for the planted kinds 1 and so on, as many as `signs` has entries: the columns that matter most for each; no row is judged by a model that has learned from its image.

    Where there are fewer than 10 rows of today, or of a planted kind, nothing can be learned: all ratios are 0.
    """
    kinds = len(signs)
    today = np.flatnonzero(rows.kinds == 0)
    if any((rows.kinds == kind).sum() < 10 for kind in range(kinds + 1)):
        return Ratios(np.zeros((len(today), kinds)), np.zeros(kinds))
    values = _ratios(rows, signs, seed)
    counts = [_share(values[:, at], rows.kinds, at + 1) * len(today) for at in range(kinds)]
    right = np.column_stack([_calibrated(values[:, at], rows.kinds, at + 1) for at in range(kinds)])
    return Ratios(right[today], np.array(counts))


def probabilities(labels: Ratios, objects: Ratios) -> tuple[Numbers, Numbers]:
    """How probable it is that each of today's labels is of each planted kind, (n, kinds), and each object without a label a missing one, (m, 1)."""
    of_labels, of_objects = _estimated(labels.counts, objects.counts)
    return _probable(labels.values, of_labels), _probable(objects.values, of_objects)


def _estimated(labels: Numbers, objects: Numbers) -> tuple[Numbers, Numbers]:
    """How many of each kind there are, from the upper ends of their numbers.

    Missing ones: the upper end itself. A wrong class and a wrong place: between their own and the least of these three, as
    what is more is mostly the detector's error. Spurious ones: no more than those, since people name a thing wrongly, or
    draw it askew, more often than they draw what is not there.
    """
    if not (labels > 0).all():
        return labels, objects
    least = min(labels[0], labels[1], *objects[objects > 0])
    own = np.array([_OWN_CLASS, _OWN_PLACE])
    named = least ** (1 - own) * labels[:2] ** own
    return np.append(named, min(labels[2], *named)), objects


def _probable(ratios: Numbers, counts: Numbers) -> Numbers:
    parts = counts * ratios / max(len(ratios), 1)
    total = parts.sum(axis=1, keepdims=True)
    # Up to a half as it is; above 1 where the share is too much or few are known, and the order among the surest is kept.
    return parts / np.maximum(total, 1e-12) * (1.0 - np.exp(-total - total**2))


def _share(ratio: Numbers, kinds: Ids, kind: int) -> float:
    """The share of today's rows that are of a kind: the least that any region of planted ones allows."""
    planted, today = ratio[kinds == kind], ratio[kinds == 0]
    bounds: list[float] = []
    for region in _REGIONS:
        limit = float(np.quantile(planted, region))
        count = float((today >= limit).sum())
        # An upper end, as few are counted: without it the least of these would be that of an empty region.
        bounds.append((count + np.sqrt(count) + 1.0) / (float((planted >= limit).mean()) * len(today)))
    return float(np.clip(min(bounds), _LEAST_SHARE, _MOST_SHARE))


def _calibrated(ratio: Numbers, kinds: Ids, kind: int) -> Numbers:
    """The ratios of a kind, such that where they are r there are r times as many planted ones, in parts of all, as of today's."""
    isotonic: Any = import_module("sklearn.isotonic")
    today, planted = int((kinds == 0).sum()), int((kinds == kind).sum())
    raw: Numbers = np.log(ratio)
    seen = (kinds == 0) | (kinds == kind)
    where = np.pad(raw[seen], (0, _FURTHER), constant_values=float(raw[seen].max()) + 1.0)
    what = np.pad(kinds[seen] == kind, (0, _FURTHER))
    weight = np.where(what, 1.0 / planted, 1.0 / today)
    step: Any = isotonic.IsotonicRegression(out_of_bounds="clip").fit(where, what, sample_weight=weight)
    said = np.clip(np.asarray(step.predict(raw), np.float64), 1e-5, 1 - 1e-5)
    return np.exp((1 - _RAW) * np.log(said / (1 - said)) + _RAW * np.clip(raw, -11, 11))


def _ratios(rows: Rows, signs: Sequence[Sequence[int]], seed: int) -> Numbers:
    """Of all rows the ratio of each planted kind's density to that of today's, (n, kinds)."""
    kinds = len(signs)
    part = np.random.default_rng(seed).permutation(int(rows.images.max()) + 1)[rows.images] % _PARTS
    found = np.ones((len(rows.kinds), kinds))
    for number in range(_PARTS):
        learned, judged = part != number, part == number
        if not judged.any() or len(np.unique(rows.kinds[learned])) < kinds + 1:
            continue
        learned = _some(learned, rows.kinds, np.random.default_rng([seed, number]))
        mass = np.bincount(rows.kinds[learned], minlength=kinds + 1).astype(np.float64)
        odds = _mean_log_odds(rows.values[learned], rows.kinds[learned], rows.values[judged], signs, seed)
        found[judged] = np.exp(np.clip(odds, -12, 12)) * mass[0] / mass[1:]
    return found


def _some(learned: npt.NDArray[np.bool_], kinds: Ids, draw: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Of what may be learned from, 6,000 rows of each kind at most."""
    kept = np.zeros_like(learned)
    for kind in np.unique(kinds):
        there = np.flatnonzero(learned & (kinds == kind))
        kept[draw.permutation(there)[:_MOST_ROWS]] = True
    return kept


def _mean_log_odds(values: Numbers, kinds: Ids, judged: Numbers, signs: Sequence[Sequence[int]], seed: int) -> Numbers:
    """Log-odds of each planted kind against today's, (m, kinds): the mean of two models.

    One is straight and sees a few columns only: it says little wrong where little is known. The other, of trees, sees all.
    """
    # They have no types that a checker could use.
    ensemble: Any = import_module("sklearn.ensemble")
    linear_model: Any = import_module("sklearn.linear_model")
    threads: Any = import_module("threadpoolctl")

    center, spread = values.mean(axis=0), values.std(axis=0) + 1e-6
    learned, asked = (np.clip((each - center) / spread, -5, 5) for each in (values, judged))
    total = np.zeros((len(judged), len(signs)))
    # The threads of trees wait for each other by turning round: on a busy machine that took 80 s instead of 4.
    with threads.threadpool_limits(1):
        trees: Any = ensemble.HistGradientBoostingClassifier(
            max_iter=40, learning_rate=0.1, max_leaf_nodes=8, l2_regularization=5.0, early_stopping=False,
            min_samples_leaf=max(5, min(40, len(values) // 100)), random_state=seed,
        ).fit(values, kinds)  # fmt: skip
        said = np.log(np.clip(np.asarray(trees.predict_proba(judged), np.float64), 1e-6, None))
        for at, columns in enumerate(signs):
            straight: Any = linear_model.LogisticRegression(C=1.0, max_iter=200)
            two = (kinds == 0) | (kinds == at + 1)
            straight.fit(learned[two][:, list(columns)], kinds[two] == at + 1)
            total[:, at] = straight.decision_function(asked[:, list(columns)]) + said[:, at + 1] - said[:, 0]
    return total / 2
