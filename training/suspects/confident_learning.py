"""Labels of images that are probably wrong, by confident learning: the one door to cleanlab."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import numpy as np

from ...datasets.errors import LabelloopError
from .features import Ids, Numbers


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


def _given_for_true(labels: Ids, scores: Numbers) -> Numbers:
    """How often a class (row) is labelled as each (column); the diagonal alone where too little is known to tell."""
    classes = scores.shape[1]
    try:
        count: Any = import_module("cleanlab.count")
    except ModuleNotFoundError as error:
        raise LabelloopError(f"suspects of a classifier need {error.name}: pip install 'labelloop[train]'") from error
    # Half a label of each sort more than were counted: what was not seen is not impossible.
    joint = np.full((classes, classes), 0.5) + np.diag(np.full(classes, 4.0 * classes))
    present: Sequence[int] = sorted(set(cast("list[int]", labels.tolist())))
    if len(present) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            known: Any = count.compute_confident_joint(labels, scores)
        joint += np.asarray(known, np.float64)
    by_true = joint.T  # cleanlab has given labels in rows, true ones in columns
    return by_true / by_true.sum(axis=1, keepdims=True)
