"""The same training again: an old run's own settings on a new version of its data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ...datasets.augmentation import PRESETS
from ...datasets.errors import LabelloopError
from ...datasets.ledger import Ledger
from ...datasets.schema import Json
from ...datasets.workspace import Workspace
from .. import classifier, classifier_settings, detector
from ..runs import Run

_NO_SETTINGS = (
    "weights", "weights_sha256", "augmentation", "prediction", "where", "keep_data", "score_train", "left_out",
)  # fmt: skip
"""What a detector's run keeps among the settings and what is no setting of the trainer."""


def begin_again(workspace: Workspace, ledger: Ledger, old: Run, version: int, seed: int | None = None) -> Run:
    """A new run with the settings of an old one, on a version of the same data set; not trained yet.

    Every setting is that of the old run, also those that labelloop chose for the data as it was: else the two would
    differ in more than their labels. The weights that it starts from are found anew, and must be the same file.

    Args:
        seed: None takes the old run's.

    Raises:
        LabelloopError: weights or an augmentation that are not there any more, or a version that cannot be trained on.
    """
    if old.plan.kind == "detector":
        run = detector.begin_detector(workspace, ledger, detector_request(old, version, seed))
        _refuse_other_weights(old, run)
        return run
    return classifier.begin_classifier(workspace, ledger, classifier_request(old, version, seed))


def detector_request(old: Run, version: int, seed: int | None = None) -> detector.Request:
    """What to ask for to train as an old run was trained.

    Raises:
        LabelloopError: its augmentation was a file that is gone.
    """
    settings = old.plan.settings
    asked = {name: value for name, value in settings.items() if name not in _NO_SETTINGS}
    if seed is not None:
        asked["seed"] = seed
    said = settings.get("augmentation")
    name = str(cast("Mapping[str, Json]", said).get("name", "")) if isinstance(said, dict) else ""
    return detector.Request(
        old.plan.model, version, str(settings.get("where") or ""), asked, _augmentation(old, name),
        score_train=bool(settings.get("score_train")), keep_data=bool(settings.get("keep_data")),
    )  # fmt: skip


def classifier_request(old: Run, version: int, seed: int | None = None) -> classifier_settings.Request:
    """What to ask for to train a classifier as an old run was trained.

    Raises:
        LabelloopError: its augmentation was a file that is gone.
    """
    said = old.plan.settings

    def number(name: str) -> int | None:
        return int(str(said[name])) if said.get(name) is not None else None

    return classifier_settings.Request(
        old.plan.model, str(said.get("trainable") or ""), str(said.get("from") or "auto"), version,
        str(said.get("where") or ""), number("epochs") or 30, number("imgsz"), number("batch"), number("patience"),
        old.plan.seed if seed is None else seed, float(str(said["lr"])) if said.get("lr") else None,
        _augmentation(old, str(_name(said.get("augmentation", said.get("augment"))) or "light")),
        _weights(said), bool(said.get("deterministic")),
    )  # fmt: skip


def train_again(workspace: Workspace, run: Run, watch: detector.Watch | None = None) -> Run:
    """The run, trained to its end.

    Raises:
        LabelloopError: the trainer failed.
    """
    if run.plan.kind == "detector":
        return detector.train_detector(workspace, run, watch)
    return classifier.train_classifier(workspace, run, watch)


def _weights(said: Mapping[str, Json]) -> str:
    kind = str(said.get("weights_kind") or "")
    return kind if kind in ("", "imagenet", "none") else str(said.get("weights"))


def _augmentation(old: Run, name: str) -> str:
    if name in ("", "trainer"):
        return ""
    if name not in PRESETS and not Path(name).is_file():
        raise LabelloopError(
            f"{old.id} was trained with the augmentation {name}, which is not there any more: put the file back, or train"
            " by yourself and say --new RUN"
        )
    return name


def _name(said: Json) -> Json:
    return said.get("name") if isinstance(said, dict) else said


def _refuse_other_weights(old: Run, run: Run) -> None:
    digest, now = old.plan.settings.get("weights_sha256"), run.plan.settings.get("weights_sha256")
    if digest and now and digest != now:
        run.fail(f"{old.id} started from other weights of the name {old.plan.model}")
        raise LabelloopError(
            f"{old.plan.model} is another file than {old.id} started from, so {run.id} would differ in more than its labels"
        )
