"""Classifiers: trained by Keras from a version of a data set, in a run that says what it came from."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from ..datasets.errors import LabelloopError
from ..datasets.export import refuse_leaks
from ..datasets.ledger import Ledger
from ..datasets.reading import Progress as OnImage
from ..datasets.schema import Json, Sample
from ..datasets.splits import assign_splits
from ..datasets.versions import read_version, refuse_changed_images
from ..datasets.workspace import Workspace
from .classification_metrics import evaluate
from .classifier_process import Watch, train_in_process
from .classifier_settings import Request, suited
from .classifier_weights import find_weights
from .crops import SPLITS, Examples, Origin, choose_origin, find_examples
from .detector_settings import find_gpus
from .predictions import read_predictions
from .results import Scores, format_result
from .runs import Run, begin_run
from .trackers import choose_trackers, tracked
from .trainer_files import TRAINER, Progress, read_json

VAL_SHARE = 0.2
"""The part of train, by groups, that becomes val where a data set has none."""


def begin_classifier(workspace: Workspace, ledger: Ledger, request: Request, progress: OnImage | None = None) -> Run:
    """A new run, planned and not trained yet.

    Args:
        progress: called while the images' bytes are compared with what the ledger knows.

    Raises:
        LabelloopError: no split train, a leak between splits, fewer than two classes, images that are gone; or
            there are no such weights, settings or augmentation.
    """
    track = choose_trackers(request.track)
    version = ledger.version() if request.version is None else request.version
    dataset = read_version(ledger, version, where=request.where)
    name = ledger.folder.name
    reasons: dict[str, str] = {}
    if request.origin == "auto":
        origin, reasons["from"] = choose_origin(dataset.samples)
    else:
        origin = "boxes" if request.origin == "boxes" else "labels"
    samples = _with_val(dataset.samples, origin, name, request.seed, reasons)
    classes, found = _learnable(samples, origin, dataset.classes, name)
    keys = {example.image for example in found.found}
    used = [sample for sample in samples if sample.key in keys]
    if not request.allow_leak:
        refuse_leaks(used)
    refuse_changed_images(used, workspace.hashes, progress)
    wanted = request.weights or ("imagenet" if request.model != "small-cnn" else "none")
    weights = find_weights(request.model, wanted, workspace.cache / "weights")
    settings = suited(request, found.found, classes, origin, weights, reasons)
    splits = pl.DataFrame({"key": [each.key for each in used], "split": [each.split for each in used]})
    frame = ledger.frame(version, keys=sorted(keys)).update(splits, on="key")
    return begin_run(
        workspace, "classifier", name, version, frame,
        classes=classes, model=request.model, seed=request.seed,
        settings={**settings.values, "left_out": dict(found.left_out), "track": track},
        reasons=settings.reasons, hardware={"gpus": list(find_gpus())},
    )  # fmt: skip


def train_classifier(workspace: Workspace, run: Run, watch: Watch | None = None) -> Run:
    """The run, trained to its end, from wherever it was stopped.

    Stopping it by an exception raised in `watch` (or Ctrl-C) leaves a run that can be gone on with;
    so does killing this process, the trainer's, or both.

    Raises:
        LabelloopError: it is done, another process trains it, its images changed, or the trainer failed.
    """
    if run.plan.kind != "classifier":
        raise LabelloopError(f"{run.id} must be a classifier's run, received a {run.plan.kind}'s")
    with run.held():
        try:
            refuse_changed_images(run.samples(), workspace.hashes)
            train_in_process(run, watch)
            result = _result(run, watch)
        except LabelloopError as error:
            run.fail(str(error))
            raise
        run.finish(result)
    shutil.rmtree(run.folder / TRAINER, ignore_errors=True)
    (run.folder / "progress.json").unlink(missing_ok=True)
    return run


def _with_val(samples: Sequence[Sample], origin: Origin, name: str, seed: int, reasons: dict[str, str]) -> list[Sample]:
    """The samples; where none is in val, part of train, by groups, is now.

    Raises:
        LabelloopError: there is nothing to train on, or too little to part.
    """
    usable = [s for s in samples if s.split in SPLITS and (s.label is not None if origin == "labels" else s.boxes)]
    splits = {sample.split for sample in usable}
    if "train" not in splits:
        there = ", ".join(sorted(each for each in splits if each)) or "none"
        what = "a label of their own" if origin == "labels" else "boxes"
        raise LabelloopError(
            f"{name} must have images with {what} in the split train, received {there}: labelloop split {name}"
        )
    if "val" in splits:
        return list(samples)
    train = [sample for sample in usable if sample.split == "train"]
    group_of = {sample.key: sample.group or sample.key for sample in train}
    parted = assign_splits(train, group_of, {"train": 1 - VAL_SHARE, "val": VAL_SHARE}, seed=seed)
    count = sum(split == "val" for split in parted.split_of.values())
    if not 0 < count < len(train):
        raise LabelloopError(f"{name} has no split val, and train has too few groups to part: labelloop split {name}")
    reasons["val"] = (
        f"no image is in val, so {count} of {len(train)} images of train are, by groups; they are not trained on"
    )
    return [replace(sample, split=parted.split_of.get(sample.key, sample.split)) for sample in samples]


def _learnable(
    samples: Sequence[Sample], origin: Origin, declared: Sequence[str], name: str
) -> tuple[tuple[str, ...], Examples]:
    """The classes that train has examples of, in their declared order, and the examples of those.

    Raises:
        LabelloopError: fewer than two.
    """
    every = find_examples(samples, origin)
    counts = Counter(example.sample.label for example in every.found if example.sample.split == "train")
    classes = tuple(label for label in declared if counts[label])
    if len(classes) < 2:
        raise LabelloopError(
            f"a classifier needs examples of at least two classes in train, {name} has {', '.join(classes) or 'none'}"
        )
    return classes, find_examples(samples, origin, classes)


def _result(run: Run, watch: Watch | None) -> dict[str, Json]:
    outcome = read_json(run.folder / TRAINER / "outcome.json")
    if watch:
        watch(run, Progress("score"))
    origin: Origin = "boxes" if run.plan.settings["from"] == "boxes" else "labels"
    examples = find_examples(run.samples(), origin, run.plan.classes).found
    scores: dict[str, Scores] = {}
    for split in outcome["splits"]:
        rows = read_predictions(run.folder / "predictions", split)
        truth = [example.sample for example in examples if example.sample.split == split]
        scores[split] = evaluate(truth, rows, run.plan.classes)
    epochs = run.epochs()
    return format_result(
        scores,
        seconds=round(sum(float(str(row["seconds"])) for row in epochs), 3),
        epochs=len(epochs),
        tracking=tracked(run),
        **{key: outcome[key] for key in ("best_epoch", "unreadable", "computed_on", "precision", "batchnorm_layers",
                                         "weights_left", "parameters")},
    )  # fmt: skip
