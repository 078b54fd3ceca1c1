"""Labels of images that are probably wrong, by confident learning: the one door to cleanlab."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import numpy as np

from ...datasets.errors import LabelloopError
from .features import Ids, Numbers

_WRONG, _EVEN = 0.1, 4.0
"""Before anything is counted a tenth of the labels are taken to be wrong, and as many as each other class; that has the weight of so
many images for each pair of classes."""
_TURNS = 20
_KEPT = 2.0
"""So many images a class speak for what the model says by itself: with ten images of ten classes, counts say little."""


def wrong_probabilities(labels: Ids, scores: Numbers) -> tuple[Numbers, Ids]:
    """How probable it is that each label is wrong, in [0, 1], shape (n,), and the class that is the likeliest otherwise.

    Cleanlab counts which classes are labelled as which others where the model is sure of it. With that, Bayes's
    rule says how probable each class is behind a given label: p(true | x, given) ~ p(true | x) p(given | true).

    Args:
        labels: numbers of the classes, shape (n,).
        scores: of every class, shape (n, classes), of a model that has not learned these labels.

    Raises:
        LabelloopError: cleanlab is not installed.

    Reference: Northcutt, Jiang, Chuang, Confident Learning, JAIR 2021.
    """
    if not len(labels):
        return np.zeros(0), np.zeros(0, np.int64)
    given = _given_for_true(labels, scores)
    behind = scores * given[:, labels].T
    behind /= np.maximum(behind.sum(axis=1, keepdims=True), 1e-12)
    each = np.arange(len(labels))
    wrong = 1.0 - behind[each, labels]
    others = scores.copy()
    others[each, labels] = -1.0
    return np.clip(wrong, 0.0, 1.0), others.argmax(axis=1).astype(np.int64)


def level(labels: Ids, scores: Numbers) -> Numbers:
    """Scores of one model, shape (n, classes), such that it says each class about as often as images are labelled so.

    A model of few images leans to some classes, each fold's to others: their labels would look right, and those of all other classes
    wrong. Each class's scores are multiplied by one number, found by turns. The fewer images there are, the more is left as it was.

    Reference: Saerens, Latinne, Decaestecker, Adjusting the outputs of a classifier to new a priori probabilities, Neural
    Computation 2002.
    """
    count, classes = scores.shape
    if not count:
        return scores
    kept = _KEPT * classes
    wanted = (np.bincount(labels, minlength=classes) + kept * scores.mean(axis=0)) / (count + kept)
    factors = np.ones(classes)
    for _ in range(_TURNS):
        found = scores * factors
        found /= np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
        factors *= wanted / np.maximum(found.mean(axis=0), 1e-9)
    found = scores * factors
    return found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12)


def _given_for_true(labels: Ids, scores: Numbers) -> Numbers:
    """How often a class (row) is labelled as each (column); where few images were counted, about evenly as each other one.

    The counts hold what the model itself confuses, as well as what people do. With few images they would say mostly the former.
    """
    classes = scores.shape[1]
    try:
        count: Any = import_module("cleanlab.count")
    except ModuleNotFoundError as error:
        raise LabelloopError(f"suspects of a classifier need {error.name}: pip install 'labelloop[train]'") from error
    joint = np.full((classes, classes), _EVEN)
    np.fill_diagonal(joint, _EVEN * (classes - 1) * (1 - _WRONG) / _WRONG)
    present: Sequence[int] = sorted(set(cast("list[int]", labels.tolist())))
    if len(present) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            known: Any = count.compute_confident_joint(labels, scores)
        joint += np.asarray(known, np.float64)
    by_true = joint.T  # cleanlab has given labels in rows, true ones in columns
    return by_true / by_true.sum(axis=1, keepdims=True)
